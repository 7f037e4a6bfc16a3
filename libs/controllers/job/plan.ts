// What a Job needs now. Pure; follows upstream's pkg/controller/job.
import type { Job, Pod } from '@drydock/api/generated/types.ts';
import { jobs, pods as podResource } from '@drydock/api/resource.ts';
import { matchesSelector } from '@drydock/api/selectors/label-selector.ts';
import { type Action, eventAbout } from '../common/action.ts';
import { planClaims } from '../common/claim.ts';
import { isBeingDeleted } from '../common/object-meta.ts';
import { type FailureRecord, recordFailures } from './backoff.ts';
import { hasFailed, isTracked, trackingFinalizer, untrack } from './job-pods.ts';
import { burstPodsMax, type PodChanges, planPodChanges } from './manage.ts';
import { planStatus } from './status.ts';
import { conditionOf, type Tally, tallyOf } from './tally.ts';
import { completionsReached, deadlineLeftMs, isComplete, verdictOf } from './verdict.ts';

export interface JobObserved {
  readonly job: Job;
  /** Pods of the namespace that the Job controls or that nobody controls. */
  readonly pods: readonly Pod[];
  /** From the last round's plan; undefined before the first. */
  readonly record: FailureRecord | undefined;
}

export interface JobPlan {
  /** Adoption and release; when there are any, everything else waits for their result. */
  readonly claims: readonly Action[];
  readonly create: readonly Pod[];
  /** Before pods are removed: those that are merely too many are let go of, for they have not failed. */
  readonly forsake: readonly Action[];
  readonly remove: readonly Pod[];
  /** Status, its events and finalizers: after the pods. */
  readonly last: readonly Action[];
  /** To be handed to the next round once `last` is done. */
  readonly record: FailureRecord | undefined;
  readonly requeueAfterMs?: number | undefined;
}

/** The controller that a Job names where it is not this one's (`spec.managedBy`). */
export const ownName = 'kubernetes.io/job-controller';

export function isFinished(job: Job): boolean {
  return conditionOf(job, 'Complete') !== undefined || conditionOf(job, 'Failed') !== undefined;
}

export function planJob({ job, pods, record }: JobObserved, nowMs: number): JobPlan {
  const nothing: JobPlan = { claims: [], create: [], forsake: [], remove: [], last: [], record };
  if ((job.spec?.managedBy ?? ownName) !== ownName) return nothing;
  const matches = (pod: Pod) => matchesSelector(job.spec?.selector, pod.metadata?.labels);
  const claim = planClaims(jobs, job, podResource, pods, matches, [trackingFinalizer]);
  if (claim.actions.length > 0) return { ...nothing, claims: claim.actions };
  if (isFinished(job)) return { ...nothing, last: claim.claimed.filter(isTracked).map(untrack), record: undefined };

  const tally = tallyOf(job, claim.claimed);
  const next =
    record === undefined
      ? recordFailures(
          undefined,
          tally.pods.filter((pod) => pod.status?.phase === 'Succeeded'),
          tally.pods.filter((pod) => hasFailed(job, pod)),
        )
      : recordFailures(record, tally.newSucceeded, tally.newFailed);
  let verdict = verdictOf(tally, nowMs);
  let changes: PodChanges = { create: [], remove: [] };
  if (verdict === undefined && !isBeingDeleted(job)) changes = planPodChanges(tally, next, nowMs);
  const running = tally.active.length - changes.remove.length + changes.create.length;
  if (verdict === undefined && isComplete(tally, running)) verdict = completionsReached;
  if (verdict !== undefined) changes = { create: [], remove: tally.active.slice(0, burstPodsMax) };
  const times = [changes.requeueAfterMs, deadlineAfterMs(job, nowMs)].filter((ms) => ms !== undefined);
  return {
    claims: [],
    create: changes.create,
    forsake: verdict === undefined ? changes.remove.filter(isTracked).map(untrack) : [],
    remove: changes.remove,
    last: [...surplusEvents(tally), ...planStatus(tally, changes, verdict, nowMs)],
    record: next,
    requeueAfterMs: times.length === 0 ? undefined : Math.min(...times),
  };
}

/** Also right for the Job that starts with this very round. */
function deadlineAfterMs(job: Job, nowMs: number): number | undefined {
  const { activeDeadlineSeconds, suspend } = job.spec ?? {};
  if (activeDeadlineSeconds === undefined || suspend === true) return undefined;
  const left = deadlineLeftMs(job, nowMs);
  if (left === undefined) return activeDeadlineSeconds * 1000;
  return left > 0 ? left : undefined;
}

function surplusEvents({ job, active, succeeded }: Tally): Action[] {
  const { completions } = job.spec ?? {};
  if (completions === undefined || succeeded < completions || conditionOf(job, 'SuccessCriteriaMet') !== undefined) return [];
  const warn = (reason: string, message: string) => eventAbout(jobs, job, 'Warning', reason, message);
  return [
    ...(active.length === 0 ? [] : [warn('TooManyActivePods', 'Too many active pods running after completion count reached')]),
    ...(succeeded <= completions
      ? []
      : [warn('TooManySucceededPods', 'Too many succeeded pods running after completion count reached')]),
  ];
}

/** The status written after `failures` of the planned pods could not be made. */
export function withoutFailures(last: readonly Action[], failures: number): Action[] {
  return last.map((action) => {
    if (failures === 0 || action.verb !== 'update') return action;
    const job = action.object as Job;
    const object: Job = { ...job, status: { ...job.status, active: Math.max(0, (job.status?.active ?? 0) - failures) } };
    return { ...action, object };
  });
}
