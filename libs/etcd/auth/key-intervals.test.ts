import { SeededRandom } from '@drydock/foundation/random.ts';
import { describe, expect, test } from 'vitest';
import { keyRange, rangeContains } from '../mvcc/key-range.ts';
import { KeyIntervals } from './key-intervals.ts';

type Range = readonly [key: string, rangeEnd: string];

/** `a` is one key, `a..c` ends before c, `a..` has no end. */
function parse(text: string): Range {
  const [key = '', end] = text.split('..');
  if (end === undefined) return [key, ''];
  return [key, end === '' ? '\0' : end];
}

const words = (text: string) => text.split(' ').filter((word) => word !== '');

describe('what a union of ranges covers', () => {
  test.each([
    { of: '', covered: '', not: 'a a..b \0..' },
    { of: 'a', covered: 'a a..a\0', not: 'b a..b a\0' },
    { of: 'a..c c..e', covered: 'a..e b..d c', not: 'a..f e' },
    { of: 'a..c d..e', covered: 'a..c d..e', not: 'a..e c' },
    { of: 'a..z b..c', covered: 'b..y', not: 'b..z\0' },
    { of: 'b.. a..c', covered: 'a.. x.. zz', not: '\0.. A' },
    { of: '\0..', covered: '\0.. a a..b \xff..', not: '' },
    // A range that ends before it starts has no keys; permission is wanted for what it spans.
    { of: 'a..d', covered: 'c..b b..b', not: 'e..b c..a' },
  ])('$of', ({ of, covered, not }) => {
    const intervals = new KeyIntervals(words(of).map(parse));
    const covers = (text: string) => intervals.covers(keyRange(...parse(text)));
    expect(words(covered).filter((text) => !covers(text))).toEqual([]);
    expect(words(not).filter(covers)).toEqual([]);
  });

  test('is what looking at every key says', () => {
    const random = new SeededRandom('key-intervals').stream('ranges');
    const letters = 'abcdefgh';
    const letter = () => letters[random.int(letters.length)] ?? 'a';
    const range = (): Range => [letter(), ['', '\0', letter()][random.int(3)] ?? ''];
    for (let round = 0; round < 2000; round++) {
      const of = Array.from({ length: random.int(4) }, range).filter(([key, end]) => end === '' || end === '\0' || key < end);
      const [key, end] = range();
      const asked = keyRange(key, end);
      if (asked.to !== undefined && asked.to <= asked.from) continue;
      const ranges = of.map(([from, to]) => keyRange(from, to));
      // Between two letters there are keys too, and after the last.
      const keys = [...letters, 'i'].flatMap((each) => [each, `${each}x`]).filter((each) => rangeContains(asked, each));
      const expected = keys.every((each) => ranges.some((granted) => rangeContains(granted, each)));
      expect(new KeyIntervals(of).covers(asked), JSON.stringify({ of, key, end })).toBe(expected);
    }
  });
});
