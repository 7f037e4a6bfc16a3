import { expect, test } from 'vitest';
import { highestSupported, isLess } from './versions.ts';

test.each<[string[], readonly number[] | string]>([
  [['1.0.0'], [1, 0, 0]],
  [
    ['1.0.0', 'v1.10.0-rc1', '1.9'],
    [1, 10, 0],
  ],
  [
    ['0.3.0', '2.0', '1.1'],
    [1, 1],
  ],
  [['0.3.0', '2.0'], 'highest supported version reported by driver is 0.3.0, must be v1.x'],
  [['2.0.0'], 'could not find a highest supported version from versions ([2.0.0]) reported by this driver: <nil>'],
  [
    ['new', '3.0'],
    'could not find a highest supported version from versions ([new 3.0]) reported by this driver: could not parse "new" as version',
  ],
])('of %j', (versions, expected) => {
  expect(highestSupported(versions)).toEqual(expected);
});

test('a part that is not given is 0', () => {
  expect(isLess([1], [1, 0])).toBe(false);
  expect(isLess([1], [1, 0, 1])).toBe(true);
  expect(isLess([1, 2], [1, 1, 9])).toBe(false);
});
