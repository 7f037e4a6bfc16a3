import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bcryptHasher } from '../auth/bcrypt.ts';
import { EtcdError } from '../errors.ts';
import { limits } from '../limits.ts';
import { openLmdbBackend } from '../mvcc/lmdb-backend.ts';
import { KeyValue, LeaseGrantRequest, type Member, PutRequest } from '../rpc/messages.ts';
import { decode, encode } from '../rpc/protobuf.ts';
import { decodeProposal, encodeProposal } from './proposal.ts';
import { EtcdServer } from './server.ts';
import { EtcdStateMachine } from './state-machine.ts';
import { ManualReplica } from './testing/manual-replica.ts';

const own = 1n;
const other = 2n;
const electionMs = 1000;
const requestTimeoutMs = 7000;
const nothing = (): void => {};
const quiet: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => quiet };

let folder: string;
let clock: VirtualClock;
let machine: EtcdStateMachine;
let replica: ManualReplica;
let server: EtcdServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'etcd-server-'));
  clock = new VirtualClock();
  machine = new EtcdStateMachine({
    backend: openLmdbBackend(folder),
    clock,
    fatal: (error) => {
      throw error;
    },
  });
  await machine.open();
  replica = new ManualReplica(own, machine);
  server = new EtcdServer({
    replica,
    machine,
    connectedSince: () => undefined,
    strictReconfigCheck: true,
    maxLearners: 1,
    clusterId: 77n,
    name: 'm1',
    advertiseClientUrls: ['http://localhost:2379'],
    heartbeatMs: 100,
    electionMs,
    quotaBytes: limits.quotaBytes,
    maxTxnOps: limits.txnOps,
    maxRequestBytes: 1000,
    clock,
    random: new SeededRandom('server-test'),
    passwordHasher: bcryptHasher,
    log: quiet,
  });
});

afterEach(async () => {
  server.stop();
  await machine.close();
  rmSync(folder, { recursive: true });
});

const putBytes = (key: string, bytes = 1) => encode(PutRequest, { key, value: Buffer.alloc(bytes) });

/** The code that a call is refused with, 'ok' where it is not, 'waits' while neither is known. */
function watch(call: Promise<unknown>): { state: string } {
  const watched = { state: 'waits' };
  call.then(
    () => {
      watched.state = 'ok';
    },
    (error: unknown) => {
      watched.state = error instanceof EtcdError ? error.code : String(error);
    },
  );
  return watched;
}

const settle = () => clock.advanceAsync(0);

describe('proposals', () => {
  test('of a kind that this version does not know end the member, and are not applied as something else', () => {
    const entry = encodeProposal('put', other, 1n, putBytes('a'));
    entry[0] = 99;
    expect(() => machine.apply([{ index: 1, term: 1, type: 'normal', data: entry }])).toThrow(/kind 99.*newer/);
  });

  // Before wire types were checked such requests were answered, and so are in logs: fields as varints or as bytes that should be the
  // other, a field 0.
  test.each([
    { name: 'a value as a varint', kind: 'put', payload: [0x0a, 1, 0x61, 0x10, 1, 0x62] },
    { name: 'a lease as bytes', kind: 'put', payload: [0x0a, 1, 0x61, 0x12, 1, 0x62, 0x1a, 0] },
    { name: 'a field 0', kind: 'put', payload: [0x0a, 1, 0x61, 0x12, 1, 0x62, 0x00, 5] },
    { name: 'operations as varints', kind: 'txn', payload: [0x10, 8, 0x12, 6, 0x0a, 1, 0x61, 0x12, 1, 0x62] },
  ] as const)('of a log that an earlier version has written are applied as they were then: $name', ({ kind, payload }) => {
    const entry = encodeProposal(kind, other, 1n, Buffer.from(payload));
    machine.apply([{ index: 1, term: 1, type: 'normal', data: entry }]);
    expect(machine.store.revision).toBe(2);
    expect(decode(KeyValue, machine.store.kvAt(2, 0))).toMatchObject({ key: 'a', value: Buffer.from('b'), lease: 0n });
  });

  test('are answered when they are committed and applied, not before', async () => {
    replica.elect(own);
    const call = watch(server.propose('put', putBytes('a')));
    await settle();
    expect(call.state).toBe('waits');
    expect(machine.store.revision).toBe(1);
    replica.commit();
    await settle();
    expect(call.state).toBe('ok');
    expect(machine.store.revision).toBe(2);
    expect(server.pendingProposals).toBe(0);
  });

  test('wait for a leader, then go to it', async () => {
    const call = watch(server.propose('put', putBytes('a')));
    await clock.advanceAsync(requestTimeoutMs - 1);
    expect(call.state).toBe('waits');
    replica.elect(other);
    replica.commit();
    await settle();
    expect(call.state).toBe('ok');
  });

  test('without a leader, or lost, end after 5 s and two elections', async () => {
    const waiting = watch(server.propose('put', putBytes('a')));
    await clock.advanceAsync(requestTimeoutMs);
    expect(waiting.state).toBe('deadlineExceeded');
    replica.elect(own);
    const lost = watch(server.propose('put', putBytes('b')));
    replica.lose();
    await clock.advanceAsync(requestTimeoutMs - 1);
    expect(lost.state).toBe('waits');
    await clock.advanceAsync(1);
    expect(lost.state).toBe('timeoutConnectionLost');
  });

  test('of a leader that was replaced end when the next one has begun, unless they were committed before', async () => {
    replica.elect(own);
    const kept = watch(server.propose('put', putBytes('a')));
    const lost = watch(server.propose('put', putBytes('b')));
    replica.elect(other);
    replica.commit(1);
    replica.lose();
    replica.beginTerm();
    await settle();
    expect(kept.state).toBe('ok');
    expect(lost.state).toBe('timeoutLeaderFailure');
  });

  test('that a leader takes before its log tells of it are not lost when its term begins', async () => {
    replica.won = true;
    const call = watch(server.propose('put', putBytes('a')));
    replica.elect(own);
    replica.beginTerm();
    await settle();
    expect(call.state).toBe('waits');
    replica.commit();
    await settle();
    expect(call.state).toBe('ok');
  });

  test('too large or too many are refused at once', async () => {
    replica.elect(own);
    const large = watch(server.propose('put', putBytes('a', 2000)));
    replica.answer = 'tooManyUncommitted';
    const many = watch(server.propose('put', putBytes('a')));
    await settle();
    expect([large.state, many.state]).toEqual(['requestTooLarge', 'tooManyRequests']);
  });

  test('end with the server', async () => {
    replica.elect(own);
    const call = watch(server.propose('put', putBytes('a')));
    server.stop();
    const late = watch(server.propose('put', putBytes('b')));
    await settle();
    expect([call.state, late.state]).toEqual(['stopped', 'stopped']);
  });
});

describe('read points', () => {
  test('callers of one turn share a round; the next ones get another', async () => {
    const first = [watch(server.readPoint()), watch(server.readPoint())];
    await settle();
    const second = watch(server.readPoint());
    await settle();
    expect(replica.rounds).toBe(2);
    replica.confirmReads();
    await settle();
    expect([...first, second].map(({ state }) => state)).toEqual(['ok', 'ok', 'ok']);
  });

  test('without a quorum they time out', async () => {
    const read = watch(server.readPoint());
    await clock.advanceAsync(requestTimeoutMs);
    expect(read.state).toBe('timeout');
    expect(replica.rounds).toBe(0);
  });
});

describe('leases', () => {
  const grant = async (ID: bigint, TTL: number) => {
    const call = server.propose('leaseGrant', encode(LeaseGrantRequest, { ID, TTL }));
    replica.commit();
    await call;
  };
  const revocations = () => replica.proposed.filter(({ data }) => decodeProposal(data).kind === 'leaseRevoke').length;

  test('the leader has them revoked when their time is over, and not before', async () => {
    replica.elect(own);
    await grant(5n, 10);
    await clock.advanceAsync(9_999);
    expect(revocations()).toBe(0);
    await clock.advanceAsync(2_000);
    expect(revocations()).toBeGreaterThan(0);
    expect(machine.lessor.has(5n)).toBe(true);
    replica.commit();
    expect(machine.lessor.has(5n)).toBe(false);
  });

  test('a member that does not lead revokes nothing', async () => {
    replica.elect(other);
    await grant(5n, 10);
    await clock.advanceAsync(60_000);
    expect(revocations()).toBe(0);
  });

  test('on a new leader their whole time starts again, and an election more', async () => {
    replica.elect(other);
    await grant(5n, 10);
    await clock.advanceAsync(9_000);
    replica.elect(own);
    await clock.advanceAsync(10_000 + electionMs - 1);
    expect(revocations()).toBe(0);
    await clock.advanceAsync(2_000);
    expect(revocations()).toBeGreaterThan(0);
  });

  test('a leader that was replaced stops counting', async () => {
    replica.elect(own);
    await grant(5n, 10);
    replica.elect(other);
    await clock.advanceAsync(60_000);
    expect(revocations()).toBe(0);
  });
});

test('a leader that was deposed and has not heard of it has no lease revoked by its successor', async () => {
  replica.elect(own);
  const granted = server.propose('leaseGrant', encode(LeaseGrantRequest, { ID: 5n, TTL: 10 }));
  replica.commit();
  await granted;
  const before = replica.proposed.length;
  replica.deposed = true;
  await clock.advanceAsync(60_000);
  expect(replica.proposed.length).toBe(before);
});

describe('leaders', () => {
  test('streams that ask for one hear of its loss after three elections without', async () => {
    replica.elect(other);
    let lost = 0;
    server.onLeaderLost(() => lost++);
    replica.elect(0n);
    await clock.advanceAsync(3 * electionMs - 1);
    expect(lost).toBe(0);
    await clock.advanceAsync(1);
    expect(lost).toBe(1);
  });

  test('and not where one was found in time', async () => {
    replica.elect(other);
    let lost = 0;
    server.onLeaderLost(() => lost++);
    replica.elect(0n);
    await clock.advanceAsync(2 * electionMs);
    replica.elect(own);
    await clock.advanceAsync(10 * electionMs);
    expect(lost).toBe(0);
  });

  test('the member publishes its name until the cluster has it', async () => {
    machine.members.set({ ID: own, name: '', peerURLs: ['http://localhost:2380'], clientURLs: [], isLearner: false });
    const published = watch(server.publish());
    await clock.advanceAsync(2 * requestTimeoutMs);
    expect(published.state).toBe('waits');
    replica.elect(other);
    replica.commit();
    await clock.advanceAsync(2 * requestTimeoutMs);
    expect(published.state).toBe('ok');
    const described: Member | undefined = machine.members.get(own);
    expect([described?.name, described?.clientURLs]).toEqual(['m1', ['http://localhost:2379']]);
  });
});
