import { once } from 'node:events';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openHttp2, readOpening, repairAuthority } from './http2-opening.ts';

const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

function frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const settings = frame(4, 0, 0);
const settingsAck = frame(4, 1, 0);
const windowUpdate = frame(8, 0, 0, Buffer.from([0, 0, 1, 0]));
/** GET, http, /, and the authority as a literal to be indexed. */
const request = (authority: string): Buffer =>
  Buffer.concat([Buffer.from([0x82, 0x86, 0x84, 0x41, authority.length]), Buffer.from(authority)]);

async function serve(): Promise<number> {
  const http2 = createHttp2Server((incoming, response) => response.end(`${incoming.method} ${incoming.authority}`));
  const server = createServer((socket: Socket) => {
    socket.once('readable', () => {
      openHttp2(socket, socket.read() as Buffer, (connection) => http2.emit('connection', connection));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test.each([
  { authority: 'http://127.0.0.1:2379', seen: 'http:--127.0.0.1:2379' },
  { authority: '127.0.0.1:2379', seen: '127.0.0.1:2379' },
])('Node (Huffman, headers at once) with authority $authority is answered', async ({ authority, seen }) => {
  const client = connectHttp2(`http://127.0.0.1:${await serve()}`);
  onTestFinished(() => client.destroy());
  for (let i = 0; i < 3; i++) {
    const stream = client.request({ ':authority': authority, 'x-number': `${i}` });
    let body = '';
    for await (const chunk of stream.setEncoding('utf8')) body += chunk;
    expect(body).toBe(`GET ${seen}`);
  }
});

test.each([
  { authority: 'http://h:1', seen: 'http:--h:1' },
  { authority: 'h:1', seen: 'h:1' },
])('a client that waits for SETTINGS, with authority $authority, is answered', async ({ authority, seen }) => {
  const socket = connect(await serve(), '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let received = Buffer.alloc(0);
  const until = async (text: Buffer | string) => {
    while (!received.includes(text)) {
      const [bytes] = (await once(socket, 'data')) as [Buffer];
      received = Buffer.concat([received, bytes]);
    }
  };
  socket.write(Buffer.concat([preface, settings]));
  await until(settings);
  // In pieces, so that no frame comes whole.
  for (const byte of Buffer.concat([settingsAck, windowUpdate, frame(1, 5, 1, request(authority))])) {
    socket.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until(`GET ${seen}`);
});

test('the opening ends with the first frame of a stream, whole', () => {
  const headers = frame(1, 5, 1, request('a'));
  const opening = Buffer.concat([preface, settings, windowUpdate, settingsAck, headers]);
  const acknowledgement = opening.length - headers.length - settingsAck.length;
  expect(readOpening(opening)).toEqual({ firstStream: opening.length - headers.length, acknowledgement });
  expect(readOpening(opening.subarray(0, -1))).toEqual({ firstStream: -1, acknowledgement });
});

test('only an authority is changed', () => {
  const path = Buffer.concat([Buffer.from([0x44, 9]), Buffer.from('http://h1')]);
  const before = Buffer.from(path);
  expect(repairAuthority(path)).toBe(false);
  expect(path).toEqual(before);
});
