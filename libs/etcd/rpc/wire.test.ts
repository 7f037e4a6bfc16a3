import { expect, test } from 'vitest';
import { CodecError, Reader, Writer } from './wire.ts';

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

test.each([
  ['a group with fields, one within it, and another group', '9b0108010a0261620d0000000013080114', true],
  ['a group that does not end', '9b010801', false],
  ['the end of a group that never began', '9c01', false],
  ['a wire type that is none', '9e01', false],
])('an unknown field: %s', (_, hex, isWhole) => {
  // 19 is a field that nobody knows; what it holds is passed over.
  const bytes = Buffer.from(isWhole ? `${hex}9c01` : hex, 'hex');
  const reader = new Reader(bytes);
  const skip = () => reader.skip(reader.varint() % 8);
  if (!isWhole) expect(skip).toThrow(CodecError);
  else {
    skip();
    expect(reader.done).toBe(true);
  }
});
