// What RFC 9113 and RFC 7541 ask of a server, case by case: those of h2spec (https://github.com/summerwind/h2spec), by its numbers,
// at the real client port.
import { describe, expect, onTestFinished, test } from 'vitest';
import { flags, frameTypes as types } from '../http2/frames.ts';
import { encodeHeaders, HeaderDecoder } from '../http2/hpack.ts';
import {
  frame,
  grpcMessage,
  grpcRequest,
  type HeaderList,
  headersFrame,
  RawClient,
  settings,
  uint32,
  unaryCall,
} from '../http2/testing/raw-client.ts';
import { limits } from '../limits.ts';
import { serveForTest } from './testing/serve.ts';

const end = flags.endStream;
const endHeaders = flags.endHeaders;
const echo = grpcRequest('Echo');
const block = encodeHeaders(echo);
const message = grpcMessage(Buffer.from('test'));

async function connected(): Promise<RawClient> {
  const client = await RawClient.connect(await serveForTest());
  onTestFinished(() => client.close());
  return client;
}

const open = headersFrame(1, echo);
const halfClosed = headersFrame(1, grpcRequest('Never'), endHeaders | end);
const call = unaryCall(1, 'Echo', Buffer.from('test'));
const reset = frame(types.reset, 0, 1, uint32(8));
const data = (stream: number, content: Uint8Array = Buffer.from('x'), frameFlags = 0) =>
  frame(types.data, frameFlags, stream, content);
const raw = (stream: number, bytes: Uint8Array, frameFlags = endHeaders | end) =>
  frame(types.headers, frameFlags, stream, bytes);
const without = (name: string): HeaderList => echo.filter(([key]) => key !== name);
const ask = (list: HeaderList) => [headersFrame(1, list, endHeaders | end)];
const withBlock = (hex: string) => [raw(1, Buffer.concat([block, Buffer.from(hex, 'hex')]))];

/** Name, what is sent after SETTINGS, the code. `stream`: only the stream ends; otherwise the connection does. */
type Case = readonly [string, readonly Uint8Array[], string, 'stream'?];
const errors: readonly Case[] = [
  ['4.2/2 a DATA frame that is too large', [open, data(1, Buffer.alloc(16_385))], 'frameSize'],
  ['4.2/3 a HEADERS frame that is too large', [raw(1, Buffer.alloc(16_385))], 'frameSize'],
  ['4.3/1 a header block that cannot be read', withBlock('ffff'), 'compression'],
  ['4.3/2 PRIORITY within a header block', [raw(1, block, end), frame(types.priority, 0, 1, Buffer.alloc(5))], 'protocol'],
  ['4.3/3 HEADERS of another stream within a block', [raw(1, block, end), headersFrame(3, echo)], 'protocol'],
  ['5.1/1 DATA of an idle stream', [data(1)], 'protocol'],
  ['5.1/2 RST_STREAM of an idle stream', [reset], 'protocol'],
  ['5.1/3 WINDOW_UPDATE of an idle stream', [frame(types.windowUpdate, 0, 1, uint32(1))], 'protocol'],
  ['5.1/4 CONTINUATION of an idle stream', [frame(types.continuation, endHeaders, 1, block)], 'protocol'],
  ['5.1/5 DATA of a half-closed stream', [halfClosed, data(1)], 'streamClosed', 'stream'],
  ['5.1/6 HEADERS of a half-closed stream', [halfClosed, raw(1, block)], 'streamClosed', 'stream'],
  ['5.1/7 CONTINUATION of a half-closed stream', [halfClosed, frame(types.continuation, endHeaders, 1, block)], 'protocol'],
  ['5.1/8 DATA after RST_STREAM', [open, reset, data(1)], 'streamClosed'],
  ['5.1/9 HEADERS after RST_STREAM', [open, reset, raw(1, block)], 'streamClosed'],
  ['5.1/10 CONTINUATION after RST_STREAM', [open, reset, frame(types.continuation, endHeaders, 1, block)], 'protocol'],
  ['5.1.1/1 an even stream', [headersFrame(2, echo)], 'protocol'],
  ['5.1.1/2 a stream with a number lower than the last', [headersFrame(5, echo), headersFrame(3, echo)], 'protocol'],
  [
    '5.3.1/1 HEADERS that depend on themselves',
    [raw(1, Buffer.concat([uint32(1), Buffer.from([255]), block]), endHeaders | end | flags.priority)],
    'protocol',
    'stream',
  ],
  [
    '5.3.1/2 PRIORITY that depends on itself',
    [open, frame(types.priority, 0, 1, Buffer.from([0, 0, 0, 1, 1]))],
    'protocol',
    'stream',
  ],
  ['5.4.1/1 an invalid PING', [frame(types.ping, 0, 3, Buffer.alloc(8))], 'protocol'],
  ['5.5/2 an unknown frame within a header block', [raw(1, block, end), frame(0x16, 0, 0, Buffer.alloc(8))], 'protocol'],
  ['6.1/1 DATA without a stream', [data(0)], 'protocol'],
  ['6.1/3 DATA with too much padding', [open, data(1, Buffer.from([6, 1, 2, 3, 4, 5]), flags.padded)], 'protocol'],
  ['6.2/3 HEADERS without a stream', [headersFrame(0, echo)], 'protocol'],
  [
    '6.2/4 HEADERS with too much padding',
    [raw(1, Buffer.concat([Buffer.from([255]), block]), endHeaders | flags.padded)],
    'protocol',
  ],
  ['6.3/1 PRIORITY without a stream', [frame(types.priority, 0, 0, Buffer.alloc(5))], 'protocol'],
  ['6.3/2 PRIORITY of 4 bytes', [open, frame(types.priority, 0, 1, Buffer.alloc(4))], 'frameSize', 'stream'],
  ['6.4/1 RST_STREAM without a stream', [frame(types.reset, 0, 0, uint32(8))], 'protocol'],
  ['6.4/3 RST_STREAM of 3 bytes', [open, frame(types.reset, 0, 1, Buffer.alloc(3))], 'frameSize'],
  ['6.5/1 an ACK of SETTINGS with content', [frame(types.settings, flags.ack, 0, Buffer.alloc(1))], 'frameSize'],
  ['6.5/2 SETTINGS of a stream', [frame(types.settings, 0, 1, Buffer.alloc(6))], 'protocol'],
  ['6.5/3 SETTINGS of 3 bytes', [frame(types.settings, 0, 0, Buffer.alloc(3))], 'frameSize'],
  ['6.5.2/1 ENABLE_PUSH of 2', [settings([2, 2])], 'protocol'],
  ['6.5.2/2 INITIAL_WINDOW_SIZE of 2^31', [settings([4, 2 ** 31])], 'flowControl'],
  ['6.5.2/3 MAX_FRAME_SIZE of 16,383', [settings([5, 16_383])], 'protocol'],
  ['6.5.2/4 MAX_FRAME_SIZE of 2^24', [settings([5, 2 ** 24])], 'protocol'],
  ['MAX_FRAME_SIZE of 1', [settings([5, 1])], 'protocol'],
  ['6.7/3 PING of a stream', [frame(types.ping, 0, 1, Buffer.alloc(8))], 'protocol'],
  ['6.7/4 PING of 6 bytes', [frame(types.ping, 0, 0, Buffer.alloc(6))], 'frameSize'],
  ['6.8/1 GOAWAY of a stream', [frame(types.goAway, 0, 1, Buffer.alloc(8))], 'protocol'],
  ['6.9/1 WINDOW_UPDATE of 0', [frame(types.windowUpdate, 0, 0, uint32(0))], 'protocol'],
  ['6.9/2 WINDOW_UPDATE of 0 of a stream', [open, frame(types.windowUpdate, 0, 1, uint32(0))], 'protocol', 'stream'],
  ['6.9/3 WINDOW_UPDATE of 3 bytes', [frame(types.windowUpdate, 0, 0, Buffer.alloc(3))], 'frameSize'],
  ['6.9.1/2 a window beyond 2^31-1', [1, 2].map(() => frame(types.windowUpdate, 0, 0, uint32(2 ** 31 - 1))), 'flowControl'],
  [
    '6.9.1/3 a window of a stream beyond 2^31-1',
    [open, ...[1, 2].map(() => frame(types.windowUpdate, 0, 1, uint32(2 ** 31 - 1)))],
    'flowControl',
    'stream',
  ],
  ['6.10/2 DATA within a header block', [raw(1, block, 0), data(1)], 'protocol'],
  ['6.10/3 CONTINUATION without a stream', [raw(1, block, 0), frame(types.continuation, endHeaders, 0, block)], 'protocol'],
  ['6.10/4 CONTINUATION after END_HEADERS', [open, frame(types.continuation, endHeaders, 1, block)], 'protocol'],
  [
    '6.10/5 CONTINUATION after a CONTINUATION with END_HEADERS',
    [
      raw(1, block.subarray(0, 3), 0),
      frame(types.continuation, endHeaders, 1, block.subarray(3)),
      frame(types.continuation, endHeaders, 1),
    ],
    'protocol',
  ],
  ['6.10/6 CONTINUATION after DATA', [open, data(1), frame(types.continuation, endHeaders, 1, block)], 'protocol'],
  [
    '8.1/1 HEADERS in the middle of a stream',
    [open, raw(1, encodeHeaders([['x-test', 'ok']]), endHeaders)],
    'protocol',
    'stream',
  ],
  ['8.1.2/1 a name in upper case', ask([...echo, ['X-TEST', 'ok']]), 'protocol', 'stream'],
  ['8.1.2.1/1 an unknown pseudo-header', ask([[':test', 'ok'], ...echo]), 'protocol', 'stream'],
  ['8.1.2.1/2 the pseudo-header of an answer', ask([[':status', '200'], ...echo]), 'protocol', 'stream'],
  ['8.1.2.1/3 a pseudo-header in trailers', [open, ...ask([[':method', 'POST']])], 'protocol', 'stream'],
  ['8.1.2.1/4 a pseudo-header behind others', ask([...without(':path'), [':path', '/']]), 'protocol', 'stream'],
  ['8.1.2.2/1 a header about the connection', ask([...echo, ['connection', 'keep-alive']]), 'protocol', 'stream'],
  ['8.1.2.2/2 te that is not trailers', ask([...without('te'), ['te', 'trailers, deflate']]), 'protocol', 'stream'],
  ['8.1.2.3/1 an empty :path', ask(echo.map(([k, v]) => [k, k === ':path' ? '' : v])), 'protocol', 'stream'],
  ...[':method', ':scheme', ':path'].map(
    (name, i): Case => [`8.1.2.3/${i + 2} no ${name}`, ask(without(name)), 'protocol', 'stream'],
  ),
  ...[':method', ':scheme', ':path'].map(
    (name, i): Case => [
      `8.1.2.3/${i + 5} ${name} twice`,
      ask([...echo.filter(([key]) => key === name), ...echo]),
      'protocol',
      'stream',
    ],
  ),
  [
    '8.1.2.6/1 content of another length than was said',
    [headersFrame(1, [...echo, ['content-length', '1']]), data(1, message, end)],
    'protocol',
    'stream',
  ],
  [
    '8.1.2.6/2 the same in several frames',
    [headersFrame(1, [...echo, ['content-length', '30']]), data(1, message), data(1, message, end)],
    'protocol',
    'stream',
  ],
  [
    '8.1.2.6 the same of what is no gRPC',
    [headersFrame(1, [...without('content-type'), ['content-length', '1']]), data(1, Buffer.from('test'), end)],
    'protocol',
    'stream',
  ],
  ['8.2/1 PUSH_PROMISE', [frame(types.pushPromise, endHeaders, 1, Buffer.concat([uint32(2), block]))], 'protocol'],
  ['hpack 2.3.3/1 an index that is not there', withBlock('c6'), 'compression'],
  ['hpack 2.3.3/2 a literal whose name is not there', withBlock('7f0700'), 'compression'],
  ['hpack 4.2/1 another table size at the end of a block', withBlock('20'), 'compression'],
  ['hpack 5.2/1 more than 7 bits of padding', withBlock('0084c5ff8488ffffff'), 'compression'],
  ['hpack 5.2/2 padding with zeros', withBlock('0085f2b24a84ff8449509fe0'), 'compression'],
  ['hpack 5.2/3 the end of a string within it', withBlock('0006782d7465737484ffffffff'), 'compression'],
  ['hpack 6.1/1 the index 0', withBlock('80'), 'compression'],
  ['hpack 6.3/1 a table larger than allowed', [raw(1, Buffer.concat([Buffer.from('3fe21f', 'hex'), block]))], 'compression'],
];

test.each(errors.map(([name, sent, code, what = 'connection' as const]) => ({ name, sent, code, what })))(
  '$name',
  async ({ sent, code, what }) => {
    const client = await connected();
    client.send(...sent);
    await expect.poll(() => client.ending).toEqual({ what, code });
    if (what === 'connection') await expect.poll(() => client.isClosed).toBe(true);
    else await expectCall(client, 2 ** 20 + 1);
  },
);

test.each([
  ['DATA', data(1), 'streamClosed'],
  ['HEADERS', raw(1, block), 'streamClosed'],
  ['CONTINUATION', frame(types.continuation, endHeaders, 1, block), 'protocol'],
])('5.1/11-13 %s of a stream that both sides have ended', async (_, sent, code) => {
  const client = await connected();
  client.send(call);
  await expect.poll(() => client.of(types.headers, 1).length).toBe(2);
  client.send(sent);
  await expect.poll(() => client.ending).toEqual({ what: 'connection', code });
});

test.each([
  ['3.5/2', Buffer.from('INVALID CONNECTION PREFACE\r\n\r\n')],
  ['4.1', Buffer.from('PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n')],
])('%s a preface that is none ends the connection', async (_, sent) => {
  const client = await RawClient.connect(await serveForTest(), false);
  onTestFinished(() => client.close());
  client.send(sent);
  await expect.poll(() => client.isClosed).toBe(true);
});

/** A whole call on the connection, which goes on. */
async function expectCall(client: RawClient, stream: number): Promise<void> {
  client.send(unaryCall(stream, 'Echo', Buffer.from(`call ${stream}`)));
  await expect
    .poll(() => Buffer.concat(client.of(types.data, stream).map(({ payload }) => payload)))
    .toEqual(grpcMessage(Buffer.from(`call ${stream}`)));
}

const padded = Buffer.concat([Buffer.from([3]), block, Buffer.alloc(3)]);
const harmless: readonly (readonly [string, readonly Uint8Array[]])[] = [
  ['4.1/1 a frame of an unknown type', [frame(0x16, 0, 0, Buffer.alloc(8))]],
  ['4.1/2 flags that mean nothing', [frame(types.ping, 0x16, 0, Buffer.alloc(8))]],
  ['4.1/3 the reserved bit', [Buffer.from(`000008060080000000${'00'.repeat(8)}`, 'hex')]],
  ['6.5.2/5 an unknown setting', [settings([0xff, 1])]],
  ['7/1 GOAWAY with an unknown code', [frame(types.goAway, 0, 0, Buffer.concat([uint32(0), uint32(0xff)]))]],
  ['7/2 RST_STREAM with an unknown code', [open, frame(types.reset, 0, 1, uint32(0xff))]],
  ['6.7/2 an ACK of a PING', [frame(types.ping, flags.ack, 0, Buffer.alloc(8))]],
  [
    'a WINDOW_UPDATE, RST_STREAM and PRIORITY of a stream that is over',
    [open, reset, reset, frame(types.windowUpdate, 0, 1, uint32(1)), frame(types.priority, 0, 1, Buffer.alloc(5))],
  ],
  [
    'DATA and trailers of a stream that the server has ended',
    [headersFrame(1, grpcRequest('Unknown')), data(1, message), raw(1, encodeHeaders([['x-test', 'ok']]))],
  ],
];

test.each(harmless)('%s has no effect', async (_, sent) => {
  const client = await connected();
  client.send(...sent);
  await expectCall(client, 3);
});

const accepted: readonly (readonly [string, Uint8Array])[] = [
  ['HEADERS with padding', raw(1, padded, endHeaders | flags.padded)],
  ['HEADERS with a priority', raw(1, Buffer.concat([uint32(0), Buffer.from([255]), block]), endHeaders | flags.priority)],
  [
    'HEADERS with both',
    raw(
      1,
      Buffer.concat([Buffer.from([3]), uint32(0), Buffer.from([9]), block, Buffer.alloc(3)]),
      endHeaders | flags.priority | flags.padded,
    ),
  ],
  [
    '6.10/1 CONTINUATION frames',
    Buffer.concat([
      raw(1, block.subarray(0, 3), 0),
      frame(types.continuation, 0, 1, block.subarray(3, 9)),
      frame(types.continuation, endHeaders, 1, block.subarray(9)),
    ]),
  ],
];

test.each(accepted)('%s', async (_, head) => {
  const client = await connected();
  client.send(head, data(1, message.subarray(0, 2)), data(1, message.subarray(2), end));
  await expect.poll(() => client.of(types.data, 1)[0]?.payload).toEqual(message);
  const decoder = new HeaderDecoder();
  const [status, trailers] = client.of(types.headers, 1).map(({ payload }) => decoder.decode(payload));
  expect([status?.get(':status'), trailers?.get('grpc-status')]).toEqual(['200', '0']);
});

describe('flow control', () => {
  test('6.9.1/1 as many bytes are sent as there is window; 6.9.2/1 a later SETTINGS gives more', async () => {
    const client = await connected();
    client.send(settings([4, 1]), call);
    await expect.poll(() => client.of(types.data, 1).map(({ payload }) => payload.length)).toEqual([1]);
    client.send(settings([4, 3]));
    await expect.poll(() => client.of(types.data, 1).map(({ payload }) => payload.length)).toEqual([1, 2]);
    client.send(frame(types.windowUpdate, 0, 1, uint32(1000)));
    await expect.poll(() => Buffer.concat(client.of(types.data, 1).map(({ payload }) => payload))).toEqual(message);
  });

  test('6.9.2/2 a window becomes negative, and is made up for', async () => {
    const client = await connected();
    client.send(settings([4, 3]), call);
    await expect.poll(() => client.of(types.data, 1).length).toBe(1);
    client.send(settings([4, 2]), frame(types.windowUpdate, 0, 1, uint32(1)), frame(types.ping, 0, 0, Buffer.alloc(8)));
    await expect.poll(() => client.of(types.ping).length).toBe(1);
    expect(client.of(types.data, 1).length).toBe(1);
    client.send(frame(types.windowUpdate, 0, 1, uint32(1)));
    await expect.poll(() => client.of(types.data, 1).map(({ payload }) => payload.length)).toEqual([3, 1]);
  });

  test('6.5.3 of a setting that is there twice the last counts, and SETTINGS are answered', async () => {
    const client = await connected();
    client.send(settings([4, 100], [4, 1]), call);
    await expect.poll(() => client.of(types.data, 1).map(({ payload }) => payload.length)).toEqual([1]);
    expect(client.of(types.settings).filter((f) => f.flags === flags.ack).length).toBe(2);
  });

  test('more than the window ends the stream', async () => {
    const client = await connected();
    const pieces = Array.from({ length: 65 }, () => data(1, Buffer.alloc(16_384)));
    client.send(headersFrame(1, grpcRequest('Held')), ...pieces);
    await expect.poll(() => client.ending).toEqual({ what: 'stream', code: 'flowControl' });
  });
});

test('5.1.2/1 more streams than allowed are refused', async () => {
  const client = await RawClient.connect(await serveForTest({ streamsMax: 2 }));
  onTestFinished(() => client.close());
  client.send(headersFrame(1, echo), headersFrame(3, echo), headersFrame(5, echo));
  await expect.poll(() => client.ending).toEqual({ what: 'stream', code: 'refusedStream' });
  expect(client.of(types.reset).map(({ stream }) => stream)).toEqual([5]);
});

test.each([
  ['nothing', undefined, 16_384],
  ["etcd's default, as many as there can be,", limits.streams, 16_384],
  ['a number', 20_000, 20_000],
])('where %s is said of streams a client is told how many it may open', async (_, streamsMax, told) => {
  const client = await RawClient.connect(await serveForTest({ streamsMax }));
  onTestFinished(() => client.close());
  await expect.poll(() => client.of(types.settings).length).toBeGreaterThan(0);
  const payload = client.of(types.settings)[0]?.payload ?? Buffer.alloc(0);
  const values = new Map<number, number>();
  for (let at = 0; at < payload.length; at += 6) values.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
  expect(values.get(3)).toBe(told);
});

test('6.7/1 a PING is answered with its content', async () => {
  const client = await connected();
  client.send(frame(types.ping, 0, 0, Buffer.from('h2spec!!')));
  await expect.poll(() => client.of(types.ping)[0]).toMatchObject({ flags: flags.ack, payload: Buffer.from('h2spec!!') });
});

test('a connection that says nothing, or not enough, ends after its time', async () => {
  const port = await serveForTest({ openingMs: 1500 });
  const starts = [Buffer.alloc(0), Buffer.from('P'), Buffer.from('PRI * HT'), Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')];
  const clients = await Promise.all(starts.map(() => RawClient.connect(port, false)));
  const served = await RawClient.connect(port);
  for (const client of [...clients, served]) onTestFinished(() => client.close());
  for (const [i, client] of clients.entries()) client.send(starts[i] as Buffer);
  await expect.poll(() => clients.map(({ isClosed }) => isClosed), { timeout: 10_000 }).toEqual([true, true, true, true]);
  await expectCall(served, 1);
});
