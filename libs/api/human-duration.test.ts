import { expect, test } from 'vitest';
import { ageOf, humanDuration } from './human-duration.ts';

const [s, m, h, d] = [1000, 60_000, 3_600_000, 86_400_000];

test.each([
  [-5 * s, '<invalid>'],
  [-1 * s, '0s'],
  [0, '0s'],
  [119 * s, '119s'],
  [2 * m, '2m'],
  [9 * m + 59 * s, '9m59s'],
  [10 * m + 5 * s, '10m'],
  [179 * m, '179m'],
  [3 * h, '3h'],
  [7 * h + 59 * m, '7h59m'],
  [47 * h, '47h'],
  [2 * d, '2d'],
  [7 * d + 23 * h, '7d23h'],
  [8 * d + 5 * h, '8d'],
  [729 * d, '729d'],
  [731 * d, '2y1d'],
  [8 * 365 * d, '8y'],
])('%d ms is %s', (ms, text) => {
  expect(humanDuration(ms)).toBe(text);
});

test('a missing timestamp has no age', () => {
  expect(ageOf(undefined, 0)).toBe('<unknown>');
  expect(ageOf('1970-01-01T00:00:00Z', 5000)).toBe('5s');
});
