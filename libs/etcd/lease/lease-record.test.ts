import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeTtl, encodeTtl, leaseIdOf, leaseKey } from './lease-record.ts';

test('every id and every time to live is read back', () => {
  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  fc.assert(fc.property(int64, (id) => leaseIdOf(Buffer.from(leaseKey(id))) === id));
  for (const seconds of [0, 1, 9_000_000_000]) expect(decodeTtl(encodeTtl(seconds))).toBe(seconds);
});

test('the key is the id in hexadecimal, as lists show it', () => {
  expect(leaseKey(0x7370a546504801c3n)).toBe('7370a546504801c3');
  expect(leaseKey(-5n)).toBe('fffffffffffffffb');
});
