import { expect, test } from 'vitest';
import { type Sample, verdicts } from './rule.ts';

function curve(minutes: number, heap: (minute: number) => number, anon = heap): Sample[] {
  return Array.from({ length: minutes }, (_, index) => {
    const minute = index + 1;
    const memory = {
      rss: 60 + anon(minute),
      anon: anon(minute),
      file: 60,
      heapTotal: 100,
      heapUsed: heap(minute),
      external: 5,
    };
    return { minute, name: 'x', memory };
  });
}

const saw = (minute: number) => 50 + (minute % 4) * 15;

test.each<[string, boolean, Sample[]]>([
  ['a saw is flat', false, curve(60, saw)],
  ['what grows while it warms up is flat', false, curve(60, (minute) => saw(Math.min(minute, 10)) + Math.min(minute, 10) * 20)],
  ['half a megabyte a minute is not', true, curve(60, (minute) => saw(minute) + minute / 2)],
  ['nor two a minute, in a short run', true, curve(25, (minute) => saw(minute) + minute * 2)],
  ['nor where only the system sees it', true, curve(60, saw, (minute) => 100 + minute)],
])('%s', (_, grows, samples) => {
  expect(verdicts(samples)?.map((verdict) => verdict.grows)).toEqual([grows]);
});

test('too few samples are no verdict', () => {
  expect(verdicts(curve(14, saw))).toBeUndefined();
});
