import { expect, test } from 'vitest';
import { AddressPool } from './address-pool.ts';

test('gives what is free, in turn, and never the ends nor the gateway', () => {
  const pool = new AddressPool('10.244.1.0/29');
  const taken = new Set<string>();
  for (let count = 0; count < 5; count++) taken.add(pool.take(taken));
  expect([...taken]).toEqual(['10.244.1.2', '10.244.1.3', '10.244.1.4', '10.244.1.5', '10.244.1.6']);
  expect(() => pool.take(taken)).toThrow('no IP addresses available in range set: 10.244.1.1-10.244.1.6');
  taken.delete('10.244.1.4');
  expect(pool.take(taken)).toBe('10.244.1.4');
});

test.each(['', '10.0.0.0', '10.0.0.0/31', '10.0.0.300/24', 'fd00::/64'])('not a range: %s', (cidr) => {
  expect(() => new AddressPool(cidr)).toThrow(TypeError);
});
