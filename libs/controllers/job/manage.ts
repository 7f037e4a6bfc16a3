// As many pods as the Job wants to have running.
import type { Pod } from '@drydock/api/generated/types.ts';
import { choosePodsToDelete } from '../replicaset/rank.ts';
import { type FailureRecord, waitMs } from './backoff.ts';
import { judgeFailure } from './failure-policy.ts';
import { allFailuresOf, finishedMs, indexOf, isIndexed, podOf, replacesOnlyFailed } from './job-pods.ts';
import type { Tally } from './tally.ts';

/** Pods created or deleted in one round at most (MaxPodCreateDeletePerSync). */
export const burstPodsMax = 500;

export interface PodChanges {
  readonly create: readonly Pod[];
  readonly remove: readonly Pod[];
  /** When a failed pod may be replaced. */
  readonly requeueAfterMs?: number | undefined;
}

export function planPodChanges(tally: Tally, record: FailureRecord, nowMs: number): PodChanges {
  const { job, active, succeeded } = tally;
  if (job.spec?.suspend === true) return { create: [], remove: active.slice(0, burstPodsMax) };
  const { parallelism = 1, completions } = job.spec ?? {};
  const open = completions === undefined ? (succeeded > 0 ? active.length : parallelism) : completions - succeeded;
  const wanted = Math.max(0, Math.min(open, completions === undefined ? open : parallelism));
  const remove = surplus(tally, Math.max(0, active.length - wanted), nowMs);
  if (remove.length > 0) return { create: [], remove: remove.slice(0, burstPodsMax) };
  const ending = replacesOnlyFailed(job) ? tally.terminating : 0;
  const missing = Math.min(wanted - ending - active.length, burstPodsMax);
  if (missing <= 0) return { create: [], remove: [] };
  if (job.spec?.backoffLimitPerIndex !== undefined) return indexesWithBackoff(tally, missing, nowMs);
  const wait = waitMs(record.failuresSinceSuccess, record.lastFailureMs, nowMs);
  if (wait > 0) return { create: [], remove: [], requeueAfterMs: wait };
  const create = isIndexed(job)
    ? pendingIndexes(tally)
        .slice(0, missing)
        .map((index) => podOf(job, index))
    : Array.from({ length: missing }, () => podOf(job));
  return { create, remove: [] };
}

/** Pods whose index another pod has, or that have none, and beyond them the least useful ones. */
function surplus({ job, active }: Tally, atLeast: number, nowMs: number): readonly Pod[] {
  if (!isIndexed(job)) return atLeast === 0 ? [] : choosePodsToDelete(active, active, atLeast, nowMs);
  const byIndex = new Map<number, Pod[]>();
  const remove: Pod[] = [];
  for (const pod of active) {
    const index = indexOf(job, pod);
    if (index === undefined) remove.push(pod);
    else byIndex.set(index, [...(byIndex.get(index) ?? []), pod]);
  }
  const single: Pod[] = [];
  for (const pods of byIndex.values()) {
    const extra = pods.length === 1 ? [] : choosePodsToDelete(pods, pods, pods.length - 1, nowMs);
    remove.push(...extra);
    single.push(...pods.filter((pod) => !extra.includes(pod)));
  }
  const more = atLeast - remove.length;
  return more <= 0 ? remove : [...remove, ...choosePodsToDelete(single, single, more, nowMs)];
}

/** Indexes that have neither ended nor a pod, ascending. */
function pendingIndexes({ job, active, pods, succeededIndexes, failedIndexes }: Tally): number[] {
  const taken = new Set(active.map((pod) => indexOf(job, pod)));
  if (replacesOnlyFailed(job)) {
    for (const pod of pods) if (pod.status?.phase !== 'Failed') taken.add(indexOf(job, pod));
  }
  const pending: number[] = [];
  for (let index = 0; index < (job.spec?.completions ?? 0); index++) {
    if (!taken.has(index) && !succeededIndexes.has(index) && !failedIndexes.has(index)) pending.push(index);
  }
  return pending;
}

/** With backoffLimitPerIndex every index waits for itself. */
function indexesWithBackoff(tally: Tally, missing: number, nowMs: number): PodChanges {
  const { job, kept } = tally;
  const create: Pod[] = [];
  let next: number | undefined;
  for (const index of pendingIndexes(tally)) {
    if (create.length === missing) break;
    const pod = kept.get(index);
    const wait = pod === undefined ? 0 : waitMs(allFailuresOf(pod) + 1, finishedMs(pod), nowMs);
    if (wait > 0) next = Math.min(next ?? wait, wait);
    else
      create.push(
        podOf(job, index, pod === undefined ? undefined : { pod, ignored: judgeFailure(job, pod).action === 'Ignore' }),
      );
  }
  return { create, remove: [], requeueAfterMs: create.length > 0 ? undefined : next };
}
