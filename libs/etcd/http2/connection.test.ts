// What a connection does with its streams, at a real socket: the server's end is here, the client says what it likes.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { expect, onTestFinished, test } from 'vitest';
import { Http2Connection } from './connection.ts';
import { flags, frameTypes as types } from './frames.ts';
import { encodeHeaders } from './hpack.ts';
import { unreadBytesLimit, unreadBytesMax } from './limits.ts';
import type { Http2Stream } from './stream.ts';
import { frame, grpcRequest, headersFrame, RawClient, settings, uint32 } from './testing/raw-client.ts';

const clock = new SystemClock();
const trailers = encodeHeaders([['grpc-status', '0']]);
const idle = { received: () => {}, ended: () => {}, reset: () => {}, drained: () => {} };
const request = (stream: number) => headersFrame(stream, grpcRequest('Any'));
const reset = (stream: number) => frame(types.reset, 0, stream, uint32(8));
const pings = (client: RawClient) => client.of(types.ping).length;
const ping = frame(types.ping, 0, 0, Buffer.alloc(8));

interface Pair {
  readonly client: RawClient;
  readonly connection: Http2Connection;
  readonly streams: Http2Stream[];
}

async function pair(): Promise<Pair> {
  const streams: Http2Stream[] = [];
  const connections: Http2Connection[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    const onStream = (stream: Http2Stream): void => {
      stream.user = idle;
      streams.push(stream);
    };
    const connection = new Http2Connection(socket, { clock, onStream, onClose: () => {} });
    connections.push(connection);
    connection.start(undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = await RawClient.connect((server.address() as AddressInfo).port);
  onTestFinished(() => {
    client.close();
    server.close();
  });
  await expect.poll(() => connections.length).toBe(1);
  const [connection] = connections;
  if (connection === undefined) throw new Error('no connection');
  return { client, connection, streams };
}

async function opened({ client, streams }: Pair, ...ids: number[]): Promise<Http2Stream[]> {
  client.send(...ids.map(request));
  await expect.poll(() => streams.length).toBe(ids.length);
  return streams;
}

test('a message without content that had to wait does not keep the end of its stream back', async () => {
  const both = await pair();
  const { client, connection } = both;
  client.send(settings([4, 0]));
  const [stream] = await opened(both, 1);
  if (stream === undefined) throw new Error('no stream');
  // The last part of a progress report of watch 0 is empty.
  connection.message(stream, Buffer.from('header'), Buffer.alloc(0));
  client.send(frame(types.windowUpdate, 0, 1, uint32(100)));
  await expect.poll(() => client.of(types.data, 1).length).toBe(1);
  connection.finish(stream, trailers);
  await expect.poll(() => client.of(types.headers, 1).map((f) => f.flags & flags.endStream)).toEqual([flags.endStream]);
});

test('a call that is over gets no turn, and waits for none', async () => {
  const both = await pair();
  const { client, connection } = both;
  const [full, over, waiting] = await opened(both, 1, 3, 5);
  if (full === undefined || over === undefined || waiting === undefined) throw new Error('no streams');
  expect(connection.room(full)).toBeUndefined();
  connection.message(full, Buffer.alloc(unreadBytesMax + (1 << 20)));
  client.send(reset(3), ping);
  await expect.poll(() => pings(client)).toBe(1);
  await expect(connection.room(over)).rejects.toThrow('over');
  const turn = connection.room(waiting);
  client.send(reset(1));
  await turn;
});

test('streams that are read slowly do not keep an answer from its turn', async () => {
  const both = await pair();
  const { connection } = both;
  const [events, answer] = await opened(both, 1, 3);
  if (events === undefined || answer === undefined) throw new Error('no streams');
  connection.message(events, Buffer.alloc(unreadBytesMax + (1 << 20)));
  expect(connection.room(answer)).toBeUndefined();
});

test('an answer of any size that has waited for its turn is sent; what nobody reads and was not asked about ends the connection', async () => {
  const both = await pair();
  const { client, connection } = both;
  const [large, other] = await opened(both, 1, 3);
  if (large === undefined || other === undefined) throw new Error('no streams');
  expect(connection.room(large)).toBeUndefined();
  connection.message(large, Buffer.alloc(unreadBytesLimit + 1));
  connection.message(other, Buffer.from('an event'));
  client.send(ping);
  await expect.poll(() => pings(client)).toBe(1);
  expect(client.isClosed).toBe(false);
  client.send(reset(1), ping);
  await expect.poll(() => pings(client)).toBe(2);
  connection.message(other, Buffer.alloc(unreadBytesLimit + 1));
  await expect.poll(() => client.isClosed).toBe(true);
});

test('calls that were on their way when the connection is to end do not harm those that are answered', async () => {
  const both = await pair();
  const { client, connection } = both;
  const [stream] = await opened(both, 1);
  if (stream === undefined) throw new Error('no stream');
  connection.shutdown();
  client.send(
    request(3),
    frame(types.data, 0, 3, Buffer.from('x')),
    frame(types.windowUpdate, 0, 3, uint32(1)),
    reset(3),
    ping,
  );
  await expect.poll(() => pings(client)).toBe(1);
  connection.message(stream, Buffer.from('answer'));
  connection.finish(stream, trailers);
  await expect.poll(() => client.of(types.headers, 1).length).toBe(1);
  expect(client.of(types.goAway).map(({ payload }) => payload.readUInt32BE(4))).toEqual([0]);
});
