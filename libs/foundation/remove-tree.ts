// Adapter: removes a folder with everything in it, also as root in a place where others write while it does.
//
// Every step names its entry relative to an open directory (/proc/self/fd/N/NAME, which the kernel resolves from that very
// directory), so a folder that is replaced by a link meanwhile leads nowhere else. Links are removed, never followed. A mount
// is never crossed: the kernel's mount id of every folder that is entered must be that of the first.
import { constants, existsSync } from 'node:fs';
import { type FileHandle, lstat, open, readdir, readFile, rmdir, unlink } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { mountPointsBelow } from './mount-table.ts';

/** Something is in the way that must not be removed; `path` is what. What was removed before it was met stays removed. */
export class RemoveTreeError extends Error {
  override readonly name = 'RemoveTreeError';
  readonly path: string;

  constructor(path: string, reason: string) {
    super(`${path}: ${reason}`);
    this.path = path;
  }
}

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Elsewhere than on Linux entries are named by their whole path. */
const hasProc = existsSync('/proc/self/fdinfo');
/** Files of one folder that are removed at the same time. */
const parallel = 32;

/**
 * Removes `path`: a file, a link (not what it points at) or a folder with its content. Fine where there is nothing. The folder
 * above it must be one that only the caller's own user changes. Rejects with RemoveTreeError, before anything is removed,
 * where something is mounted below it, and with the system's error where an entry cannot be removed.
 */
export async function removeTree(path: string): Promise<void> {
  const [mounted] = mountPointsBelow(path);
  if (mounted !== undefined) throw new RemoveTreeError(mounted, 'something is mounted there');
  let above: Folder;
  try {
    above = await openFolder(Buffer.from(dirname(path)));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    throw error;
  }
  try {
    await removeEntry(above, Buffer.from(basename(path)), await mountOf(above), path);
  } finally {
    await above.handle.close();
  }
}

/** An open folder, and how its entries are named through it. */
interface Folder {
  readonly handle: FileHandle;
  readonly base: Buffer;
}

async function openFolder(path: Buffer): Promise<Folder> {
  const handle = await open(path, folderFlags);
  return { handle, base: hasProc ? Buffer.from(`/proc/self/fd/${handle.fd}`) : path };
}

/** Names are bytes, for they need not be text. */
function within(folder: Folder, name: Buffer): Buffer {
  return Buffer.concat([folder.base, Buffer.from('/'), name]);
}

/** Removes an entry that is no folder; true where it is one. */
async function isFolderElseRemoved(entry: Buffer): Promise<boolean> {
  try {
    if ((await lstat(entry)).isDirectory()) return true;
    await unlink(entry);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  return false;
}

async function removeEntry(folder: Folder, name: Buffer, mount: string, shown: string): Promise<void> {
  const entry = within(folder, name);
  if (!(await isFolderElseRemoved(entry))) return;
  const inner = await openFolder(entry);
  try {
    if ((await mountOf(inner)) !== mount) throw new RemoveTreeError(shown, 'something is mounted there');
    await removeContent(inner, mount, shown);
  } finally {
    await inner.handle.close();
  }
  await rmdir(entry);
}

async function removeContent(folder: Folder, mount: string, shown: string): Promise<void> {
  const names = await readdir(folder.base, { encoding: 'buffer' });
  for (let at = 0; at < names.length; at += parallel) {
    const batch = names.slice(at, at + parallel);
    // All of a batch come to their end before the folder may be closed.
    const results = await Promise.allSettled(batch.map((name) => isFolderElseRemoved(within(folder, name))));
    for (const [i, result] of results.entries()) {
      if (result.status === 'rejected') throw result.reason;
      const name = batch[i] ?? Buffer.alloc(0);
      // One folder after the other: each holds a descriptor.
      if (result.value) await removeEntry(folder, name, mount, `${shown}/${name}`);
    }
  }
}

async function mountOf({ handle }: Folder): Promise<string> {
  const info = hasProc ? await readFile(`/proc/self/fdinfo/${handle.fd}`, 'utf8') : '';
  return /^mnt_id:\s*(\d+)$/m.exec(info)?.[1] ?? String((await handle.stat()).dev);
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
