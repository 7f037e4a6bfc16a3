// A Job's status after a round. What has ended is first listed as uncounted, then loses its finalizer, then moves into the
// counts: at any point a crash loses and doubles nothing.
import type { Job, JobCondition, JobStatus, Pod } from '@drydock/api/generated/types.ts';
import { jobs } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { type Action, eventAbout } from '../common/action.ts';
import { semanticEqual } from '../common/equality.ts';
import { isBeingDeleted, uidOf } from '../common/object-meta.ts';
import { isPodReady } from '../common/pod.ts';
import { judgeFailure } from './failure-policy.ts';
import { formatIndexes } from './indexes.ts';
import { hasFailed, indexOf, isIndexed, isTracked, untrack } from './job-pods.ts';
import type { PodChanges } from './manage.ts';
import type { Tally } from './tally.ts';
import type { Verdict } from './verdict.ts';

/** Pods that are listed as uncounted at a time, as upstream's MaxUncountedPods. */
export const uncountedPodsMax = 500;

interface Release {
  readonly pods: readonly Pod[];
  readonly succeeded: readonly string[];
  readonly failed: readonly string[];
}

/** Which pods can be let go, and which of them have to be listed first. */
function planRelease(tally: Tally, verdict: Verdict | undefined): Release {
  const { job, uncounted } = tally;
  const pods: Pod[] = [];
  const succeeded = [...uncounted.succeeded];
  const failed = [...uncounted.failed];
  const over = verdict !== undefined || isBeingDeleted(job);
  for (const pod of tally.pods.filter(isTracked)) {
    if (succeeded.length + failed.length >= uncountedPodsMax) break;
    const uid = uidOf(pod);
    const index = indexOf(job, pod);
    const isFailure = hasFailed(job, pod);
    const isKept = index !== undefined && uidOf(tally.kept.get(index) ?? {}) === uid;
    if (!over && pod.status?.phase !== 'Succeeded' && (!isFailure || isKept)) continue;
    pods.push(pod);
    if (pod.status?.phase === 'Succeeded') {
      if (!isIndexed(job) && !uncounted.succeeded.has(uid)) succeeded.push(uid);
    } else if (isFailure || verdict?.type === 'FailureTarget') {
      const counts = !isIndexed(job) || index !== undefined;
      if (counts && !uncounted.failed.has(uid) && judgeFailure(job, pod).action !== 'Ignore') failed.push(uid);
    }
  }
  return { pods, succeeded, failed };
}

interface Conditions {
  readonly list: readonly JobCondition[];
  readonly startTime: string | undefined;
  readonly completionTime?: string;
  readonly events: readonly Action[];
}

function condition(type: string, status: 'True' | 'False', reason: string, message: string, now: string): JobCondition {
  return { type, status, reason, message, lastProbeTime: now, lastTransitionTime: now };
}

/** @param isSettled whether nothing of the Job's runs or waits to be counted any more. */
function planConditions(job: Job, verdict: Verdict | undefined, isSettled: boolean, nowMs: number): Conditions {
  const now = formatTime(nowMs);
  const before = job.status?.conditions ?? [];
  const say = (type: 'Normal' | 'Warning', reason: string, message: string) => [eventAbout(jobs, job, type, reason, message)];
  const suspend = job.spec?.suspend === true;
  const startTime = job.status?.startTime ?? (suspend ? undefined : now);
  if (verdict !== undefined) {
    const { type, reason, message } = verdict;
    const known = before.some((one) => one.type === type && one.status === 'True');
    if (!known) return { list: [...before, condition(type, 'True', reason, message, now)], startTime, events: [] };
    if (!isSettled) return { list: before, startTime, events: [] };
    if (type === 'FailureTarget') {
      const list = [...before, condition('Failed', 'True', reason, message, now)];
      return { list, startTime, events: say('Warning', reason, message) };
    }
    const list = [...before, condition('Complete', 'True', reason, message, now)];
    return { list, startTime, completionTime: now, events: say('Normal', 'Completed', 'Job completed') };
  }
  if (isBeingDeleted(job)) return { list: before, startTime, events: [] };
  const suspended = before.find((one) => one.type === 'Suspended');
  const others = before.filter((one) => one !== suspended);
  if (suspend && suspended?.status !== 'True') {
    const list = [...others, condition('Suspended', 'True', 'JobSuspended', 'Job suspended', now)];
    return { list, startTime: undefined, events: say('Normal', 'Suspended', 'Job suspended') };
  }
  if (!suspend && suspended?.status === 'True') {
    const list = [...others, condition('Suspended', 'False', 'JobResumed', 'Job resumed', now)];
    return { list, startTime: now, events: say('Normal', 'Resumed', 'Job resumed') };
  }
  return { list: before, startTime, events: [] };
}

/** The status write, its events, and the finalizers that go after it. */
export function planStatus(tally: Tally, changes: PodChanges, verdict: Verdict | undefined, nowMs: number): Action[] {
  const { job, settled } = tally;
  const indexed = isIndexed(job);
  const release = planRelease(tally, verdict);
  const active = tally.active.length - changes.remove.length + changes.create.length;
  const open = release.pods.length + release.succeeded.length + release.failed.length + active + tally.terminating;
  const { list, startTime, completionTime, events } = planConditions(job, verdict, open === 0, nowMs);
  const succeeded = indexed ? tally.succeededIndexes.size : (job.status?.succeeded ?? 0) + settled.succeeded;
  const failed = (job.status?.failed ?? 0) + settled.failed;
  const status: JobStatus = {
    ...(list.length === 0 ? {} : { conditions: [...list] }),
    ...(startTime === undefined ? {} : { startTime }),
    ...(completionTime === undefined ? {} : { completionTime }),
    ...(active === 0 ? {} : { active }),
    ready: tally.ready - changes.remove.filter(isPodReady).length,
    terminating: tally.terminating,
    ...(succeeded === 0 ? {} : { succeeded }),
    ...(failed === 0 ? {} : { failed }),
    ...(indexed && succeeded > 0 ? { completedIndexes: formatIndexes(tally.succeededIndexes) } : {}),
    ...(job.spec?.backoffLimitPerIndex === undefined ? {} : { failedIndexes: formatIndexes(tally.failedIndexes) }),
    uncountedTerminatedPods: {
      ...(release.succeeded.length === 0 ? {} : { succeeded: [...release.succeeded] }),
      ...(release.failed.length === 0 ? {} : { failed: [...release.failed] }),
    },
  };
  const object: Job = { ...job, status };
  const write: Action[] = [{ verb: 'update', resource: jobs, object, subresource: 'status' }];
  return [...(semanticEqual(status, job.status) ? [] : write), ...events, ...release.pods.map(untrack)];
}
