// The file that `snapshot save` gets: whole, of one moment, in etcd's schema.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { emptyConf } from 'raft-ts/config-codec.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BoltBucket, openBolt } from '../bbolt/reader.ts';
import { limits } from '../limits.ts';
import type { Backend } from '../mvcc/backend.ts';
import { openLmdbBackend } from '../mvcc/lmdb-backend.ts';
import { AlarmMember, KeyValue, Member, SnapshotResponse } from '../rpc/messages.ts';
import { decode, encode } from '../rpc/protobuf.ts';
import { encodeNumber, LeaseRecord } from './etcd-schema.ts';
import { streamSnapshot } from './snapshot-stream.ts';

const facts = { term: 7, conf: { ...emptyConf, voters: [10n, 2n ** 63n + 5n] } };
const hashBytes = 32;
let folder = '';
let backend: Backend;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'snapshot-'));
  backend = openLmdbBackend(folder);
});

afterEach(async () => {
  await backend.close();
  rmSync(folder, { recursive: true });
});

function putKey(revision: number, value: string): void {
  const kv = {
    key: 'k',
    create_revision: 2,
    mod_revision: revision,
    version: revision - 1,
    value: Buffer.from(value),
    lease: 0n,
  };
  backend.put(revision, 0, false, encode(KeyValue, kv));
}

interface SnapshotPiece {
  readonly bytes: Buffer;
  readonly remainingBytes: number;
}

async function collect(
  blocks: AsyncIterable<readonly Buffer[]>,
  each = (): Promise<void> | void => {},
): Promise<SnapshotPiece[]> {
  const all: SnapshotPiece[] = [];
  let before: readonly Buffer[] = [];
  const read = (): void => {
    for (const message of before) {
      const { blob, remaining_bytes: remainingBytes } = decode(SnapshotResponse, message);
      all.push({ bytes: Buffer.from(blob), remainingBytes });
    }
  };
  for await (const messages of blocks) {
    // As late as is allowed.
    read();
    before = messages;
    await each();
  }
  read();
  return all;
}

function openPieces(pieces: readonly SnapshotPiece[]): { root: BoltBucket; file: Buffer } {
  const file = Buffer.concat(pieces.slice(0, -1).map((piece) => piece.bytes));
  const read = (offset: number, length: number): Buffer => file.subarray(offset, offset + length);
  return { root: openBolt({ size: file.length, read }), file };
}

const recordsOf = (root: BoltBucket, name: string) => [...(root.bucket(name)?.records() ?? [])];

test('pieces say how much is left; the last one is the hash of all before it', async () => {
  for (let revision = 2; revision < 600; revision++) putKey(revision, 'v'.repeat(300));
  const pieces = await collect(streamSnapshot(await backend.committedSnapshot(), facts, new SystemClock()));
  const { file } = openPieces(pieces);
  expect(file.length).toBeGreaterThan(180_000);
  expect(file.length % 4096).toBe(0);
  let left = file.length;
  for (const { bytes, remainingBytes } of pieces.slice(0, -1)) {
    left -= bytes.length;
    expect(remainingBytes).toBe(left);
    expect(bytes.length === limits.snapshotChunkBytes || left === 0).toBe(true);
  }
  expect(pieces.at(-1)).toEqual({ bytes: createHash('sha256').update(file).digest(), remainingBytes: 0 });
  expect(pieces.at(-1)?.bytes).toHaveLength(hashBytes);
});

test('ends where nobody wants it any more, and lets go of its picture', async () => {
  // More than a slice's work.
  for (let revision = 2; revision < 20_000; revision++) putKey(revision, 'v'.repeat(300));
  const snapshot = await backend.committedSnapshot();
  let released = 0;
  const observed = { ...snapshot, release: () => ++released && snapshot.release() };
  const pieces = await collect(streamSnapshot(observed, facts, new SystemClock(), () => true));
  expect(pieces).toEqual([]);
  expect(released).toBe(1);
});

test('what is written meanwhile is not in it', async () => {
  for (let revision = 2; revision < 400; revision++) putKey(revision, `before ${'v'.repeat(500)}`);
  let revision = 400;
  const pieces = await collect(streamSnapshot(await backend.committedSnapshot(), facts, new SystemClock()), () => {
    for (const end = revision + 50; revision < end; revision++) putKey(revision, 'after');
    for (let old = 2; old < 300; old++) backend.remove(old, 0, false);
    void backend.commit();
  });
  const values = recordsOf(openPieces(pieces).root, 'key').map(({ value }) => decode(KeyValue, value));
  expect(values.map((kv) => kv.mod_revision)).toEqual(Array.from({ length: 398 }, (_, i) => i + 2));
  expect(values.every((kv) => kv.value.toString().startsWith('before'))).toBe(true);
});

test('the thread makes the bytes that are made without one', async () => {
  for (let revision = 2; revision < 900; revision++) putKey(revision, 'v'.repeat(revision % 7 === 0 ? 5000 : revision));
  const { entries } = backend.snapshot();
  const pieces = await collect(streamSnapshot(await backend.committedSnapshot(), facts, new SystemClock()));
  const here = await collect(streamSnapshot({ entries, release: () => {} }, facts, new SystemClock()));
  const bytesOf = (all: readonly SnapshotPiece[]) => Buffer.concat(all.map(({ bytes }) => bytes));
  expect(bytesOf(pieces).equals(bytesOf(here))).toBe(true);
  expect(pieces.map(({ remainingBytes }) => remainingBytes)).toEqual(here.map(({ remainingBytes }) => remainingBytes));
});

test('a file that cannot be read is an error, not a short file', async () => {
  putKey(2, 'v');
  const { picture, ...snapshot } = await backend.committedSnapshot();
  if (picture === undefined) throw new Error('a snapshot of a file has a picture');
  const pieces = streamSnapshot({ ...snapshot, picture: { ...picture, root: 10_000 } }, facts, new SystemClock());
  await expect(collect(pieces)).rejects.toThrow('the file ends');
});

test('a defragmentation meanwhile does not take the picture away', async () => {
  for (let revision = 2; revision < 2000; revision++) putKey(revision, 'v'.repeat(500));
  const snapshot = await backend.committedSnapshot();
  for (let revision = 2; revision < 1500; revision++) backend.remove(revision, 0, false);
  await backend.commit();
  let running: Promise<void> | undefined;
  const pieces = await collect(streamSnapshot(snapshot, facts, new SystemClock()), () => {
    running ??= backend.defragment();
    return new SystemClock().sleep(2);
  });
  await running;
  expect(recordsOf(openPieces(pieces).root, 'key')).toHaveLength(1998);
  expect([...backend.revisions(0, 3000)]).toHaveLength(500);
});

test('small records are as etcd has them', async () => {
  const member = { ID: 2n ** 63n + 5n, name: 'm"1', peerURLs: ['http://a:1'], clientURLs: [], isLearner: true };
  backend.setRecord('member', member.ID.toString(16), encode(Member, member));
  backend.setRecord('lease', (2n ** 62n).toString(16), encodeNumber(60));
  backend.setRecord('lease', 'a', encodeNumber(3600));
  backend.setRecord('alarm', 'abc/1', Buffer.alloc(0));
  backend.setRecord('meta', 'appliedIndex', encodeNumber(42));
  backend.setRecord('meta', 'scheduledCompactRev', encodeNumber(9));
  const { root } = openPieces(await collect(streamSnapshot(await backend.committedSnapshot(), facts, new SystemClock())));
  const text = (name: string) => recordsOf(root, name).map(({ key, value }) => [key.toString(), value.toString('latin1')]);
  const json = '{"id":9223372036854775813,"peerURLs":["http://a:1"],"isLearner":true,"name":"m\\"1"}';
  expect(text('members')).toEqual([['8000000000000005', json]]);
  expect(recordsOf(root, 'lease').map(({ value }) => decode(LeaseRecord, value))).toEqual([
    { ID: 10n, TTL: 3600, RemainingTTL: 0 },
    { ID: 2n ** 62n, TTL: 60, RemainingTTL: 0 },
  ]);
  expect(recordsOf(root, 'alarm').map(({ key }) => decode(AlarmMember, key))).toEqual([{ memberID: 0xabcn, alarm: 1 }]);
  expect(text('meta')).toEqual([
    ['confState', '{"voters":[10,9223372036854775813],"auto_leave":false}'],
    ['consistent_index', '\0\0\0\0\0\0\0\x2a'],
    ['scheduledCompactRev', '\0\0\0\0\0\0\0\x09_\0\0\0\0\0\0\0\0'],
    ['storageVersion', '3.6.0'],
    ['term', '\0\0\0\0\0\0\0\x07'],
  ]);
  expect([...root.buckets()].map(({ name }) => name.toString())).toEqual([
    ...['alarm', 'auth', 'authRoles', 'authUsers', 'cluster', 'key', 'lease', 'members', 'members_removed', 'meta'],
  ]);
});
