// Files that a container wrote, in folders of the caller's own: only the last name may have been exchanged. A link, a pipe or a
// device is not read.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { BeneathError, systemCode } from './errors.ts';

/** Opens a plain file for reading; close it. Throws BeneathError `link` or `kind`, and what the system says. */
export async function openPlainFile(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: unknown) => {
    if (systemCode(error) === 'ELOOP') throw new BeneathError('link', `${path} is a link`, { cause: error });
    throw error;
  });
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new BeneathError('kind', `${path} is not a file`);
}

/** At most `bytesMax` of the end of a plain file; undefined where there is none. At once: it is small, and was just written. */
export function endOfFile(path: string, bytesMax: number): Buffer | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const found = fstatSync(file);
    if (!found.isFile()) return undefined;
    const buffer = Buffer.alloc(Math.min(found.size, bytesMax));
    return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, Math.max(0, found.size - bytesMax)));
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}
