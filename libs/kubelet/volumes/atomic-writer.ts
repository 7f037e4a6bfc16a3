// Replaces a set of files as one: readers see the old set or the new one, through the link `..data`
// (pkg/volume/util/atomic_writer.go). Killed at any step, the next call finishes what is missing and clears what is left over.
import type { Directory } from '@drydock/foundation/beneath/directory.ts';
import { systemCode } from '@drydock/foundation/beneath/errors.ts';
import { removeTree } from '@drydock/foundation/beneath/remove.ts';
import { fileMode, folderMode } from './ownership.ts';

export interface PayloadFile {
  readonly data: Uint8Array;
  readonly mode: number;
  /** Its owner where that is not root. */
  readonly uid?: number | undefined;
}

/** Relative path to content. */
export type Payload = ReadonlyMap<string, PayloadFile>;

export interface WriteOptions {
  /** The group that everything is given to. */
  readonly group: number | undefined;
  /** False: owners and groups stay those of the kubelet. */
  readonly givesAway: boolean;
  /** `2026_01_31_12_00_00`: part of the name of a new set. */
  readonly stamp: string;
  /** Names of the first level that are not of the payload: where other volumes are mounted into this one. */
  readonly kept: ReadonlySet<string>;
}

const dataLink = '..data';
const nextLink = '..data_tmp';
const pathMax = 4096;

/** Makes the files of `folder` those of `payload`. True where something changed. Throws what the system says. */
export async function writeAtomically(folder: Directory, payload: Payload, options: WriteOptions): Promise<boolean> {
  for (const path of payload.keys()) checkPath(path);
  const before = await linkAt(folder, dataLink);
  const same = before !== undefined && (await isSame(folder, before, payload));
  const current = same ? before : await writeSet(folder, payload, options);
  if (!same) {
    await removeTree(folder, nextLink);
    await folder.link(nextLink, current);
    // What is no link there was put there by somebody else.
    if (before === undefined) await removeTree(folder, dataLink);
    await folder.rename(nextLink, dataLink);
  }
  await linkTopLevel(folder, payload, options.kept);
  for await (const { name } of folder.entries()) {
    const text = name.toString();
    const isLeftOver = text.startsWith('..') && text !== dataLink && text !== current;
    if (isLeftOver && !options.kept.has(text)) await removeTree(folder, name);
  }
  return !same;
}

/** The API lets nothing else in; what it says of a path is said here of every payload. */
function checkPath(path: string): void {
  const parts = path.split('/');
  const isPlain = parts.every((part) => part !== '' && part !== '.' && part !== '..') && !path.startsWith('..');
  if (!isPlain || path.length > pathMax)
    throw new Error(`invalid path: ${JSON.stringify(path)} must be relative and not begin with '..'`);
}

async function linkAt(folder: Directory, name: string): Promise<string | undefined> {
  try {
    return await folder.readLink(name);
  } catch (error) {
    if (['ENOENT', 'EINVAL'].includes(systemCode(error))) return undefined;
    throw error;
  }
}

/** Gives the new set's name. */
async function writeSet(folder: Directory, payload: Payload, options: WriteOptions): Promise<string> {
  const { group, givesAway, stamp } = options;
  const gid = givesAway ? group : undefined;
  const attributes = { mode: folderMode(0o755, group), gid };
  const [name, fresh] = await freshFolder(folder, stamp, attributes);
  await using set = fresh;
  for (const [path, { data, mode, uid }] of payload) {
    const parts = path.split('/');
    const last = parts.pop() ?? '';
    const owner = { uid: givesAway ? uid : undefined, gid };
    await within(set, parts, (at) => at.createFile(last, data, { mode: fileMode(mode, group), ...owner }), attributes);
  }
  return name;
}

async function freshFolder(
  folder: Directory,
  stamp: string,
  attributes: { mode: number; gid: number | undefined },
): Promise<[string, Directory]> {
  for (let count = 1; ; count++) {
    const name = `..${stamp}.${count}`;
    try {
      return [name, await folder.create(name, attributes)];
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
  }
}

/** Works in the folder that `parts` lead to; they are made where there are attributes for them. */
async function within<T>(
  folder: Directory,
  parts: readonly string[],
  work: (at: Directory) => Promise<T>,
  attributes?: { mode: number; gid: number | undefined },
): Promise<T> {
  const [first, ...rest] = parts;
  if (first === undefined) return work(folder);
  await using next = attributes === undefined ? await folder.enter(first) : await folder.make(first, attributes);
  return await within(next, rest, work, attributes);
}

/** Every name of the first level is a link through `..data`; no other is there but what is kept, which wins. */
async function linkTopLevel(folder: Directory, payload: Payload, kept: ReadonlySet<string>): Promise<void> {
  const wanted = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? ''));
  for await (const { name } of folder.entries()) {
    const text = name.toString();
    if (text.startsWith('..') || kept.has(text) || (wanted.has(text) && (await linkAt(folder, text)) === `${dataLink}/${text}`))
      continue;
    await removeTree(folder, name);
  }
  for (const name of wanted)
    await folder.link(name, `${dataLink}/${name}`).catch((error: unknown) => {
      if (systemCode(error) !== 'EEXIST') throw error;
    });
}

async function isSame(folder: Directory, set: string, payload: Payload): Promise<boolean> {
  try {
    await using there = await folder.enter(set);
    if ((await countFiles(there)) !== payload.size) return false;
    for (const [path, { data }] of payload) {
      const parts = path.split('/');
      const last = parts.pop() ?? '';
      const content = await within(there, parts, (at) => at.readFile(last, data.length));
      if (Buffer.compare(content, data) !== 0) return false;
    }
    return true;
  } catch {
    // Damaged, or not as we write it: it is written anew, and what stands in the way of that is said then.
    return false;
  }
}

async function countFiles(folder: Directory): Promise<number> {
  let count = 0;
  for await (const { name, isDirectory } of folder.entries()) {
    if (isDirectory) {
      await using child = await folder.enter(name);
      count += await countFiles(child);
    } else count++;
  }
  return count;
}
