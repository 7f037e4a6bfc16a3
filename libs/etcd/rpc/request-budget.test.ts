// What the requests of all connections may take of a member: at the real client port, with small limits.
import { expect, onTestFinished, test } from 'vitest';
import { flags, frameTypes as types } from '../http2/frames.ts';
import { HeaderDecoder } from '../http2/hpack.ts';
import { frame, grpcMessage, grpcRequest, headersFrame, RawClient, uint32, unaryCall } from '../http2/testing/raw-client.ts';
import { RequestBudget } from './request-budget.ts';
import { serveForTest, testMethods } from './testing/serve.ts';

const echo = grpcRequest('Echo');
const data = (stream: number, content: Uint8Array, frameFlags = 0) => frame(types.data, frameFlags, stream, content);

test('requests that are not complete make room for each other, the oldest first; what is complete is answered', async () => {
  const budget = new RequestBudget({ partialBytesMax: 200_000 });
  const client = await RawClient.connect(await serveForTest({ budget }));
  onTestFinished(() => client.close());
  const begun = (stream: number) => [
    headersFrame(stream, echo),
    data(stream, Buffer.concat([Buffer.from([0]), uint32(90_000), Buffer.alloc(16_000)])),
    ...Array.from({ length: 3 }, () => data(stream, Buffer.alloc(16_000))),
  ];
  for (const stream of [1, 3, 5, 7]) client.send(...begun(stream));
  const ended = () => client.of(types.headers).map(({ stream }) => stream);
  await expect.poll(ended).toEqual([1, 3]);
  const [first] = client.of(types.headers, 1);
  expect(new HeaderDecoder().decode(first?.payload ?? Buffer.alloc(0)).get('grpc-status')).toBe('8');
  client.send(
    data(7, Buffer.alloc(16_000)),
    data(7, Buffer.alloc(10_000), flags.endStream),
    frame(types.windowUpdate, 0, 7, uint32(100_000)),
    frame(types.windowUpdate, 0, 0, uint32(100_000)),
  );
  await expect.poll(() => client.of(types.data, 7).reduce((sum, { payload }) => sum + payload.length, 0)).toBe(90_005);
});

test('a stream of which nothing is kept makes no room, however old it is', async () => {
  const budget = new RequestBudget({ partialBytesMax: 100_000 });
  const client = await RawClient.connect(await serveForTest({ budget }));
  onTestFinished(() => client.close());
  const hello = grpcMessage(Buffer.from('hello'));
  client.send(headersFrame(1, grpcRequest('Stream')), data(1, hello.subarray(0, 3)), data(1, hello.subarray(3)));
  await expect.poll(() => client.of(types.data, 1).length).toBe(1);
  for (const stream of [3, 5]) {
    const beginning = Buffer.concat([Buffer.from([0]), uint32(90_000), Buffer.alloc(16_000)]);
    client.send(
      headersFrame(stream, echo),
      data(stream, beginning),
      ...Array.from({ length: 4 }, () => data(stream, Buffer.alloc(16_000))),
    );
  }
  await expect.poll(() => client.of(types.headers, 3).length).toBe(1);
  client.send(data(1, hello));
  await expect.poll(() => client.of(types.data, 1).length).toBe(2);
});

test('requests beyond what may be worked on are refused, and those of other connections once there is room', async () => {
  const budget = new RequestBudget({ workingBytesMax: 100 });
  let answer = (): void => {};
  const slow = {
    kind: 'unary',
    handle: (request: Buffer) => new Promise<Buffer>((resolve) => (answer = () => resolve(request))),
  } as const;
  const port = await serveForTest({ budget }, { ...testMethods, Slow: slow });
  const [one, other] = [await RawClient.connect(port), await RawClient.connect(port)];
  for (const client of [one, other]) onTestFinished(() => client.close());
  one.send(unaryCall(1, 'Slow', Buffer.alloc(80)));
  await expect.poll(() => one.of(types.settings).length).toBe(2);
  other.send(unaryCall(1, 'Echo', Buffer.alloc(80)));
  await expect.poll(() => other.of(types.headers, 1).length).toBe(1);
  const refusal = new HeaderDecoder().decode(other.of(types.headers, 1)[0]?.payload ?? Buffer.alloc(0));
  expect(refusal.get('grpc-message')).toBe('etcdserver: too many requests');
  answer();
  await expect.poll(() => one.of(types.headers, 1).length).toBe(2);
  other.send(unaryCall(3, 'Echo', Buffer.from('again')));
  await expect.poll(() => other.of(types.data, 3)[0]?.payload).toEqual(grpcMessage(Buffer.from('again')));
});

test('no more streams of all connections are open than may be', async () => {
  const port = await serveForTest({ budget: new RequestBudget({ streamsMax: 3 }) });
  const [one, other] = [await RawClient.connect(port), await RawClient.connect(port)];
  for (const client of [one, other]) onTestFinished(() => client.close());
  one.send(headersFrame(1, echo), headersFrame(3, echo), headersFrame(5, echo));
  await expect.poll(() => one.of(types.settings).length).toBe(2);
  other.send(unaryCall(1, 'Echo', Buffer.alloc(1)));
  await expect.poll(() => other.ending).toEqual({ what: 'stream', code: 'refusedStream' });
  one.close();
  await expect
    .poll(async () => {
      const later = await RawClient.connect(port);
      later.send(unaryCall(1, 'Echo', Buffer.alloc(1)));
      await expect.poll(() => later.frames.length).toBeGreaterThan(2);
      later.close();
      return later.of(types.data, 1).length;
    })
    .toBe(1);
});

test('a connection whose cancelled calls go on is read again when they are done', async () => {
  const waiting: (() => void)[] = [];
  const slow = {
    kind: 'unary',
    handle: (request: Buffer) => new Promise<Buffer>((resolve) => waiting.push(() => resolve(request))),
  } as const;
  const client = await RawClient.connect(await serveForTest({}, { ...testMethods, Slow: slow }));
  onTestFinished(() => client.close());
  for (let i = 0; i < 1500; i++) {
    client.send(unaryCall(2 * i + 1, 'Slow', Buffer.alloc(1)), frame(types.reset, 0, 2 * i + 1, uint32(8)));
  }
  client.send(unaryCall(3001, 'Echo', Buffer.from('call 3001')));
  await expect.poll(() => waiting.length).toBeGreaterThanOrEqual(1000);
  // What had been read with the last one was looked at, too; the rest was not.
  for (let i = 0; i < waiting.length; i++) waiting[i]?.();
  await expect
    .poll(() => {
      for (const done of waiting.splice(0)) done();
      return client.of(types.data, 3001).length;
    })
    .toBe(1);
});
