// One stream of watches at its port, where the order of what happens is the test's: between awaits, and inside of an event's delivery.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bcryptHasher } from '../auth/bcrypt.ts';
import { limits } from '../limits.ts';
import { openLmdbBackend } from '../mvcc/lmdb-backend.ts';
import { EtcdServer } from '../server/server.ts';
import { EtcdStateMachine } from '../server/state-machine.ts';
import { ManualReplica } from '../server/testing/manual-replica.ts';
import { PutRequest, type WatchCreateRequest, WatchRequest, WatchResponse } from './messages.ts';
import { decode, encode, type MessageOf } from './protobuf.ts';
import type { StreamCall, StreamHandler } from './service.ts';
import { watchService } from './watch-service.ts';

let folder: string;
let clock: VirtualClock;
let machine: EtcdStateMachine;
let replica: ManualReplica;
let server: EtcdServer;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'watch-service-'));
  clock = new VirtualClock();
  const fatal = (error: unknown): void => {
    throw error;
  };
  machine = new EtcdStateMachine({ backend: openLmdbBackend(folder), clock, fatal });
  await machine.open();
  replica = new ManualReplica(1n, machine);
  server = new EtcdServer({
    replica,
    machine,
    connectedSince: () => undefined,
    strictReconfigCheck: true,
    maxLearners: 1,
    clusterId: 77n,
    name: 'm1',
    advertiseClientUrls: [],
    heartbeatMs: 100,
    electionMs: 1000,
    quotaBytes: limits.quotaBytes,
    maxTxnOps: limits.txnOps,
    maxRequestBytes: 1 << 20,
    clock,
    random: new SeededRandom('watch-service-test'),
    passwordHasher: bcryptHasher,
    log: silentLog,
  });
  replica.elect(1n);
});

afterEach(async () => {
  server.stop();
  await machine.close();
  rmSync(folder, { recursive: true });
});

/** A stream, and what it was told: `created 1`, `events 1@5`, `progress 6`, `canceled 1`. */
class Stream {
  readonly told: string[] = [];
  waitingBytes = 0;
  isCrowded = false;
  /** Called when something is written. */
  onWrite: () => void = () => {};
  readonly #handler: StreamHandler;

  constructor() {
    const method = watchService(server, 600_000).methods.get('/etcdserverpb.Watch/Watch');
    if (method?.kind !== 'stream') throw new Error('Watch is a stream');
    const write = (parts: readonly Buffer[]): void => {
      const { watch_id, created, canceled, events, header } = decode(WatchResponse, Buffer.concat(parts));
      const revision = header?.revision ?? 0;
      const what = created ? 'created' : canceled ? 'canceled' : events.length > 0 ? 'events' : 'progress';
      this.told.push(
        what === 'events' ? `events ${watch_id}@${revision}` : `${what} ${what === 'progress' ? revision : watch_id}`,
      );
      this.onWrite();
    };
    const call: Partial<StreamCall> = { metadata: new Map(), write: (part) => write([part]), writeParts: write, end: () => {} };
    Object.defineProperty(call, 'waitingBytes', { get: () => this.waitingBytes });
    Object.defineProperty(call, 'isCrowded', { get: () => this.isCrowded });
    this.#handler = method.open(call as StreamCall);
  }

  create(key: string, more: Partial<WatchCreateRequest> = {}): void {
    void this.#handler.message(encode(WatchRequest, { create_request: { ...emptyCreate, key, ...more } }));
  }

  cancel(id: number): void {
    void this.#handler.message(encode(WatchRequest, { cancel_request: { watch_id: BigInt(id) as never } }));
  }

  askProgress(): void {
    void this.#handler.message(encode(WatchRequest, { progress_request: {} }));
  }

  drained(): void {
    this.#handler.drained?.();
  }
}

const emptyCreate: MessageOf<typeof WatchRequest>['create_request'] & object = {
  key: '',
  range_end: '',
  start_revision: 0,
  progress_notify: false,
  filters: [],
  prev_kv: false,
  watch_id: 0,
  fragment: false,
};

function put(key: string): void {
  void server.propose('put', encode(PutRequest, { key, value: Buffer.from('v') })).catch(() => {});
  replica.commit();
}

const settle = () => clock.advanceAsync(10);

test('with authentication a cancellation waits for the creation before it, and nothing is left watching', async () => {
  let identified = (): void => {};
  const identify = () => new Promise<undefined>((resolve) => (identified = () => resolve(undefined)));
  Object.defineProperty(server, 'access', { value: { enabled: true, identify } });
  const stream = new Stream();
  stream.create('a', { watch_id: 7 });
  stream.cancel(7);
  await settle();
  expect(stream.told).toEqual([]);
  identified();
  await settle();
  expect(stream.told).toEqual(['created 7', 'canceled 7']);
  expect(machine.hub.watchers).toBe(0);
  put('a');
  await settle();
  expect(stream.told).toHaveLength(2);
});

test('a stream that can be written to again while an event is delivered to another says nothing of it before it has it', async () => {
  // Of one connection: what the first one writes makes room that the second one is told of.
  const [first, second] = [new Stream(), new Stream()];
  first.create('k');
  second.create('k');
  second.waitingBytes = limits.watchStreamBytes + 1;
  put('other');
  second.create('x');
  await settle();
  second.askProgress();
  second.told.length = 0;
  first.onWrite = () => {
    second.waitingBytes = 0;
    second.drained();
  };
  put('k');
  await settle();
  const { revision } = machine.store;
  const [event, ...later] = second.told;
  expect(event).toBe(`events 0@${revision}`);
  expect(later).toEqual([`progress ${revision}`]);
});

test('a stream that has something waiting gets no more while much waits on its connection, and goes on when its own is sent', async () => {
  const stream = new Stream();
  stream.create('k');
  stream.onWrite = () => {
    stream.waitingBytes += 10;
  };
  stream.isCrowded = true;
  for (let i = 0; i < 3; i++) put('k');
  await settle();
  expect(stream.told).toEqual(['created 0', 'events 0@2']);
  stream.waitingBytes = 5;
  stream.drained();
  await settle();
  expect(stream.told).toHaveLength(2);
  // Nobody else tells it that the connection has room again: with nothing of its own waiting it must not wait.
  stream.waitingBytes = 0;
  stream.drained();
  await settle();
  expect(stream.told.slice(2)).toEqual(['events 0@4']);
});
