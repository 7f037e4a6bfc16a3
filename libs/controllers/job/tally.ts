// The count of a Job's pods: each is counted once, however often it is looked at, and outlives its object in the status.
import type { Job, JobCondition, Pod } from '@drydock/api/generated/types.ts';
import { sum, uidOf } from '../common/object-meta.ts';
import { isPodActive, isPodReady, isPodTerminating } from '../common/pod.ts';
import { judgeFailure } from './failure-policy.ts';
import { type Indexes, parseIndexes } from './indexes.ts';
import { failureCountOf, hasFailed, indexOf, isIndexed, isTracked } from './job-pods.ts';

export interface Tally {
  readonly job: Job;
  readonly pods: readonly Pod[];
  readonly active: readonly Pod[];
  readonly ready: number;
  readonly terminating: number;
  /** Ended, and not counted before. */
  readonly newSucceeded: readonly Pod[];
  readonly newFailed: readonly Pod[];
  /** With everything that is known now. For indexed Jobs the number of succeeded indexes. */
  readonly succeeded: number;
  readonly failed: number;
  /** Uids that are in the status already and whose pods still carry the finalizer. */
  readonly uncounted: { readonly succeeded: Uids; readonly failed: Uids };
  /** Moved from the uncounted to the counts: their pods have no finalizer any more. */
  readonly settled: { readonly succeeded: number; readonly failed: number };
  /** Only for indexed Jobs. */
  readonly succeededIndexes: Indexes;
  /** Only with backoffLimitPerIndex. */
  readonly failedIndexes: Indexes;
  /** With backoffLimitPerIndex: the failed pod of an index that is kept until its successor has been made from it. */
  readonly kept: ReadonlyMap<number, Pod>;
}

type Uids = ReadonlySet<string>;

export function conditionOf(job: Job, type: string): JobCondition | undefined {
  return job.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
}

export function tallyOf(job: Job, pods: readonly Pod[]): Tally {
  const completions = job.spec?.completions ?? 0;
  const indexed = isIndexed(job);
  const tracked = new Set(pods.filter(isTracked).map(uidOf));
  const listed = job.status?.uncountedTerminatedPods;
  const open = (uids: readonly string[] | undefined) => new Set((uids ?? []).filter((uid) => tracked.has(uid)));
  const uncounted = { succeeded: open(listed?.succeeded), failed: open(listed?.failed) };
  const settled = {
    succeeded: (listed?.succeeded?.length ?? 0) - uncounted.succeeded.size,
    failed: (listed?.failed?.length ?? 0) - uncounted.failed.size,
  };
  const valid = pods.filter((pod) => isTracked(pod) && (!indexed || indexOf(job, pod) !== undefined));
  const newSucceeded = valid.filter((pod) => pod.status?.phase === 'Succeeded' && !uncounted.succeeded.has(uidOf(pod)));
  const newFailed = valid.filter((pod) => hasFailed(job, pod) && !uncounted.failed.has(uidOf(pod)));
  const succeededIndexes = indexed ? parseIndexes(job.status?.completedIndexes, completions) : new Set<number>();
  if (indexed) {
    for (const pod of pods) {
      const index = pod.status?.phase === 'Succeeded' && isTracked(pod) ? indexOf(job, pod) : undefined;
      if (index !== undefined) succeededIndexes.add(index);
    }
  }
  const failedIndexes = failedIndexesOf(job, valid, succeededIndexes);
  const active = pods.filter(isPodActive);
  const counted = newFailed.filter((pod) => judgeFailure(job, pod).action !== 'Ignore').length;
  return {
    job,
    pods,
    active,
    ready: active.filter(isPodReady).length,
    terminating: pods.filter(isPodTerminating).length,
    newSucceeded,
    newFailed,
    succeeded: indexed
      ? succeededIndexes.size
      : (job.status?.succeeded ?? 0) + newSucceeded.length + (listed?.succeeded?.length ?? 0),
    failed: (job.status?.failed ?? 0) + counted + (listed?.failed?.length ?? 0),
    uncounted,
    settled,
    succeededIndexes,
    failedIndexes,
    kept: keptOf(job, valid, active, succeededIndexes, failedIndexes),
  };
}

function failedIndexesOf(job: Job, pods: readonly Pod[], succeeded: Indexes): Indexes {
  const limit = job.spec?.backoffLimitPerIndex;
  if (limit === undefined) return new Set();
  const failed = parseIndexes(job.status?.failedIndexes, job.spec?.completions ?? 0);
  for (const pod of pods) {
    const index = indexOf(job, pod);
    if (index === undefined || succeeded.has(index) || !hasFailed(job, pod)) continue;
    const { action } = judgeFailure(job, pod);
    if (action === 'FailIndex' || (action !== 'Ignore' && failureCountOf(pod) >= limit)) failed.add(index);
  }
  return failed;
}

function keptOf(
  job: Job,
  pods: readonly Pod[],
  active: readonly Pod[],
  succeeded: Indexes,
  failed: Indexes,
): ReadonlyMap<number, Pod> {
  const kept = new Map<number, Pod>();
  if (job.spec?.backoffLimitPerIndex === undefined) return kept;
  const running = new Set(active.map((pod) => indexOf(job, pod)));
  for (const pod of pods) {
    const index = indexOf(job, pod);
    if (index === undefined || !hasFailed(job, pod)) continue;
    if (running.has(index) || succeeded.has(index) || failed.has(index)) continue;
    const other = kept.get(index);
    if (other === undefined || failureCountOf(other) < failureCountOf(pod)) kept.set(index, pod);
  }
  return kept;
}

/** Restarts of the containers in pods that run: with restartPolicy OnFailure these are the failures. */
export function restartsPastLimit(job: Job, pods: readonly Pod[]): boolean {
  if (job.spec?.template.spec?.restartPolicy !== 'OnFailure') return false;
  const limit = job.spec.backoffLimit ?? 6;
  const live = pods.filter((pod) => pod.status?.phase === 'Running' || pod.status?.phase === 'Pending');
  const restarts = sum(live, ({ status }) =>
    sum([...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])], (one) => one.restartCount),
  );
  return limit === 0 ? restarts > 0 : restarts >= limit;
}
