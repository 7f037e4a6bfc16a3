import { expect, test } from 'vitest';
import { planElection } from './election-plan.ts';
import { checkTimings, defaultTimings } from './leader-election.ts';

const input = { identity: 'me', leaseDurationMs: 15_000, observedAtMs: 1000, nowMs: 5000, wallMs: 1_767_225_600_000 };

test.each([
  ['no lease', undefined, 5000, 'create'],
  ['mine', { holderIdentity: 'me', leaseDurationSeconds: 15, leaseTransitions: 3 }, 5000, 'renew'],
  ['held by another', { holderIdentity: 'you', leaseDurationSeconds: 15 }, 15_999, 'wait'],
  ['run out', { holderIdentity: 'you', leaseDurationSeconds: 15 }, 16_000, 'acquire'],
  ['a longer duration of the holder counts', { holderIdentity: 'you', leaseDurationSeconds: 60 }, 16_000, 'wait'],
  ['given up', { holderIdentity: '', leaseDurationSeconds: 1 }, 1000, 'acquire'],
  // The holder's clock is far off: only when the record was seen here matters.
  [
    'old renewTime',
    { holderIdentity: 'you', leaseDurationSeconds: 15, renewTime: '2001-01-01T00:00:00.000000Z' },
    5000,
    'wait',
  ],
])('planElection: %s', (_name, record, nowMs, kind) => {
  expect(planElection({ ...input, record, nowMs }).kind).toBe(kind);
});

test('taking over counts a transition, renewing does not', () => {
  const record = { holderIdentity: 'you', leaseDurationSeconds: 15, leaseTransitions: 3 };
  expect(planElection({ ...input, record, nowMs: 60_000 })).toMatchObject({
    spec: { holderIdentity: 'me', leaseTransitions: 4 },
  });
  const mine = { ...record, holderIdentity: 'me', acquireTime: 'then' };
  expect(planElection({ ...input, record: mine })).toMatchObject({ spec: { acquireTime: 'then', leaseTransitions: 3 } });
});

test('timings that cannot work are named', () => {
  expect(checkTimings(defaultTimings)).toBeUndefined();
  expect(checkTimings({ leaseDurationMs: 10, renewDeadlineMs: 10, retryPeriodMs: 1 })).toMatch(/leaseDuration must be greater/);
  expect(checkTimings({ leaseDurationMs: 20, renewDeadlineMs: 2, retryPeriodMs: 2 })).toMatch(/renewDeadline must be greater/);
});
