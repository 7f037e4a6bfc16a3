// Adapter: the bytes of a snapshot file made in a thread of their own, which reads the data file while this one serves.
import { Worker } from 'node:worker_threads';
import type { LmdbPicture } from '../mvcc/lmdb-pages.ts';
import { wordsOf } from '../words-of.ts';
import type { LogFacts } from './etcd-schema.ts';

export interface SnapshotTask {
  readonly picture: LmdbPicture;
  readonly facts: LogFacts;
  /** Of a block, and how many of them may be on their way. */
  readonly blockBytes: number;
  readonly blocksAhead: number;
}

/** What the thread says: first how long the database is, then its bytes, then their SHA-256. It goes on after `taken`. */
export type SnapshotWord =
  | { readonly kind: 'size'; readonly bytes: number }
  | { readonly kind: 'block'; readonly bytes: Uint8Array }
  | { readonly kind: 'hash'; readonly bytes: Uint8Array };

/** Ends after `hash`. Rejects where the file cannot be read. The thread is gone when it has ended, also early. */
export async function* snapshotWords(task: SnapshotTask): AsyncGenerator<SnapshotWord> {
  const worker = new Worker(new URL('./snapshot-worker.ts', import.meta.url), { workerData: task });
  for await (const word of wordsOf<SnapshotWord>(worker)) {
    yield word;
    if (word.kind === 'hash') return;
    if (word.kind === 'block') worker.postMessage('taken');
  }
}
