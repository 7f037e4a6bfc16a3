import { expect, test } from 'vitest';
import { Reader, Writer } from './wire.ts';

const edges = [0n, 1n, 127n, 128n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 35n, 2n ** 56n - 1n, 2n ** 63n];
const values = [...edges, 2n ** 64n - 1n, 0x8123_4567_89ab_cdefn, 0x0fed_cba9_8765_4321n];

test.each(values)('%d as a varint, there and back', (value) => {
  const writer = new Writer();
  writer.varint64(value);
  const bytes = writer.finish();
  const bits = value.toString(2).length;
  expect([new Reader(bytes).varint64(), bytes.length]).toEqual([value, Math.ceil(bits / 7)]);
});

test.each(values.filter((value) => value <= Number.MAX_SAFE_INTEGER))('%d as a number is the same', (value) => {
  const [asNumber, asBigint] = [new Writer(), new Writer()];
  asNumber.varint(Number(value));
  asBigint.varint64(value);
  const bytes = asNumber.finish();
  expect(bytes).toEqual(asBigint.finish());
  expect(new Reader(bytes).varint()).toBe(Number(value));
});

test('a negative number takes ten bytes, as int64 does', () => {
  const writer = new Writer();
  writer.varint(-1);
  const bytes = writer.finish();
  expect([bytes.length, new Reader(bytes).varint()]).toEqual([10, -1]);
});
