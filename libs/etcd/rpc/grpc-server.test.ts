import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, type Socket } from 'node:net';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { expect, onTestFinished, test } from 'vitest';
import { EtcdError } from '../errors.ts';
import { FrameReader } from '../http2/frame-reader.ts';
import { flags, frameTypes, preface } from '../http2/frames.ts';
import { encodeHeaders, HeaderDecoder } from '../http2/hpack.ts';
import { frame } from '../http2/testing/raw-client.ts';
import { encodeBy } from './protobuf.ts';
import type { Method, StreamCall } from './service.ts';
import { receiveBytesMax, serveForTest } from './testing/serve.ts';

const clock = new SystemClock();
const identity = (bytes: Buffer): Buffer => bytes;

function serve(methods: Readonly<Record<string, Method>>, streamsMax?: number): Promise<number> {
  return serveForTest({ streamsMax }, methods);
}

function clientOf(port: number): Client {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.max_receive_message_length': -1 });
  onTestFinished(() => client.close());
  return client;
}

function call(client: Client, method: string, request: Buffer, metadata = new Metadata()): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(`/test.Test/${method}`, identity, identity, request, metadata, (error, answer) => {
      if (error !== null || answer === undefined) reject(error);
      else resolve(answer);
    });
  });
}

const echo: Method = { kind: 'unary', handle: async (request) => Buffer.from(request) };

test('unary calls, many at once, of all sizes and with an empty one', async () => {
  const client = clientOf(await serve({ Echo: echo }));
  const requests = Array.from({ length: 300 }, (_, i) => Buffer.alloc((i * 331) % 90_000, i));
  const answers = await Promise.all(requests.map((request) => call(client, 'Echo', request)));
  expect(answers.every((answer, i) => answer.equals(requests[i] as Buffer))).toBe(true);
});

test('an answer of 20 MB passes the windows, and others beside it', async () => {
  const large = Buffer.alloc(20 << 20, 'x');
  const client = clientOf(await serve({ Echo: echo, Large: { kind: 'unary', handle: async () => large } }));
  const [answer, ...others] = await Promise.all([
    call(client, 'Large', Buffer.alloc(0)),
    ...Array.from({ length: 50 }, (_, i) => call(client, 'Echo', Buffer.from(`${i}`))),
  ]);
  expect(answer?.equals(large)).toBe(true);
  expect(others.map(String)).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`));
});

test('lent buffers go round and each answer has its own content, also where clients go away in between', async () => {
  const lentAnswer: Method = {
    kind: 'unary',
    handle: async (request) => encodeBy((writer) => writer.raw(Buffer.alloc(40_000 + 10 * request.readUInt8(), request))),
  };
  const port = await serve({ Large: lentAnswer });
  const clients = Array.from({ length: 4 }, () => clientOf(port));
  for (let round = 0; round < 5; round++) {
    const leaving = clientOf(port);
    for (let i = 0; i < 20; i++) void call(leaving, 'Large', Buffer.from([i])).catch(() => {});
    const asked = Array.from({ length: 80 }, (_, i) => i);
    const answers = asked.map((i) => call(clients[i % 4] as Client, 'Large', Buffer.from([i])));
    await answers[round];
    leaving.close();
    for (const [i, answer] of (await Promise.all(answers)).entries()) {
      expect(answer.equals(Buffer.alloc(40_000 + 10 * i, i))).toBe(true);
    }
  }
});

test('metadata and the peer arrive', async () => {
  const client = clientOf(
    await serve({
      Who: { kind: 'unary', handle: async (_, { metadata, peer }) => Buffer.from(`${metadata.get('hasleader')} ${peer}`) },
    }),
  );
  const metadata = new Metadata();
  metadata.set('hasleader', 'true');
  for (let i = 0; i < 3; i++) {
    expect(String(await call(client, 'Who', Buffer.alloc(0), metadata))).toMatch(/^true 127\.0\.0\.1:\d+$/);
  }
});

test.each([
  ['Fail', 0, 9, 'etcdserver: role name not found'],
  ['Odd', 0, 2, 'ünd 100%\n'],
  ['Nothing', 0, 12, 'unknown method Nothing for service test.Test'],
  ['Echo', receiveBytesMax + 1, 8, `grpc: received message larger than max (${receiveBytesMax + 1} vs. ${receiveBytesMax})`],
])('%s with %i bytes fails with %i %s', async (method, size, code, details) => {
  const client = clientOf(
    await serve({
      Echo: echo,
      Fail: { kind: 'unary', handle: () => Promise.reject(new EtcdError('roleNotFound')) },
      Odd: { kind: 'unary', handle: () => Promise.reject(new Error('ünd 100%\n')) },
    }),
  );
  const error = await call(client, method, Buffer.alloc(size)).then(
    () => undefined,
    (e: ServiceError) => e,
  );
  expect({ code: error?.code, details: error?.details }).toEqual({ code, details });
});

/** @param ends whether the server ends the call when the client does. */
function streaming(ends = true): { method: Method; calls: StreamCall[]; events: string[] } {
  const calls: StreamCall[] = [];
  const events: string[] = [];
  const open = (streamCall: StreamCall) => {
    calls.push(streamCall);
    return {
      message: (raw: Buffer) => streamCall.write(Buffer.from(raw)),
      end: () => ends && streamCall.end(),
      closed: () => void events.push('closed'),
      drained: () => void events.push('drained'),
    };
  };
  return { method: { kind: 'stream', open }, calls, events };
}

test('a client has as many streams at a time as it may have, and more one after another', async () => {
  const { method, calls } = streaming();
  const client = clientOf(await serve({ Stream: method, Echo: echo }, 2));
  const streams = [1, 2].map(() => client.makeBidiStreamRequest('/test.Test/Stream', identity, identity, new Metadata()));
  for (const stream of streams) stream.on('error', () => {}).write(Buffer.from('begin'));
  await expect.poll(() => calls.length).toBe(2);
  let answered = false;
  const third = call(client, 'Echo', Buffer.from('third')).then((answer) => {
    answered = true;
    return String(answer);
  });
  await clock.sleep(100);
  expect(answered).toBe(false);
  streams[0]?.end();
  expect(await third).toBe('third');
});

test('a stream in both directions, ended by the client', async () => {
  const { method, events } = streaming();
  const client = clientOf(await serve({ Stream: method }));
  const stream = client.makeBidiStreamRequest('/test.Test/Stream', identity, identity, new Metadata());
  const received: string[] = [];
  stream.on('data', (bytes: Buffer) => received.push(String(bytes)));
  for (const text of ['a', 'b', 'c']) stream.write(Buffer.from(text));
  stream.end();
  await once(stream, 'end');
  expect(received).toEqual(['a', 'b', 'c']);
  expect(events).toEqual([]);
});

test('a cancelled stream closes its handler; an error of the server ends it with its status', async () => {
  const { method, calls, events } = streaming(false);
  const client = clientOf(await serve({ Stream: method }));
  const cancelled = client.makeBidiStreamRequest('/test.Test/Stream', identity, identity, new Metadata());
  cancelled.on('error', () => {});
  cancelled.write(Buffer.from('a'));
  await once(cancelled, 'data');
  cancelled.cancel();
  await expect.poll(() => events).toEqual(['closed']);

  const failing = client.makeBidiStreamRequest('/test.Test/Stream', identity, identity, new Metadata());
  failing.write(Buffer.from('a'));
  await once(failing, 'data');
  calls[1]?.end(new EtcdError('noLeader'));
  const [error] = (await once(failing, 'error')) as [ServiceError];
  expect([error.code, error.details]).toEqual([14, 'etcdserver: no leader']);
});

test('what a client does not read waits at the server, bounded by what the writer looks at, and arrives in the end', async () => {
  const { method, calls, events } = streaming();
  const client = clientOf(await serve({ Stream: method }));
  const stream = client.makeBidiStreamRequest('/test.Test/Stream', identity, identity, new Metadata());
  stream.on('error', () => {});
  stream.write(Buffer.from('begin'));
  await once(stream, 'data');
  stream.pause();
  const [server] = calls;
  const piece = Buffer.alloc(50_000, 'y');
  for (let i = 0; i < 220; i++) server?.write(piece);
  expect(server?.waitingBytes).toBeGreaterThan(10_000_000);
  let bytes = 0;
  stream.on('data', (data: Buffer) => {
    bytes += data.length;
  });
  stream.resume();
  await expect.poll(() => bytes, { timeout: 20_000 }).toBe(220 * piece.length);
  expect(server?.waitingBytes).toBe(0);
  expect(events).toContain('drained');
});

test('messages in parts, of several streams in one turn, arrive whole and in order', async () => {
  const { method, calls } = streaming();
  const client = clientOf(await serve({ Stream: method }));
  const answers = await Promise.all(
    [0, 1, 2].map(async () => {
      const stream = client.makeBidiStreamRequest('/test.Test/Stream', identity, identity, new Metadata());
      stream.on('error', () => {});
      stream.write(Buffer.from('begin'));
      const [first] = (await once(stream, 'data')) as [Buffer];
      const received = [first.toString()];
      stream.on('data', (data: Buffer) => received.push(data.toString()));
      return received;
    }),
  );
  const shared = Buffer.alloc(700, 's');
  const expected: string[][] = [0, 1, 2].map(() => ['begin']);
  // Runs of messages on one stream, more than a frame holds, and turns with all streams in turn.
  for (let i = 0; i < 300; i++) {
    const at = i < 200 ? Math.floor(i / 70) : i % 3;
    const own = Buffer.from(`${i}-`);
    calls[at]?.writeParts(i % 7 === 0 ? [own] : [own, Buffer.alloc(0), shared]);
    expected[at]?.push(i % 7 === 0 ? `${own}` : `${own}${shared}`);
  }
  await expect.poll(() => answers.map((received) => received.length)).toEqual(expected.map(({ length }) => length));
  expect(answers).toEqual(expected);
});

test('messages that are worked on hold the client back', async () => {
  let taken = 0;
  let goOn = (): void => {};
  const work = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const method: Method = {
    kind: 'stream',
    open: () => ({
      message: () => {
        taken++;
        return work;
      },
      closed: () => {},
    }),
  };
  const client = clientOf(await serve({ Stream: method }));
  const stream = client.makeBidiStreamRequest('/test.Test/Stream', identity, identity, new Metadata());
  stream.on('error', () => {});
  for (let i = 0; i < 100; i++) stream.write(Buffer.alloc(50_000));
  await expect.poll(() => taken).toBeGreaterThanOrEqual(20);
  expect(taken).toBeLessThan(22);
  goOn();
  await expect.poll(() => taken).toBe(100);
  stream.cancel();
});

test('plain HTTP on the same port', async () => {
  const port = await serve({ Echo: echo });
  const sent = httpRequest({ port, host: '127.0.0.1', path: '/health' });
  sent.end();
  const [response] = await once(sent, 'response');
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  expect(body).toBe('plain');
});

/** A client on bare frames. */
async function bare(port: number): Promise<{ socket: Socket; frames: [number, number, number, Buffer][] }> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  onTestFinished(() => void socket.destroy());
  const frames: [number, number, number, Buffer][] = [];
  const reader = new FrameReader(false, (...frame) => frames.push([frame[0], frame[1], frame[2], Buffer.from(frame[3])]));
  socket.on('data', (bytes: Buffer) => reader.read(bytes));
  socket.write(Buffer.concat([preface, frame(frameTypes.settings, 0, 0, Buffer.alloc(0))]));
  return { socket, frames };
}

test('a request byte by byte, in several header frames, with padding, whose authority is a URL as etcdctl 3.4 sends it', async () => {
  const { socket, frames } = await bare(await serve({ Echo: echo }));
  const block = encodeHeaders([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/test.Test/Echo'],
    [':authority', 'http://127.0.0.1:2379'],
    ['content-type', 'application/grpc+proto'],
  ]);
  const message = Buffer.concat([Buffer.from([0, 0, 0, 0, 2]), Buffer.from('hi')]);
  const bytes = Buffer.concat([
    frame(frameTypes.headers, 0, 1, block.subarray(0, 7)),
    frame(frameTypes.continuation, flags.endHeaders, 1, block.subarray(7)),
    frame(frameTypes.data, flags.padded, 1, Buffer.concat([Buffer.from([3]), message.subarray(0, 4), Buffer.alloc(3)])),
    frame(frameTypes.data, flags.endStream, 1, message.subarray(4)),
  ]);
  for (const byte of bytes) {
    socket.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  const answers = () => frames.filter(([, , stream]) => stream === 1);
  await expect.poll(() => answers().length).toBe(3);
  const decoder = new HeaderDecoder();
  const [headers, data, trailers] = answers();
  expect(decoder.decode(headers?.[3] ?? Buffer.alloc(0)).get(':status')).toBe('200');
  expect(data?.[3]).toEqual(message);
  expect(decoder.decode(trailers?.[3] ?? Buffer.alloc(0)).get('grpc-status')).toBe('0');
});

test('messages of one turn share data frames, up to what the client takes in one', async () => {
  const open = (streamCall: StreamCall) => ({
    message: () => {
      for (let i = 0; i < 100; i++) streamCall.write(Buffer.alloc(495));
    },
    closed: () => {},
  });
  const { socket, frames } = await bare(await serve({ Stream: { kind: 'stream', open } }));
  const block = encodeHeaders([
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', '/test.Test/Stream'],
    ['content-type', 'application/grpc'],
  ]);
  socket.write(frame(frameTypes.headers, flags.endHeaders, 1, block));
  socket.write(frame(frameTypes.data, 0, 1, Buffer.alloc(5)));
  const lengths = () => frames.filter(([type]) => type === frameTypes.data).map(([, , , payload]) => payload.length);
  await expect.poll(() => lengths().reduce((sum, length) => sum + length, 0)).toBe(50_000);
  expect(lengths()).toEqual([16_000, 16_000, 16_000, 2000]);
});
