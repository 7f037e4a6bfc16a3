// A snapshot file as a stream: etcd's database, then its SHA-256. Two passes over one picture of the backend: the first finds out
// where everything will lie, the second gives the bytes. Nothing is written to the disk, and memory holds a few pages.
import { createHash } from 'node:crypto';
import type { Clock } from '@drydock/foundation/clock.ts';
import { boltBytes, measureBolt, writeBolt } from '../bbolt/writer.ts';
import { limits } from '../limits.ts';
import type { BackendSnapshot } from '../mvcc/backend.ts';
import { etcdBuckets, type LogFacts } from './etcd-schema.ts';

export interface SnapshotPiece {
  /** Stay only until the next piece is asked for. */
  readonly bytes: Buffer;
  /** Of the database, without the hash. */
  readonly remainingBytes: number;
}

/**
 * Pieces of `limits.snapshotChunkBytes`, the last one is the hash. Ends early where nobody wants it any more (`isOver`). Releases
 * `snapshot` at the end, also an early one.
 */
export async function* streamSnapshot(
  snapshot: BackendSnapshot,
  facts: LogFacts,
  clock: Clock,
  isOver: () => boolean = () => false,
): AsyncGenerator<SnapshotPiece> {
  try {
    const buckets = etcdBuckets(snapshot, facts);
    const measuring = measureBolt(buckets);
    let step = measuring.next();
    for (let begun = clock.monotonicMs(); step.done !== true; step = measuring.next()) {
      if (clock.monotonicMs() - begun < limits.snapshotSliceMs) continue;
      await clock.sleep(0);
      if (isOver()) return;
      begun = clock.monotonicMs();
    }
    const hash = createHash('sha256');
    let remainingBytes = boltBytes(step.value);
    for (const bytes of rechunk(writeBolt(buckets, step.value), limits.snapshotChunkBytes)) {
      hash.update(bytes);
      remainingBytes -= bytes.length;
      yield { bytes, remainingBytes };
    }
    yield { bytes: hash.digest(), remainingBytes };
  } finally {
    snapshot.release();
  }
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
