import { expect, test } from 'vitest';
import { timeoutReason } from './timeout-reason.ts';

const members = [1n, 2n, 3n, 4n, 5n];
const reason = (leader: bigint, connected: Readonly<Record<string, number>>, taken = true) =>
  timeoutReason({ taken, sinceMs: 100, self: 1n, leader, members, connectedSince: (id) => connected[String(id)] });

test('one that no leader has taken ends with its deadline', () => {
  expect(reason(0n, {}, false)).toBe('deadlineExceeded');
  expect(reason(2n, {}, false)).toBe('deadlineExceeded');
});

test.each([
  { what: 'no leader', leader: 0n, connected: {}, is: 'timeout' },
  { what: 'a leader connected all the time', leader: 2n, connected: { 2: 100 }, is: 'timeout' },
  { what: 'a leader connected again', leader: 2n, connected: { 2: 101, 3: 0, 4: 0 }, is: 'timeoutConnectionLost' },
  { what: 'a leader out of reach', leader: 2n, connected: { 3: 0 }, is: 'timeoutConnectionLost' },
  { what: 'itself with a quorum', leader: 1n, connected: { 2: 0, 3: 100 }, is: 'timeout' },
  { what: 'itself without a quorum', leader: 1n, connected: { 2: 0, 3: 101 }, is: 'timeoutConnectionLost' },
])('$what', ({ leader, connected, is }) => {
  expect(reason(leader, connected)).toBe(is);
});
