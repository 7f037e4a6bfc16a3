// Adapter: mounts and unmounts what descriptors name, with mount(8) and umount(8). They are handed the descriptors themselves
// (as 3 and 4, reached through /proc/self/fd), so that no name is looked up a second time.

import { type FileHandle, realpath } from 'node:fs/promises';
import { spawn } from '../child-process.ts';
import { type FileCalls, nodeCalls } from './calls.ts';
import { Directory, mountIdOf, type Name } from './directory.ts';
import { BeneathError, systemCode } from './errors.ts';
import { type MountPoint, mountsBelow } from './mount-table.ts';

/** A mount that could not be made or undone; the text is that of mount(8). */
export class MountError extends Error {
  override readonly name = 'MountError';
  /** How the program ended: `exit status 32`. */
  status = '';
}

/** Mounts a tmpfs over `directory`. `options`: as mount(8) takes them, such as `size=1048576`. */
export async function mountTmpfs(directory: Directory, options: readonly string[]): Promise<void> {
  const given = options.length === 0 ? [] : ['-o', options.join(',')];
  await run('mount', ['--no-canonicalize', '-t', 'tmpfs', ...given, 'tmpfs', '/proc/self/fd/3'], [directory.handle]);
}

/** A mount by a helper of mount(8), which may ask other machines. */
export interface NetworkMount {
  /** `nfs`: mount(8) looks for /sbin/mount.nfs. */
  readonly type: string;
  /** `server:/export`. */
  readonly source: string;
  readonly options: readonly string[];
}

/** Mounts it over `directory`. Ends mount(8) when `signal` aborts. Throws MountError, with what was run and said as upstream has it (mount-utils, doMount). */
export async function mountNetwork(
  directory: Directory,
  { type, source, options }: NetworkMount,
  signal: AbortSignal | undefined,
): Promise<void> {
  const given = ['-t', type, ...(options.length === 0 ? [] : ['-o', options.join(',')])];
  try {
    // The source is written by whoever made the pod: behind `--` it is no option, such as one that names an fstab of theirs.
    await run('mount', ['--no-canonicalize', ...given, '--', source, '/proc/self/fd/3'], [directory.handle], signal);
  } catch (error) {
    if (!(error instanceof MountError)) throw error;
    const said = error.message.replaceAll('/proc/self/fd/3', directory.path);
    const ran = ['Mounting command: mount', `Mounting arguments: ${[...given, source, directory.path].join(' ')}`];
    throw new MountError([`mount failed: ${error.status}`, ...ran, `Output: ${said}`, ''].join('\n'), { cause: error });
  }
}

/** Mounts what `source` names over what `target` names. */
export async function bindMount(source: FileHandle, target: FileHandle): Promise<void> {
  await run('mount', ['--no-canonicalize', '--bind', '/proc/self/fd/3', '/proc/self/fd/4'], [source, target]);
}

/** What is mounted and named by `mount` can no longer be written there; elsewhere it stays as it is. */
export async function makeReadOnly(mount: FileHandle): Promise<void> {
  // The source is of no concern, and named so that none is looked for.
  await run('mount', ['--no-canonicalize', '-o', 'remount,bind,ro', 'none', '/proc/self/fd/3'], [mount]);
}

/**
 * Takes off what is mounted at the entry `name`, all of it, and nothing elsewhere: a bind mount of a shared mount is its peer, and
 * what goes below one goes below the other. Lazily: to unmount by descriptor means to hold one, which keeps a mount busy, and
 * umount(8) by path follows a link that the last name may have become. Throws MountError.
 */
export async function unmountAt(parent: Directory, name: Name): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    await using entry = await parent.reach(name);
    if ((await mountIdOf(entry)) === parent.mountId) return;
    await keepToItself(entry);
    await run('umount', ['--no-canonicalize', '--lazy', '/proc/self/fd/3'], [entry]);
  }
  throw new MountError(`${parent.path}/${name}: more than 100 mounts over each other`);
}

/**
 * Takes off every mount below `folder`. Throws MountError with those that are left: then nothing there may be removed. What is
 * not there has no mounts.
 */
export async function unmountBelow(folder: string, calls: FileCalls = nodeCalls): Promise<void> {
  const real = await realpath(folder).catch((error: unknown) => {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (real === undefined) return;
  const reasons = new Map<string, string>();
  for (let left = mountsBelow(real), before = Number.POSITIVE_INFINITY; left.length > 0; left = mountsBelow(real)) {
    if (left.length >= before)
      throw new MountError(`still mounted: ${left.map(({ point }) => `${point}${reasons.get(point) ?? ''}`).join(', ')}`);
    before = left.length;
    // All of them before the first goes: what is unmounted in one that has peers is unmounted in its peers.
    for (const work of [leaveSharing, unmountAt])
      for (const mount of left)
        await atMount(real, mount, calls, work).catch((error: Error) => reasons.set(mount.point, ` (${error.message})`));
  }
}

async function leaveSharing(parent: Directory, name: Name): Promise<void> {
  await using entry = await parent.reach(name);
  if ((await mountIdOf(entry)) !== parent.mountId) await keepToItself(entry);
}

/** What happens in the mount, and in those in it, is no longer passed on to others, nor from them. */
async function keepToItself(mount: FileHandle): Promise<void> {
  await run('mount', ['--no-canonicalize', '--make-rprivate', '/proc/self/fd/3'], [mount]);
}

/** Works at the mount, reached from `folder` through open directories: a container may have written the names between them. */
async function atMount(
  folder: string,
  { point }: MountPoint,
  calls: FileCalls,
  work: (parent: Directory, name: Name) => Promise<void>,
): Promise<void> {
  const names = point
    .slice(Buffer.byteLength(folder) + 1)
    .split('/')
    .map((name) => Buffer.from(name, 'latin1'));
  const last = names.pop();
  if (last === undefined) throw new BeneathError('name', `${folder} is not above a mount`);
  let at = await Directory.open(folder, calls);
  try {
    for (const name of names) {
      const next = await at.enter(name, { crossMounts: true });
      await at.close();
      at = next;
    }
    await work(at, last);
  } finally {
    await at.close();
  }
}

async function run(
  program: string,
  args: readonly string[],
  handles: readonly FileHandle[],
  signal?: AbortSignal,
): Promise<void> {
  const stdio = ['ignore' as const, 'ignore' as const, 'pipe' as const, ...handles.map(({ fd }) => fd)];
  const child = spawn(program, args, { stdio, signal });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    if (said.length < 4096) said += chunk.toString();
  });
  await new Promise<void>((resolve, reject) => {
    child.on('error', (error) => reject(new MountError(`${program}: ${error.message}`, { cause: error })));
    child.on('close', (code, endSignal) => {
      if (code === 0) resolve();
      else {
        const error = new MountError(said.trim() || `${program} ended with ${code ?? endSignal}`);
        error.status = code === null ? `signal: ${endSignal}` : `exit status ${code}`;
        reject(error);
      }
    });
  });
}
