import { once } from 'node:events';
import { connect } from 'node:http2';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { FrameReader } from './frame-reader.ts';
import { flags, frameTypes } from './frames.ts';
import { encodeHeaders, HeaderDecoder, type Headers, HpackError } from './hpack.ts';
import { decodeHuffman } from './huffman.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const pseudo = [':method', ':scheme', ':path', ':authority'];
const shown = (headers: Headers): (string | undefined)[] => pseudo.map((name) => headers.get(name));

test('the requests of RFC 7541, appendix C.4: Huffman strings, a table that grows', () => {
  const decoder = new HeaderDecoder();
  const first = decoder.decode(hex('8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff'));
  expect(shown(first)).toEqual(['GET', 'http', '/', 'www.example.com']);
  const second = decoder.decode(hex('8286 84be 5886 a8eb 1064 9cbf'));
  expect([...shown(second), second.get('cache-control')]).toEqual(['GET', 'http', '/', 'www.example.com', 'no-cache']);
  const third = decoder.decode(hex('8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf'));
  expect([...shown(third), third.get('custom-key')]).toEqual([
    ...['GET', 'https', '/index.html', 'www.example.com'],
    'custom-value',
  ]);
});

test("what Node's HTTP/2 writes is read: every printable character, a table that overflows", async () => {
  const decoder = new HeaderDecoder();
  const seen: Headers[] = [];
  const server = createServer((socket: Socket) => {
    const reader = new FrameReader(true, (type, _flags, _stream, payload) => {
      // Node sends its requests with a priority.
      const skip = (_flags & flags.priority) === 0 ? 0 : 5;
      if (type === frameTypes.headers) seen.push(decoder.decode(Buffer.from(payload.subarray(skip))));
    });
    socket.on('data', (bytes: Buffer) => reader.read(bytes));
    socket.on('error', () => {});
    socket.write(hex('000000 04 00 00000000'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  client.on('error', () => {});
  onTestFinished(() => {
    client.destroy();
    server.close();
  });
  const printable = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join('');
  const values = Array.from({ length: 60 }, (_, i) => `${i}${printable.slice(i % 20).trim()}`.repeat(1 + (i % 3)));
  for (const value of values) {
    client.request({ ':path': `/${value.length}`, 'x-value': value, 'x-same': 'same' }).on('error', () => {});
  }
  await expect.poll(() => seen.length, { timeout: 10_000 }).toBe(values.length);
  expect(seen.map((headers) => headers.get('x-value'))).toEqual(values);
  expect(new Set(seen.map((headers) => headers.get('x-same')))).toEqual(new Set(['same']));
});

test('what is written is read', () => {
  const long = 'x'.repeat(1000);
  const headers = new HeaderDecoder().decode(encodeHeaders([[':status', '200'] as const, ['grpc-message', long] as const]));
  expect([headers.get(':status'), headers.get('grpc-message'), headers.get('nothing')]).toEqual(['200', long, undefined]);
});

test.each([
  ['an index beyond the table', 'c0'],
  ['index 0', '80'],
  ['a string that is cut off', '400a61'],
  ['an integer that never ends', 'ffffffffffffff'],
  ['a table that is too large', '3fe1ff03'],
  ['the end of a Huffman string inside', '0084ffffffff00'],
])('%s is refused', (_, block) => {
  expect(() => new HeaderDecoder().decode(hex(block))).toThrow(HpackError);
});

test('Huffman padding is ones, and less than a byte', () => {
  expect(decodeHuffman(hex('1f'))).toBe('a');
  expect(decodeHuffman(hex('18'))).toBeUndefined();
  expect(decodeHuffman(hex('1fff'))).toBeUndefined();
});
