import type { CronJob, CronJobSpec, CronJobStatus, Job } from '@drydock/api/generated/types.ts';
import { cronJobs, jobs as jobResource } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { expect, test } from 'vitest';
import { controllerReference, referenceTo } from '../common/action.ts';
import { Model } from '../testing/model.ts';
import { epochMs, meta } from '../testing/objects.ts';
import { planCronJob, planStatus, statusWith } from './plan.ts';
import { parseSchedule } from './schedule.ts';
import { formatInZone, isTimeZone } from './time-zone.ts';

const minute = 60_000;

function cronJob(spec: Partial<CronJobSpec> = {}, status: CronJobStatus = {}): CronJob {
  return {
    metadata: meta('tick'),
    spec: {
      schedule: '* * * * *',
      concurrencyPolicy: 'Allow',
      jobTemplate: { spec: { template: { spec: { containers: [] } } } },
      successfulJobsHistoryLimit: 1,
      failedJobsHistoryLimit: 1,
      ...spec,
    },
    status,
  };
}

function job(name: string, end?: 'Complete' | 'Failed', startS = 0): Job {
  const time = formatTime(epochMs + startS * 1000);
  return {
    metadata: meta(name, { ownerReferences: [controllerReference(cronJobs, cronJob())] }),
    spec: { template: {} },
    status: {
      startTime: time,
      ...(end === undefined ? {} : { conditions: [{ type: end, status: 'True' }], completionTime: time }),
    },
  };
}

const active = (...names: string[]) => names.map((name) => referenceTo(jobResource, job(name)));
const reasons = (plan: ReturnType<typeof planCronJob>) =>
  plan.first.flatMap((action) => (action.verb === 'event' ? [action.reason] : []));

/** The epoch is a full hour; `at` is seconds after it. */
const cases: [string, Partial<CronJobSpec>, CronJobStatus, at: number, started: number | undefined, string[]][] = [
  ['not yet', {}, {}, 59, undefined, []],
  ['the minute has come', {}, {}, 61, 60, []],
  ['only the last of missed times', {}, {}, 305, 300, []],
  ['what was started is not started again', {}, { lastScheduleTime: formatTime(epochMs + minute) }, 65, undefined, []],
  ['suspended', { suspend: true }, {}, 61, undefined, []],
  ['too late', { startingDeadlineSeconds: 10, schedule: '0 * * * *' }, {}, 3611, undefined, []],
  ['just in time', { startingDeadlineSeconds: 10, schedule: '0 * * * *' }, {}, 3609, 3600, []],
  ['more than a hundred were missed', {}, {}, 101 * 60 + 5, 101 * 60, ['TooManyMissedTimes']],
  ['a hundred are not too many', {}, {}, 100 * 60 + 5, 100 * 60, []],
  ['a deadline makes them few', { startingDeadlineSeconds: 200 }, {}, 101 * 60 + 5, 101 * 60, []],
  ['nonsense', { schedule: 'at noon' }, {}, 61, undefined, ['UnparseableSchedule']],
  ['no such zone', { timeZone: 'Mars/Olympus' }, {}, 61, undefined, ['UnknownTimeZone']],
];

test.each(cases)('%s', (_, spec, status, at, started, events) => {
  const plan = planCronJob(cronJob(spec, status), [], epochMs + at * 1000);
  expect(plan.start?.atMs).toBe(started === undefined ? undefined : epochMs + started * 1000);
  expect(reasons(plan)).toEqual(events);
});

test('the Job is named after its minute and tells its time', () => {
  const plan = planCronJob(cronJob({ timeZone: 'Europe/Berlin' }), [], epochMs + 61_000);
  expect(plan.start?.job.metadata).toMatchObject({
    name: `tick-${epochMs / minute + 1}`,
    annotations: { 'batch.kubernetes.io/cronjob-scheduled-timestamp': '2026-01-01T01:01:00+01:00' },
    ownerReferences: [{ kind: 'CronJob', controller: true }],
  });
  expect(plan.requeueAfterMs).toBe(59_100);
});

test.each([
  ['Allow', true, []],
  ['Forbid', false, ['JobAlreadyActive']],
  ['Replace', true, ['SuccessfulDelete']],
])('while one runs: %s', (concurrencyPolicy, starts, events) => {
  const plan = planCronJob(cronJob({ concurrencyPolicy }, { active: active('a') }), [job('a')], epochMs + 61_000);
  expect([plan.start !== undefined, reasons(plan)]).toEqual([starts, events]);
  expect(plan.first.some((action) => action.verb === 'delete')).toBe(concurrencyPolicy === 'Replace');
});

test('what became of the Jobs', () => {
  const jobs = [job('done', 'Complete', 20), job('stray')];
  const plan = planCronJob(cronJob({ suspend: true }, { active: active('done', 'lost') }), jobs, epochMs);
  expect(plan.status).toEqual({ lastSuccessfulTime: formatTime(epochMs + 20_000) });
  expect(plan.first).toMatchObject([
    { reason: 'SawCompletedJob', message: 'Saw completed job: done, condition: Complete' },
    { reason: 'MissingJob', message: 'Active job went missing: lost' },
    { reason: 'UnexpectedJob', message: 'Saw a job that the controller did not create or forgot: stray' },
  ]);
});

test('only the last finished Jobs are kept', () => {
  const jobs = [
    job('c2', 'Complete', 20),
    job('c1', 'Complete', 10),
    job('f1', 'Failed', 5),
    job('f2', 'Failed', 30),
    job('f3', 'Failed', 40),
  ];
  const { first } = planCronJob(cronJob({ suspend: true }), jobs, epochMs);
  expect(first.flatMap((action) => (action.verb === 'delete' ? [action.key.name] : []))).toEqual(['c1', 'f1', 'f2']);
});

/** From Thursday 2026-01-01T00:00:00Z on. */
test.each([
  ['*/15 * * * *', '2026-01-01T00:15:00Z'],
  ['0 9 * * 1-5', '2026-01-01T09:00:00Z'],
  ['0 0 13 * 5', '2026-01-02T00:00:00Z'],
  ['0 0 */2 * 5', '2026-01-09T00:00:00Z'],
  ['0 0 ? * 0', '2026-01-04T00:00:00Z'],
  ['0 0 29 feb *', '2028-02-29T00:00:00Z'],
  ['@monthly', '2026-02-01T00:00:00Z'],
  ['@every 1h30m', '2026-01-01T01:30:00Z'],
  ['TZ=America/New_York 0 0 * * *', '2026-01-01T05:00:00Z'],
])('schedule %s', (text, next) => {
  expect(formatTime(parseSchedule(text, 'UTC').next(epochMs) ?? 0)).toBe(next);
});

test('a time zone moves the schedule with its summer time', () => {
  const schedule = parseSchedule('30 12 * * *', 'Europe/Berlin');
  expect(formatTime(schedule.next(Date.parse('2026-03-28T11:30:00Z')) ?? 0)).toBe('2026-03-29T10:30:00Z');
  expect([isTimeZone('Asia/Kolkata'), isTimeZone('Nowhere')]).toEqual([true, false]);
  expect(formatInZone(epochMs, 'America/St_Johns')).toBe('2025-12-31T20:30:00-03:30');
});

test('fixpoint', () => {
  const model = new Model();
  model.add(cronJobs, cronJob());
  const round = (nowMs: number) => {
    const current = model.list(cronJobs)[0] ?? cronJob();
    const { first, start, status } = planCronJob(current, model.list(jobResource), nowMs);
    if (start === undefined) return [...first, ...planStatus(current, status)];
    const object = { ...start.job, metadata: { ...start.job.metadata, uid: `uid-${start.job.metadata?.name}` } };
    return [
      ...first,
      { verb: 'create' as const, resource: jobResource, object },
      ...planStatus(current, statusWith(status, object, start.atMs)),
    ];
  };
  for (const seconds of [61, 121]) {
    model.apply(round(epochMs + seconds * 1000));
    expect(round(epochMs + seconds * 1000)).toEqual([]);
  }
  expect(model.list(cronJobs)[0]?.status).toMatchObject({
    active: [{ kind: 'Job' }, { kind: 'Job' }],
    lastScheduleTime: formatTime(epochMs + 2 * minute),
  });
});
