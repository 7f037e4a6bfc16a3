// Numbers in a node selector: those that Go reads as such.
import { expect, test } from 'vitest';
import { matchesTerm } from './node-selector.ts';

test.each<[string, string, boolean]>([
  ['5', '4', true],
  ['4', '5', false],
  ['-1', '-2', true],
  ['+5', '4', true],
  ['9223372036854775807', '9223372036854775806', true],
  ['9223372036854775808', '1', false],
  ['1', '-9223372036854775809', false],
  ['x', '1', false],
  ['5', '', false],
  ['5', '0'.repeat(1_000_000), false],
])('%s is more than %.30s: %s', (value, than, matches) => {
  const term = { matchExpressions: [{ key: 'n', operator: 'Gt', values: [than] }] };
  expect(matchesTerm(term, { metadata: { labels: { n: value } } })).toBe(matches);
});
