// What a CronJob needs now. Pure; follows upstream's pkg/controller/cronjob.
import type { CronJob, CronJobStatus, Job, ObjectReference } from '@drydock/api/generated/types.ts';
import { cronJobs, jobs as jobResource } from '@drydock/api/resource.ts';
import { formatTime, parseTime } from '@drydock/foundation/clock.ts';
import { type Action, controllerReference, type EventAction, eventAbout, referenceTo } from '../common/action.ts';
import { semanticEqual } from '../common/equality.ts';
import { isBeingDeleted, nameOf, namespaceOf, uidOf } from '../common/object-meta.ts';
import { dueOf } from './due.ts';
import { parseSchedule, type Schedule } from './schedule.ts';
import { formatInZone, isTimeZone } from './time-zone.ts';

/** After the next time has come, to be sure that it has (nextScheduleDelta). */
const afterTimeMs = 100;

export interface CronJobPlan {
  /** Events, and the removal of Jobs beyond the history limits or to be replaced. */
  readonly first: readonly Action[];
  /** The Job to start, and the time it is for. */
  readonly start: { readonly job: Job; readonly atMs: number } | undefined;
  /** What the status is without it; `statusWith` adds it. */
  readonly status: CronJobStatus;
  readonly requeueAfterMs?: number | undefined;
}

type Say = (type: 'Normal' | 'Warning', reason: string, message: string) => EventAction;

/** @param jobs the Jobs that the CronJob controls. */
export function planCronJob(cronJob: CronJob, jobs: readonly Job[], nowMs: number): CronJobPlan {
  const say: Say = (type, reason, message) => eventAbout(cronJobs, cronJob, type, reason, message);
  const expired = beyondHistory(cronJob, jobs);
  const kept = takeStock(cronJob, jobs, expired, say);
  const removals = expired.flatMap((job) => removal(cronJob, nameOf(job), uidOf(job), say));
  const first: Action[] = [...kept.events, ...removals];
  const idle = { first, start: undefined, status: kept.status };
  if (isBeingDeleted(cronJob)) return idle;
  const { schedule: text, suspend, timeZone } = cronJob.spec;
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    const message = `invalid timeZone: ${JSON.stringify(timeZone)}: unknown time zone ${timeZone}`;
    return { ...idle, first: [...first, say('Warning', 'UnknownTimeZone', message)] };
  }
  if (suspend === true) return idle;
  let schedule: Schedule;
  try {
    schedule = parseSchedule(text, timeZone);
  } catch (error) {
    const message = `unparseable schedule: ${JSON.stringify(text)} : ${error instanceof Error ? error.message : error}`;
    return { ...idle, first: [...first, say('Warning', 'UnparseableSchedule', message)] };
  }
  return planStart({ cronJob, schedule, idle, say }, nowMs);
}

interface Starting {
  readonly cronJob: CronJob;
  readonly schedule: Schedule;
  readonly idle: CronJobPlan;
  readonly say: Say;
}

function planStart({ cronJob, schedule, idle, say }: Starting, nowMs: number): CronJobPlan {
  const next = schedule.next(nowMs);
  const waiting = { ...idle, requeueAfterMs: next === undefined ? undefined : next - nowMs + afterTimeMs };
  const also = (...actions: Action[]): CronJobPlan => ({ ...waiting, first: [...idle.first, ...actions] });
  const { atMs, tooMany } = dueOf(cronJob, schedule, nowMs);
  const warning = tooMany
    ? [
        say(
          'Warning',
          'TooManyMissedTimes',
          'too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew',
        ),
      ]
    : [];
  if (atMs === undefined) return also(...warning);
  const { startingDeadlineSeconds, concurrencyPolicy } = cronJob.spec;
  if (startingDeadlineSeconds !== undefined && atMs + startingDeadlineSeconds * 1000 < nowMs) {
    return also(...warning, say('Warning', 'MissSchedule', `Missed scheduled time to start a job: ${rfc1123(atMs)}`));
  }
  const job = jobAt(cronJob, atMs);
  const active = idle.status.active ?? [];
  if (active.some(({ name }) => name === nameOf(job)) || parseTime(cronJob.status?.lastScheduleTime) === atMs) {
    return also(...warning);
  }
  if (concurrencyPolicy === 'Forbid' && active.length > 0) {
    const message = 'Not starting job because prior execution is running and concurrency policy is Forbid';
    return also(...warning, say('Normal', 'JobAlreadyActive', message));
  }
  if (concurrencyPolicy !== 'Replace') return { ...also(...warning), start: { job, atMs } };
  const removals = active.flatMap((reference) => removal(cronJob, reference.name ?? '', reference.uid ?? '', say));
  return { ...also(...warning, ...removals), start: { job, atMs }, status: { ...idle.status, active: [] } };
}

/** `Fri, 02 Jan 2026 15:04:05 +0000` */
function rfc1123(ms: number): string {
  return new Date(ms).toUTCString().replace('GMT', '+0000');
}

/** The Job of that time: its name tells the minute, so that no time is run twice. */
function jobAt(cronJob: CronJob, atMs: number): Job {
  const { metadata, spec } = cronJob.spec.jobTemplate;
  const annotations = {
    ...metadata?.annotations,
    'batch.kubernetes.io/cronjob-scheduled-timestamp': formatInZone(atMs, cronJob.spec.timeZone),
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: `${nameOf(cronJob)}-${Math.floor(atMs / 60_000)}`,
      namespace: namespaceOf(cronJob),
      ...(metadata?.labels === undefined ? {} : { labels: metadata.labels }),
      annotations,
      ownerReferences: [controllerReference(cronJobs, cronJob)],
    },
    spec,
  };
}

/** The status with the started Job in it, as the apiserver answered it. */
export function statusWith(status: CronJobStatus, created: Job, atMs: number): CronJobStatus {
  const active = [...(status.active ?? []), referenceTo(jobResource, created)];
  return { ...status, active, lastScheduleTime: formatTime(atMs) };
}

/** The status write; nothing where it is so already. */
export function planStatus(cronJob: CronJob, status: CronJobStatus): Action[] {
  if (semanticEqual(status, cronJob.status)) return [];
  const object: CronJob = { ...cronJob, status };
  return [{ verb: 'update', resource: cronJobs, object, subresource: 'status' }];
}

function endOf(job: Job): 'Complete' | 'Failed' | undefined {
  const end = job.status?.conditions?.find(
    ({ type, status }) => (type === 'Complete' || type === 'Failed') && status === 'True',
  );
  return end?.type === 'Complete' || end?.type === 'Failed' ? end.type : undefined;
}

interface Stock {
  readonly status: CronJobStatus;
  readonly events: readonly EventAction[];
}

/** What became of the Jobs that were started; of those that expire at once nothing is said. */
function takeStock(cronJob: CronJob, jobs: readonly Job[], expired: readonly Job[], say: Say): Stock {
  const events: EventAction[] = [];
  const active: ObjectReference[] = [];
  for (const reference of cronJob.status?.active ?? []) {
    const job = jobs.find((one) => uidOf(one) === reference.uid);
    const end = job === undefined ? undefined : endOf(job);
    if (job === undefined) events.push(say('Normal', 'MissingJob', `Active job went missing: ${reference.name}`));
    else if (expired.includes(job)) continue;
    else if (end !== undefined) {
      events.push(say('Normal', 'SawCompletedJob', `Saw completed job: ${nameOf(job)}, condition: ${end}`));
    } else active.push(reference);
  }
  let lastSuccess = parseTime(cronJob.status?.lastSuccessfulTime);
  for (const job of jobs) {
    const isKnown = (cronJob.status?.active ?? []).some(({ uid }) => uid === uidOf(job));
    if (!isKnown && endOf(job) === undefined && !isBeingDeleted(job)) {
      events.push(say('Warning', 'UnexpectedJob', `Saw a job that the controller did not create or forgot: ${nameOf(job)}`));
    }
    const completed = endOf(job) === 'Complete' ? parseTime(job.status?.completionTime) : undefined;
    if (completed !== undefined) lastSuccess = Math.max(lastSuccess ?? completed, completed);
  }
  const { active: _former, ...rest } = cronJob.status ?? {};
  const status = {
    ...rest,
    ...(active.length === 0 ? {} : { active }),
    ...(lastSuccess === undefined ? {} : { lastSuccessfulTime: formatTime(lastSuccess) }),
  };
  return { status, events };
}

/** The oldest finished Jobs beyond the limits. */
function beyondHistory(cronJob: CronJob, jobs: readonly Job[]): Job[] {
  const { failedJobsHistoryLimit, successfulJobsHistoryLimit } = cronJob.spec;
  const startOf = (job: Job) => parseTime(job.status?.startTime) ?? Number.MAX_SAFE_INTEGER;
  const byStart = (a: Job, b: Job) => startOf(a) - startOf(b) || (nameOf(a) < nameOf(b) ? -1 : 1);
  const over = (type: 'Complete' | 'Failed', limit: number | undefined): Job[] => {
    const ended = jobs.filter((job) => endOf(job) === type && !isBeingDeleted(job)).sort(byStart);
    return limit === undefined ? [] : ended.slice(0, Math.max(0, ended.length - limit));
  };
  return [...over('Complete', successfulJobsHistoryLimit), ...over('Failed', failedJobsHistoryLimit)];
}

function removal(cronJob: CronJob, name: string, uid: string, say: Say): Action[] {
  const key = { namespace: namespaceOf(cronJob), name };
  const action: Action = {
    verb: 'delete',
    resource: jobResource,
    key,
    preconditions: { uid },
    propagationPolicy: 'Background',
  };
  return [action, say('Normal', 'SuccessfulDelete', `Deleted job ${name}`)];
}
