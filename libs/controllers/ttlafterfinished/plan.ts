// Deletes Jobs some time after they have finished. Pure; follows upstream's pkg/controller/ttlafterfinished.
import type { Job } from '@drydock/api/generated/types.ts';
import { jobs } from '@drydock/api/resource.ts';
import { parseTime } from '@drydock/foundation/clock.ts';
import type { Plan } from '../common/action.ts';
import { isBeingDeleted, nameOf, namespaceOf, uidOf } from '../common/object-meta.ts';

/** Deletes the Job when its time is over, in the version that was looked at: its time may have been changed. */
export function planExpiry(job: Job, nowMs: number): Plan {
  const ttl = job.spec?.ttlSecondsAfterFinished;
  const end = job.status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  const finished = parseTime(end?.lastTransitionTime);
  if (ttl === undefined || finished === undefined || isBeingDeleted(job)) return { actions: [] };
  const left = finished + ttl * 1000 - nowMs;
  if (left > 0) return { actions: [], requeueAfterMs: left };
  const { resourceVersion } = job.metadata ?? {};
  return {
    actions: [
      {
        verb: 'delete',
        resource: jobs,
        key: { namespace: namespaceOf(job), name: nameOf(job) },
        preconditions: { uid: uidOf(job), ...(resourceVersion === undefined ? {} : { resourceVersion }) },
        propagationPolicy: 'Foreground',
      },
    ],
  };
}
