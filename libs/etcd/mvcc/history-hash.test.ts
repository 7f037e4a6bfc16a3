// Hashes of a history, against those that etcd 3.5.30 gives for the same one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EtcdError } from '../errors.ts';
import type { Backend } from './backend.ts';
import { keyRange } from './key-range.ts';
import { openLmdbBackend } from './lmdb-backend.ts';
import { MvccStore } from './store.ts';

let folder: string;
let backend: Backend;
let store: MvccStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'history-hash-'));
  backend = openLmdbBackend(folder);
  store = new MvccStore(backend);
});

afterEach(async () => {
  await backend.close();
  rmSync(folder, { recursive: true });
});

const put = (key: string, value: string) => store.write((txn) => txn.put(key, Buffer.from(value), 0n));
const remove = (key: string) => store.write((txn) => txn.deleteRange(keyRange(key, '')));

function compact(revision: number): void {
  store.compact(revision);
  while (store.compactStep());
}

/** Revisions 2 to 7, compacted at 4. */
function begin(): void {
  for (const value of ['v1', 'v2', 'v3', 'v4']) put('k', value);
  put('l', 'w');
  remove('l');
  compact(4);
}

test('at a compacted revision it is of what was there before; at others of what is there', () => {
  begin();
  expect(store.hash(4)).toEqual({ hash: 1828632844, revision: 4, compactRevision: -1 });
  expect(store.hash(5).hash).toBe(3280258451);
  expect(store.hash(0)).toEqual({ hash: 1198637529, revision: 7, compactRevision: 4 });
  put('k', 'v5');
  compact(8);
  expect(store.hash(8)).toEqual({ hash: 519530920, revision: 8, compactRevision: 4 });
  expect(store.hash(4).hash).toBe(1828632844);
  expect(() => store.hash(5)).toThrow(new EtcdError('compacted'));
  put('k', 'v6');
  remove('k');
  compact(10);
  expect(store.hash(10).hash).toBe(3456285957);
});

test('after a restart nobody knows what was there before', () => {
  begin();
  const before = store.hash(0);
  const again = new MvccStore(backend);
  again.restore(() => {});
  expect(again.compactionHashes).toEqual([]);
  expect(again.hash(4).compactRevision).toBe(4);
  expect(again.hash(0)).toEqual(before);
});

test('a compaction that overtakes another has no hash: who knows what the other had removed', () => {
  for (const value of ['v1', 'v2', 'v3', 'v4']) put('k', value);
  store.compact(3);
  compact(4);
  expect(store.compactionHashes).toEqual([]);
  put('k', 'v5');
  compact(6);
  expect(store.compactionHashes.map(({ revision }) => revision)).toEqual([6]);
});

test('where no key has a value, members that have compacted and members that have not yet may differ', () => {
  put('k', 'v1');
  compact(2);
  put('k', 'v2');
  remove('k');
  const notYet = store.hash(4);
  compact(4);
  const [, then] = store.compactionHashes;
  expect(then).toMatchObject({ revision: notYet.revision, compactRevision: notYet.compactRevision, hadValues: false });
  expect(then?.hash).not.toBe(notYet.hash);
  put('k', 'v3');
  compact(5);
  expect(store.compactionHashes.at(-1)?.hadValues).toBe(true);
});

test('a hash in steps is of the moment it was begun; a compaction that goes past it ends it', () => {
  begin();
  const expected = store.hash(0);
  const run = store.hashRun(0);
  put('k', 'v5');
  while (run.step());
  expect(run.result()).toEqual(expected);
  const overtaken = store.hashRun(7);
  store.compact(8);
  expect(() => overtaken.step()).toThrow(new EtcdError('compacted'));
});
