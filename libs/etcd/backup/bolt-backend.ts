// A database file as a backend to read from, so that the store itself can say what its history's hash is.
import type { BoltBucket } from '../bbolt/reader.ts';
import type { BoltRecord } from '../bbolt/writer.ts';
import type { Backend, Bucket, StoredRecord } from '../mvcc/backend.ts';
import { mainOf, revisionBytes } from '../mvcc/revision.ts';
import { markFromEtcd } from './etcd-schema.ts';
import { SnapshotFileError } from './snapshot-file.ts';

/** What a store reads when it opens and hashes. */
export type ReadBackend = Pick<Backend, 'records' | 'revisions' | 'snapshot'>;

export function boltBackend(root: BoltBucket): ReadBackend {
  const keys = root.bucket('key');
  const meta = root.bucket('meta');
  const entries = function* (bucket: Bucket): Iterable<StoredRecord> {
    if (bucket === 'key') for (const record of keys?.records() ?? []) yield checkedRevision(record);
    if (bucket !== 'meta') return;
    for (const record of meta?.records() ?? []) {
      const mark = markFromEtcd(record);
      if (mark !== undefined) yield mark;
    }
  };
  return {
    records: entries,
    *revisions(from: number, to: number): Iterable<StoredRecord> {
      for (const record of entries('key')) {
        const main = mainOf(record.key);
        if (main > to) return;
        if (main >= from) yield record;
      }
    },
    snapshot: () => ({ entries, release: () => {} }),
  };
}

/** Throws SnapshotFileError. */
export function checkedRevision(record: BoltRecord): BoltRecord {
  const { length } = record.key;
  if (length !== revisionBytes && length !== revisionBytes + 1)
    throw new SnapshotFileError('a key of the key bucket is no revision');
  return record;
}
