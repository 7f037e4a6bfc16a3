// A file on disk as the readers of the store want it.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { BoltSource } from '@drydock/etcd/bbolt/reader.ts';

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
};

/** The file cannot be used. */
export class FileError extends Error {
  override readonly name = 'FileError';
}

/** Calls `use` with the open file. `doing` is the verb of the message, as upstream has it. Throws FileError. */
export async function withFile<T>(path: string, doing: 'open' | 'stat', use: (file: BoltSource) => T | Promise<T>): Promise<T> {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    throw new FileError(`${doing} ${path}: ${reasons[code] ?? code}`, { cause });
  }
  try {
    const stat = fstatSync(fd);
    if (stat.isDirectory()) throw new FileError(`read ${path}: is a directory`);
    const read = (offset: number, length: number): Buffer => {
      const buffer = Buffer.allocUnsafeSlow(length);
      return buffer.subarray(0, readSync(fd, buffer, 0, length, offset));
    };
    return await use({ size: stat.size, read });
  } finally {
    closeSync(fd);
  }
}
