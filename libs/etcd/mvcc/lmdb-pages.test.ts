// Pages read without lmdb hold what lmdb says.
import { closeSync, copyFileSync, mkdtempSync, openSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Backend, type BackendSnapshot, buckets } from './backend.ts';
import { openLmdbBackend } from './lmdb-backend.ts';
import { dataFile } from './lmdb-file.ts';
import { LmdbPageError, LmdbPages, newestPicture } from './lmdb-pages.ts';

let folder = '';
let backend: Backend;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pages-'));
  backend = openLmdbBackend(folder);
});

afterEach(async () => {
  await backend.close();
  rmSync(folder, { recursive: true });
});

function pagesOf(snapshot: BackendSnapshot): LmdbPages {
  if (snapshot.picture === undefined) throw new Error('a snapshot of a file has a picture');
  return new LmdbPages(snapshot.picture);
}

const told = (records: Iterable<{ key: Buffer; value: Buffer }>): string[] =>
  Array.from(records, ({ key, value }) => `${key.toString('hex')} ${value.toString('hex')}`);

function expectSame(snapshot: BackendSnapshot): void {
  const pages = pagesOf(snapshot);
  for (const bucket of buckets) expect(told(pages.entries(bucket))).toEqual(told(snapshot.entries(bucket)));
}

test('an empty one', async () => {
  const snapshot = await backend.committedSnapshot();
  expectSame(snapshot);
  snapshot.release();
});

test('trees of three levels, values on pages of their own, holes, and what is written meanwhile is not seen', async () => {
  const random = new SeededRandom(7).stream('pages');
  const bytes = [0, 1, 300, 1000, 2010, 2040, 4072, 4073, 9000, 70_000];
  let main = 0;
  const put = () => backend.put(++main, 0, false, Buffer.alloc(bytes[random.int(bytes.length)] ?? 0, `${main} `));
  for (let i = 0; i < 3000; i++) put();
  for (let i = 0; i < 500; i++) backend.setRecord('lease', `lease ${random.int(10_000)}`, Buffer.alloc(100, `${i}`));
  await backend.commit();
  for (let i = 1; i < main; i += 1 + random.int(3)) backend.remove(i, 0, false);
  const snapshot = await backend.committedSnapshot();
  const before = buckets.map((bucket) => told(snapshot.entries(bucket)));
  for (let turn = 0; turn < 50; turn++) {
    for (let i = 0; i < 20; i++) put();
    backend.remove(main - 40 * turn, 0, false);
    await backend.commit();
  }
  expect(buckets.map((bucket) => told(pagesOf(snapshot).entries(bucket)))).toEqual(before);
  snapshot.release();
  const now = await backend.committedSnapshot();
  expectSame(now);
  now.release();
});

test('a page that is not there', async () => {
  for (let i = 1; i < 100; i++) backend.put(i, 0, false, Buffer.alloc(1000));
  await backend.commit();
  const copy = join(folder, 'copy');
  copyFileSync(join(folder, dataFile), copy);
  truncateSync(copy, 3 * 4096);
  const fd = openSync(copy, 'r');
  expect(() => told(new LmdbPages(newestPicture(fd, 4096)).entries('key'))).toThrow(LmdbPageError);
  closeSync(fd);
});
