// Everything of the store is lost, machines and disks; a snapshot brings the cluster back.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { drydock, until } from './lab.ts';

const folder = mkdtempSync(join(tmpdir(), 'drydock-restore-'));
const dir = join(folder, 'lab');
const flags = ['--name', 'restore', '--dir', dir];
/** Below the range from which the kernel gives out ports to clients, and apart from the other lab on loopback. */
const portBase = '25000';
const small = ['--workers', '1', '--apiservers', '1', '--schedulers', '1', '--controller-managers', '1'];
const store = ['etcd-1', 'etcd-2', 'etcd-3'];

describe('a lab restored from a snapshot', () => {
  const run = async (...args: string[]) => {
    const result = await drydock(...args);
    expect(result.exitCode, result.all).toBe(0);
    return result.all;
  };
  const kubectl = async (...args: string[]) =>
    (await execa('kubectl', ['--kubeconfig', join(dir, 'admin.kubeconfig'), ...args], { stdin: 'ignore' })).stdout;
  const uids = async (kind: string) =>
    (await kubectl('get', kind, '-o', 'jsonpath={.items[*].metadata.uid}')).split(' ').sort();
  const revision = async () => Number(JSON.parse(await kubectl('get', '--raw', '/api/v1/pods')).metadata.resourceVersion);

  beforeAll(async () => {
    await run('up', ...flags, '--network=loopback', '--engine=hollow', '--port-base', portBase, '--profile', 'fast', ...small);
  });
  afterAll(async () => {
    const down = await drydock('down', ...flags);
    rmSync(folder, { recursive: true, force: true });
    expect(down.exitCode, down.all).toBe(0);
  });

  test('has the objects of the snapshot, and goes on from there', async () => {
    await kubectl('create', 'deployment', 'kept', '--image=anything', '--replicas=2');
    await kubectl('rollout', 'status', 'deployment/kept', '--timeout=60s');
    const file = join(folder, 'snapshot.db');
    await run('snapshot', 'save', ...flags, file);
    const [deployments, pods] = [await uids('deployments'), await uids('pods')];
    await kubectl('create', 'deployment', 'lost', '--image=anything');
    await kubectl('scale', 'deployment/kept', '--replicas=5');
    await kubectl('rollout', 'status', 'deployment/kept', '--timeout=60s');
    const before = await revision();

    const refused = await drydock('snapshot', 'restore', ...flags, file);
    expect(refused.exitCode).toBe(1);
    expect(refused.all).toContain('say --force');
    const damaged = join(folder, 'damaged.db');
    writeFileSync(damaged, 'not a snapshot');
    await run('kill', ...flags, ...store);
    const unusable = await drydock('snapshot', 'restore', ...flags, damaged);
    expect(unusable.exitCode).toBe(1);
    expect(unusable.all).toContain('invalid database');
    expect(existsSync(join(dir, 'data', 'etcd-1'))).toBe(true);
    for (const name of store) rmSync(join(dir, 'data', name), { recursive: true });

    await run('snapshot', 'restore', ...flags, file);
    expect(await uids('deployments')).toEqual(deployments);
    // The kubelet and the controllers had pods that have never been.
    await until('the pods of the snapshot run', async () => {
      const { items } = JSON.parse(await kubectl('get', 'pods', '-o', 'json'));
      const ready = items.filter((pod: { status: { phase: string } }) => pod.status.phase === 'Running');
      return ready.length === 2 && (await uids('pods')).join() === pods.join();
    });
    expect(await revision()).toBeGreaterThan(before);
    await kubectl('scale', 'deployment/kept', '--replicas=3');
    await kubectl('rollout', 'status', 'deployment/kept', '--timeout=60s');
    expect(await kubectl('get', 'nodes', '--no-headers')).toMatch(/ Ready /);

    // Once more, over a store that runs: revisions go on beyond those of the first time.
    const afterFirst = await revision();
    await run('snapshot', 'restore', ...flags, '--force', file);
    await until('two pods again', async () => (await uids('pods')).join() === pods.join());
    expect(await revision()).toBeGreaterThan(afterFirst);
  });
});
