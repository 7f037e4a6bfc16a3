// Where a path that someone else wrote leads, never out of a directory.
import type { FileHandle } from 'node:fs/promises';
import { Directory } from './directory.ts';
import { BeneathError, systemCode } from './errors.ts';

/** As the kernel has it (path_resolution(7)). */
const linksMax = 40;
/** Directories that are held open on the way. */
const depthMax = 256;

/**
 * Goes from `root` along `path`, step by step through open directories; a link is followed as long as it stays beneath
 * `root`, and mounts are entered. Missing directories are made with the mode of `root` where `makeMissing`. The handle
 * names what is there; close it. Throws BeneathError `link` where the way leads out, and the system's errors.
 */
export async function resolveBeneath(root: Directory, path: string, makeMissing: boolean): Promise<FileHandle> {
  const way: Directory[] = [];
  try {
    return await follow(root, way, path.split('/'), makeMissing);
  } finally {
    await Promise.all(way.map((each) => each.close()));
  }
}

async function follow(root: Directory, way: Directory[], parts: string[], makeMissing: boolean): Promise<FileHandle> {
  const left = parts.reverse();
  let links = 0;
  for (let part = left.pop(); part !== undefined; part = left.pop()) {
    if (part === '' || part === '.') continue;
    const here = way.at(-1) ?? root;
    if (part === '..') {
      if (way.length === 0) throw new BeneathError('link', `the way leads out of ${root.path}`);
      await way.pop()?.close();
      continue;
    }
    if (way.length >= depthMax) throw new BeneathError('link', `more than ${depthMax} steps below ${root.path}`);
    const next = await step(root, here, part, makeMissing);
    if (next instanceof Directory) way.push(next);
    else if (typeof next !== 'string') {
      if (left.every((each) => each === '' || each === '.')) return next;
      await next.close();
      throw new BeneathError('kind', `${here.path}/${part} is not a directory`);
    } else {
      if (++links > linksMax) throw new BeneathError('link', `too many links below ${root.path}`);
      if (next.startsWith('/')) throw new BeneathError('link', `the way leads out of ${root.path}`);
      left.push(...next.split('/').reverse());
    }
  }
  const end = way.at(-1) ?? root;
  // A handle of its own: those of the way are closed. `.` of an open directory is itself.
  return end.reopen();
}

/** A directory, a file, or where a link points. */
async function step(
  root: Directory,
  here: Directory,
  name: string,
  makeMissing: boolean,
): Promise<Directory | FileHandle | string> {
  try {
    return await here.enter(name, { crossMounts: true });
  } catch (error) {
    if (systemCode(error) === 'ENOENT' && makeMissing) {
      const { mode } = await root.handle.stat();
      return here.make(name, { mode: mode & 0o7777 }, { crossMounts: true });
    }
    if (!(error instanceof BeneathError && error.code === 'kind')) throw error;
  }
  const file = await here.reach(name);
  if (!(await file.stat()).isSymbolicLink()) return file;
  await file.close();
  // Of what has this name now; should it have been exchanged, then for another link, which is followed as carefully.
  return here.readLink(name);
}
