import { expect, test } from 'vitest';
import { ListCache } from './list-cache.ts';

const entry = (text: string) => {
  const length = text.length < 128 ? [text.length] : [(text.length & 0x7f) | 0x80, text.length >> 7];
  return Buffer.concat([Buffer.of(0x0a, ...length), Buffer.from(text)]);
};

function counting(): { cache: ListCache<string>; decoded: string[] } {
  const decoded: string[] = [];
  const cache = new ListCache((part) => {
    const text = part.subarray(part[1] !== undefined && part[1] >= 128 ? 3 : 2).toString();
    decoded.push(text);
    return [text];
  });
  return { cache, decoded };
}

test('entries are decoded once, in whatever order they come, and forgotten when they are gone', () => {
  const { cache, decoded } = counting();
  const long = 'x'.repeat(300);
  expect(cache.read(Buffer.concat([entry('a'), entry(long)]), true)).toEqual(['a', long]);
  expect(cache.read(Buffer.concat([entry(long), entry('a')]), true)).toEqual([long, 'a']);
  expect(cache.read(entry('a'), false)).toEqual(['a']);
  expect(decoded).toEqual(['a', long]);
  expect(cache.read(entry('b'), true)).toEqual(['b']);
  expect(cache.read(entry('a'), true)).toEqual(['a']);
  expect(decoded).toEqual(['a', long, 'b', 'a']);
  expect(cache.read(Buffer.alloc(0), true)).toEqual([]);
});

test.each([
  ['another field', Buffer.of(0x12, 1, 65)],
  ['cut off', Buffer.of(0x0a, 5, 65)],
  ['no length', Buffer.of(0x0a)],
])('what has another shape is decoded as a whole: %s', (_, response) => {
  const cache = new ListCache((whole) => [whole.length]);
  expect(cache.read(response, true)).toEqual([response.length]);
});
