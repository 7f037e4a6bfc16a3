import type { Pod, ReplicaSet } from '@drydock/api/generated/types.ts';
import { pods as podResource, replicaSets } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { expect, test } from 'vitest';
import { Model } from '../testing/model.ts';
import { epochMs, pod, replicaSet } from '../testing/objects.ts';
import { replicaSetKind } from './kinds.ts';
import { burstPodsMax, planPods, planStatus } from './plan.ts';
import { choosePodsToDelete } from './rank.ts';

const now = epochMs;
const rs = replicaSet('web', { replicas: 3, available: 0 });
const labels = rs.metadata?.labels ?? {};
const own = (name: string, options: Parameters<typeof pod>[1] = {}) => pod(name, { owner: rs, labels, ...options });

function planOf(set: ReplicaSet, list: readonly Pod[]) {
  return planPods({ set: replicaSetKind.read(set), pods: list, related: list }, now);
}

const counts: [string, Pod[], number, string[]][] = [
  ['none yet', [], 3, []],
  ['one missing', [own('a'), own('b')], 1, []],
  ['finished pods do not count', [own('a'), own('b'), own('c', { phase: 'Failed' })], 1, []],
  ['terminating pods do not count', [own('a'), own('b'), own('c', { deleting: true })], 1, []],
  ['enough', [own('a'), own('b'), own('c')], 0, []],
  ['too many: the one that is not ready', [own('a'), own('b', { ready: false }), own('c'), own('d')], 0, ['b']],
];

test.each(counts)('%s', (_, list, create, remove) => {
  const plan = planOf(rs, list);
  expect(plan.claims).toEqual([]);
  expect(plan.create).toBe(create);
  expect(plan.remove.map((entry) => entry.metadata?.name)).toEqual(remove);
});

test('a round is bounded', () => {
  expect(planOf(replicaSet('web', { replicas: 10_000 }), []).create).toBe(burstPodsMax);
});

test('nothing is made or removed once the set is being deleted', () => {
  const deleting = { ...rs, metadata: { ...rs.metadata, deletionTimestamp: formatTime(now) } };
  expect(planOf(deleting, [])).toMatchObject({ create: 0, remove: [] });
});

test('orphans are adopted, pods that no longer match are released', () => {
  const plan = planOf(rs, [pod('orphan', { labels }), own('gone', { labels: { app: 'other' } })]);
  expect(plan.claims.map((action) => action.verb)).toEqual(['verify', 'patch', 'patch']);
  expect(plan.active.map((entry) => entry.metadata?.name)).toEqual(['orphan']);
});

/** In each pair the first goes before the second. */
const order: [string, Pod, Pod][] = [
  ['unassigned', own('x', { node: '' }), own('y')],
  ['pending', own('x', { phase: 'Pending' }), own('y', { phase: 'Unknown' })],
  ['unknown', own('x', { phase: 'Unknown' }), own('y')],
  ['not ready', own('x', { ready: false }), own('y')],
  ['cheaper to delete', own('x', { annotations: { 'controller.kubernetes.io/pod-deletion-cost': '-1' } }), own('y')],
  ['ready for a much shorter time', own('x', { readyAgeS: 2 }), own('y', { readyAgeS: 50 })],
  ['more restarts', own('x', { restarts: 3 }), own('y')],
  ['much younger', own('x', { ageS: 2 }), own('y', { ageS: 60 })],
  ['equal: by uid', own('x'), own('y')],
];

test.each(order)('deletion order: %s', (_, first, second) => {
  for (const list of [
    [first, second],
    [second, first],
  ]) {
    expect(choosePodsToDelete(list, list, 1, now)).toEqual([first]);
  }
});

test('of equal pods, one on the node with the most of its kind goes', () => {
  const list = [own('a', { node: 'n1' }), own('b', { node: 'n2' }), own('c', { node: 'n2' })];
  expect(choosePodsToDelete(list, list, 1, now)[0]?.spec?.nodeName).toBe('n2');
});

test('status counts, failure condition and the next availability', () => {
  const waiting = { ...rs, spec: { ...rs.spec, selector: rs.spec?.selector ?? {}, minReadySeconds: 30 } };
  const set = replicaSetKind.read(waiting);
  const list = [own('a', { readyAgeS: 40 }), own('b', { readyAgeS: 10 }), own('c', { deleting: true })];
  const plan = planPods({ set, pods: list, related: list }, now);
  const failure = { reason: 'FailedCreate', message: 'exceeded quota' } as const;
  const { actions, requeueAfterMs } = planStatus(set, plan, failure, now);
  expect(requeueAfterMs).toBe(20_000);
  expect(actions).toMatchObject([
    {
      subresource: 'status',
      object: {
        status: {
          replicas: 2,
          fullyLabeledReplicas: 2,
          readyReplicas: 2,
          availableReplicas: 1,
          terminatingReplicas: 1,
          observedGeneration: 1,
          conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota' }],
        },
      },
    },
  ]);
});

test.each([0, 2, 5])('fixpoint from %i pods', (existing) => {
  const model = new Model();
  model.add(replicaSets, rs);
  model.add(podResource, ...Array.from({ length: existing }, (_, index) => own(`p${index}`)));
  let made = 0;
  const round = () => {
    const [current = rs] = model.list(replicaSets);
    const set = replicaSetKind.read(current);
    const list = model.list(podResource);
    const plan = planPods({ set, pods: list, related: list }, now);
    const creates = Array.from({ length: plan.create }, () => ({
      verb: 'create' as const,
      resource: podResource,
      object: { ...plan.template, metadata: { ...plan.template.metadata, name: `made${made++}` } },
    }));
    const removes = plan.remove.map((entry) => ({
      verb: 'delete' as const,
      resource: podResource,
      key: { namespace: 'default', name: entry.metadata?.name ?? '' },
    }));
    return [...plan.claims, ...creates, ...removes, ...planStatus(set, plan, undefined, now).actions];
  };
  model.apply(round());
  model.apply(round());
  expect(round()).toEqual([]);
  expect(model.list(podResource)).toHaveLength(3);
});
