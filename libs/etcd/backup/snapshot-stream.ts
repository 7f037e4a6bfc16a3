// A snapshot file as a stream: etcd's database, then its SHA-256. Two passes over one picture of the backend: the first finds out
// where everything will lie, the second gives the bytes. Nothing is written to the disk, and memory holds a few pages. Where the
// backend is a file, another thread reads it and makes the bytes.
import { createHash } from 'node:crypto';
import type { Clock } from '@drydock/foundation/clock.ts';
import { boltBytes, measureBolt, writeBolt } from '../bbolt/writer.ts';
import { limits } from '../limits.ts';
import type { BackendSnapshot } from '../mvcc/backend.ts';
import type { LmdbPicture } from '../mvcc/lmdb-pages.ts';
import { etcdBuckets, type LogFacts } from './etcd-schema.ts';
import { rechunk } from './rechunk.ts';
import { snapshotWords } from './snapshot-thread.ts';

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
    if (snapshot.picture === undefined) yield* streamHere(snapshot, facts, clock, isOver);
    else yield* streamFromThread(snapshot.picture, facts, isOver);
  } finally {
    snapshot.release();
  }
}

async function* streamFromThread(picture: LmdbPicture, facts: LogFacts, isOver: () => boolean): AsyncGenerator<SnapshotPiece> {
  const { snapshotBlockBytes: blockBytes, snapshotBlocksAhead: blocksAhead, snapshotChunkBytes } = limits;
  let remainingBytes = 0;
  for await (const word of snapshotWords({ picture, facts, blockBytes, blocksAhead })) {
    if (isOver()) return;
    if (word.kind === 'size') {
      remainingBytes = word.bytes;
      continue;
    }
    const { buffer, byteOffset, length } = word.bytes;
    for (let at = 0; at < length; at += snapshotChunkBytes) {
      const bytes = Buffer.from(buffer, byteOffset + at, Math.min(snapshotChunkBytes, length - at));
      if (word.kind === 'block') remainingBytes -= bytes.length;
      yield { bytes, remainingBytes };
    }
  }
}

async function* streamHere(
  snapshot: BackendSnapshot,
  facts: LogFacts,
  clock: Clock,
  isOver: () => boolean,
): AsyncGenerator<SnapshotPiece> {
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
  // A piece stays only until the next one is asked for.
  const chunk = Buffer.allocUnsafeSlow(limits.snapshotChunkBytes);
  for (const bytes of rechunk(writeBolt(buckets, step.value), limits.snapshotChunkBytes, () => chunk)) {
    hash.update(bytes);
    remainingBytes -= bytes.length;
    yield { bytes, remainingBytes };
  }
  yield { bytes: hash.digest(), remainingBytes };
}
