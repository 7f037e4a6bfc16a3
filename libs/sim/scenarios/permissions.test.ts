import { expect, test } from 'vitest';
import { type Attempt, type Change, contradictions } from './permissions.ts';

const changes: Change[] = [
  { invoke: 10, end: 20, grants: true },
  { invoke: 50, end: 60, grants: false },
];
const attempt = (invoke: number, end: number, outcome: Attempt['outcome'], key = 'k1'): Attempt => ({
  invoke,
  end,
  outcome,
  key,
});

test('what a change that is under way explains is right', () => {
  const right = [attempt(1, 5, 'denied'), attempt(15, 25, 'denied'), attempt(15, 25, 'taken'), attempt(25, 40, 'taken')];
  const after = [attempt(40, 55, 'taken'), attempt(55, 70, 'denied'), attempt(61, 70, 'denied'), attempt(61, 70, 'other')];
  expect(contradictions(changes, [...right, ...after, attempt(25, 40, 'denied', 'other')])).toEqual([]);
});

test.each([
  ['taken before it was granted', attempt(1, 5, 'taken')],
  ['denied after it was granted', attempt(25, 40, 'denied')],
  ['taken after it was revoked', attempt(61, 70, 'taken')],
  ['taken though it never is', attempt(25, 40, 'taken', 'other')],
])('%s', (_, wrong) => {
  expect(contradictions(changes, [wrong])).toHaveLength(1);
});
