// Adapter: the cgroups of a lab. Processes of a member (with shims and whatever they fork) stay in its cgroup, and so are
// found and killed completely, whatever became of their records.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = '/sys/fs/cgroup';

/** 2 where only the unified hierarchy is mounted, as systemd does today; 1 for hybrid and legacy layouts. */
export function cgroupVersion(): 1 | 2 {
  return existsSync(join(root, 'cgroup.controllers')) ? 2 : 1;
}

/** Mount points of all hierarchies. */
function hierarchies(): string[] {
  if (cgroupVersion() === 2) return [root];
  try {
    return readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && existsSync(join(root, entry.name, 'cgroup.procs')))
      .map((entry) => join(root, entry.name));
  } catch {
    return [];
  }
}

/** The hierarchy that the lab's own processes are put into: one is enough to find them again. */
export function trackingHierarchy(): string | undefined {
  if (cgroupVersion() === 2) return root;
  return ['pids', 'freezer', 'systemd'].map((name) => join(root, name)).find((path) => existsSync(join(path, 'cgroup.procs')));
}

/** Makes the cgroup for a member's own processes; returns the file to write a pid into, or undefined without cgroups. */
export function makeSystemCgroup(cgroup: string): string | undefined {
  const hierarchy = trackingHierarchy();
  if (hierarchy === undefined) return undefined;
  const path = join(hierarchy, cgroup);
  mkdirSync(path, { recursive: true });
  return join(path, 'cgroup.procs');
}

/** Makes the cgroup for a worker's pods in every hierarchy, ready for a kubelet. */
export function makePodCgroup(cgroup: string): void {
  for (const hierarchy of hierarchies()) {
    const path = join(hierarchy, cgroup);
    mkdirSync(path, { recursive: true });
    if (cgroupVersion() === 2) delegate(hierarchy, cgroup);
    else if (existsSync(join(hierarchy, 'cpuset.cpus'))) fillCpuset(hierarchy, cgroup);
  }
}

/** A new v1 cpuset is empty and takes no process until it is filled, level by level. */
function fillCpuset(hierarchy: string, cgroup: string): void {
  let path = hierarchy;
  for (const part of cgroup.split('/').filter((name) => name !== '')) {
    const child = join(path, part);
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      if (readFileSync(join(child, file), 'utf8').trim() === '')
        writeFileSync(join(child, file), readFileSync(join(path, file)));
    }
    path = child;
  }
}

/** On v2 a controller must be switched on level by level. */
function delegate(hierarchy: string, cgroup: string): void {
  let path = hierarchy;
  for (const part of cgroup.split('/').filter((name) => name !== '')) {
    for (const controller of readFileSync(join(path, 'cgroup.controllers'), 'utf8').trim().split(' ')) {
      try {
        writeFileSync(join(path, 'cgroup.subtree_control'), `+${controller}`);
      } catch {
        // A controller that may not be delegated here is one that the pods go without.
      }
    }
    path = join(path, part);
  }
}

/** Pids of all processes in `cgroup` and below, in any hierarchy. */
export function processesIn(cgroup: string): number[] {
  const pids = new Set<number>();
  for (const hierarchy of hierarchies()) {
    for (const folder of descend(join(hierarchy, cgroup))) {
      try {
        for (const line of readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n'))
          if (line !== '' && line !== '0') pids.add(Number(line));
      } catch {
        // Gone meanwhile, and its processes with it.
      }
    }
  }
  return [...pids];
}

/** Removes `cgroup` and everything below from every hierarchy, and the folder above it where that is empty then. Returns what could not be removed. */
export function removeCgroup(cgroup: string): string[] {
  const left: string[] = [];
  const parent = dirname(cgroup);
  for (const hierarchy of hierarchies()) {
    for (const folder of descend(join(hierarchy, cgroup)).reverse()) {
      try {
        rmdirSync(folder);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') left.push(folder);
      }
    }
    // The folder of all labs goes with the last of them.
    if (parent !== '/') tryRemove(join(hierarchy, parent));
  }
  return left;
}

function tryRemove(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Not there, or another lab is in it.
  }
}

/** Folders of `cgroup` that exist, in every hierarchy. */
export function cgroupFolders(cgroup: string): string[] {
  return hierarchies().flatMap((hierarchy) => descend(join(hierarchy, cgroup)));
}

/** Whether a limit of resources may be raised; see containerdConfig. */
export function mayRaiseLimits(): boolean {
  const capSysResource = 24n;
  try {
    const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
    return ((BigInt(`0x${line?.[1] ?? '0'}`) >> capSysResource) & 1n) === 1n;
  } catch {
    return false;
  }
}

function descend(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const found = [folder];
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true }))
      if (entry.isDirectory()) found.push(...descend(join(folder, entry.name)));
  } catch {
    // Gone meanwhile.
  }
  return found;
}
