// What `snapshot status` says of a database file, computed as etcdutl does.
import { BoltError } from '../bbolt/errors.ts';
import { type BoltBucket, type BoltSource, openBolt, readMeta } from '../bbolt/reader.ts';
import { crc32c } from '../mvcc/crc32c.ts';
import { mainOf, revisionBytes } from '../mvcc/revision.ts';
import { SnapshotFileError } from './snapshot-file.ts';

export interface SnapshotStatus {
  /** CRC-32C over the names of all buckets, their keys and values. */
  readonly hash: number;
  /** The last revision stored. */
  readonly revision: number;
  /** Records of all buckets. */
  readonly totalKey: number;
  readonly totalSize: number;
  /** Of the storage, since etcd 3.6; empty before. */
  readonly version: string;
}

/** Throws BoltError, and SnapshotFileError where pages contradict each other. */
export function snapshotStatus(file: BoltSource): SnapshotStatus {
  const { pages, pageBytes } = readMeta(file);
  try {
    return { ...contentOf(openBolt(file)), totalSize: pages * pageBytes };
  } catch (error) {
    if (!(error instanceof BoltError) || error.code !== 'damaged') throw error;
    throw new SnapshotFileError(`snapshot file integrity check failed. 1 errors found.\n${error.message}`, { cause: error });
  }
}

function contentOf(root: BoltBucket): Omit<SnapshotStatus, 'totalSize'> {
  let hash = 0;
  let revision = 0;
  let totalKey = 0;
  let version = '';
  for (const { name, bucket } of root.buckets()) {
    const isKey = name.toString() === 'key';
    const isMeta = name.toString() === 'meta';
    hash = crc32c(name, hash);
    for (const { key, value } of bucket.records()) {
      hash = crc32c(value, crc32c(key, hash));
      if (isKey && key.length >= revisionBytes) revision = mainOf(key);
      if (isMeta && key.toString() === 'storageVersion') version = value.toString();
      totalKey++;
    }
  }
  return { hash, revision, totalKey, version };
}
