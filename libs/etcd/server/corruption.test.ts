import { silentLog } from '@drydock/foundation/log.ts';
import { expect, test } from 'vitest';
import type { HashResult } from '../mvcc/history-hash.ts';
import { CorruptionChecker, CorruptionError } from './corruption.ts';
import type { MemberHash } from './hashes.ts';

const hashAt = (revision: number, hash: number, compactRevision = 5, current = revision): MemberHash => ({
  revision,
  hash,
  compactRevision,
  current,
});

/** Member 1 checks; the others answer what they are given, one after the other. */
function setUp(own: MemberHash[], others: readonly (MemberHash | 'down')[], compactions: HashResult[] = [], values = true) {
  const alarms: bigint[] = [];
  const asked: number[] = [];
  const checker = new CorruptionChecker({
    id: 1n,
    peers: () => others.map((_, i) => BigInt(i + 2)),
    peerHash: async (id, revision) => {
      if (id === 2n) asked.push(revision);
      const answer = others[Number(id) - 2];
      if (answer === undefined || answer === 'down') throw new Error('connection refused');
      return answer;
    },
    hash: async () => (own.length > 1 ? own.shift() : own[0]) ?? hashAt(1, 0),
    hasValues: () => values,
    compactionHashes: () => compactions,
    readPoint: async () => {},
    raiseCorrupt: async (member) => void alarms.push(member),
    log: silentLog,
  });
  return { checker, alarms, asked };
}

test('a member that differs from a peer does not start', async () => {
  const { checker } = setUp([hashAt(10, 0xa)], [hashAt(10, 0xa), hashAt(10, 0xb)]);
  await expect(checker.initialCheck()).rejects.toThrow(new CorruptionError('1 found data inconsistency with peers'));
});

test('where there is no value, hashes prove nothing', async () => {
  const { checker, alarms } = setUp([hashAt(10, 0xa)], [hashAt(10, 0xb)], [], false);
  await checker.initialCheck();
  await checker.periodicCheck();
  expect(alarms).toEqual([]);
});

test.each<[string, MemberHash | 'down']>([
  ['equal hashes', hashAt(10, 0xa)],
  ['another compaction', hashAt(10, 0xb, 7)],
  ['no answer', 'down'],
])('it starts with %s', async (_, answer) => {
  await setUp([hashAt(10, 0xa)], [answer]).checker.initialCheck();
});

test('the leader finds who differs', async () => {
  const { checker, alarms, asked } = setUp([hashAt(10, 0xa)], [hashAt(10, 0xa), hashAt(10, 0xb), 'down']);
  await checker.periodicCheck();
  expect(alarms).toEqual([3n]);
  expect(asked).toEqual([10]);
});

test.each<[string, MemberHash]>([
  ['revision', hashAt(10, 0xa, 5, 12)],
  ['compacted revision', hashAt(10, 0xb, 6)],
])('a follower whose %s is ahead of the leader is corrupt', async (_, answer) => {
  const { checker, alarms } = setUp([hashAt(10, 0xa)], [answer]);
  await checker.periodicCheck();
  expect(alarms).toEqual([2n]);
});

test('a follower that went on while it was asked is not; nor is one that compacted a moment later', async () => {
  const { checker, alarms } = setUp([hashAt(10, 0xa), hashAt(12, 0xc, 8)], [hashAt(10, 0xa, 5, 12), hashAt(10, 0xd, 4)]);
  await checker.periodicCheck();
  expect(alarms).toEqual([]);
});

test('a leader whose own hash changes by itself is corrupt', async () => {
  const { checker, alarms } = setUp([hashAt(10, 0xa), hashAt(10, 0xb)], []);
  await checker.periodicCheck();
  expect(alarms).toEqual([1n]);
});

test('compacted: the minority is corrupt, also where it is the leader', async () => {
  const compactions = [hashAt(10, 0xa)];
  const follower = setUp([], [hashAt(10, 0xa), hashAt(10, 0xb)], compactions);
  await follower.checker.compactHashCheck();
  expect(follower.alarms).toEqual([3n]);
  const leader = setUp([], [hashAt(10, 0xb), hashAt(10, 0xb)], compactions);
  await leader.checker.compactHashCheck();
  expect(leader.alarms).toEqual([1n]);
});

test('compacted: without a majority nobody is named', async () => {
  const { checker, alarms } = setUp([], [hashAt(10, 0xb), 'down'], [hashAt(10, 0xa)]);
  await checker.compactHashCheck();
  expect(alarms).toEqual([0n]);
});

test('compacted: newest first, until all could be compared; what was is not asked again', async () => {
  const compactions = [hashAt(10, 0xa, 5), hashAt(20, 0xb, 10)];
  const { checker, asked } = setUp([], [hashAt(10, 0xa, 5)], compactions);
  await checker.compactHashCheck();
  expect(asked).toEqual([20, 10]);
  compactions.push(hashAt(30, 0xc, 20));
  await checker.compactHashCheck();
  expect(asked).toEqual([20, 10, 30, 20]);
});
