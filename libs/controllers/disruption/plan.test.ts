import type { Pod, PodDisruptionBudget } from '@drydock/api/generated/types.ts';
import { deployments, podDisruptionBudgets, pods as podResource, replicaSets } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { expect, test } from 'vitest';
import { controllerReference } from '../common/action.ts';
import { Model } from '../testing/model.ts';
import { deployment, epochMs, meta, pod, replicaSet } from '../testing/objects.ts';
import type { Controllers, Scale } from './expected.ts';
import { deletionTimeoutMs, planBudget, planStaleTarget } from './plan.ts';

const rs = replicaSet('web', { replicas: 3 });
const lone = replicaSet('lone', { replicas: 2, owner: undefined });

function controllers(other: Scale = undefined): Controllers {
  return {
    replicationController: () => undefined,
    replicaSet: (_, name) => [rs, lone].find((one) => one.metadata?.name === name),
    deployment: (_, name) => (name === 'web' ? deployment() : undefined),
    statefulSet: () => undefined,
    other: () => other,
  };
}

function budget(spec: PodDisruptionBudget['spec'], status: PodDisruptionBudget['status'] = undefined): PodDisruptionBudget {
  return { metadata: meta('guard'), spec: { selector: { matchLabels: { app: 'web' } }, ...spec }, status };
}

const own = (name: string, options: Parameters<typeof pod>[1] = {}) => pod(name, { owner: rs, ...options });
const daemon = (name: string): Pod => {
  const base = pod(name);
  const reference = controllerReference(
    { ...deployments, resource: 'daemonsets', kind: 'DaemonSet' },
    { metadata: meta('ds') },
  );
  return { ...base, metadata: { ...base.metadata, ownerReferences: [reference] } };
};

/** Of a Deployment that wants 4. */
const three = [own('a'), own('b'), own('c', { ready: false })];

const cases: [
  string,
  PodDisruptionBudget['spec'],
  Pod[],
  [expected: number, desired: number, healthy: number, allowed: number],
][] = [
  ['a number of pods', { minAvailable: 1 }, three, [3, 1, 2, 1]],
  ['a share of what the Deployment wants', { minAvailable: '50%' }, three, [4, 2, 2, 0]],
  ['shares are rounded up', { minAvailable: '26%' }, three, [4, 2, 2, 0]],
  ['maxUnavailable', { maxUnavailable: 3 }, three, [4, 1, 2, 1]],
  ['maxUnavailable as a share', { maxUnavailable: '60%' }, three, [4, 1, 2, 1]],
  ['more than all', { maxUnavailable: 9 }, three, [4, 0, 2, 2]],
  ['two controllers', { maxUnavailable: 5 }, [own('a'), pod('l', { owner: lone })], [6, 1, 2, 1]],
  ['pods that are going are not healthy', { minAvailable: 1 }, [own('a'), own('b', { deleting: true })], [2, 1, 1, 0]],
  ['no pods', { maxUnavailable: 1 }, [], [0, 0, 0, 0]],
  ['neither', {}, three, [0, 0, 2, 0]],
];

test.each(cases)('%s', (_, spec, pods, [expectedPods, desiredHealthy, currentHealthy, disruptionsAllowed]) => {
  const { actions } = planBudget({ budget: budget(spec), pods, controllers: controllers() }, epochMs);
  const allowed = disruptionsAllowed > 0;
  expect(actions.at(-1)).toMatchObject({
    subresource: 'status',
    object: {
      status: {
        expectedPods,
        desiredHealthy,
        currentHealthy,
        disruptionsAllowed,
        observedGeneration: 1,
        conditions: [
          {
            type: 'DisruptionAllowed',
            status: allowed ? 'True' : 'False',
            reason: allowed ? 'SufficientPods' : 'InsufficientPods',
            message: '',
          },
        ],
      },
    },
  });
});

test.each([
  [
    'cannot be scaled',
    { problem: 'daemonsets.apps does not implement the scale subresource' },
    'daemonsets.apps does not implement the scale subresource',
  ],
  ['is gone', undefined, 'found no controllers for pod "d"'],
])('nothing is allowed where the controller %s', (_, scale, message) => {
  const { actions } = planBudget(
    { budget: budget({ maxUnavailable: 1 }), pods: [daemon('d')], controllers: controllers(scale) },
    epochMs,
  );
  expect(actions).toMatchObject([
    { reason: 'CalculateExpectedPodCountFailed', message: `Failed to calculate the number of expected pods: ${message}` },
    { object: { status: { disruptionsAllowed: 0, conditions: [{ status: 'False', reason: 'SyncFailed', message }] } } },
  ]);
});

test('the scale of another kind counts', () => {
  const { actions } = planBudget(
    { budget: budget({ maxUnavailable: 1 }), pods: [daemon('d')], controllers: controllers({ uid: 'x', replicas: 7 }) },
    epochMs,
  );
  expect(actions).toMatchObject([{ object: { status: { expectedPods: 7, desiredHealthy: 6 } } }]);
});

test('pods without a controller are told about', () => {
  const { actions } = planBudget(
    { budget: budget({ maxUnavailable: 1 }), pods: [pod('x')], controllers: controllers() },
    epochMs,
  );
  expect(actions[0]).toMatchObject({ reason: 'UnmanagedPods', type: 'Warning' });
  expect(actions[0]).toMatchObject({
    message: expect.stringContaining(
      '(selector: &LabelSelector{MatchLabels:map[string]string{app: web,},MatchExpressions:[]LabelSelectorRequirement{},})',
    ),
  });
});

test('an allowed eviction counts until the pod is gone or the time is over', () => {
  const since = formatTime(epochMs - 60_000);
  const late = formatTime(epochMs - deletionTimeoutMs - 1_000);
  const status = { disruptedPods: { a: since, b: late, gone: since } };
  const plan = planBudget(
    { budget: budget({ minAvailable: 1 }, status), pods: [own('a'), own('b')], controllers: controllers() },
    epochMs,
  );
  expect(plan.requeueAfterMs).toBe(60_001);
  expect(plan.actions).toMatchObject([
    {
      reason: 'NotDeleted',
      about: { name: 'b' },
      message: "Pod was expected by PDB default/guard to be deleted but it wasn't",
    },
    { object: { status: { currentHealthy: 1, disruptedPods: { a: since } } } },
  ]);
});

test('a pod that was to be disrupted long ago is no target any more', () => {
  const base = own('a');
  const aimed = (ageMs: number) => ({
    ...base,
    status: { conditions: [{ type: 'DisruptionTarget', status: 'True', lastTransitionTime: formatTime(epochMs - ageMs) }] },
  });
  expect(planStaleTarget(aimed(60_000), epochMs)).toEqual({ actions: [], requeueAfterMs: 60_000 });
  expect(planStaleTarget(aimed(deletionTimeoutMs), epochMs).actions).toMatchObject([
    { verb: 'patch', subresource: 'status', patch: { body: { status: { conditions: [{ status: 'False' }] } } } },
  ]);
  expect(planStaleTarget(base, epochMs)).toEqual({ actions: [] });
});

test('fixpoint', () => {
  const model = new Model();
  model.add(podDisruptionBudgets, budget({ maxUnavailable: 3 }));
  model.add(podResource, ...three);
  model.add(replicaSets, rs);
  const round = () =>
    planBudget(
      { budget: model.list(podDisruptionBudgets)[0] ?? budget({}), pods: model.list(podResource), controllers: controllers() },
      epochMs,
    ).actions;
  model.apply(round());
  expect(round()).toEqual([]);
});
