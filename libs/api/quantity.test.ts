import { expect, test } from 'vitest';
import {
  addQuantities,
  canonicalizeQuantity,
  compareQuantities,
  formatQuantity,
  milliScale,
  parseQuantity,
  roundUpQuantity,
  subtractQuantities,
} from './quantity.ts';

// Answers of the original apiserver for a container's limits (which are rounded up to thousandths).
const spellings = `100m 100m|0.1 100m|1024Mi 1Gi|1025Mi 1025Mi|1000Mi 1000Mi|1Gi 1Gi|1.5Gi 1536Mi|0.5Gi 512Mi|1000 1k|1000k 1M
1e3 1e3|1E3 1E3|1E 1E|12e6 12e6|1.5e3 1500|123.456 123.456|1n 1m|0.0000001 1m|100u 1m|1500m 1500m|2000m 2|0.001Ki 1024m
1Ki 1Ki|00100 00100|+5 +5|.5 500m|5. 5.|1e-3 1e-3|10e-3 10e-3|999999999999999999999 999999999999999999999
9223372036854775808 9223372036854775808|1e100 10e99|8Ei 9223372036854775807|16Ei 9223372036854775807|1.1Mi 1153433600m|3.0 3|0 0
0Ki 0|0m 0|1e0 1e0|1e6 1e6|1M 1M|1000000 1M|1500000 1500k|1.0M 1M|100e-3 100e-3|12E 12E|1.23456789012345678901 1235m
0.001 1m|0.10 100m|1.000 1|0.500 500m|01Ki 01Ki|1.0Ki 1Ki|1024Ki 1Mi|1536Ki 1536Ki|2048 2048|0100Mi 0100Mi|+1Mi +1Mi|1.Mi 1.Mi
0.0015 2m|100.1m 101m|1.5 1500m|1.50 1500m|1.500 1.500|+1.5 1500m|1.5k 1500|1e1 10|10e0 10e0|100e1 1e3|1e2 100|1e4 10e3
15e3 15e3|150e3 150e3|1500e3 1500e3|0.1e1 1|001k 001k|0.5k 500|0.512M 512k|1000.5 1000500m|1000.123 1000.123|1000.120 1000.120
123.400 123.400|0.000 0|00 0|-0 0|00.00 0`
  .split(/[|\n]/)
  .map((pair) => pair.split(' ') as [string, string]);

test.each(spellings)('%s is written as %s', (text, expected) => {
  expect(formatQuantity(roundUpQuantity(parseQuantity(text), milliScale))).toBe(expected);
});

test.each(['', 'abc', '1.1.1', '1kk', '1ki', 'Ki', '1 Ki', '+-1', '1e', '.'])('%j is no quantity', (text) => {
  expect(canonicalizeQuantity(text)).toBeUndefined();
});

test('arithmetic is exact across suffixes', () => {
  expect(formatQuantity(addQuantities(parseQuantity('1500m'), parseQuantity('0.5')))).toBe('2');
  expect(formatQuantity(addQuantities(parseQuantity('0'), parseQuantity('512Mi')))).toBe('512Mi');
  expect(formatQuantity(subtractQuantities(parseQuantity('1Gi'), parseQuantity('512Mi')))).toBe('512Mi');
  expect(compareQuantities(parseQuantity('1024Mi'), parseQuantity('1Gi'))).toBe(0);
  expect(compareQuantities(parseQuantity('1G'), parseQuantity('1Gi'))).toBe(-1);
  expect(parseQuantity('1.0001').milliValue()).toBe(1001n);
  expect(parseQuantity('1.1Mi').value()).toBe(1153434n);
});
