// Takes a lab away, completely, and proves it. What goes is what the lab's record says it made, and processes that carry the
// mark of its folder: a lost or damaged state file leaves nothing behind, and nothing of anybody else goes.
import { lstatSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isMountPoint, mountPointsBelow } from '@drydock/foundation/mount-table.ts';
import { removeTree } from '@drydock/foundation/remove-tree.ts';
import { LabError, messageOf } from './errors.ts';
import type { LabContext } from './lab-context.ts';
import { cgroupFolders, processesIn, removeCgroup } from './machine/cgroups.ts';
import { hostAbilities, ownPid } from './machine/facts.ts';
import { removeIfEmpty } from './machine/folders.ts';
import { giveBackHost } from './machine/host-settings.ts';
import { unmountBelow } from './machine/mounts.ts';
import { networkRemains, removeNetwork } from './machine/network.ts';
import { identify, type ProcessId, processesWithEnv, signalRecorded, viewRecorded } from './machine/proc.ts';
import { dropRecord, withRegistry } from './machine/registry.ts';
import { labVariable } from './machine/spawn.ts';
import { readState } from './machine/state-file.ts';
import { type LabRecord, labEntries, markerName } from './owner.ts';
import type { LabState } from './state.ts';

export interface DownReport {
  readonly processes: number;
  readonly mounts: number;
  /** Entries of the lab's folder that the lab did not make; they stay. */
  readonly kept: readonly string[];
}

/** How long processes have to vanish after SIGKILL. */
const killMs = 10_000;
const pollMs = 20;

/** Folder with links to the log files of containers, which a kubelet makes on the host. */
const containerLogLinks = '/var/log/containers';

/**
 * Removes the lab that `record` describes. Unless `marked`, its folder is no longer known to be the lab's and is left alone.
 * Throws LabError `conflict`, with nothing changed, where something of others is mounted in it, and `left-behind` with a list
 * where something could not be removed.
 */
export async function takeDown(
  context: LabContext,
  record: LabRecord,
  marked: boolean,
  say: (line: string) => void,
): Promise<DownReport> {
  refuseForeignMounts(record, marked);
  const state = marked ? readStateLoosely(record) : undefined;
  const find = () => findProcesses(record, state);
  const first = find();
  if (first.length > 0) say(`stopping ${first.length} processes`);
  await killAll(context, find);

  const folders = [...(marked ? [join(record.dir, 'workers')] : []), record.run];
  const mounts = folders.flatMap(mountPointsBelow).length;
  const { isRoot, isLinux } = hostAbilities();
  const cgroup = cgroupOf(record);
  const problems: string[] = [];
  if (isRoot && isLinux) {
    await unmountBelow(folders);
    if (record.host !== undefined) await removeNetwork(record.host);
    if (cgroup !== undefined) await until(context, () => removeCgroup(cgroup).length === 0, killMs);
    removeContainerLogLinks(record.dir);
  }
  // A process that is left may still write: what it has must be known tomorrow.
  if (find().length === 0) {
    const entries = marked ? labEntries.map((entry) => join(record.dir, entry)) : [];
    for (const path of [record.run, ...entries])
      await removeTree(path).catch((error: unknown) => problems.push(messageOf(error)));
  }
  const left = [
    ...problems,
    ...find().map((id) => `process ${id.pid}`),
    ...(record.host === undefined ? [] : await networkRemains(record.host)),
    ...(cgroup === undefined ? [] : cgroupFolders(cgroup).map((path) => `cgroup ${path}`)),
  ];
  if (left.length > 0) throw new LabError('left-behind', `could not remove:\n${left.map((line) => `  ${line}`).join('\n')}`);
  const kept = await forget(context, record, marked);
  return { processes: first.length, mounts, kept };
}

/** Ends processes that carry the mark of a folder of which no record is left; returns how many there were. */
export async function endStrays(context: LabContext, dir: string): Promise<number> {
  const find = () => marked(dir);
  const first = find();
  await killAll(context, find);
  const left = find();
  if (left.length > 0) throw new LabError('left-behind', `could not end: ${left.map((id) => id.pid).join(', ')}`);
  return first.length;
}

/** The lab's records, its folder where that is empty now, and what the last lab gives back. Returns what stays in the folder. */
async function forget(context: LabContext, record: LabRecord, marked: boolean): Promise<string[]> {
  return withRegistry(context.registry, context.clock, 'down', async () => {
    dropRecord(context.registry, record);
    giveBackHost(context.registry);
    removeIfEmpty(dirname(record.run));
    if (!marked) return [];
    rmSync(join(record.dir, markerName), { force: true });
    rmSync(join(record.dir, `${markerName}.tmp`), { force: true });
    rmSync(join(record.dir, 'lock'), { force: true });
    const kept = readdirSync(record.dir).sort();
    if (record.madeDir && !isMountPoint(record.dir)) {
      removeIfEmpty(record.dir);
      if (dirname(record.dir) === join(record.repo, '.drydock')) removeIfEmpty(dirname(record.dir));
    }
    return kept;
  });
}

/** Mounts outside the folders in which the lab's own programs mount are the user's, as a disk that was put under a member. */
function refuseForeignMounts(record: LabRecord, marked: boolean): void {
  if (!marked) return;
  const own = `${join(record.dir, 'workers')}/`;
  const foreign = mountPointsBelow(record.dir).filter((path) => !path.startsWith(own));
  if (foreign.length > 0)
    throw new LabError('conflict', `${foreign.join(', ')}: mounted there, and not by the lab: unmount it first`);
  for (const path of [record.dir, record.run])
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true)
      throw new LabError('conflict', `${path} is a link, and was a folder when the lab was made: remove it by hand`);
}

/** Nothing needs an orderly end, since its data goes too. Swept until empty: a dying shim may still be starting something. */
async function killAll(context: LabContext, find: () => ProcessId[]): Promise<void> {
  await until(
    context,
    () => {
      const left = find();
      for (const id of left) signalRecorded(id, 'SIGKILL');
      return left.length === 0;
    },
    killMs,
  );
}

/** Where the lab's processes are, as root and with namespaces; the name is this lab's alone while it has namespaces. */
function cgroupOf(record: LabRecord): string | undefined {
  return record.host === undefined ? undefined : `/drydock/${record.name}`;
}

/** Recorded processes, everything in the lab's cgroups, and everything that carries the lab's mark: each once, never a recycled pid. */
function findProcesses(record: LabRecord, state: LabState | undefined): ProcessId[] {
  const found = new Map<number, ProcessId>();
  for (const id of Object.values(state?.processes ?? {})) if (viewRecorded(id) !== undefined) found.set(id.pid, id);
  const cgroup = cgroupOf(record);
  for (const pid of cgroup === undefined ? [] : processesIn(cgroup)) {
    const id = identify(pid);
    if (id !== undefined && pid !== ownPid) found.set(pid, id);
  }
  for (const id of marked(record.dir)) found.set(id.pid, id);
  return [...found.values()];
}

function marked(dir: string): ProcessId[] {
  return processesWithEnv(labVariable, dir).flatMap((pid) => identify(pid) ?? []);
}

/** The state, where it is this lab's and can be read. */
function readStateLoosely(record: LabRecord): LabState | undefined {
  try {
    const state = readState(record.dir);
    return state?.paths.dir === record.dir ? state : undefined;
  } catch (error) {
    if (error instanceof LabError) return undefined;
    throw error;
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
