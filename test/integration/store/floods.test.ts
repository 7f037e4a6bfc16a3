// Nobody has to be known to connect to a store: what one connection may cost a real member, on its client and its peer port.
// While it goes on another client is served, and the member's memory stays below a bound.
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { frameTypes as types } from '@drydock/etcd/http2/frames.ts';
import { encodeHeaders } from '@drydock/etcd/http2/hpack.ts';
import {
  frame,
  grpcRequest,
  headersFrame,
  RawClient,
  settings,
  uint32,
  unaryCall,
} from '@drydock/etcd/http2/testing/raw-client.ts';
import { api } from '@drydock/etcd/rpc/api.ts';
import { RangeRequest } from '@drydock/etcd/rpc/messages.ts';
import { encode } from '@drydock/etcd/rpc/protobuf.ts';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { StoreClient } from './client.ts';
import { Store, until } from './members.ts';
import { residentBytes } from './resident.ts';

/** More than a member may take for one connection, whatever that says. The largest of its bounds is that of unread answers, 64 MiB. */
const growthMax = 200 << 20;
/** For one read by another client meanwhile; generous, for these machines do other things too. */
const servedMs = 20_000;
const largeValue = Buffer.alloc(1 << 20, 'v');

let store: Store;
let client: StoreClient;

beforeAll(async () => {
  store = await Store.start({ size: 1, diskFaults: false });
  client = new StoreClient(store);
  await until('the store takes writes', () => client.put('large', String(largeValue)));
  await client.put('small', 'x');
  // What the first requests leave behind is not the floods'.
  for (let i = 0; i < 300; i++) await client.call(0, api.range, { key: 'large' });
}, 60_000);

afterAll(async () => {
  client?.close();
  await store?.stop();
});

const blockOf = (path: string) => encodeHeaders(grpcRequest(path));
const rangePath = '/etcdserverpb.KV/Range';
const rangeOf = (key: string) => encode(RangeRequest, { key });
const stream = (i: number) => 2 * i + 1;
const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

interface Flood {
  readonly name: string;
  /** What is sent before the flood. */
  readonly before?: readonly Uint8Array[];
  /** One piece of the flood. */
  readonly piece: (i: number) => Uint8Array;
  readonly pieces: number;
  /** How the connection ends; undefined where it may go on. */
  readonly code?: string | undefined;
  /** Whether the client reads what it is answered. */
  readonly reads?: boolean;
}

const openBlock = frame(types.headers, 0, 1, blockOf(rangePath).subarray(0, 3));
const bombHeader = Buffer.concat([Buffer.from([0x40, 1, 0x61, 0x7f, 0xc1, 0x1e]), Buffer.alloc(4032, 'b')]);
const bomb = Buffer.concat([blockOf(rangePath), bombHeader, Buffer.alloc(12_000, 0xbe)]);

const floods: readonly Flood[] = [
  {
    name: 'CONTINUATION frames without content',
    before: [openBlock],
    piece: () => Buffer.concat(times(5000, () => frame(types.continuation, 0, 1))),
    pieces: 40,
    code: 'calm',
  },
  { name: 'a header that stands for 48 MB', piece: () => frame(types.headers, 5, 1, bomb), pieces: 1, code: 'compression' },
  { name: 'SETTINGS', piece: () => Buffer.concat(times(1000, () => settings([4, 100]))), pieces: 50, code: 'calm' },
  {
    name: 'SETTINGS with thousands of windows, many streams open',
    before: times(5000, (i) => headersFrame(stream(i), grpcRequest('/etcdserverpb.Watch/Watch'))),
    piece: () => settings(...times(2700, (i): [number, number] => [4, i])),
    pieces: 300,
    code: 'calm',
  },
  {
    name: 'PRIORITY frames',
    piece: () => Buffer.concat(times(5000, () => frame(types.priority, 0, 1, Buffer.alloc(5)))),
    pieces: 40,
    code: 'calm',
  },
  {
    name: 'frames that nobody knows',
    piece: () => Buffer.concat(times(5000, () => frame(99, 0, 0))),
    pieces: 40,
    code: 'calm',
  },
  {
    name: 'empty DATA frames',
    before: [headersFrame(1, grpcRequest(rangePath))],
    piece: () => Buffer.concat(times(5000, () => frame(types.data, 0, 1))),
    pieces: 40,
    code: 'calm',
  },
  {
    name: 'PING frames whose answers are not read',
    piece: () => Buffer.concat(times(5000, () => frame(types.ping, 0, 0, Buffer.alloc(8)))),
    pieces: 200,
    reads: false,
  },
  {
    name: 'calls that are cancelled at once',
    piece: (i) =>
      Buffer.concat(
        times(500, (k) =>
          Buffer.concat([
            unaryCall(stream(500 * i + k), rangePath, rangeOf('small')),
            frame(types.reset, 0, stream(500 * i + k), uint32(8)),
          ]),
        ),
      ),
    pieces: 20,
  },
  {
    name: 'calls that are begun and never ended',
    piece: (i) => Buffer.concat(times(1000, (k) => headersFrame(stream(1000 * i + k), grpcRequest(rangePath)))),
    pieces: 20,
  },
  {
    name: 'messages in frames of one byte',
    before: [
      headersFrame(1, grpcRequest(rangePath)),
      frame(types.data, 0, 1, Buffer.concat([Buffer.from([0]), uint32(1_000_000)])),
    ],
    piece: () =>
      Buffer.concat(
        times(1000, () => Buffer.concat([frame(types.data, 0, 1, Buffer.alloc(1)), frame(99, 0, 0, Buffer.alloc(500))])),
      ),
    pieces: 9,
  },
  {
    name: 'answers that are not let out',
    before: [settings([4, 0])],
    piece: (i) => Buffer.concat(times(10, (k) => unaryCall(stream(10 * i + k), rangePath, rangeOf('large')))),
    pieces: 100,
  },
  {
    name: 'answers that are not read',
    piece: (i) => Buffer.concat(times(10, (k) => unaryCall(stream(10 * i + k), rangePath, rangeOf('large')))),
    pieces: 100,
    reads: false,
  },
  {
    name: 'windows of one byte each, with many answers waiting',
    before: [settings([4, 0]), ...times(60, (i) => unaryCall(stream(i), rangePath, rangeOf('large')))],
    piece: () => Buffer.concat(times(2000, (i) => frame(types.windowUpdate, 0, stream(i % 60), uint32(1)))),
    pieces: 20,
  },
  {
    name: 'large requests of which the end does not come',
    piece: (i) =>
      Buffer.concat([
        headersFrame(stream(i), grpcRequest('/etcdserverpb.KV/Put')),
        frame(types.data, 0, stream(i), Buffer.concat([Buffer.from([0]), uint32(1_500_000)])),
        ...times(60, () => frame(types.data, 0, stream(i), Buffer.alloc(16_000))),
      ]),
    pieces: 40,
  },
  {
    name: 'what comes after the end of a connection',
    before: [frame(types.data, 0, 0)],
    piece: () => Buffer.concat(times(5000, () => frame(types.headers, 0, 1, Buffer.alloc(10)))),
    pieces: 40,
    code: 'protocol',
  },
];

const ports = ['client', 'peer'] as const;
test.each(floods.flatMap((flood) => ports.map((port) => ({ ...flood, port }))))(
  '$name, on the $port port',
  { timeout: 60_000 },
  async (flood) => {
    const before = residentBytes(store.pid(0));
    const target = flood.port === 'client' ? new URL(store.endpoint(0)) : new URL(store.peerUrl(0));
    const attacker = await RawClient.connect(Number(target.port));
    onTestFinished(() => attacker.close());
    if (flood.reads === false) attacker.socket.pause();
    attacker.send(...(flood.before ?? []));
    let most = 0;
    let served = 0;
    let flooding = true;
    const watching = (async () => {
      while (flooding || served < 3) {
        await client.call(0, api.range, { key: 'small' }, servedMs);
        served++;
        most = Math.max(most, residentBytes(store.pid(0)) - before);
        await sleep(20);
      }
    })();
    for (let i = 0; i < flood.pieces && !attacker.isClosed; i++) await sendAll(attacker, flood.piece(i));
    if (flood.code !== undefined && flood.reads !== false) {
      await expect.poll(() => attacker.isClosed, { timeout: 20_000 }).toBe(true);
      // The last word may be lost where the attacker goes on writing.
      expect([flood.code, undefined]).toContain(attacker.goAway);
    }
    flooding = false;
    await watching;
    expect(most).toBeLessThan(growthMax);
  },
);

test.each(ports)('plain HTTP on the %s port: a head that does not end and one that is too long', async (name) => {
  const target = new URL(name === 'client' ? store.endpoint(0) : store.peerUrl(0));
  const before = residentBytes(store.pid(0));
  const socket = connect(Number(target.port), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let text = '';
  let isClosed = false;
  socket
    .on('error', () => {})
    .on('close', () => {
      isClosed = true;
    });
  socket.on('data', (bytes: Buffer) => {
    text += bytes.toString('latin1');
  });
  socket.write('GET /health HTTP/1.1\r\nHost: x\r\n');
  for (let i = 0; i < 2000 && !isClosed; i++) {
    socket.write(`X-${i}: ${'y'.repeat(1000)}\r\n`);
    if (i % 50 === 0) await sleep(1);
  }
  await expect.poll(() => isClosed, { timeout: 20_000 }).toBe(true);
  // The answer may be lost where the client goes on writing.
  expect(text).toMatch(/^(HTTP\/1\.1 431 |$)/);
  expect(residentBytes(store.pid(0)) - before).toBeLessThan(growthMax);
});

/** Waits for the socket to take what is sent, for a second at most: a server that has stopped reading is one of the answers. */
async function sendAll(attacker: RawClient, bytes: Uint8Array): Promise<void> {
  if (attacker.isClosed || attacker.socket.write(bytes)) return;
  const signal = AbortSignal.timeout(1000);
  await new Promise<void>((resolve) => {
    for (const event of ['drain', 'close']) attacker.socket.once(event, () => resolve());
    signal.addEventListener('abort', () => resolve());
  });
}
