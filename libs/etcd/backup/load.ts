// The content of an etcd database into a backend of ours.
import type { BoltBucket } from '../bbolt/reader.ts';
import type { BoltRecord } from '../bbolt/writer.ts';
import { limits } from '../limits.ts';
import type { Backend, Bucket, StoredRecord } from '../mvcc/backend.ts';
import { encodeRevision, mainOf } from '../mvcc/revision.ts';
import { CodecError } from '../rpc/wire.ts';
import { checkedRevision } from './bolt-backend.ts';
import {
  alarmFromEtcd,
  compactionMarks,
  downgradeFromEtcd,
  encodeNumber,
  leaseFromEtcd,
  markFromEtcd,
  sharedBuckets,
} from './etcd-schema.ts';
import { SnapshotFileError } from './snapshot-file.ts';

export interface LoadOptions {
  /** Added to the last revision; 0 leaves it. Everything up to the new one counts as compacted then. */
  readonly bumpRevision: number;
}

export interface LoadedRevisions {
  /** The last one in the database. */
  readonly latest: number;
  /** The last one in the backend. */
  readonly current: number;
}

/** Adds everything but membership and log marks. Throws BoltError, and SnapshotFileError where records are not what they should be. */
export function loadDatabase(root: BoltBucket, backend: Backend, options: LoadOptions): LoadedRevisions {
  let latest = 1;
  load(backend, 'key', root.bucket('key'), (record) => {
    latest = mainOf(checkedRevision(record).key);
    return record;
  });
  load(backend, 'lease', root.bucket('lease'), leaseFromEtcd);
  load(backend, 'alarm', root.bucket('alarm'), alarmFromEtcd);
  for (const name of sharedBuckets) load(backend, name, root.bucket(name), (record) => record);
  load(backend, 'meta', root.bucket('meta'), markFromEtcd);
  load(backend, 'meta', root.bucket('cluster'), downgradeFromEtcd);
  if (options.bumpRevision === 0) return { latest, current: latest };
  const current = latest + options.bumpRevision;
  // An empty record holds the revision, as etcdutl leaves one: members that are restored by either have the same hash.
  backend.load('key', [{ key: encodeRevision(current, 0), value: Buffer.alloc(0) }]);
  backend.load('meta', [{ key: Buffer.from(compactionMarks[0]), value: encodeNumber(current) }]);
  return { latest, current };
}

/** Records in batches; `translate` leaves out what it has no use for. */
function load(
  backend: Backend,
  bucket: Bucket,
  source: BoltBucket | undefined,
  translate: (record: BoltRecord) => StoredRecord | undefined,
): void {
  let batch: StoredRecord[] = [];
  let bytes = 0;
  for (const record of source?.records() ?? []) {
    const translated = readable(bucket, () => translate(record));
    if (translated === undefined) continue;
    if (translated.key.length > limits.authNameBytes) throw new SnapshotFileError(`a key of the ${bucket} bucket is too long`);
    batch.push(translated);
    bytes += translated.key.length + translated.value.length;
    if (bytes < limits.loadBytes) continue;
    backend.load(bucket, batch);
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) backend.load(bucket, batch);
}

function readable<T>(bucket: Bucket, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof CodecError)) throw cause;
    throw new SnapshotFileError(`a record of the ${bucket} bucket cannot be read: ${cause.message}`, { cause });
  }
}
