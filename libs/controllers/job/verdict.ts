// Whether a Job is over, and why. The reason is written first (FailureTarget, SuccessCriteriaMet); the final condition follows
// when the last pod has ended.
import type { Job } from '@drydock/api/generated/types.ts';
import { parseTime } from '@drydock/foundation/clock.ts';
import { judgeFailure } from './failure-policy.ts';
import { parseIndexes } from './indexes.ts';
import { hasFailed, isIndexed } from './job-pods.ts';
import { conditionOf, restartsPastLimit, type Tally } from './tally.ts';

export interface Verdict {
  readonly type: 'FailureTarget' | 'SuccessCriteriaMet';
  readonly reason: string;
  readonly message: string;
}

function failure(reason: string, message: string): Verdict {
  return { type: 'FailureTarget', reason, message };
}

export const completionsReached: Verdict = {
  type: 'SuccessCriteriaMet',
  reason: 'CompletionsReached',
  message: 'Reached expected number of succeeded pods',
};

/** What decided the Job already, or decides it now; undefined while it goes on. */
export function verdictOf(tally: Tally, nowMs: number): Verdict | undefined {
  const { job } = tally;
  for (const type of ['SuccessCriteriaMet', 'FailureTarget'] as const) {
    const known = conditionOf(job, type);
    if (known !== undefined) return { type, reason: known.reason ?? '', message: known.message ?? '' };
  }
  const failedPods = tally.pods.filter((pod) => hasFailed(job, pod));
  for (const pod of failedPods) {
    const { action, message = '' } = judgeFailure(job, pod);
    if (action === 'FailJob') return failure('PodFailurePolicy', message);
  }
  if (tally.failed > (job.spec?.backoffLimit ?? 6) || restartsPastLimit(job, tally.pods)) {
    return failure('BackoffLimitExceeded', 'Job has reached the specified backoff limit');
  }
  const left = deadlineLeftMs(job, nowMs);
  if (left !== undefined && left <= 0) return failure('DeadlineExceeded', 'Job was active longer than specified deadline');
  return isIndexed(job) ? indexVerdict(tally) : undefined;
}

function indexVerdict({ job, failedIndexes, succeededIndexes }: Tally): Verdict | undefined {
  const { maxFailedIndexes, completions = 0 } = job.spec ?? {};
  if (maxFailedIndexes !== undefined && failedIndexes.size > maxFailedIndexes) {
    return failure('MaxFailedIndexesExceeded', 'Job has exceeded the specified maximal number of failed indexes');
  }
  if (failedIndexes.size > 0 && failedIndexes.size + succeededIndexes.size >= completions) {
    return failure('FailedIndexes', 'Job has failed indexes');
  }
  for (const [number, rule] of (job.spec?.successPolicy?.rules ?? []).entries()) {
    const wanted = rule.succeededIndexes === undefined ? undefined : parseIndexes(rule.succeededIndexes, completions);
    const met =
      wanted === undefined ? succeededIndexes.size : [...wanted].filter((index) => succeededIndexes.has(index)).length;
    const needed = rule.succeededCount ?? wanted?.size ?? 0;
    if (met >= needed && met > 0) {
      return { type: 'SuccessCriteriaMet', reason: 'SuccessPolicy', message: `Matched rules at index ${number}` };
    }
  }
  return undefined;
}

/** Milliseconds until activeDeadlineSeconds is over; undefined where there is none, or the Job does not run. */
export function deadlineLeftMs(job: Job, nowMs: number): number | undefined {
  const start = parseTime(job.status?.startTime);
  const { activeDeadlineSeconds, suspend } = job.spec ?? {};
  if (activeDeadlineSeconds === undefined || start === undefined || suspend === true) return undefined;
  return start + activeDeadlineSeconds * 1000 - nowMs;
}

/** Whether enough pods have succeeded, `active` being those that still run. */
export function isComplete({ job, succeeded }: Tally, active: number): boolean {
  const { completions } = job.spec ?? {};
  return completions === undefined ? succeeded > 0 && active === 0 : succeeded >= completions;
}
