// Adapter: what a thread says, until it has said enough.
import type { Worker } from 'node:worker_threads';

/** Rejects where the thread fails; ends where it ends. The thread is gone when this has ended, also early. */
export async function* wordsOf<Word>(worker: Worker): AsyncGenerator<Word> {
  const said: Word[] = [];
  let failure: Error | undefined;
  let ended = false;
  let wake = (): void => {};
  worker.on('message', (word: Word) => {
    said.push(word);
    wake();
  });
  worker.on('error', (error) => {
    failure = error instanceof Error ? error : new Error(String(error));
    wake();
  });
  worker.on('exit', () => {
    ended = true;
    wake();
  });
  try {
    for (;;) {
      const word = said.shift();
      if (word !== undefined) yield word;
      else if (failure !== undefined) throw failure;
      else if (ended) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    await worker.terminate();
  }
}
