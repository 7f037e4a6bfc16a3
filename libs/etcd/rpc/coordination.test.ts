// Locks and elections on one member whose log and clock the test drives.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { bcryptHasher } from '../auth/bcrypt.ts';
import { limits } from '../limits.ts';
import { openLmdbBackend } from '../mvcc/lmdb-backend.ts';
import { EtcdServer } from '../server/server.ts';
import { EtcdStateMachine } from '../server/state-machine.ts';
import { ManualReplica } from '../server/testing/manual-replica.ts';
import {
  CampaignRequest,
  CampaignResponse,
  LeaderRequest,
  LeaderResponse,
  LockRequest,
  LockResponse,
  ProclaimRequest,
  ResignRequest,
  UnlockRequest,
} from './coordination-messages.ts';
import { electionService } from './election-service.ts';
import { kvService } from './kv-service.ts';
import { leaseService } from './lease-service.ts';
import { createdAt, firstKv, LocalClient, putOp } from './local-client.ts';
import { lockService } from './lock-service.ts';
import { HeaderOnly, KeyValue } from './messages.ts';
import { decode, encode, type MessageOf, type Schema } from './protobuf.ts';
import { type Call, methodsOf, type StreamCall, type StreamHandler } from './service.ts';

const nothing = (): void => {};
const quiet: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => quiet };
const call: Call = { peer: 'test', metadata: new Map(), commonName: undefined };

let folder: string;
let clock: VirtualClock;
let machine: EtcdStateMachine;
let replica: ManualReplica;
let server: EtcdServer;
let client: LocalClient;
let methods: ReturnType<typeof methodsOf>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'etcd-coordination-'));
  clock = new VirtualClock();
  const fatal = (error: unknown) => {
    throw error;
  };
  machine = new EtcdStateMachine({ backend: openLmdbBackend(folder), clock, fatal });
  await machine.open();
  replica = new ManualReplica(1n, machine);
  server = new EtcdServer({
    ...{ replica, machine, clock, random: new SeededRandom('coordination-test'), passwordHasher: bcryptHasher, log: quiet },
    ...{ clusterId: 77n, name: 'm1', advertiseClientUrls: [], heartbeatMs: 100, electionMs: 1000 },
    ...{ quotaBytes: limits.quotaBytes, maxTxnOps: limits.txnOps, maxRequestBytes: 1000 },
    ...{ strictReconfigCheck: true, maxLearners: 1, connectedSince: () => 0 },
  });
  const noLeaderCalls = { unary: () => Promise.reject(), keepAlive: () => Promise.reject(), close: nothing };
  const services = [kvService(server), leaseService(server, noLeaderCalls)];
  client = new LocalClient(server, services);
  methods = methodsOf([lockService(client), electionService(client)]);
  replica.elect(1n);
  replica.beginTerm();
});

afterEach(async () => {
  server.stop();
  await machine.close();
  rmSync(folder, { recursive: true });
});

/** Lets everything happen that can happen now. */
async function settle(ms = 0): Promise<void> {
  const steps = 30;
  for (let i = 0; i < steps; i++) {
    replica.commit();
    replica.confirmReads();
    await clock.advanceAsync(ms / steps);
  }
}

async function done<T>(promise: Promise<T>): Promise<T> {
  promise.catch(nothing);
  await settle();
  return promise;
}

/** A call under way: its answers, and how it ended. */
class Open<O extends Schema> implements StreamCall {
  readonly peer = 'test';
  readonly metadata = new Map<string, string>();
  readonly commonName = undefined;
  readonly waitingBytes = 0;
  readonly answers: MessageOf<O>[] = [];
  ended: string | undefined;
  readonly #output: O;
  readonly #handler: StreamHandler;

  constructor(path: string, output: O, request: Buffer) {
    this.#output = output;
    const method = methods.get(path);
    if (method?.kind !== 'stream') throw new Error(`no stream ${path}`);
    this.#handler = method.open(this);
    void this.#handler.message(request);
  }

  writeParts(parts: readonly Buffer[]): void {
    this.write(Buffer.concat(parts));
  }

  write(message: Buffer): void {
    this.answers.push(decode(this.#output, message));
  }

  end(error?: unknown): void {
    this.ended = error === undefined ? 'ok' : (error as Error).message;
  }

  say(request: Buffer): void {
    void this.#handler.message(request);
  }

  cancel(): void {
    this.#handler.closed();
  }
}

async function unary<I extends Schema, O extends Schema>(path: string, input: I, output: O, request: Partial<MessageOf<I>>) {
  const method = methods.get(path);
  if (method?.kind !== 'unary') throw new Error(`no method ${path}`);
  return decode(output, await done(method.handle(encode(input, request), call)));
}

const lease = (ttlSeconds = 60) => done(client.grant(call, ttlSeconds));
const lock = (name: string, id: bigint) =>
  new Open('/v3lockpb.Lock/Lock', LockResponse, encode(LockRequest, { name, lease: id }));
const unlock = (key: string) => unary('/v3lockpb.Lock/Unlock', UnlockRequest, HeaderOnly, { key });
const campaign = (value: string, id: bigint) =>
  new Open(
    '/v3electionpb.Election/Campaign',
    CampaignResponse,
    encode(CampaignRequest, { name: 'e', lease: id, value: Buffer.from(value) }),
  );
const keysUnder = async (key: string) =>
  (await done(client.range(call, { key, range_end: '\0' }))).kvs.map((kv) => decode(KeyValue, kv).key);

describe('what a client says beyond its one request', () => {
  test('is not looked at: nobody goes on watching when the call is over', async () => {
    const [first, second] = [lock('l', await lease()), lock('l', await lease())];
    const observer = new Open('/v3electionpb.Election/Observe', LeaderResponse, encode(LeaderRequest, { name: 'e' }));
    await settle();
    expect(first.ended).toBe('ok');
    for (let i = 0; i < 3; i++) {
      second.say(encode(LockRequest, { name: 'l', lease: await lease() }));
      observer.say(encode(LeaderRequest, { name: `e${i}` }));
      await settle();
    }
    expect(machine.hub.watchers).toBe(2);
    expect((await keysUnder('l')).length).toBe(2);
    for (const open of [second, observer]) open.cancel();
    await settle();
    expect(machine.hub.watchers).toBe(0);
  });
});

describe('a lock', () => {
  test('goes from one to the next in the order of their coming', async () => {
    const calls: Open<typeof LockResponse>[] = [];
    for (let i = 0; i < 3; i++) {
      calls.push(lock('l', await lease()));
      await settle();
    }
    const ends = () => calls.map(({ ended }) => ended);
    expect(ends()).toEqual(['ok', undefined, undefined]);
    await unlock(calls[0]?.answers[0]?.key ?? '');
    expect(ends()).toEqual(['ok', 'ok', undefined]);
    await unlock(calls[1]?.answers[0]?.key ?? '');
    expect(ends()).toEqual(['ok', 'ok', 'ok']);
  });

  test('is held already by who asks again', async () => {
    const id = await lease();
    const [first, again] = [lock('l', id), lock('l', id)];
    await settle();
    expect([first.ended, again.ended]).toEqual(['ok', 'ok']);
    expect(again.answers[0]?.key).toBe(`l/${id.toString(16)}`);
  });

  test('is not waited for by a call that is over', async () => {
    const holder = lock('l', await lease());
    await settle();
    const waiting = lock('l', await lease());
    await settle();
    expect(await keysUnder('l/')).toHaveLength(2);
    waiting.cancel();
    await settle();
    expect(await keysUnder('l/')).toEqual([holder.answers[0]?.key]);
    expect(machine.hub.watchers).toBe(0);
  });

  test('is refused to whom it comes after its lease has ended', async () => {
    const holder = lock('l', await lease(1000));
    await settle();
    const waiting = lock('l', await lease(5));
    await settle(20_000);
    expect(await keysUnder('l/')).toHaveLength(1);
    await unlock(holder.answers[0]?.key ?? '');
    expect(waiting.ended).toBe('mutex: session is expired');
  });

  test('with a lease that is not there is refused with the words of etcd', async () => {
    const refused = lock('l', 99n);
    await settle();
    expect(refused.ended).toBe('etcdserver: requested lease not found');
  });

  // FAILURE-MODES 5.1, row 27.
  test('is lost while its holder stands still; what it writes with its revision is refused afterwards', async () => {
    const paused = lock('l', await lease(5));
    await settle();
    const next = lock('l', await lease(1000));
    await settle(20_000);
    // Both have been told that they hold it.
    expect([paused.ended, next.ended]).toEqual(['ok', 'ok']);
    const fencedWrite = async (holder: typeof paused, value: string) => {
      const { key = '', header } = holder.answers[0] ?? {};
      const own = firstKv(await done(client.range(call, { key, revision: header?.revision ?? 0 })));
      const compare = [createdAt(key, own?.create_revision ?? -1)];
      return (await done(client.txn(call, { compare, success: [putOp('data', Buffer.from(value), 0n)] }))).succeeded;
    };
    expect(await fencedWrite(next, 'new')).toBe(true);
    expect(await fencedWrite(paused, 'late')).toBe(false);
    expect(firstKv(await done(client.range(call, { key: 'data' })))?.value.toString()).toBe('new');
  });
});

describe('an election', () => {
  const observe = () => new Open('/v3electionpb.Election/Observe', LeaderResponse, encode(LeaderRequest, { name: 'e' }));
  const seen = ({ answers }: Open<typeof LeaderResponse>) => answers.map(({ kv }) => decode(KeyValue, kv).value.toString());
  const leader = async () =>
    decode(
      KeyValue,
      (await unary('/v3electionpb.Election/Leader', LeaderRequest, LeaderResponse, { name: 'e' })).kv,
    ).value.toString();

  test('is won by the first, then by the next; observers see every value of each', async () => {
    const observer = observe();
    await settle();
    const first = campaign('one', await lease());
    await settle();
    const second = campaign('two', await lease());
    await settle();
    expect([first.ended, second.ended]).toEqual(['ok', undefined]);
    expect(await leader()).toBe('one');
    const won = first.answers[0]?.leader;
    const proclaim = { leader: won, value: Buffer.from('uno') };
    await unary('/v3electionpb.Election/Proclaim', ProclaimRequest, HeaderOnly, proclaim);
    await unary('/v3electionpb.Election/Resign', ResignRequest, HeaderOnly, { leader: won });
    await settle();
    expect(second.ended).toBe('ok');
    expect(await leader()).toBe('two');
    expect(seen(observer)).toEqual(['one', 'uno', 'two']);
    const late = unary('/v3electionpb.Election/Proclaim', ProclaimRequest, HeaderOnly, proclaim);
    await expect(late).rejects.toThrow('election: not leader');
    observer.cancel();
    await settle();
    expect(machine.hub.watchers).toBe(0);
  });

  test('has no leader where nobody campaigns', async () => {
    await expect(leader()).rejects.toThrow('election: no leader');
    const resign = unary('/v3electionpb.Election/Resign', ResignRequest, HeaderOnly, {});
    await expect(resign).rejects.toThrow('"leader" field must be provided');
  });

  test('a candidate that campaigns again proclaims its new value', async () => {
    const id = await lease();
    const first = campaign('one', id);
    await settle();
    const again = campaign('uno', id);
    await settle();
    expect(again.answers[0]?.leader?.rev).toBe(first.answers[0]?.leader?.rev);
    expect(await leader()).toBe('uno');
  });

  test('a candidate that goes away does not win', async () => {
    campaign('one', await lease());
    await settle();
    const waiting = campaign('two', await lease());
    await settle();
    waiting.cancel();
    await settle();
    expect(await keysUnder('e/')).toHaveLength(1);
  });
});
