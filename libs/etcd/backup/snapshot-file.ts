// A snapshot file: a database, and behind it the SHA-256 of it. A database copied out of a data directory has no hash.
import { createHash } from 'node:crypto';
import type { BoltSource } from '../bbolt/reader.ts';

const hashBytes = 32;
/** Databases are a multiple of the smallest page: what is left over is the hash. */
const sectorBytes = 512;
const readBytes = 1 << 20;

/** The file is not a whole snapshot; texts are etcdutl's. */
export class SnapshotFileError extends Error {
  override readonly name = 'SnapshotFileError';
}

/** The database in a snapshot file, its hash checked unless told otherwise. Throws SnapshotFileError. */
export function databaseIn(file: BoltSource, skipHashCheck: boolean): BoltSource {
  const hasHash = file.size % sectorBytes === hashBytes;
  if (!hasHash && !skipHashCheck) throw new SnapshotFileError('snapshot missing hash but --skip-hash-check=false');
  const size = hasHash ? file.size - hashBytes : file.size;
  if (hasHash && !skipHashCheck) {
    const expected = file.read(size, hashBytes);
    const hash = createHash('sha256');
    for (let at = 0; at < size; at += readBytes) hash.update(file.read(at, Math.min(readBytes, size - at)));
    const got = hash.digest();
    if (!got.equals(expected)) throw new SnapshotFileError(`expected sha256 ${list(expected)}, got ${list(got)}`);
  }
  return { size, read: (offset, length) => file.read(offset, Math.min(length, Math.max(0, size - offset))) };
}

/** As Go prints a slice of bytes. */
function list(bytes: Buffer): string {
  return `[${[...bytes].join(' ')}]`;
}
