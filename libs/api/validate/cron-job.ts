// Rules of cron jobs (pkg/apis/batch/validation).
import { isTimeZoneName } from '@drydock/foundation/time-zones.ts';
import type { CronJob } from '../generated/types.ts';
import { nonNegative, oneOf } from './common.ts';
import { scheduleProblem } from './cron.ts';
import { type FieldError, invalid, required } from './field-error.ts';
import { validateJobSpec } from './workloads.ts';

/** A job's name is the cron job's with 11 characters behind it, and pods take 63. */
const nameMax = 52;

export function validateCronJob(cronJob: CronJob): FieldError[] {
  const name = cronJob.metadata?.name ?? '';
  const tooLong = name.length > nameMax ? [invalid('metadata.name', name, `must be no more than ${nameMax} characters`)] : [];
  return [...validateSpec(cronJob, undefined), ...tooLong];
}

/** What an old schedule or zone got away with goes on to. */
export function validateCronJobUpdate(cronJob: CronJob, old: CronJob): FieldError[] {
  return validateSpec(cronJob, old);
}

function validateSpec({ spec }: CronJob, old: CronJob | undefined): FieldError[] {
  const errors: FieldError[] = [];
  if (!spec?.schedule) errors.push(required('spec.schedule'));
  else errors.push(...validateSchedule(spec.schedule, old?.spec?.schedule.includes('TZ') === true, spec.timeZone));
  errors.push(
    ...nonNegative(spec?.startingDeadlineSeconds, 'spec.startingDeadlineSeconds'),
    ...oneOf(spec?.concurrencyPolicy, ['Allow', 'Forbid', 'Replace'], 'spec.concurrencyPolicy', true),
    ...validateJobSpec(spec?.jobTemplate.spec, 'spec.jobTemplate.spec'),
    ...nonNegative(spec?.successfulJobsHistoryLimit, 'spec.successfulJobsHistoryLimit'),
    ...nonNegative(spec?.failedJobsHistoryLimit, 'spec.failedJobsHistoryLimit'),
  );
  if (spec?.timeZone !== undefined && spec.timeZone !== old?.spec?.timeZone) errors.push(...validateZone(spec.timeZone));
  return errors;
}

function validateSchedule(schedule: string, zoneAllowed: boolean, timeZone: string | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const path = 'spec.schedule';
  const zoned = /^(?:CRON_)?TZ=(\S*)\s+/.exec(schedule);
  const problem = scheduleProblem(zoned === null ? schedule : schedule.slice(zoned[0].length));
  if (problem !== undefined) errors.push(invalid(path, schedule, problem));
  if (!schedule.includes('TZ')) return errors;
  if (timeZone !== undefined)
    errors.push(invalid(path, schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'));
  else if (!zoneAllowed)
    errors.push(invalid(path, schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'));
  return errors;
}

function validateZone(timeZone: string): FieldError[] {
  const path = 'spec.timeZone';
  if (timeZone === '') return [invalid(path, timeZone, 'timeZone must be nil or non-empty string')];
  if (timeZone.toLowerCase() === 'local') {
    const text = 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones';
    return [invalid(path, timeZone, text)];
  }
  return isTimeZoneName(timeZone) ? [] : [invalid(path, timeZone, `unknown time zone ${timeZone}`)];
}
