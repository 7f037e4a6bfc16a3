// The same on this machine's own cgroups, whichever version it has.

import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { spawn } from '@drydock/foundation/child-process.ts';
import { expect, onTestFinished, test, vi } from 'vitest';
import { podWith } from '../volumes/testing/pods.ts';
import { hostCgroupFs } from './cgroup-fs.ts';
import { Cgroups } from './cgroups.ts';

vi.setConfig({ testTimeout: 120_000 });

const base = '/sys/fs/cgroup';
const isV2 = existsSync(`${base}/cgroup.controllers`);
const root = `/drydock-test-${process.pid}`;

function hierarchies(): string[] {
  if (isV2) return [base];
  try {
    return readdirSync(base)
      .map((name) => `${base}/${name}`)
      .filter((path) => existsSync(`${path}/cgroup.procs`));
  } catch {
    return [];
  }
}

/** A cgroup of its own, ready for a kubelet, in every hierarchy. */
function makeRoot(): void {
  for (const hierarchy of hierarchies()) {
    mkdirSync(`${hierarchy}${root}`);
    for (const file of ['cpuset.cpus', 'cpuset.mems'])
      if (!isV2 && existsSync(`${hierarchy}${root}/${file}`))
        writeFileSync(`${hierarchy}${root}/${file}`, readFileSync(`${hierarchy}/${file}`));
  }
  if (isV2) writeFileSync(`${base}/cgroup.subtree_control`, '+cpu +memory');
}

function removeRoot(): void {
  for (const hierarchy of hierarchies())
    for (const folder of ['/kubepods/burstable', '/kubepods/besteffort', '/kubepods', ''])
      if (existsSync(`${hierarchy}${root}${folder}`)) rmdirSync(`${hierarchy}${root}${folder}`);
}

function mayMake(): boolean {
  if (process.getuid?.() !== 0 || hierarchies().length === 0) return false;
  try {
    makeRoot();
    return true;
  } catch {
    return false;
  } finally {
    removeRoot();
  }
}

test.skipIf(!mayMake())('made, changed, and removed with what runs in it (needs root and cgroups)', async () => {
  makeRoot();
  onTestFinished(removeRoot);
  const pods = [podWith({ containers: [{ name: 'c', resources: { requests: { cpu: '100m' }, limits: { memory: '64Mi' } } }] })];
  const fs = hostCgroupFs(base, (pid) => process.kill(pid, 'SIGKILL'));
  const cgroups = new Cgroups({ fs, root, node: { cpuMilli: 1000, memoryBytes: 512 * 1024 * 1024 }, pods: () => pods });
  const [pod] = pods;
  if (pod === undefined) throw new Error('no pod');
  const path = await cgroups.prepare(pod);
  const read = (v1: string, v2: string, at = path) =>
    readFileSync(isV2 ? `${base}${at}/${v2}` : `${base}/${v1.split('.')[0]}${at}/${v1}`, 'utf8').trim();
  expect(read('cpu.shares', 'cpu.weight')).toBe(isV2 ? '4' : '102');
  expect(read('memory.limit_in_bytes', 'memory.max')).toBe(`${64 * 1024 * 1024}`);
  expect(read('cpu.shares', 'cpu.weight', `${root}/kubepods/besteffort`)).toBe(isV2 ? '1' : '2');
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  for (const hierarchy of hierarchies()) {
    mkdirSync(`${hierarchy}${path}/inner`);
    if (existsSync(`${hierarchy}${path}/inner/cpuset.cpus`))
      for (const file of ['cpuset.cpus', 'cpuset.mems'])
        writeFileSync(`${hierarchy}${path}/inner/${file}`, readFileSync(`${hierarchy}${path}/${file}`));
    writeFileSync(`${hierarchy}${path}/inner/cgroup.procs`, `${child.pid}`);
  }
  await expect(cgroups.remove(pod.metadata?.uid ?? '')).rejects.toThrow('1 processes killed in it');
  expect((await ended)[1]).toBe('SIGKILL');
  // The kernel takes its time to see the dead out.
  await vi.waitFor(() => cgroups.remove(pod.metadata?.uid ?? ''), { timeout: 60_000 });
  expect(await cgroups.pods()).toEqual([]);
});
