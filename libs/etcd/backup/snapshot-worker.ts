// The thread of `snapshot-thread.ts`.
import { parentPort, workerData } from 'node:worker_threads';
import { LmdbPages } from '../mvcc/lmdb-pages.ts';
import { snapshotMessages } from './snapshot-messages.ts';
import type { FilledBlock, SnapshotTask } from './snapshot-thread.ts';

const { picture, facts, memory, blockCount, blockMessages } = workerData as SnapshotTask;
const blockBytes = memory.byteLength / blockCount;
const free = Array.from({ length: blockCount }, (_, i) => i);
let wake = (): void => {};
parentPort?.on('message', (block: number) => {
  free.push(block);
  wake();
});

async function freeBlock(): Promise<number> {
  for (;;) {
    const block = free.shift();
    if (block !== undefined) return block;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
}

const fill = (filled: FilledBlock): void => parentPort?.postMessage(filled);
let block = await freeBlock();
let lengths: number[] = [];
let at = 0;
for (const message of snapshotMessages(new LmdbPages(picture), facts)) {
  if (message === undefined) continue;
  if (lengths.length === blockMessages) {
    fill({ block, lengths, last: false });
    block = await freeBlock();
    lengths = [];
    at = 0;
  }
  message.copy(Buffer.from(memory, block * blockBytes + at, message.length));
  lengths.push(message.length);
  at += message.length;
}
fill({ block, lengths, last: true });
parentPort?.close();
