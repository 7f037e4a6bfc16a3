import type { Job } from '@drydock/api/generated/types.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { expect, test } from 'vitest';
import { epochMs, meta } from '../testing/objects.ts';
import { planExpiry } from './plan.ts';

function finished(type: string, agoS: number, ttl: number | undefined): Job {
  return {
    metadata: meta('job'),
    spec: { template: {}, ttlSecondsAfterFinished: ttl },
    status: { conditions: [{ type, status: 'True', lastTransitionTime: formatTime(epochMs - agoS * 1000) }] },
  };
}

test.each([
  ['no time to live', finished('Complete', 99, undefined), 0, undefined],
  ['not finished', finished('Suspended', 99, 10), 0, undefined],
  ['not yet', finished('Failed', 4, 10), 0, 6_000],
  ['over', finished('Complete', 10, 10), 1, undefined],
  ['at once', finished('Failed', 0, 0), 1, undefined],
])('%s', (_, job, actions, requeueAfterMs) => {
  const plan = planExpiry(job, epochMs);
  expect([plan.actions.length, plan.requeueAfterMs]).toEqual([actions, requeueAfterMs]);
});

test('deletes the version it looked at, and the pods first', () => {
  expect(planExpiry(finished('Complete', 10, 10), epochMs).actions).toMatchObject([
    { verb: 'delete', preconditions: { uid: 'uid-job', resourceVersion: '1' }, propagationPolicy: 'Foreground' },
  ]);
});
