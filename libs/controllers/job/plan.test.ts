import type { Job, JobSpec, Pod } from '@drydock/api/generated/types.ts';
import { jobs, pods as podResource } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { expect, test } from 'vitest';
import { controllerReference } from '../common/action.ts';
import { Model } from '../testing/model.ts';
import { epochMs, meta, type PodOptions, pod } from '../testing/objects.ts';
import { waitMs } from './backoff.ts';
import { judgeFailure } from './failure-policy.ts';
import { formatIndexes, parseIndexes } from './indexes.ts';
import { completionIndexKey, trackingFinalizer } from './job-pods.ts';
import { type JobPlan, planJob } from './plan.ts';

const labels = { 'batch.kubernetes.io/controller-uid': 'uid-job' };

function job(spec: Partial<JobSpec> = {}, status: Job['status'] = { startTime: formatTime(epochMs - 60_000) }): Job {
  return {
    metadata: meta('job'),
    spec: {
      parallelism: 2,
      completions: 3,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] } },
      ...spec,
    },
    status,
  };
}

const indexed = (spec: Partial<JobSpec> = {}, status?: Job['status']) => job({ completionMode: 'Indexed', ...spec }, status);

interface OwnOptions extends PodOptions {
  readonly index?: number;
  readonly untracked?: boolean;
  readonly failures?: number;
}

function own(name: string, { index, untracked = false, failures = 0, ...options }: OwnOptions = {}): Pod {
  const base = pod(name, { labels, ...options });
  const marks = { [completionIndexKey]: String(index), 'batch.kubernetes.io/job-index-failure-count': String(failures) };
  return {
    ...base,
    metadata: {
      ...base.metadata,
      ...(index === undefined ? {} : { annotations: marks }),
      ...(untracked ? {} : { finalizers: [trackingFinalizer] }),
      ownerReferences: [controllerReference(jobs, job())],
    },
  };
}

const done = (name: string, options: OwnOptions = {}) => own(name, { phase: 'Succeeded', ready: false, ...options });
const failed = (name: string, options: OwnOptions = {}) => own(name, { phase: 'Failed', ready: false, ...options });

function planOf(of: Job, pods: readonly Pod[]): JobPlan {
  return planJob({ job: of, pods, record: undefined }, epochMs);
}

function statusOf(plan: JobPlan): Job['status'] {
  const write = plan.last.find((action) => action.verb === 'update');
  return write?.verb === 'update' ? (write.object as Job).status : undefined;
}

const presence: [string, Job, Pod[], number, number][] = [
  ['parallelism pods to begin with', job(), [], 2, 0],
  ['no more than are missing', job(), [own('a'), done('b'), done('c')], 0, 0],
  ['a work queue fills up to parallelism', job({ completions: undefined }), [own('a')], 1, 0],
  ['and makes no more once one succeeded', job({ completions: undefined }), [own('a'), done('b')], 0, 0],
  ['less parallelism takes pods away', job({ parallelism: 1 }), [own('a'), own('b')], 0, 1],
  ['suspended Jobs have none', job({ suspend: true }), [own('a'), own('b')], 0, 2],
  ['a failed pod is replaced after ten seconds', job(), [own('a'), failed('b', { readyAgeS: 11 })], 1, 0],
  ['and not before', job(), [own('a'), failed('b', { readyAgeS: 9 })], 0, 0],
  [
    'a terminating pod counts as one that failed just now',
    job(),
    [own('a'), own('b', { deleting: true, readyAgeS: 90 })],
    0,
    0,
  ],
  ['indexes that are pending', indexed(), [own('a', { index: 1 })], 1, 0],
  ['of two pods with one index one goes', indexed(), [own('a', { index: 1 }), own('b', { index: 1 })], 0, 1],
];

test.each(presence)('%s', (_, of, pods, create, remove) => {
  const plan = planOf(of, pods);
  expect([plan.create.length, plan.remove.length]).toEqual([create, remove]);
});

test('an indexed pod knows its index', () => {
  const [made] = planOf(indexed(), [own('a', { index: 0 })]).create;
  expect(made).toMatchObject({
    metadata: {
      generateName: 'job-1-',
      annotations: { [completionIndexKey]: '1' },
      labels: { [completionIndexKey]: '1' },
      finalizers: [trackingFinalizer],
    },
    spec: { hostname: 'job-1', containers: [{ env: [{ name: 'JOB_COMPLETION_INDEX' }] }] },
  });
});

const verdicts: [string, Job, Pod[], string, string][] = [
  ['enough succeeded', job(), [done('a'), done('b'), done('c')], 'SuccessCriteriaMet', 'CompletionsReached'],
  ['too many failures', job({ backoffLimit: 0 }), [failed('a')], 'FailureTarget', 'BackoffLimitExceeded'],
  [
    'restarts are failures with OnFailure',
    job({ backoffLimit: 3, template: { spec: { restartPolicy: 'OnFailure', containers: [] } } }),
    [own('a', { restarts: 3 })],
    'FailureTarget',
    'BackoffLimitExceeded',
  ],
  ['the deadline is over', job({ activeDeadlineSeconds: 60 }), [own('a')], 'FailureTarget', 'DeadlineExceeded'],
  [
    'an index failed for good and the rest succeeded',
    indexed({ completions: 2, backoffLimitPerIndex: 0 }),
    [failed('a', { index: 0 }), done('b', { index: 1 })],
    'FailureTarget',
    'FailedIndexes',
  ],
  [
    'too many failed indexes',
    indexed({ backoffLimitPerIndex: 0, maxFailedIndexes: 0 }),
    [failed('a', { index: 0 })],
    'FailureTarget',
    'MaxFailedIndexesExceeded',
  ],
  [
    'the success policy',
    indexed({ successPolicy: { rules: [{ succeededIndexes: '0,2', succeededCount: 1 }] } }),
    [done('a', { index: 2 }), own('b', { index: 0 })],
    'SuccessCriteriaMet',
    'SuccessPolicy',
  ],
  [
    'the failure policy',
    job({ podFailurePolicy: { rules: [{ action: 'FailJob', onPodConditions: [{ type: 'Ready', status: 'False' }] }] } }),
    [failed('a')],
    'FailureTarget',
    'PodFailurePolicy',
  ],
];

test.each(verdicts)('over: %s', (_, of, pods, type, reason) => {
  const plan = planOf(of, pods);
  expect(statusOf(plan)?.conditions).toMatchObject([{ type, status: 'True', reason }]);
  expect(plan.create).toEqual([]);
  expect(plan.remove.map((one) => one.metadata?.name)).toEqual(
    pods.filter((one) => one.status?.phase === 'Running').map((one) => one.metadata?.name),
  );
});

test('ended pods are listed before they are let go, and counted after', () => {
  const first = planOf(job(), [done('a'), own('b')]);
  expect(statusOf(first)).toMatchObject({ uncountedTerminatedPods: { succeeded: ['uid-a'] }, active: 2, ready: 1 });
  expect(statusOf(first)?.succeeded).toBeUndefined();
  expect(first.last.map((action) => action.verb)).toEqual(['update', 'patch']);
  const next = planOf(job({}, statusOf(first)), [done('a', { untracked: true }), own('b')]);
  expect(statusOf(next)).toMatchObject({ succeeded: 1, uncountedTerminatedPods: {} });
});

test('pods that were running when the Job failed count as failed', () => {
  const plan = planOf(job({ activeDeadlineSeconds: 60 }), [own('a'), own('b')]);
  expect(statusOf(plan)?.uncountedTerminatedPods).toEqual({ failed: ['uid-a', 'uid-b'] });
});

test('pods that are merely too many are let go of and not counted', () => {
  const plan = planOf(job({ suspend: true }), [own('a')]);
  expect(plan.forsake).toMatchObject([{ verb: 'patch', key: { name: 'a' } }]);
  expect(plan.last.filter((action) => action.verb === 'patch')).toEqual([]);
  expect(planOf(job({ activeDeadlineSeconds: 60 }), [own('a')]).forsake).toEqual([]);
});

test('ignored failures are not counted', () => {
  const rules = [{ action: 'Ignore', onPodConditions: [{ type: 'Ready', status: 'False' }] }];
  const plan = planOf(job({ backoffLimit: 0, podFailurePolicy: { rules } }), [failed('a')]);
  expect(statusOf(plan)?.conditions).toBeUndefined();
  expect(plan.last.some((action) => action.verb === 'patch')).toBe(true);
});

test('a failed index keeps its last pod until the next carries on its count', () => {
  const status = { startTime: formatTime(epochMs), completedIndexes: '1' };
  const of = indexed({ completions: 2, parallelism: 1, backoffLimitPerIndex: 2 }, status);
  const waiting = planOf(of, [failed('a', { index: 0, failures: 1, readyAgeS: 15 })]);
  expect(waiting.last.filter((action) => action.verb === 'patch')).toEqual([]);
  expect(waiting.requeueAfterMs).toBe(5_000);
  const ready = planOf(of, [failed('a', { index: 0, failures: 1, readyAgeS: 21 })]);
  expect(ready.create[0]?.metadata?.annotations).toMatchObject({ 'batch.kubernetes.io/job-index-failure-count': '2' });
});

test('the words of the failure policy', () => {
  const base = failed('a');
  const ended = { name: 'c', image: '', imageID: '', ready: false, restartCount: 0, state: { terminated: { exitCode: 42 } } };
  const pod42 = { ...base, status: { ...base.status, containerStatuses: [ended] } };
  const policy = (values: number[], operator = 'In') =>
    job({ podFailurePolicy: { rules: [{ action: 'FailJob', onExitCodes: { operator, values } }] } });
  expect(judgeFailure(policy([42]), pod42)).toEqual({
    action: 'FailJob',
    message: 'Container c for pod default/a failed with exit code 42 matching FailJob rule at index 0',
  });
  expect(judgeFailure(policy([42], 'NotIn'), pod42)).toEqual({ action: 'Count' });
});

test.each([
  ['', 10, ''],
  ['0,2-4,9', 10, '0,2-4,9'],
  ['5,4', 10, '4,5'],
  ['1-99', 4, '1-3'],
])('indexes %s', (text, limit, formatted) => {
  expect(formatIndexes(parseIndexes(text, limit))).toBe(formatted);
});

test('back-off doubles up to ten minutes', () => {
  expect([0, 1, 2, 3, 99].map((failures) => waitMs(failures, epochMs, epochMs))).toEqual([0, 10_000, 20_000, 40_000, 600_000]);
});

test.each([
  ['to completion', job(), 'Succeeded', { succeeded: 3 }, ['SuccessCriteriaMet', 'Complete']],
  ['indexed', indexed(), 'Succeeded', { succeeded: 3, completedIndexes: '0-2' }, ['SuccessCriteriaMet', 'Complete']],
  ['to failure', job({ backoffLimit: 1, parallelism: 2 }), 'Failed', { failed: 2 }, ['FailureTarget', 'Failed']],
])('fixpoint: %s', (_, start, phase, counts, conditions) => {
  const model = new Model();
  model.add(jobs, start);
  let made = 0;
  let record: JobPlan['record'];
  const round = () => {
    const plan = planJob({ job: model.list(jobs)[0] ?? start, pods: model.list(podResource), record }, epochMs);
    record = plan.record;
    const creates = plan.create.map((one) => ({
      verb: 'create' as const,
      resource: podResource,
      object: { ...one, metadata: { ...one.metadata, name: `made${made++}` }, status: { phase } },
    }));
    return [...plan.claims, ...creates, ...plan.last];
  };
  for (let count = 0; count < 8; count++) model.apply(round());
  expect(round()).toEqual([]);
  const [after] = model.list(jobs);
  expect(after?.status).toMatchObject(counts);
  expect(after?.status?.conditions?.map(({ type }) => type)).toEqual(conditions);
  expect(model.list(podResource).flatMap((one) => one.metadata?.finalizers ?? [])).toEqual([]);
  expect(model.events.map(({ reason }) => reason)).toHaveLength(1);
});
