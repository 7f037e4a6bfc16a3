// Adapter: the records of labs: one in each lab's folder, and a list of all in /run/drydock (root), from which any checkout
// learns what others have. Who is not root has a list of their own: their labs use no names that are one for the machine.
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '@drydock/foundation/clock.ts';
import { LabError } from '../errors.ts';
import { namespacesOf } from '../net/fabric-script.ts';
import { hostLinkOf, hostTable } from '../net/host-names.ts';
import { type FolderFacts, type HostThings, type LabRecord, markerName, parseRecord, runName } from '../owner.ts';
import { layOut, type Topology } from '../topology.ts';
import { ownUser } from './facts.ts';
import { makeFolder, removeIfEmpty } from './folders.ts';
import { lockLab, readState } from './state-file.ts';

/** A lab's name never begins with a dot: no run folder is called so. */
const listName = '.labs';
const hostName = '.host.json';
const othersMayRead = 0o755;
const lockPatienceMs = 10_000;
const lockPollMs = 20;

/** Settings of the host as they were before the first lab changed them; written by it, used up by the last. */
export interface HostBefore {
  readonly ipForward: string;
}

/** All records in the list; what cannot be read is no record. */
export function listRecords(registry: string): LabRecord[] {
  if (!isTrusted(registry)) return [];
  const folder = join(registry, listName);
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    try {
      const record = parseRecord(readFileSync(join(folder, name), 'utf8'));
      return name === fileOf(record) ? [record] : [];
    } catch {
      return [];
    }
  });
}

/** What is at a lab's folder. Throws LabError where it cannot be looked at. */
export function lookAt(dir: string): FolderFacts {
  let names: string[];
  try {
    if (!lstatSync(dir).isDirectory()) return { folder: 'not a folder', marker: undefined };
    names = readdirSync(dir);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { folder: 'missing', marker: undefined };
    if (code === 'ENOTDIR') return { folder: 'not a folder', marker: undefined };
    throw new LabError('config', `cannot read ${dir}: ${code}`);
  }
  const folder = names.length === 0 ? 'empty' : 'used';
  if (!names.includes(markerName)) return { folder, marker: names.includes('state.json') ? recordOfState(dir) : undefined };
  try {
    return { folder, marker: parseRecord(readFileSync(join(dir, markerName), 'utf8')) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES')
      throw new LabError('config', `cannot read ${join(dir, markerName)}: EACCES`);
    return { folder, marker: 'damaged' };
  }
}

/** The record of a lab that was made before there were records: its state says the same. */
function recordOfState(dir: string): LabRecord | undefined {
  try {
    const state = readState(dir);
    if (state === undefined || state.paths.dir !== dir) return undefined;
    const { config, paths } = state;
    const { network, name, fabricCidr, clusterCidr, portBase } = config;
    const netns = network === 'netns';
    const record: LabRecord = {
      version: 1,
      id: createHash('sha256').update(dir).digest('hex').slice(0, 16),
      name,
      ...paths,
      user: lstatSync(dir).uid,
      network,
      madeDir: true,
      host: netns ? hostThingsOf(layOut(config, paths)) : undefined,
      ranges: netns ? [fabricCidr, clusterCidr] : [],
      portBase: netns ? undefined : portBase,
    };
    return parseRecord(JSON.stringify(record));
  } catch {
    return undefined;
  }
}

/** What a lab makes on the host. */
export function hostThingsOf(topology: Topology): HostThings {
  const { name } = topology.config;
  return { namespaces: namespacesOf(topology), link: hostLinkOf(name), table: hostTable(name) };
}

/** Writes the record into the list, then into the lab's folder, which must exist. */
export function writeRecord(registry: string, record: LabRecord): void {
  const text = `${JSON.stringify(record, null, 1)}\n`;
  const folder = join(registry, listName);
  makeRegistry(registry);
  makeFolder(folder, othersMayRead);
  for (const file of [join(folder, fileOf(record)), join(record.dir, markerName)]) {
    writeFileSync(`${file}.tmp`, text, { mode: 0o644 });
    renameSync(`${file}.tmp`, file);
  }
}

/** Takes the record off the list. */
export function dropRecord(registry: string, record: LabRecord): void {
  rmSync(join(registry, listName, fileOf(record)), { force: true });
}

export function readHostBefore(registry: string): HostBefore | undefined {
  try {
    const value = JSON.parse(readFileSync(join(registry, hostName), 'utf8')) as Partial<HostBefore>;
    return value.ipForward === '0' || value.ipForward === '1' ? { ipForward: value.ipForward } : undefined;
  } catch {
    return undefined;
  }
}

export function writeHostBefore(registry: string, before: HostBefore): void {
  writeFileSync(join(registry, `${hostName}.tmp`), JSON.stringify(before));
  renameSync(join(registry, `${hostName}.tmp`), join(registry, hostName));
}

export function dropHostBefore(registry: string): void {
  rmSync(join(registry, hostName), { force: true });
}

/** Runs `work` while no other command of this user changes the list. Rejects with LabError `busy` where another one takes too long. */
export async function withRegistry<T>(registry: string, clock: Clock, verb: string, work: () => Promise<T>): Promise<T> {
  const unlock = await lockRegistry(registry, clock, verb);
  try {
    return await work();
  } finally {
    // The list's folder under the lock, for who has it next may be about to write into it; who wants the lock makes the other.
    removeIfEmpty(join(registry, listName));
    unlock();
    removeIfEmpty(registry);
  }
}

async function lockRegistry(registry: string, clock: Clock, verb: string): Promise<() => void> {
  for (let waited = 0; ; waited += lockPollMs) {
    try {
      makeRegistry(registry);
      return lockLab(registry, verb);
    } catch (error) {
      const busy = error instanceof LabError && error.code === 'busy';
      // The folder may have gone with the last lab since it was made.
      const gone = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (!(busy || gone) || waited >= lockPatienceMs) throw error;
      await clock.sleep(lockPollMs);
    }
  }
}

/** Makes the list's folder, and refuses one that another user could have made to have records of theirs believed. */
function makeRegistry(registry: string): void {
  makeFolder(registry, ownUser === 0 ? othersMayRead : 0o700);
  if (!isTrusted(registry))
    throw new LabError('conflict', `${registry} must be a folder of this user that nobody else can write to`);
}

function isTrusted(registry: string): boolean {
  const stat = lstatSync(registry, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && stat.uid === ownUser && (stat.mode & 0o022) === 0;
}

function fileOf(record: LabRecord): string {
  return `${runName(record.name, record.dir)}.json`;
}
