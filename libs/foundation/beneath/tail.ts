// The end of a file that a container wrote.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

/**
 * At most `bytesMax` of the end of a plain file; undefined where there is none. Its folder is the caller's own: only the last
 * name may have been exchanged, and a link, a pipe or a device is not read. At once: it is in memory, and small.
 */
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
