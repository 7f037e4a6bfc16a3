// Takes a lab away, completely, and proves it. Works from names alone: a lost or damaged state file leaves nothing behind.
import { existsSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { mountPointsBelow } from '@drydock/foundation/mount-table.ts';
import { LabError } from './errors.ts';
import type { LabContext } from './lab-context.ts';
import { cgroupFolders, processesIn, removeCgroup } from './machine/cgroups.ts';
import { hostAbilities, ownPid } from './machine/facts.ts';
import { unmountBelow } from './machine/mounts.ts';
import { networkRemains, removeNetwork, restoreHostForwarding } from './machine/network.ts';
import { identify, type ProcessId, processesWithEnv, signalRecorded, viewRecorded } from './machine/proc.ts';
import { labVariable } from './machine/spawn.ts';
import { readState } from './machine/state-file.ts';
import type { LabState } from './state.ts';

export interface DownReport {
  readonly processes: number;
  readonly mounts: number;
}

/** How long processes have to vanish after SIGKILL. */
const killMs = 10_000;
const pollMs = 20;

/** Folder with links to the log files of containers, which a kubelet makes on the host. */
const containerLogLinks = '/var/log/containers';

/** Removes the lab called `name`. Throws LabError `left-behind` with a list where something could not be removed. */
export async function takeDown(context: LabContext, name: string, say: (line: string) => void): Promise<DownReport> {
  const state = readStateLoosely(context.paths.dir);
  const cgroup = `/drydock/${name}`;
  const { isRoot, isLinux } = hostAbilities();
  const root = isRoot && isLinux;
  const find = () => findProcesses(context, state, cgroup);
  const first = find();
  if (first.length > 0) say(`stopping ${first.length} processes`);
  // Nothing needs an orderly end, since its data goes too. Swept until empty: a dying shim may still be starting something.
  await until(
    context,
    () => {
      const left = find();
      for (const id of left) signalRecorded(id, 'SIGKILL');
      return left.length === 0;
    },
    killMs,
  );

  const folders = [context.paths.dir, context.paths.run];
  const mounts = folders.flatMap(mountPointsBelow).length;
  if (root) {
    await unmountBelow(folders);
    await removeNetwork(name);
    if (state?.hostForwardBefore !== undefined && !otherLabs()) restoreHostForwarding(state.hostForwardBefore);
    await until(context, () => removeCgroup(cgroup).length === 0, killMs);
    removeContainerLogLinks(context.paths.dir);
  }
  rmSync(context.paths.run, { recursive: true, force: true });
  rmSync(context.paths.dir, { recursive: true, force: true });
  const left = [
    ...find().map((id) => `process ${id.pid}`),
    ...(root ? await networkRemains(name) : []),
    ...folders.flatMap(mountPointsBelow).map((path) => `mount ${path}`),
    ...cgroupFolders(cgroup).map((path) => `cgroup ${path}`),
    ...folders.filter((folder) => existsSync(folder)).map((folder) => `folder ${folder}`),
  ];
  if (left.length > 0) throw new LabError('left-behind', `could not remove:\n${left.map((line) => `  ${line}`).join('\n')}`);
  return { processes: first.length, mounts };
}

/** Recorded processes, everything in the lab's cgroups, and everything that carries the lab's mark: each once, never a recycled pid. */
function findProcesses(context: LabContext, state: LabState | undefined, cgroup: string): ProcessId[] {
  const found = new Map<number, ProcessId>();
  for (const id of recorded(state)) if (viewRecorded(id) !== undefined) found.set(id.pid, id);
  for (const pid of [...processesIn(cgroup), ...processesWithEnv(labVariable, context.paths.dir)]) {
    const id = identify(pid);
    if (id !== undefined && pid !== ownPid) found.set(pid, id);
  }
  return [...found.values()];
}

function recorded(state: LabState | undefined): ProcessId[] {
  return Object.values(state?.processes ?? {});
}

function readStateLoosely(dir: string): LabState | undefined {
  try {
    return readState(dir);
  } catch (error) {
    if (error instanceof LabError) return undefined;
    throw error;
  }
}

/** Whether another lab on this machine still needs the host to forward. */
function otherLabs(): boolean {
  try {
    return readdirSync('/var/run/netns').some((name) => name.startsWith('dd-') && name.endsWith('-fabric'));
  } catch {
    return false;
  }
}

function removeContainerLogLinks(dir: string): void {
  let names: string[];
  try {
    names = readdirSync(containerLogLinks);
  } catch {
    return;
  }
  for (const name of names) {
    const link = join(containerLogLinks, name);
    try {
      if (readlinkSync(link).startsWith(`${dir}/`)) rmSync(link);
    } catch {
      // Not a link, or gone.
    }
  }
}

async function until(context: LabContext, condition: () => boolean, timeoutMs: number): Promise<void> {
  for (let waited = 0; !condition() && waited < timeoutMs; waited += pollMs) {
    await context.clock.sleep(pollMs);
  }
}
