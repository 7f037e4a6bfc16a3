// Rules of a Job's status (pkg/apis/batch/validation).
import type { Job } from '../generated/types.ts';
import { nonNegative } from './common.ts';
import { type FieldError, invalid } from './field-error.ts';

const at = (field: string): string => `status.${field}`;

export function validateJobStatus(job: Job, old: Job): FieldError[] {
  const status = job.status ?? {};
  const spec = job.spec;
  const errors: FieldError[] = [];
  for (const field of ['active', 'succeeded', 'failed', 'ready', 'terminating'] as const) {
    errors.push(...nonNegative(status[field], at(field)));
  }
  const isTrue = (type: string): boolean =>
    (status.conditions ?? []).some((each) => each.type === type && each.status === 'True');
  const [complete, failed] = [isTrue('Complete'), isTrue('Failed')];
  if (complete && failed)
    errors.push(invalid(at('conditions'), 'Complete', 'cannot set Complete=True and Failed=True conditions'));
  if (status.completionTime !== undefined && !complete) {
    const text = 'cannot set completionTime when there is no Complete=True condition';
    errors.push(invalid(at('completionTime'), status.completionTime, text));
  }
  if (complete && status.completionTime === undefined) {
    errors.push({
      type: 'FieldValueRequired',
      field: at('completionTime'),
      body: 'Required value: completionTime is required for Complete jobs',
    });
  }
  if ((complete || failed) && (status.active ?? 0) > 0) {
    errors.push(invalid(at('active'), status.active, 'active>0 is invalid for finished job'));
  }
  if ((status.ready ?? 0) > (status.active ?? 0)) {
    errors.push(invalid(at('ready'), status.ready, 'cannot set more ready pods than active'));
  }
  if (status.completedIndexes) {
    const problem = indexesProblem(status.completedIndexes);
    if (problem !== undefined)
      errors.push(invalid(at('completedIndexes'), status.completedIndexes, `error parsing completedIndexes: ${problem}`));
    if (spec?.completionMode !== 'Indexed') {
      const text = 'cannot set non-empty completedIndexes when non-indexed completion mode';
      errors.push(invalid(at('completedIndexes'), status.completedIndexes, text));
    }
  }
  if (status.failedIndexes !== undefined) {
    if (spec?.backoffLimitPerIndex === undefined) {
      const text = 'cannot set non-null failedIndexes when backoffLimitPerIndex is null';
      errors.push(invalid(at('failedIndexes'), status.failedIndexes, text));
    }
  }
  const started = old.status?.startTime;
  if (started !== undefined && status.startTime === undefined && spec?.suspend !== true) {
    errors.push({
      type: 'FieldValueRequired',
      field: at('startTime'),
      body: 'Required value: startTime cannot be removed for unsuspended job',
    });
  } else if (
    started !== undefined &&
    status.startTime !== undefined &&
    status.startTime !== started &&
    spec?.suspend !== true
  ) {
    errors.push({
      type: 'FieldValueRequired',
      field: at('startTime'),
      body: 'Required value: startTime cannot be modified for unsuspended job',
    });
  }
  return errors;
}

/** `1,3-5,7`: growing numbers and intervals. */
function indexesProblem(text: string): string | undefined {
  let last = -1;
  for (const interval of text.split(',')) {
    for (const part of interval.split('-').slice(0, 2)) {
      if (!/^[+-]?\d+$/.test(part)) return `cannot convert string to integer for index: ${JSON.stringify(part)}`;
      const index = Number(part);
      if (index <= last) return `non-increasing order, previous: ${last}, current: ${index}`;
      last = index;
    }
  }
  return undefined;
}
