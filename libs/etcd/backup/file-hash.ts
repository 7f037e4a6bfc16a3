// The hash of a database file's history, the same that Maintenance.HashKV gives for the member it came from.
import { type BoltSource, openBolt } from '../bbolt/reader.ts';
import { EtcdError } from '../errors.ts';
import type { Backend } from '../mvcc/backend.ts';
import type { HashResult } from '../mvcc/history-hash.ts';
import { MvccStore } from '../mvcc/store.ts';
import { boltBackend } from './bolt-backend.ts';
import { SnapshotFileError } from './snapshot-file.ts';

/** Of the history up to `revision`; 0 is all of it. Throws BoltError, SnapshotFileError. */
export function fileHash(file: BoltSource, revision: number): HashResult {
  const store = new MvccStore(boltBackend(openBolt(file)) as Backend);
  store.restore(() => {});
  try {
    return store.hash(revision);
  } catch (error) {
    if (!(error instanceof EtcdError)) throw error;
    throw new SnapshotFileError(error.message.replace('etcdserver: ', ''), { cause: error });
  }
}
