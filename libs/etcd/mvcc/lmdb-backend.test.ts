import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Backend, StoredRecord } from './backend.ts';
import { openLmdbBackend } from './lmdb-backend.ts';
import { BackendError } from './lmdb-environment.ts';
import { encodeRevision } from './revision.ts';

const everything = Number.MAX_SAFE_INTEGER - 1;

let folder: string;
let backend: Backend;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'backend-'));
  backend = openLmdbBackend(folder);
});

afterEach(async () => {
  await backend.close();
  rmSync(folder, { recursive: true, force: true });
});

const shown = (records: Iterable<StoredRecord>): string[] =>
  Array.from(records, ({ key, value }) => `${key.toString('hex')}=${value.toString()}`);

/** What a backend must show, by the names of its keys. */
class Model {
  readonly revisions = new Map<string, string>();
  readonly leases = new Map<string, string>();

  shows(table: 'revisions' | 'leases'): string[] {
    return [...this[table]].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => `${key}=${value}`);
  }
}

const hex = (key: string): string => Buffer.from(key).toString('hex');

test('reads and pictures show all changes, whatever is written, is being written or waits', async () => {
  const random = new SeededRandom('pending').stream('changes');
  const model = new Model();
  const live: { main: number; sub: number; tombstone: boolean; value: string }[] = [];
  const commits: Promise<void>[] = [];
  let main = 1;
  for (let step = 0; step < 1500; step++) {
    const kind = random.int(12);
    if (kind < 5) {
      main++;
      for (let sub = 0; sub <= random.int(3); sub++) {
        const put = { main, sub, tombstone: random.int(4) === 0, value: `value ${step} ${sub}` };
        backend.put(main, sub, put.tombstone, Buffer.from(put.value));
        model.revisions.set(encodeRevision(main, sub, put.tombstone).toString('hex'), put.value);
        live.push(put);
      }
    } else if (kind === 5 && live.length > 0) {
      const [gone] = live.splice(random.int(live.length), 1);
      if (gone === undefined) continue;
      backend.remove(gone.main, gone.sub, gone.tombstone);
      model.revisions.delete(encodeRevision(gone.main, gone.sub, gone.tombstone).toString('hex'));
    } else if (kind < 8) {
      const key = `lease ${random.int(20)}`;
      const value = random.int(3) === 0 ? undefined : `${step}`;
      backend.setRecord('lease', key, value === undefined ? undefined : Buffer.from(value));
      if (value === undefined) model.leases.delete(hex(key));
      else model.leases.set(hex(key), value);
    } else if (kind === 8) commits.push(backend.commit());
    else if (kind === 9) await new Promise((resolve) => setImmediate(resolve));
    else if (kind === 10) await new Promise((resolve) => setTimeout(resolve, 1));

    const any = live[random.int(Math.max(1, live.length))];
    if (any?.tombstone === false) expect(backend.get(any.main, any.sub)?.toString()).toBe(any.value);
    if (step % 7 !== 0) continue;
    expect(shown(backend.records('lease'))).toEqual(model.shows('leases'));
    const from = random.int(main + 2);
    const to = from + random.int(30);
    const [start, end] = [encodeRevision(from, 0).toString('hex'), encodeRevision(to + 1, 0).toString('hex')];
    const within = (entry: string) => entry >= start && entry < end;
    expect(shown(backend.revisions(from, to))).toEqual(model.shows('revisions').filter(within));
    const snapshot = backend.snapshot();
    const expected = [model.shows('revisions'), model.shows('leases')];
    backend.put(++main, 0, false, Buffer.from('later'));
    model.revisions.set(encodeRevision(main, 0).toString('hex'), 'later');
    live.push({ main, sub: 0, tombstone: false, value: 'later' });
    expect([shown(snapshot.entries('key')), shown(snapshot.entries('lease'))]).toEqual(expected);
    snapshot.release();
  }
  expect(commits.length).toBeGreaterThan(50);
  await Promise.all(commits);
  const snapshot = await backend.committedSnapshot();
  expect(backend.pendingBytes).toBe(0);
  expect(shown(snapshot.entries('key'))).toEqual(model.shows('revisions'));
  expect(shown(snapshot.entries('lease'))).toEqual(model.shows('leases'));
  snapshot.release();
  await backend.close();
  backend = openLmdbBackend(folder);
  expect(shown(backend.revisions(0, everything))).toEqual(model.shows('revisions'));
  expect(shown(backend.records('lease'))).toEqual(model.shows('leases'));
});

test('a commit takes what came until its turn, with its marks', async () => {
  let marks = 0;
  backend.beforeCommit = () => backend.setRecord('meta', 'mark', Buffer.from(`${++marks}`));
  backend.put(2, 0, false, Buffer.from('a'));
  const first = backend.commit();
  expect(backend.commit()).toBe(first);
  await first;
  backend.put(3, 0, false, Buffer.from('b'));
  const second = backend.commit();
  await Promise.resolve();
  await Promise.resolve();
  backend.put(4, 0, false, Buffer.from('c'));
  await Promise.all([second, backend.commit()]);
  expect(marks).toBe(3);
  expect(shown(backend.records('meta'))).toEqual([`${hex('mark')}=3`]);
});

test('a commit that cannot be written is not written in part, and no later one is', async () => {
  backend.put(2, 0, false, Buffer.from('a'));
  await backend.commit();
  backend.put(3, 0, false, Buffer.from('b'));
  backend.setRecord('lease', 'k'.repeat(3000), Buffer.from('c'));
  backend.put(4, 0, false, Buffer.from('d'));
  await expect(backend.commit()).rejects.toThrow(BackendError);
  backend.put(5, 0, false, Buffer.from('e'));
  await expect(backend.commit()).rejects.toThrow(BackendError);
  expect(backend.get(3, 0)?.toString()).toBe('b');
  await backend.close();
  backend = openLmdbBackend(folder);
  expect(shown(backend.revisions(0, everything))).toEqual([`${encodeRevision(2, 0).toString('hex')}=a`]);
});

test('what replaces everything is not seen before it is whole, and then at once', async () => {
  backend.put(2, 0, false, Buffer.from('a'));
  backend.setRecord('lease', 'l', Buffer.from('1'));
  const commit = backend.commit();
  const replacement = await backend.replace();
  replacement.load('key', [{ key: encodeRevision(7, 0), value: Buffer.from('b') }]);
  replacement.load('meta', [{ key: Buffer.from('mark'), value: Buffer.from('1') }]);
  backend.put(3, 0, false, Buffer.from('c'));
  const old = backend.snapshot();
  const before = [`${encodeRevision(2, 0).toString('hex')}=a`, `${encodeRevision(3, 0).toString('hex')}=c`];
  expect(shown(backend.revisions(0, everything))).toEqual(before);
  let after: string[] = [];
  const finished = replacement.finish(() => {
    after = shown(backend.revisions(0, everything));
  });
  expect(shown(backend.revisions(0, everything))).toEqual(before);
  await finished;
  await commit;
  const now = [`${encodeRevision(7, 0).toString('hex')}=b`];
  expect(after).toEqual(now);
  expect(shown(backend.records('meta'))).toEqual([`${hex('mark')}=1`]);
  expect(shown(backend.records('lease'))).toEqual([]);
  expect(backend.get(2, 0)).toBeUndefined();
  expect(shown(old.entries('key'))).toEqual(before);
  old.release();
  backend.put(8, 0, false, Buffer.from('d'));
  await backend.commit();
  await backend.close();
  backend = openLmdbBackend(folder);
  expect(shown(backend.revisions(0, everything))).toEqual([...now, `${encodeRevision(8, 0).toString('hex')}=d`]);
});

test('a replacement that is abandoned, or that a crash cuts short, changes nothing', async () => {
  backend.put(2, 0, false, Buffer.from('a'));
  await backend.commit();
  const first = await backend.replace();
  first.load('key', [{ key: encodeRevision(7, 0), value: Buffer.from('b') }]);
  await first.abandon();
  const second = await backend.replace();
  second.load('key', [{ key: encodeRevision(7, 0), value: Buffer.from('b') }]);
  await expect(backend.defragment()).rejects.toThrow(/is being replaced/);
  await backend.close();
  backend = openLmdbBackend(folder);
  expect(shown(backend.revisions(0, everything))).toEqual([`${encodeRevision(2, 0).toString('hex')}=a`]);
  expect(readdirSync(folder).sort()).toEqual(['data.mdb', 'lock.mdb']);
});
