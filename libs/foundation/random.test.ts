import { expect, test } from 'vitest';
import { SeededRandom } from './random.ts';
import { SystemRandom } from './system-random.ts';

test('one seed, one sequence; a new consumer does not shift the others', () => {
  const first = new SeededRandom(7);
  const second = new SeededRandom(7);
  second.stream('newcomer').next();
  const draw = (random: SeededRandom) => Array.from({ length: 5 }, () => random.stream('election').int(1000));
  expect(draw(second)).toEqual(draw(first));
  expect(draw(new SeededRandom(8))).not.toEqual(draw(new SeededRandom(7)));
});

test.each([
  ['seeded', new SeededRandom(1)],
  ['system', new SystemRandom()],
])('%s streams keep their promises', (_, random) => {
  const stream = random.stream('x');
  expect(stream.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(stream.suffix(5)).toMatch(/^[bcdfghjklmnpqrstvwxz2456789]{5}$/);
  expect(stream.bytes(16)).toHaveLength(16);
  const values = Array.from({ length: 2_000 }, () => stream.next());
  expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...values)).toBeLessThan(1);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  expect(mean).toBeGreaterThan(0.45);
  expect(mean).toBeLessThan(0.55);
  expect(new Set(Array.from({ length: 300 }, () => stream.int(3)))).toEqual(new Set([0, 1, 2]));
});
