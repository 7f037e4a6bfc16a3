// Adapter: a part of a volume as a mount of its own, so that a link in the volume cannot lead out of it, neither now nor by
// being exchanged later (pkg/volume/util/subpath): every step is opened without following links, and what was opened is mounted.
import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readFile, readlink, realpath, stat, writeFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** O_PATH of Linux: a handle that names a file without opening it. Node has no constant for it. */
const openPath = 0o10000000;

/** The text is that of the container's waiting state. */
export class SubPathError extends Error {
  override readonly name = 'SubPathError';
}

/** Throws SubPathError where the path is absolute or steps back. */
export function checkSubPath(subPath: string): void {
  if (subPath.startsWith('/')) throw new SubPathError(`subPath "${subPath}" must be a relative path`);
  if (subPath.split('/').includes('..')) throw new SubPathError(`subPath "${subPath}" must not contain '..'`);
}

/** Makes what is missing of `subPath` below `volume` as folders; gives the real path, which is inside of it. */
export async function makeSubPath(volume: string, subPath: string): Promise<string> {
  const root = await realpath(volume);
  let at = root;
  for (const part of subPath.split('/').filter((each) => each !== '' && each !== '.')) {
    const next = join(at, part);
    await mkdir(next, { mode: 0o750 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST' && error.code !== 'EROFS') throw error;
    });
    at = await realpath(next).catch(() => {
      throw new SubPathError(`failed to prepare subPath: "${subPath}" leads nowhere`);
    });
    if (at !== root && !at.startsWith(root + sep))
      throw new SubPathError(`failed to prepare subPath: "${subPath}" leads out of its volume`);
  }
  return at;
}

/** Mounts what is at `subPath` of `volume` at `target`, once. Throws SubPathError, or what mount(8) says. */
export async function bindSubPath(volume: string, subPath: string, target: string): Promise<string> {
  if (await isMounted(target)) return target;
  const path = await makeSubPath(volume, subPath);
  const handle = await openWithoutLinks(path);
  try {
    const opened = await readlink(`/proc/self/fd/${handle.fd}`);
    if (opened !== path) throw new SubPathError(`failed to prepare subPath: "${subPath}" changed while it was opened`);
    const folder = (await stat(`/proc/self/fd/${handle.fd}`)).isDirectory();
    await mkdir(folder ? target : join(target, '..'), { recursive: true });
    if (!folder) await writeFile(target, '', { flag: 'a' });
    await run('mount', ['--bind', '--no-canonicalize', `/proc/${process.pid}/fd/${handle.fd}`, target]);
  } finally {
    await handle.close();
  }
  return target;
}

/** The path has no links in it as far as anyone knew; one that has come since makes this fail. */
async function openWithoutLinks(path: string): Promise<FileHandle> {
  const handle = await open(path, openPath | constants.O_NOFOLLOW).catch((error: Error) => {
    throw new SubPathError(`failed to prepare subPath: ${error.message}`);
  });
  return handle;
}

async function isMounted(target: string): Promise<boolean> {
  return (await readFile('/proc/self/mountinfo', 'utf8')).includes(` ${target} `);
}
