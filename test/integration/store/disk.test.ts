// Three processes of which one has a bad disk, or ends between two steps by which its data become durable.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { api } from '@drydock/etcd/rpc/api.ts';
import { expect, test } from 'vitest';
import type { StoreClient } from './client.ts';
import { type StartedStore, storesOfTest } from './fixture.ts';
import { exitOf, until } from './members.ts';
import { missing, Stream } from './stream.ts';

const minuteMs = 60_000;
const slowSyncMs = 4000;

const stores = storesOfTest();

async function start(): Promise<StartedStore & { stream: Stream }> {
  const started = await stores.start({ size: 3 });
  const stream = new Stream(started.client, 'key');
  stores.atEnd(() => stream.stop());
  await until('writes are acknowledged', () => stream.acknowledged.length > 10);
  return { ...started, stream };
}

/** More writes than before are acknowledged. */
async function goesOn(writes: Stream): Promise<void> {
  const before = writes.acknowledged.length;
  await until('writes go on', () => writes.acknowledged.length > before + 10);
}

/** Nothing acknowledged is missing, and all members have the same. */
async function expectWhole(to: StoreClient, writes: Stream): Promise<void> {
  const acknowledged = await writes.stop();
  await until('all members have the same', () => to.agree());
  expect(await missing(to, acknowledged)).toEqual([]);
}

test('a leader whose syncs are slow is replaced; nothing is lost', { timeout: 2 * minuteMs }, async () => {
  const { store: three, client: to, stream: writes } = await start();
  const slow = await to.leader();
  three.setDiskFaults(slow, { path: 'member/wal', syncDelayMs: slowSyncMs });
  await until('another member leads', async () => ![slow, -1].includes(await to.leader().catch(() => -1)), minuteMs);
  await goesOn(writes);
  three.setDiskFaults(slow, {});
  await goesOn(writes);
  await expectWhole(to, writes);
});

test('a leader whose disk is full, or cannot sync, ends with a message; the others go on', {
  timeout: 2 * minuteMs,
}, async () => {
  const { store: three, client: to, stream: writes } = await start();
  for (const { faults, message } of [
    { faults: { path: 'member/wal', full: true }, message: /no space left on the disk of the data directory/ },
    { faults: { path: 'member/wal', failSync: true }, message: /cannot write the write-ahead log: EIO/ },
  ]) {
    const bad = await to.leader();
    const child = three.members[bad]?.process;
    if (child === undefined) throw new Error('a member without a process');
    three.setDiskFaults(bad, faults);
    expect(await exitOf(child)).toBe(1);
    expect(three.log(bad)).toMatch(message);
    await goesOn(writes);
    three.setDiskFaults(bad, {});
    three.startMember(bad);
    await three.ready();
  }
  await expectWhole(to, writes);
});

/** Between the log and the state machine, and in a compaction and a defragmentation. */
const crashes = [
  { crashAt: 'beforeSync', path: 'member/wal' },
  { crashAt: 'afterSync', path: 'member/wal' },
  { crashAt: 'beforeCommit' },
  { crashAt: 'afterCommit' },
  { crashAt: 'afterRemoval' },
  { crashAt: 'defragmentCaughtUp' },
  { crashAt: 'defragmentSynced' },
  { crashAt: 'defragmentRenamed' },
];

test('a leader that ends between two steps has all it acknowledged; revisions only grow', {
  timeout: 3 * minuteMs,
}, async () => {
  const { store: three, client: to, stream: writes } = await start();
  let revision = 0;
  for (const faults of crashes) {
    const at = await to.leader();
    const child = three.members[at]?.process;
    if (child === undefined) throw new Error('a member without a process');
    // Something for a compaction to remove.
    for (const value of ['1', '2']) await until('a write is taken', () => to.put('again', value));
    const before = (await to.call(at, api.status, {})).header?.revision ?? 0;
    expect(before).toBeGreaterThan(revision);
    revision = before;
    three.setDiskFaults(at, faults);
    // Their answers are lost with the member.
    const compaction = { revision, physical: true };
    if (faults.crashAt === 'afterRemoval') {
      to.call(at, api.compact, compaction).catch(() => {});
    } else if (faults.crashAt.startsWith('defragment')) {
      to.call(at, api.defragment, {}).catch(() => {});
    }
    await until(`it ends at ${faults.crashAt}`, () => child.signalCode === 'SIGKILL');
    three.setDiskFaults(at, {});
    three.startMember(at);
    await three.ready();
    await goesOn(writes);
  }
  await expectWhole(to, writes);
});

/** Files of a member that has stopped, and what is done to them. */
const damages = [
  {
    what: 'log',
    path: 'member/wal',
    /** A bit in the first of many records, long since durable. */
    change: (bytes: Buffer) => bytes.writeUInt8(bytes.readUInt8(400) ^ 1, 400),
    message: /write-ahead log is damaged: \w+-\w+\.wal: the record at byte \d+ .*etcdctl member remove/,
  },
  {
    what: 'data',
    path: 'member/db',
    change: (bytes: Buffer) => bytes.fill(0, 0, 8192),
    message: /the data of this member are damaged: .*data\.mdb: .*etcdctl member remove/,
  },
] as const;

test.each(damages)(
  'a member with a damaged $what does not start, and says why',
  { timeout: minuteMs },
  async ({ path, change, message }) => {
    const { store, client: to } = await stores.start({ size: 1 });
    for (let i = 0; i < 20; i++) await until('a write is taken', () => to.put(`key${i}`, 'value'));
    expect(await store.stopMember(0, 'SIGTERM')).toBe(0);
    const folder = join(store.members[0]?.dataDir ?? '', path);
    const file = join(folder, readdirSync(folder).find((name) => /\.(wal|mdb)$/.test(name) && name !== 'lock.mdb') ?? '');
    const bytes = readFileSync(file);
    change(bytes);
    writeFileSync(file, bytes);
    expect(await exitOf(store.startMember(0))).toBe(1);
    expect(store.log(0)).toMatch(message);
  },
);
