import type { Node, Pod, Taint, Toleration } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { pod } from '../testing/objects.ts';
import { planEviction, toleratedMs } from './plan.ts';

const unreachable: Taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' };
const custom: Taint = { key: 'dedicated', value: 'gpu', effect: 'NoExecute' };
const tainted = (...taints: Taint[]): Node => ({ metadata: { name: 'n1' }, spec: { taints } });
const withTolerations = (...tolerations: Toleration[]): Pod => {
  const base = pod('p');
  return { ...base, spec: { ...base.spec, containers: [], tolerations } };
};
const key = unreachable.key;

const stays: [string, Toleration[], Taint[], number | undefined][] = [
  ['no toleration', [], [unreachable], 0],
  ['for ever', [{ key, operator: 'Exists' }], [unreachable], undefined],
  ['everything', [{ operator: 'Exists' }], [unreachable, custom], undefined],
  ['for a while', [{ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }], [unreachable], 300_000],
  ['another effect', [{ key, operator: 'Exists', effect: 'NoSchedule' }], [unreachable], 0],
  ['equal value', [{ key: 'dedicated', value: 'gpu', tolerationSeconds: 5 }], [custom], 5000],
  ['another value', [{ key: 'dedicated', value: 'ssd' }], [custom], 0],
  ['one of two', [{ key, operator: 'Exists', tolerationSeconds: 300 }], [unreachable, custom], 0],
  [
    'the shortest',
    [
      { operator: 'Exists', tolerationSeconds: 9 },
      { key, operator: 'Exists', tolerationSeconds: 3 },
    ],
    [unreachable],
    3000,
  ],
  ['negative is at once', [{ operator: 'Exists', tolerationSeconds: -1 }], [unreachable], 0],
];

test.each(stays)('%s', (_, tolerations, taints, expected) => {
  expect(toleratedMs(withTolerations(...tolerations), taints)).toBe(expected);
});

const patient = withTolerations({ key, operator: 'Exists', tolerationSeconds: 300 });

test('a tolerated taint is waited out from when it was seen, then the pod is deleted by uid', () => {
  const first = planEviction(patient, tainted(unreachable), undefined, 1000, 0);
  expect(first).toEqual({ actions: [], stay: { sinceMs: 1000 }, requeueAfterMs: 300_000 });
  expect(planEviction(patient, tainted(unreachable), first.stay, 200_000, 0).requeueAfterMs).toBe(101_000);
  const last = planEviction(patient, tainted(unreachable), first.stay, 301_000, 0);
  expect(last.actions).toMatchObject([
    { verb: 'event', reason: 'TaintManagerEviction', message: 'Marking for deletion Pod default/p' },
    { verb: 'patch', subresource: 'status' },
    { verb: 'delete', preconditions: { uid: 'uid-p' } },
  ]);
});

test('a taint that goes in time cancels the deletion, and says so', () => {
  expect(planEviction(patient, tainted(), { sinceMs: 0 }, 100, 0)).toMatchObject({
    actions: [{ message: 'Cancelling deletion of Pod default/p' }],
    stay: undefined,
  });
});

test('fixpoint: a pod that is being deleted, or whose node has no such taint, needs nothing', () => {
  expect(planEviction(pod('p', { deleting: true }), tainted(unreachable), { sinceMs: 0 }, 1e9, 0).actions).toEqual([]);
  expect(planEviction(patient, tainted(), undefined, 0, 0).actions).toEqual([]);
  expect(planEviction(patient, undefined, undefined, 0, 0).actions).toEqual([]);
});
