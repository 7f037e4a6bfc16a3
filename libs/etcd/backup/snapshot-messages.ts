// What `Maintenance.Snapshot` answers: etcd's database in pieces, then its SHA-256. Two passes over one picture of the backend: the
// first finds out where everything will lie, the second gives the bytes. Nothing is written to the disk, and memory holds a few pages.
import { createHash } from 'node:crypto';
import { boltBytes, measureBolt, writeBolt } from '../bbolt/writer.ts';
import { limits } from '../limits.ts';
import type { BackendSnapshot } from '../mvcc/backend.ts';
import { SnapshotResponse } from '../rpc/messages.ts';
import { encode } from '../rpc/protobuf.ts';
import { clusterVersion } from '../server/version.ts';
import { etcdBuckets, type LogFacts } from './etcd-schema.ts';

/** Encoded messages; undefined while there is none yet, so that the caller can let others have their turn. */
export function* snapshotMessages(
  snapshot: Pick<BackendSnapshot, 'entries'>,
  facts: LogFacts,
): Generator<Buffer | undefined, void> {
  const buckets = etcdBuckets(snapshot, facts);
  const layout = yield* measureBolt(buckets);
  const hash = createHash('sha256');
  let remaining = boltBytes(layout);
  const message = (blob: Buffer) => encode(SnapshotResponse, { remaining_bytes: remaining, blob, version: clusterVersion });
  for (const bytes of rechunk(writeBolt(buckets, layout), limits.snapshotChunkBytes)) {
    hash.update(bytes);
    remaining -= bytes.length;
    yield message(bytes);
  }
  yield message(hash.digest());
}

/** The same bytes in pieces of one size; the last may be shorter. A piece stays only until the next one is asked for. */
function* rechunk(pieces: Iterable<Buffer>, bytes: number): Generator<Buffer> {
  const chunk = Buffer.allocUnsafeSlow(bytes);
  let size = 0;
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const copied = piece.copy(chunk, size, at);
      size += copied;
      at += copied;
      if (size < bytes) continue;
      yield chunk;
      size = 0;
    }
  }
  if (size > 0) yield chunk.subarray(0, size);
}
