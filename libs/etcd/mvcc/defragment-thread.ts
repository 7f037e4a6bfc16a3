// Adapter: the copy of a defragmentation, in a thread of its own: it takes neither the serving thread's time nor its turn at the disk.
import { Worker } from 'node:worker_threads';
import { wordsOf } from '../words-of.ts';
import type { LmdbPicture } from './lmdb-pages.ts';

export interface CopyTask {
  readonly picture: LmdbPicture;
  /** Of the new file. */
  readonly folder: string;
}

/** Resolves when the new file has everything, durably, and is closed; rejects where it cannot be written. Ends early on `signal`. */
export async function copyInThread(task: CopyTask, signal: AbortSignal): Promise<void> {
  const worker = new Worker(new URL('./defragment-worker.ts', import.meta.url), { workerData: task });
  // It is not ended from outside: lmdb is to close its files.
  const stop = (): void => worker.postMessage('stop');
  signal.addEventListener('abort', stop);
  try {
    for await (const word of wordsOf<never>(worker)) throw new Error(`unexpected: ${String(word)}`);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
