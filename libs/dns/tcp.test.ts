// DNS over TCP for whoever connects: what one of them may cost.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { silentLog } from '@drydock/foundation/log.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { decode } from 'dns-packet';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { queryFor } from './exchange.ts';
import { framed } from './forwarder.ts';
import { queryBytesMax, tcpConnectionsMax, tcpUnreadBytesMax } from './limits.ts';
import { DnsListener } from './listener.ts';
import type { Responder } from './responder.ts';

const answerBytes = 60_000;
let underWay = 0;
let mostUnderWay = 0;
let answered = 0;
// Answers a query with many bytes, so that whoever does not read them costs much.
const responder = {
  respond: async (message: Buffer) => {
    mostUnderWay = Math.max(mostUnderWay, ++underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay--;
    answered++;
    return message.length < 12 ? undefined : Buffer.concat([message, Buffer.alloc(answerBytes)]);
  },
} as unknown as Responder;
const listener = new DnsListener(responder, silentLog, new SystemClock(), '127.0.0.1', 0);
const sockets: Socket[] = [];

beforeAll(() => listener.start());
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});
afterAll(() => listener.stop());

const client = (): Socket => {
  const socket = connect(listener.port, '127.0.0.1');
  socket.on('error', () => {});
  sockets.push(socket);
  return socket;
};
const query = (id: number) => framed(queryFor('a.example', 'A', id));
const until = async (condition: () => boolean) => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};
/** Reads answers until there are `count`; their ids. */
async function read(socket: Socket, count: number): Promise<number[]> {
  const ids: number[] = [];
  let received = Buffer.alloc(0);
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk as Buffer]);
    while (received.length >= 2 && received.length >= received.readUInt16BE(0) + 2) {
      ids.push(decode(received.subarray(2, 2 + received.readUInt16BE(0))).id ?? -1);
      received = received.subarray(received.readUInt16BE(0) + 2);
    }
    if (ids.length >= count) return ids;
  }
  return ids;
}

test('a query in pieces of one byte, and several in one piece, are all answered', async () => {
  const socket = client();
  await once(socket, 'connect');
  socket.setNoDelay(true);
  for (const byte of query(1)) socket.write(Buffer.of(byte));
  socket.write(Buffer.concat([query(2), query(3), query(4).subarray(0, 5)]));
  socket.write(query(4).subarray(5));
  expect((await read(socket, 4)).sort()).toEqual([1, 2, 3, 4]);
});

test('whoever does not read answers is read no further', async () => {
  const socket = client().pause();
  const before = answered;
  const asked = 4000;
  socket.write(Buffer.concat(Array.from({ length: asked }, (_, index) => query(index))));
  let last = -1;
  await until(() => answered > before);
  // Until nothing more is answered.
  while (last !== answered) {
    last = answered;
    await new SystemClock().sleep(100);
  }
  // What the kernel holds for both ends is more than what we hold.
  expect((answered - before) * answerBytes).toBeLessThan(tcpUnreadBytesMax + 16 * 1024 * 1024);
  expect(answered - before).toBeLessThan(asked / 4);
  expect(mostUnderWay).toBeLessThanOrEqual(16);
  // Others are served meanwhile, and it is itself once it reads.
  const other = client();
  other.write(query(9));
  expect(await read(other, 1)).toEqual([9]);
  socket.resume();
  await until(() => answered - before > last - before + 10);
});

test('what is longer than a query may be, and what is none, ends the connection', async () => {
  for (const bytes of [Buffer.of((queryBytesMax + 1) >> 8, (queryBytesMax + 1) & 255), framed(Buffer.from('x'))]) {
    const socket = client();
    socket.write(bytes);
    socket.resume();
    await once(socket, 'close');
  }
});

test('a flood of connections that say half a message keeps nobody out', async () => {
  const flood = Array.from({ length: tcpConnectionsMax + 100 }, () => {
    const socket = client();
    socket.write(query(1).subarray(0, 7));
    socket.resume();
    return socket;
  });
  await until(() => flood.every((socket) => !socket.connecting));
  await until(() => flood.filter((socket) => !socket.closed).length <= tcpConnectionsMax);
  for (;;) {
    const socket = client();
    socket.write(query(5));
    if ((await read(socket, 1).catch(() => [])).length === 1) break;
    await new SystemClock().sleep(50);
  }
  expect(flood.filter((socket) => !socket.closed).length).toBeLessThanOrEqual(tcpConnectionsMax);
});
