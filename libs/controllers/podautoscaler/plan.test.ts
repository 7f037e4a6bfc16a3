// One round of an autoscaler: events, conditions and status, in the words of upstream's controller.
import type { Deployment, Scale, V2HorizontalPodAutoscaler, V2MetricSpec } from '@drydock/api/generated/types.ts';
import { deployments, horizontalPodAutoscalers } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { expect, test } from 'vitest';
import type { EventAction } from '../common/action.ts';
import { Model } from '../testing/model.ts';
import { deployment } from '../testing/objects.ts';
import type { History } from './history.ts';
import type { Reading } from './metrics.ts';
import { asksMetrics, type Measured, type Outcome, planEnd, planRound, planWithoutScale } from './plan.ts';
import { ambiguous, parsedSelector } from './selection.ts';
import { autoscaler, cpu, measured, nowMs, pod, queue, settings } from './testing.ts';

const now = { wallMs: nowMs, monotonicMs: 1_000_000 };
const scale = (replicas: number): Scale => ({ spec: { replicas }, status: { replicas, selector: 'app=web' } });
const pods = [pod('a'), pod('b')];
const read = (...readings: Reading[]): Measured => ({ kind: 'read', pods, readings });
const cpuAt = (used: number): Reading => ({ kind: 'pods', metrics: measured({ a: used, b: used }) });
const failed: Reading = { kind: 'failed', why: 'no metrics returned from resource metrics API' };
const done: Outcome = { kind: 'done' };

interface Given {
  readonly object?: V2HorizontalPodAutoscaler;
  readonly replicas?: number;
  readonly measured?: Measured | undefined;
  readonly outcome?: Outcome;
  readonly history?: History;
  readonly settings?: typeof settings;
}

function round({
  object = autoscaler(),
  replicas = 2,
  measured: seen,
  outcome = done,
  history,
  settings: set = settings,
}: Given) {
  expect(asksMetrics(object, scale(replicas), set)).toBe(seen !== undefined);
  const plan = planRound({ autoscaler: object, scale: scale(replicas), measured: seen, history }, set, now);
  const end = planEnd(object, plan, plan.rescale === undefined ? undefined : outcome, set, now);
  const events = end.actions.filter((action): action is EventAction => action.verb === 'event');
  const write = end.actions.find((action) => action.verb === 'update');
  const status = (write as { object?: V2HorizontalPodAutoscaler } | undefined)?.object?.status;
  return {
    to: plan.rescale?.to,
    events: events.map(({ type, reason, message }) => `${type} ${reason}: ${message}`),
    conditions: (status?.conditions ?? []).map(
      ({ type, status: is, reason, message }) => `${type}=${is} ${reason}: ${message}`,
    ),
    counts: status && [status.currentReplicas, status.desiredReplicas],
    status,
    history: end.history,
  };
}

const got = "AbleToScale=True SucceededGetScale: the HPA controller was able to get the target's current scale";
const ready = 'AbleToScale=True ReadyForNewScale: recommended size matches current size';
const from = (metric: string) =>
  `ScalingActive=True ValidMetricFound: the HPA was able to successfully calculate a replica count from ${metric}`;
const percentage = 'cpu resource utilization (percentage of request)';
const within = 'ScalingLimited=False DesiredWithinRange: the desired count is within the acceptable range';
const scaled = (to: number) =>
  `AbleToScale=True SucceededRescale: the HPA controller was able to update the target scale to ${to}`;

test('more are needed', () => {
  const { to, events, conditions, counts, status } = round({ measured: read(cpuAt(750)) });
  expect(to).toBe(3);
  expect(events).toEqual([`Normal SuccessfulRescale: New size: 3; reason: ${percentage} above target`]);
  expect(conditions).toEqual([scaled(3), from(percentage), within]);
  expect(counts).toEqual([2, 3]);
  expect(status).toMatchObject({
    lastScaleTime: formatTime(nowMs),
    currentMetrics: [
      { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 75, averageValue: '750m' } } },
    ],
  });
});

test('as many as there are: only the status is written, and that once', () => {
  const first = round({ measured: read(cpuAt(500)) });
  expect([first.to, first.events, first.counts]).toEqual([undefined, [], [2, 2]]);
  expect(first.conditions).toEqual([ready, from(percentage), within]);
  const again = round({ object: autoscaler({}, { status: first.status }), measured: read(cpuAt(500)), history: first.history });
  expect(again.status).toBeUndefined();
  expect(again.events).toEqual([]);
});

test('fewer are needed: not before five minutes', () => {
  const first = round({ measured: read(cpuAt(100)) });
  expect([first.to, first.conditions[0]]).toEqual([
    undefined,
    'AbleToScale=True ScaleDownStabilized: recent recommendations were higher than current one, applying the highest recent recommendation',
  ]);
  const later = { ...first.history, recommendations: first.history.recommendations.map((each) => ({ ...each, atMs: 0 })) };
  const next = round({ measured: read(cpuAt(100)), history: later });
  expect(next.events).toEqual(['Normal SuccessfulRescale: New size: 1; reason: All metrics below target']);
});

test.each<[string, Given, string | undefined, string[], (number | undefined)[]]>([
  [
    'more than the most',
    { replicas: 20 },
    'Normal SuccessfulRescale: New size: 10; reason: Current number of replicas above Spec.MaxReplicas',
    [scaled(10)],
    [20, 10],
  ],
  [
    'fewer than the least',
    { object: autoscaler({ minReplicas: 3 }) },
    'Normal SuccessfulRescale: New size: 3; reason: Current number of replicas below Spec.MinReplicas',
    [scaled(3)],
    [2, 3],
  ],
  [
    'none: switched off',
    { replicas: 0 },
    undefined,
    [got, 'ScalingActive=False ScalingDisabled: scaling is disabled since the replica count of the target is zero'],
    [0, 0],
  ],
])('without metrics: %s', (_, given, event, conditions, counts) => {
  const { events, conditions: said, counts: shown } = round(given);
  expect([events, said, shown]).toEqual([event === undefined ? [] : [event], conditions, counts]);
});

const why =
  'failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API';

test('no metric', () => {
  const { to, events, conditions, counts } = round({ measured: read(failed) });
  expect(to).toBeUndefined();
  expect(events).toEqual([
    `Warning FailedGetResourceMetric: ${why}`,
    `Warning FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: ${why}`,
  ]);
  expect(conditions).toEqual([
    got,
    `ScalingActive=False FailedGetResourceMetric: the HPA was unable to compute the replica count: ${why}`,
  ]);
  expect(counts).toEqual([2, 0]);
});

test('one of two metrics: it may go up, and not down', () => {
  const object = autoscaler({ metrics: [cpu(50), queue('1')] });
  const up = round({ object, measured: read(failed, { kind: 'value', value: 3_000 }) });
  expect([up.to, up.conditions[1], up.status?.currentMetrics?.map(({ type }) => type)]).toEqual([
    3,
    from('external metric queue(nil)'),
    ['', 'External'],
  ]);
  const down = round({ object, measured: read(failed, { kind: 'value', value: 1_000 }) });
  expect(down.to).toBeUndefined();
  expect(down.events.at(-1)).toMatch(/^Warning FailedComputeMetricsReplicas: invalid metrics \(1 invalid out of 2\)/);
});

test('of several metrics the one that asks for most', () => {
  const object = autoscaler({ metrics: [cpu(50), queue('1')] });
  const { events } = round({ object, measured: read(cpuAt(750), { kind: 'value', value: 4_000 }) });
  expect(events).toEqual(['Normal SuccessfulRescale: New size: 4; reason: external metric queue(nil) above target']);
});

test.each([
  ['', 'Warning SelectorRequired: selector is required', "InvalidSelector: the HPA target's scale is missing a selector"],
  [
    'a=b=c',
    "Warning InvalidSelector: couldn't convert selector into a corresponding internal selector object: ",
    "InvalidSelector: couldn't convert selector into a corresponding internal selector object: ",
  ],
  [
    'app=web',
    'Warning AmbiguousSelector: pods by selector app=web are controlled by multiple HPAs: [default/a default/b]',
    'AmbiguousSelector: pods by selector app=web are controlled by multiple HPAs: [default/a default/b]',
  ],
])('a selector that does not do: %j', (selector, event, condition) => {
  const parsed = parsedSelector(selector);
  const problem = 'event' in parsed ? parsed : ambiguous(selector, ['default/a', 'default/b']);
  const { events, conditions } = round({ measured: { kind: 'unselected', problem } });
  expect(events[0]?.startsWith(event)).toBe(true);
  expect(events[1]).toMatch(/^Warning FailedComputeMetricsReplicas: /);
  expect(conditions[1]?.startsWith(`ScalingActive=False ${condition}`)).toBe(true);
});

test('a change that failed, and one that nobody knows of', () => {
  const gone = round({ measured: read(cpuAt(750)), outcome: { kind: 'failed', why: 'conflict', unknown: false } });
  expect(gone.events).toEqual([`Warning FailedRescale: New size: 3; reason: ${percentage} above target; error: conflict`]);
  expect(gone.conditions[0]).toBe(
    'AbleToScale=False FailedUpdateScale: the HPA controller was unable to update the target scale: conflict',
  );
  expect([gone.counts, gone.status?.lastScaleTime, gone.history.unknown]).toEqual([[2, 0], undefined, undefined]);
  const lost = round({ measured: read(cpuAt(750)), outcome: { kind: 'failed', why: 'timeout', unknown: true } });
  expect(lost.history.unknown).toEqual({ from: 2, to: 3, atMs: now.monotonicMs });
});

test('a target that cannot be looked at', () => {
  const actions = planWithoutScale(autoscaler(), 'deployments.apps "web" not found', now);
  expect(actions).toMatchObject([
    { verb: 'event', type: 'Warning', reason: 'FailedGetScale', message: 'deployments.apps "web" not found' },
    {
      subresource: 'status',
      object: {
        status: {
          conditions: [
            {
              type: 'AbleToScale',
              status: 'False',
              reason: 'FailedGetScale',
              message: `the HPA controller was unable to get the target's current scale: deployments.apps "web" not found`,
            },
          ],
        },
      },
    },
  ]);
});

test.each<[string, V2MetricSpec, Reading, string, object]>([
  [
    'memory of a container',
    {
      type: 'ContainerResource',
      containerResource: { name: 'memory', container: 'c', target: { type: 'AverageValue', averageValue: '10Mi' } },
    },
    { kind: 'pods', metrics: measured({ a: 20_971_520_000, b: 20_971_520_000 }) },
    'memory resource',
    { containerResource: { name: 'memory', container: 'c', current: { averageValue: '20Mi' } } },
  ],
  [
    'a part of what a container asks for',
    {
      type: 'ContainerResource',
      containerResource: { name: 'cpu', container: 'c', target: { type: 'Utilization', averageUtilization: 50 } },
    },
    cpuAt(1000),
    'cpu container resource utilization (percentage of request)',
    { containerResource: { name: 'cpu', container: 'c', current: { averageUtilization: 100, averageValue: '1' } } },
  ],
  [
    'pods',
    { type: 'Pods', pods: { metric: { name: 'packets' }, target: { type: 'AverageValue', averageValue: '1k' } } },
    { kind: 'pods', metrics: measured({ a: 2_000_500, b: 2_000_500 }) },
    'pods metric packets',
    { pods: { metric: { name: 'packets' }, current: { averageValue: '2000500m' } } },
  ],
  [
    'an object',
    {
      type: 'Object',
      object: {
        metric: { name: 'hits' },
        describedObject: { kind: 'Ingress', name: 'front' },
        target: { type: 'Value', value: '5' },
      },
    },
    { kind: 'value', value: 10_000 },
    'Ingress metric hits',
    {
      object: { metric: { name: 'hits' }, describedObject: { kind: 'Ingress', name: 'front' }, current: { value: '10' } },
    },
  ],
  [
    'something from outside, as a whole',
    {
      type: 'External',
      external: { metric: { name: 'q', selector: { matchLabels: { a: 'b' } } }, target: { type: 'Value', value: '5' } },
    },
    { kind: 'value', value: 10_000 },
    'external metric q(&LabelSelector{MatchLabels:map[string]string{a: b,},MatchExpressions:[]LabelSelectorRequirement{},})',
    { external: { metric: { name: 'q', selector: { matchLabels: { a: 'b' } } }, current: { value: '10' } } },
  ],
])('twice as much as is aimed at of %s', (_, spec, reading, name, shown) => {
  const { to, events, status } = round({ object: autoscaler({ metrics: [spec] }), measured: read(reading) });
  expect([to, events]).toEqual([4, [`Normal SuccessfulRescale: New size: 4; reason: ${name} above target`]]);
  expect(status?.currentMetrics).toEqual([{ type: spec.type, ...shown }]);
});

test.each<[string, V2MetricSpec, string, string]>([
  [
    'pods',
    { type: 'Pods', pods: { metric: { name: 'm' }, target: { type: 'AverageValue', averageValue: '1' } } },
    'FailedGetPodsMetric: unable to get metric m: WHY',
    'failed to get pods metric value: unable to get metric m: WHY',
  ],
  [
    'an object',
    {
      type: 'Object',
      object: { metric: { name: 'm' }, describedObject: { kind: 'K', name: 'n' }, target: { type: 'Value', value: '5' } },
    },
    'FailedGetObjectMetric: unable to get metric m: K on default n/WHY',
    'failed to get object metric value: unable to get metric m: K on default n/WHY',
  ],
  [
    'an object, a share each',
    {
      type: 'Object',
      object: {
        metric: { name: 'm' },
        describedObject: { kind: 'K', name: 'n' },
        target: { type: 'AverageValue', averageValue: '5' },
      },
    },
    'FailedGetObjectMetric: unable to get metric m: K on default n/WHY',
    'failed to get object metric value: failed to get m object metric: unable to get metric m: K on default n/WHY',
  ],
  [
    'something from outside',
    { type: 'External', external: { metric: { name: 'm' }, target: { type: 'Value', value: '5' } } },
    'FailedGetExternalMetric: unable to get external metric default/m/nil: WHY',
    'failed to get m external metric value: failed to get external metric m: unable to get external metric default/m/nil: WHY',
  ],
  [
    'something from outside, a share each',
    queue('1'),
    'FailedGetExternalMetric: unable to get external metric default/queue/nil: WHY',
    'failed to get queue external metric value: failed to get queue external metric: unable to get external metric default/queue/nil: WHY',
  ],
])('there is no metric of %s', (_, spec, event, told) => {
  const { events } = round({ object: autoscaler({ metrics: [spec] }), measured: read({ kind: 'failed', why: 'WHY' }) });
  expect(events).toEqual([
    `Warning ${event}`,
    `Warning FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: ${told}`,
  ]);
});

test('tolerances of its own count while the gate is on', () => {
  const object = autoscaler({ behavior: { scaleUp: { tolerance: '500m' } } });
  const seen = read(cpuAt(650));
  expect(round({ object, measured: seen }).to).toBeUndefined();
  expect(round({ object, measured: seen, settings: { ...settings, configurableTolerance: false } }).to).toBe(3);
});

test('to none and back, with the gate on, by a metric from outside', () => {
  const set = { ...settings, scaleToZero: true };
  const object = autoscaler({
    minReplicas: 0,
    metrics: [queue('1')],
    behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
  });
  const empty = read({ kind: 'value', value: 0 });
  const down = round({ object, replicas: 1, measured: empty, settings: set });
  expect([down.to, down.conditions.at(-1)]).toEqual([
    0,
    'ScaledToZero=True ScaledToZero: the HPA controller scaled the workload to zero',
  ]);
  const asleep = { ...object, status: down.status };
  const up = round({ object: asleep, replicas: 0, measured: read({ kind: 'value', value: 2_000 }), settings: set });
  expect([up.to, up.conditions.at(-1)]).toEqual([
    2,
    'ScaledToZero=False NotScaledToZero: the HPA controller did not scale the workload to zero',
  ]);
  // Who set it to none himself wants none; and with the gate off nobody comes back.
  expect(round({ object, replicas: 0, settings: set }).conditions[1]).toMatch(/ScalingDisabled/);
  expect(round({ object: asleep, replicas: 0 }).conditions.find((each) => each.startsWith('ScalingActive'))).toMatch(
    /ScalingDisabled/,
  );
  // A least number that was given since brings at least so many.
  const least = {
    ...asleep,
    spec: { ...autoscaler({ minReplicas: 3, metrics: [queue('1')] }).spec },
  } as V2HorizontalPodAutoscaler;
  expect(round({ object: least, replicas: 0, measured: read({ kind: 'value', value: 1_000 }), settings: set }).to).toBe(3);
});

test('planned again right after acting, nothing is to be done', () => {
  const model = new Model();
  model.add(horizontalPodAutoscalers, autoscaler({ metrics: [queue('1')] }));
  model.add(deployments, deployment({ replicas: 2 }));
  let history: History | undefined;
  const once = () => {
    const object = model.get(horizontalPodAutoscalers, 'web', 'default') as V2HorizontalPodAutoscaler;
    const target = model.get<Deployment>(deployments, 'web', 'default') as Deployment;
    const seen = read({ kind: 'value', value: 4_000 });
    const plan = planRound(
      { autoscaler: object, scale: scale(target.spec?.replicas ?? 0), measured: seen, history },
      settings,
      now,
    );
    const spec = { ...target.spec, replicas: plan.rescale?.to } as Deployment['spec'];
    if (plan.rescale !== undefined) model.add(deployments, { ...target, spec } as Deployment);
    const end = planEnd(object, plan, plan.rescale && done, settings, now);
    history = end.history;
    model.apply(end.actions);
    return [plan.rescale, end.actions.length];
  };
  expect(once()).toEqual([{ to: 4, reason: 'external metric queue(nil) above target' }, 2]);
  // The status says what is, not what was asked for.
  expect(once()).toEqual([undefined, 1]);
  expect(once()).toEqual([undefined, 0]);
});
