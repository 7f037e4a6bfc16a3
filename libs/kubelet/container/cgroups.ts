// Adapter: cgroups of pods under cgroup v1 (cgroupfs driver); with cgroup v2 the engine is given the path all the same.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import type { Pod } from '@drydock/api/generated/types.ts';
import { podCgroup } from './resources.ts';

const base = '/sys/fs/cgroup';
const podFolders = ['/kubepods', '/kubepods/burstable', '/kubepods/besteffort'];

export class Cgroups {
  readonly #root: string;

  /** `root`: the cgroup below which `kubepods` is made, with a leading slash; `/` for none. */
  constructor(root: string) {
    this.#root = root === '/' ? '' : root;
  }

  /** Makes the pod's cgroup with its limits and gives its path, for the engine. */
  prepare(pod: Pod): string {
    const { path, shares, quota, memory } = podCgroup(pod);
    const whole = `${this.#root}${path}`;
    for (const controller of this.#controllers()) this.#make(controller, whole);
    set(`${base}/cpu${whole}/cpu.shares`, shares);
    if (quota > 0) set(`${base}/cpu${whole}/cpu.cfs_quota_us`, quota);
    if (memory > 0) set(`${base}/memory${whole}/memory.limit_in_bytes`, memory);
    return whole;
  }

  /** By uid alone: of a pod that is gone nobody can say which class it had. */
  remove(uid: string): void {
    for (const controller of this.#controllers())
      for (const folder of podFolders) removeTree(`${base}/${controller}${this.#root}${folder}/pod${uid}`);
  }

  #controllers(): string[] {
    if (existsSync(`${base}/cgroup.controllers`)) return [''];
    return readdirSync(base).filter((name) => existsSync(`${base}/${name}/cgroup.procs`));
  }

  #make(controller: string, path: string): void {
    let at = `${base}/${controller}`;
    for (const part of path.split('/').filter((each) => each !== '')) {
      const parent = at;
      at = `${at}/${part}`;
      if (existsSync(at)) continue;
      mkdirSync(at);
      // A new cpuset has no processors and no memory: nothing can be put into it before it has.
      for (const file of ['cpuset.cpus', 'cpuset.mems'])
        if (existsSync(`${at}/${file}`)) set(`${at}/${file}`, readFileSync(`${parent}/${file}`, 'utf8').trim());
    }
  }
}

function set(file: string, value: string | number): void {
  if (existsSync(file)) writeFileSync(file, String(value));
}

function removeTree(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(`${folder}/${entry.name}`);
  try {
    rmdirSync(folder);
  } catch {
    // Still in use: the next housekeeping finds it again.
  }
}
