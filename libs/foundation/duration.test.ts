import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from './duration.ts';

test.each([
  ['0', 0],
  ['15s', 15_000],
  ['1h2m3.5s', 3_723_500],
  ['300ms', 300],
  ['-5s', -5_000],
  ['1.5h', 5_400_000],
  ['100us', 0.1],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toBeCloseTo(ms, 6);
});

test.each(['', '5', 's', '5 s', '1d', 'abc', '--5s', '5s5'])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

test.each([
  [0, '0s'],
  [500, '500ms'],
  [1_500, '1.5s'],
  [90_000, '1m30s'],
  [3_600_000, '1h0m0s'],
  [-2_000, '-2s'],
])('%d ms prints as %s, as Go does', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
