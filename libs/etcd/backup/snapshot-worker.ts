// The thread of `snapshot-thread.ts`.
import { createHash } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '@drydock/foundation/assert.ts';
import { boltBytes, measureBolt, writeBolt } from '../bbolt/writer.ts';
import { LmdbPages } from '../mvcc/lmdb-pages.ts';
import { etcdBuckets } from './etcd-schema.ts';
import { rechunk } from './rechunk.ts';
import type { SnapshotTask, SnapshotWord } from './snapshot-thread.ts';

const task = workerData as SnapshotTask;
let ahead = 0;
let goOn = (): void => {};

function say(word: SnapshotWord): void {
  const transfer = word.kind === 'size' ? [] : [word.bytes.buffer as ArrayBuffer];
  parentPort?.postMessage(word, transfer);
}

parentPort?.on('message', () => {
  ahead--;
  goOn();
});

const buckets = etcdBuckets(new LmdbPages(task.picture), task.facts);
const measuring = measureBolt(buckets);
let step = measuring.next();
while (step.done !== true) step = measuring.next();
assert(step.done, 'measured');
say({ kind: 'size', bytes: boltBytes(step.value) });
const hash = createHash('sha256');
for (const block of rechunk(writeBolt(buckets, step.value), task.blockBytes, () => Buffer.allocUnsafeSlow(task.blockBytes))) {
  hash.update(block);
  say({ kind: 'block', bytes: block });
  ahead++;
  while (ahead >= task.blocksAhead) await new Promise<void>((resolve) => (goOn = resolve));
}
say({ kind: 'hash', bytes: new Uint8Array(hash.digest()) });
parentPort?.close();
