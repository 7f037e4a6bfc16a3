import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  change,
  database,
  entry,
  metadata,
  place,
  put,
  segment,
  snapshotFile,
  state,
  v2,
} from '@drydock/etcd/import/testing/etcd-files.ts';
import { openLmdbBackend } from '@drydock/etcd/mvcc/lmdb-backend.ts';
import { Member } from '@drydock/etcd/rpc/messages.ts';
import { decode } from '@drydock/etcd/rpc/protobuf.ts';
import { recover } from '@drydock/etcd/wal/recover.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { NodeDisk } from '@drydock/foundation/node-disk.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { importEtcdData } from './import-data.ts';

const [a, b] = [0xan, 0xbn];
const raftAttributes = { Value: '{"peerURLs":["http://a:1"]}' };
const attributes = { Value: '{"name":"a","clientURLs":["http://a:2"]}' };
const store = {
  Root: {
    Children: { 0: { Children: { members: { Children: { a: { Children: { raftAttributes, attributes } } } } } }, 1: {} },
  },
};
let dataDir = '';

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'import-data-'));
});

afterEach(() => {
  rmSync(dataDir, { recursive: true });
});

type Records = Parameters<typeof segment>[0];

/** etcd's folder of member a: a snapshot at 5, then `records`; the database goes up to `applied`. */
function etcdFolder(applied: number, records: Records): void {
  const member = join(dataDir, 'member');
  for (const name of ['snap', 'wal']) mkdirSync(join(member, name), { recursive: true });
  const head = [
    ['metadata', metadata(a, 0xcn)],
    ['state', state(2, a, 5)],
    ['snapshot', place(5, 1)],
  ] as const;
  const { content } = segment([...head, ...records]);
  writeFileSync(join(member, 'wal', '0000000000000003-0000000000000004.wal'), content);
  writeFileSync(join(member, 'snap', '0000000000000001-0000000000000005.snap'), snapshotFile(5, 1, [a], store));
  writeFileSync(join(member, 'snap', 'db'), database(applied));
}

const learner: Records[number] = ['entry', entry(6, 2, change(3, b, { id: 11, peerURLs: ['http://b:1'] }), 1)];
const puts: Records = [7, 8, 9].map((index) => ['entry', entry(index, 2, put('k', String(index)))] as const);

async function content() {
  const backend = openLmdbBackend(join(dataDir, 'member', 'db'));
  const members = [...backend.records('member')].map(({ value }) => decode(Member, Buffer.from(value)));
  await backend.close();
  const { snapshot, hardState, entries } = await recover(new NodeDisk(dataDir), 'member/wal');
  return { members, snapshot, hardState, indexes: entries.map(({ index }) => index) };
}

test('the log begins behind the database, with the membership there', async () => {
  etcdFolder(7, [learner, ...puts, ['state', state(3, a, 8)]]);
  await importEtcdData(dataDir, silentLog);
  expect(await content()).toMatchObject({
    members: [
      { ID: a, name: 'a', peerURLs: ['http://a:1'], clientURLs: ['http://a:2'], isLearner: false },
      { ID: b, peerURLs: ['http://b:1'], isLearner: true },
    ],
    snapshot: { index: 7, term: 2, conf: { voters: [a], learners: [b] } },
    hardState: { term: 3, vote: a, commit: 8 },
    indexes: [8, 9],
  });
  expect(readdirSync(join(dataDir, 'member.etcd', 'snap'))).toContain('db');
  expect(existsSync(join(dataDir, 'member.import'))).toBe(false);
  // Ours now: nothing is done again.
  await importEtcdData(dataDir, silentLog);
});

test('what was begun before a crash is done anew, what was complete is put in its place', async () => {
  etcdFolder(7, [learner, ...puts]);
  mkdirSync(join(dataDir, 'member.import', 'member', 'db'), { recursive: true });
  writeFileSync(join(dataDir, 'member.import', 'member', 'db', 'data.mdb'), 'half');
  await importEtcdData(dataDir, silentLog);
  const expected = await content();
  mkdirSync(join(dataDir, 'member.import'));
  renameSync(join(dataDir, 'member'), join(dataDir, 'member.import', 'member'));
  await importEtcdData(dataDir, silentLog);
  expect(await content()).toEqual(expected);
  expect(readdirSync(dataDir).sort()).toEqual(['member', 'member.etcd']);
});

test.each<[string, number, Records]>([
  ['entry 7 is a request of the v2 API', 6, [learner, ['entry', entry(7, 2, v2('PUT', '/1/k', 'v'))]]],
  // Its effect is nowhere but in the v2 store.
  ['entry 7 is a request of the v2 API', 7, [learner, ['entry', entry(7, 2, v2('PUT', '/1/k', 'v'))]]],
  ['the database ends at entry 4, but the log begins behind 5', 4, [learner]],
  ['the log ends at entry 6, but the database is at 8', 8, [learner]],
  ['the log begins at entry 7, and entry 6 is nowhere', 7, puts],
])('%s: refused, and nothing has changed', async (reason, applied, records) => {
  etcdFolder(applied, records);
  await expect(importEtcdData(dataDir, silentLog)).rejects.toThrow(
    `cannot take over etcd's data directory ${dataDir}: ${reason}`,
  );
  expect(readdirSync(dataDir)).toEqual(['member']);
});

test('a folder that is in the way is told of', async () => {
  etcdFolder(6, [learner]);
  mkdirSync(join(dataDir, 'member.etcd'));
  await expect(importEtcdData(dataDir, silentLog)).rejects.toThrow('is in the way');
});
