// The thread of `defragment-thread.ts`.
import { parentPort, workerData } from 'node:worker_threads';
import { limits } from '../limits.ts';
import { type Bucket, buckets, type StoredRecord } from './backend.ts';
import type { CopyTask } from './defragment-thread.ts';
import { LmdbEnvironment } from './lmdb-environment.ts';
import { LmdbPages } from './lmdb-pages.ts';
import type { Change } from './pending-changes.ts';

function* slices(bucket: Bucket, records: Iterable<StoredRecord>): Iterable<readonly Change[]> {
  let changes: Change[] = [];
  let bytes = 0;
  for (const { key, value } of records) {
    changes.push({ bucket, key, value });
    bytes += key.length + value.length;
    if (changes.length < limits.defragmentCopyKeys && bytes < limits.defragmentCopyBytes) continue;
    yield changes;
    changes = [];
    bytes = 0;
  }
  if (changes.length > 0) yield changes;
}

const { picture, folder } = workerData as CopyTask;
let stopped = false;
parentPort?.on('message', () => {
  stopped = true;
});
const next = new LmdbEnvironment(folder);
try {
  await copy(new LmdbPages(picture), next);
} finally {
  await next.close();
  parentPort?.close();
}

async function copy(pages: LmdbPages, to: LmdbEnvironment): Promise<void> {
  for (const bucket of buckets) {
    for (const changes of slices(bucket, pages.entries(bucket))) {
      // On the disk before the next one is written: the log's own syncs never wait for more than one slice.
      to.write(changes);
      await to.sync();
      if (stopped) return;
    }
  }
}
