import type { Lease } from '@drydock/api/generated/types.ts';
import { leases } from '@drydock/api/resource.ts';
import { apiError } from '@drydock/api/status.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { planElection } from './election-plan.ts';
import { checkTimings, defaultTimings, runElection } from './leader-election.ts';
import { MemoryApi } from './testing/memory-api.ts';
import { MemoryStore } from './testing/memory-store.ts';

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

function candidates() {
  const clock = new VirtualClock();
  const store = new MemoryStore();
  const log: string[] = [];
  const start = (identity: string) => {
    const stop = new AbortController();
    const client = new MemoryApi({ clock, random: new SeededRandom(identity) }, store);
    const finished = runElection(
      {
        client,
        clock,
        random: new SeededRandom(identity),
        log: silentLog,
        lease: { namespace: 'kube-system', name: 'x' },
        identity,
        onStartedLeading: (held) => {
          log.push(`${identity} leads`);
          held.addEventListener('abort', () => log.push(`${identity} stops`));
        },
        onLost: () => log.push(`${identity} lost`),
      },
      stop.signal,
    );
    return { client, stop, finished };
  };
  return { clock, store, log, start };
}

test('one of two leads; when it stops, it gives the lease up and the other follows within the retry period', async () => {
  const { clock, store, log, start } = candidates();
  const a = start('a');
  await clock.advanceAsync(1);
  const b = start('b');
  await clock.advanceAsync(60_000);
  expect(log).toEqual(['a leads']);
  a.stop.abort();
  await a.finished;
  await clock.advanceAsync(5_000);
  expect(log).toEqual(['a leads', 'a stops', 'b leads']);
  expect((store.get('leases.coordination.k8s.io', 'kube-system/x') as Lease | undefined)?.spec?.holderIdentity).toBe('b');
  b.stop.abort();
});

test('a holder that is cut off stops before another may lead', async () => {
  const { clock, log, start } = candidates();
  const a = start('a');
  await clock.advanceAsync(1);
  const b = start('b');
  await clock.advanceAsync(3_000);
  a.client.injectFault(() => {
    throw apiError('ServiceUnavailable', 'cut off');
  });
  await clock.advanceAsync(60_000);
  expect(log).toEqual(['a leads', 'a stops', 'a lost', 'b leads']);
  b.stop.abort();
});

test('a holder whose lease is taken away stops at its next look', async () => {
  const { clock, store, log, start } = candidates();
  start('a');
  await clock.advanceAsync(1);
  const thief = new MemoryApi({ clock, random: new SeededRandom('t') }, store);
  const body = { spec: { holderIdentity: 'thief', leaseDurationSeconds: 3600 } };
  await thief.patch(leases, { namespace: 'kube-system', name: 'x' }, { type: 'merge', body });
  await clock.advanceAsync(4_000);
  expect(log).toEqual(['a leads', 'a stops', 'a lost']);
});
