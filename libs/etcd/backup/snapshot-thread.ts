// Adapter: the messages of a snapshot made in a thread of their own, which reads the data file while this one serves. They lie in
// memory that both threads share: a gigabyte that is handed over in buffers would keep this one's garbage collector busy.
import { Worker } from 'node:worker_threads';
import type { LmdbPicture } from '../mvcc/lmdb-pages.ts';
import { wordsOf } from '../words-of.ts';
import type { LogFacts } from './etcd-schema.ts';

export interface SnapshotTask {
  readonly picture: LmdbPicture;
  readonly facts: LogFacts;
  /** Of `blockCount` blocks, one behind the other; each takes `blockMessages` messages. */
  readonly memory: SharedArrayBuffer;
  readonly blockCount: number;
  readonly blockMessages: number;
}

/** Messages in one block of the memory, by their lengths; the thread may use it again when it is told its number. */
export interface FilledBlock {
  readonly block: number;
  readonly lengths: readonly number[];
  readonly last: boolean;
}

/** Room for a message with a chunk of the file. */
const messageRoomBytes = 128;

/**
 * The messages, in blocks. They stay until the block after the next is asked for. Rejects where the file cannot be read. The thread
 * is gone when this has ended, also early.
 */
export async function* messagesFromThread(
  picture: LmdbPicture,
  facts: LogFacts,
  sizes: { readonly chunkBytes: number; readonly blockMessages: number; readonly blockCount: number },
): AsyncGenerator<readonly Buffer[]> {
  const { chunkBytes, blockMessages, blockCount } = sizes;
  const blockBytes = blockMessages * (chunkBytes + messageRoomBytes);
  const memory = new SharedArrayBuffer(blockCount * blockBytes);
  const task: SnapshotTask = { picture, facts, memory, blockCount, blockMessages };
  const worker = new Worker(new URL('./snapshot-worker.ts', import.meta.url), { workerData: task });
  let before: number | undefined;
  for await (const { block, lengths, last } of wordsOf<FilledBlock>(worker)) {
    let at = block * blockBytes;
    yield lengths.map((length) => {
      at += length;
      return Buffer.from(memory, at - length, length);
    });
    if (last) return;
    if (before !== undefined) worker.postMessage(before);
    before = block;
  }
}
