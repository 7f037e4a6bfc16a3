// From measurements to numbers of pods: what upstream's replica calculator gives for the same pods (its own tests' cases among them).
import type { Pod } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { epochMs } from '../testing/objects.ts';
import type { PodMetrics } from './metrics.ts';
import { type Basis, replicasForAverage, replicasForShare, replicasForUtilization, replicasForValue } from './replicas.ts';
import { measured, nowMs, type PodChange, pod, settings } from './testing.ts';

function basis(pods: readonly Pod[], change: Partial<Basis> = {}): Basis {
  const { length } = pods;
  const tolerances = { down: 0.1, up: 0.1 };
  return { specReplicas: length, statusReplicas: length, pods, tolerances, settings, nowMs, ...change };
}

/** Pods p0, p1, ... and what each uses of the processor, in thousandths of the one that each asks for; undefined: not measured. */
type Case = [title: string, pods: PodChange[], used: (number | undefined)[], target: number, replicas: number, percent: number];

const fresh = nowMs - 120_000;
const ok: PodChange = {};
const cases: Case[] = [
  ['as aimed at', [ok, ok, ok], [500, 500, 500], 50, 3, 50],
  ['within the tolerance', [ok, ok, ok], [550, 550, 550], 50, 3, 55],
  ['more', [ok, ok, ok], [300, 500, 700], 30, 5, 50],
  ['rounded up', [ok, ok, ok], [301, 301, 301], 25, 4, 30],
  ['fewer', [ok, ok, ok, ok, ok], [100, 300, 500, 250, 250], 50, 3, 28],
  ['pending ones dampen', [ok, { phase: 'Pending' }, { phase: 'Pending' }], [900, 900, 900], 30, 3, 90],
  ['one that is unready and never was ready', [ok, ok, { ready: 'False' }], [800, 800, 100], 40, 4, 80],
  ['one that was ready before', [ok, ok, { ready: 'False', readySinceMs: epochMs + 60_000 }], [800, 800, 100], 40, 5, 56],
  ['fresh ones are not believed', [ok, ok, { startedMs: fresh, readySinceMs: nowMs - 10_000 }], [800, 800, 3000], 40, 4, 80],
  ['fresh ones, measured since', [ok, ok, { startedMs: fresh, readySinceMs: fresh }], [400, 400, 1600], 40, 6, 80],
  ['going ones are nobody', [ok, ok, { deleting: true }], [800, 800, 5000], 40, 4, 80],
  ['failed ones are nobody', [ok, ok, { phase: 'Failed' }], [800, 800, 5000], 40, 4, 80],
  ['a missing one, going up', [ok, ok, ok], [900, 900, undefined], 50, 4, 90],
  ['a missing one, going down', [ok, ok, ok, ok], [100, 100, 100, undefined], 50, 3, 10],
  ['a missing one that would reverse it', [ok, ok], [450, undefined], 50, 2, 45],
  ['more than a status can say', [ok], [1e15], 50, 2 ** 31 - 1, 2 ** 31 - 1],
  ['a missing one, aimed at more than all', [ok, ok, ok, ok], [300, 300, 300, undefined], 150, 2, 30],
];

test.each(cases)('of the processor: %s', (_, changes, used, target, replicas, percent) => {
  const pods = changes.map((change, index) => pod(`p${index}`, change));
  const known = used.flatMap((value, index) => (value === undefined ? [] : [[`p${index}`, value] as const]));
  const wanted = replicasForUtilization(measured(Object.fromEntries(known)), 'cpu', '', target, basis(pods));
  expect({ replicas: wanted.replicas, percent: wanted.percent }).toEqual({ replicas, percent });
});

test('readiness does not matter for memory', () => {
  const pods = [pod('a', { ready: 'False' }), pod('b')];
  const wanted = replicasForUtilization(measured({ a: 100_000, b: 100_000 }), 'memory', '', 50, basis(pods));
  expect(wanted).toEqual({ replicas: 4, percent: 100, usage: 100_000 });
});

const two = [pod('a'), pod('b')];
const of =
  (metrics: PodMetrics, pods: readonly Pod[], resource = 'cpu', container = '') =>
  () =>
    replicasForUtilization(metrics, resource, container, 50, basis(pods));

test.each<[string, () => unknown]>([
  ['no pods returned by selector while calculating replica count', of(measured({ a: 1 }), [])],
  ['did not receive metrics for targeted pods (pods might be unready)', of(measured({}), two)],
  ['did not receive metrics for targeted pods (pods might be unready)', of(measured({ a: 5 }), [pod('a', { ready: 'False' })])],
  ['missing request for gpu in container c of Pod a', of(measured({ a: 1 }), two, 'gpu')],
  ['container d not found in Pod a', of(measured({ a: 1 }), two, 'cpu', 'd')],
  ['no metrics returned matched known pods', of(measured({ z: 1 }), two)],
])('nothing can be said: %s', (message, compute) => {
  expect(compute).toThrow(message);
});

test('requests: sidecars count, other init containers do not; a pod that asks as a whole is asked as one', () => {
  const asks = (amount: string) => ({ requests: { cpu: amount } });
  const container = (name: string, amount: string, restartPolicy?: string) => ({
    name,
    image: 'i',
    resources: asks(amount),
    ...(restartPolicy === undefined ? {} : { restartPolicy }),
  });
  const initContainers = [container('init', '9'), container('sidecar', '1', 'Always')];
  const spec = { containers: [container('c', '1')], initContainers };
  const one = { ...pod('a'), spec };
  const whole = { ...pod('a'), spec: { ...spec, resources: asks('4') } };
  const percent = (each: Pod, name = '') =>
    replicasForUtilization(measured({ a: 1000 }), 'cpu', name, 50, basis([each])).percent;
  expect([percent(one), percent(one, 'sidecar'), percent(whole), percent(whole, 'c')]).toEqual([50, 100, 25, 100]);
});

test.each<[string, Record<string, number>, number, number, number]>([
  ['as aimed at', { a: 10_000, b: 10_000 }, 10_000, 2, 10_000],
  ['more', { a: 20_000, b: 30_000 }, 10_000, 5, 25_000],
  ['fewer', { a: 1_000, b: 1_000 }, 10_000, 1, 1_000],
  ['a missing one, going up', { a: 50_000 }, 10_000, 5, 50_000],
  ['a missing one, going down, has what is aimed at', { a: 1_000 }, 10_000, 2, 1_000],
])('an average of pods: %s', (_, values, target, replicas, usage) => {
  expect(replicasForAverage(measured(values), '', target, basis(two))).toEqual({ replicas, usage });
});

test.each<[string, number, number, Partial<Basis>, number]>([
  ['as aimed at', 10_000, 10_000, {}, 2],
  ['by the ready pods', 30_000, 10_000, { pods: [pod('a'), pod('b', { ready: 'False' })] }, 3],
  ['within the tolerance of its own', 14_000, 10_000, { tolerances: { up: 0.5, down: 0.5 } }, 2],
  ['beyond the tolerance of its own', 14_000, 10_000, { tolerances: { up: 0.3, down: 0.9 } }, 3],
  ['from none', 30_000, 10_000, { specReplicas: 0, pods: [] }, 3],
  ['to none', 0, 10_000, {}, 0],
  ['more than a scale can carry', 1e15, 1, {}, 2 ** 31 - 1],
])('a value: %s', (_, usage, target, change, replicas) => {
  expect(replicasForValue(usage, target, basis(two, change))).toEqual({ replicas, usage });
});

test('a value of a target without pods', () => {
  const why = 'unable to calculate ready pods: no pods returned by selector while calculating replica count';
  expect(() => replicasForValue(5, 1, basis([], { specReplicas: 3 }))).toThrow(why);
});

test.each<[string, number, number, number, number]>([
  ['as aimed at', 20_000, 2, 2, 10_000],
  ['more', 55_000, 2, 6, 27_500],
  ['fewer', 5_000, 2, 1, 2_500],
  ['from none', 25_000, 0, 3, 25_000],
])('a share: %s', (_, usage, statusReplicas, replicas, shown) => {
  expect(replicasForShare(usage, 10_000, basis(two, { statusReplicas }))).toEqual({ replicas, usage: shown });
});
