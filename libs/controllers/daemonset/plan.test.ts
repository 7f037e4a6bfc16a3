import type { DaemonSet, Node, Pod, Taint } from '@drydock/api/generated/types.ts';
import { controllerRevisions, daemonSets, nodes as nodeResource, pods as podResource } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { expect, test } from 'vitest';
import { controllerReference } from '../common/action.ts';
import { planRevision } from '../common/revisions.ts';
import { Model } from '../testing/model.ts';
import { epochMs, meta, type PodOptions, pod } from '../testing/objects.ts';
import { daemonTolerations, fitOf, pinnedTo } from './nodes.ts';
import { planDaemonSet, revisionOwner } from './plan.ts';

const labels = { app: 'agent' };

function daemonSet(spec: Partial<DaemonSet['spec']> = {}): DaemonSet {
  return {
    metadata: meta('agent', { annotations: { 'deprecated.daemonset.template.generation': '2' } }),
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'agent:2' }] } },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 1, maxSurge: 0 } },
      revisionHistoryLimit: 10,
      ...spec,
    },
  };
}

function rolling(maxUnavailable: number | string, maxSurge: number | string = 0): DaemonSet {
  return daemonSet({ updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable, maxSurge } } });
}

const node = (name: string, taints: Taint[] = []): Node => ({
  metadata: { name, uid: `uid-${name}`, labels: { 'kubernetes.io/hostname': name } },
  spec: taints.length === 0 ? {} : { taints },
});

const three = ['n1', 'n2', 'n3'].map((name) => node(name));
const revision = planRevision(revisionOwner(daemonSet()), []).current;
const hash = revision.metadata?.labels?.['controller-revision-hash'] ?? '';

interface OwnOptions extends PodOptions {
  readonly old?: boolean;
}

/** A pod of the set on the node of that name, of the present template or of the one before. */
function own(name: string, on: string, { old = false, ...options }: OwnOptions = {}): Pod {
  const base = pod(name, { node: on, ...options });
  const own = { ...labels, 'controller-revision-hash': old ? 'old' : hash, 'pod-template-generation': old ? '1' : '2' };
  return {
    ...base,
    metadata: { ...base.metadata, labels: own, ownerReferences: [controllerReference(daemonSets, daemonSet())] },
  };
}

function planOf(set: DaemonSet, pods: readonly Pod[], nodes: readonly Node[] = three, waitMs = 0) {
  const plan = planDaemonSet(
    {
      daemonSet: set,
      nodes,
      pods,
      revisions: [{ ...revision, metadata: { ...revision.metadata, uid: 'r' } }],
      backoffOf: () => waitMs,
    },
    epochMs,
  );
  const target = (made: Pod) =>
    made.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms[0]?.matchFields?.[0]
      ?.values?.[0];
  return { ...plan, made: plan.create.map(target), removed: plan.remove.map((one) => one.metadata?.name) };
}

const noSchedule: Taint = { key: 'k', effect: 'NoSchedule' };
const noExecute: Taint = { key: 'k', effect: 'NoExecute' };
const all = (options?: OwnOptions) => [own('a', 'n1', options), own('b', 'n2', options), own('c', 'n3', options)];

const cases: [string, DaemonSet, Pod[], Node[], (string | undefined)[], string[]][] = [
  ['a pod for every node', daemonSet(), [], three, ['n1', 'n2', 'n3'], []],
  ['nothing to do', daemonSet(), all(), three, [], []],
  ['not on tainted nodes', daemonSet(), [], [node('n1', [noSchedule]), node('n2')], ['n2'], []],
  [
    'cordoned and not ready nodes have one',
    daemonSet(),
    [],
    [
      node('n1', [
        { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' },
        { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' },
      ]),
    ],
    ['n1'],
    [],
  ],
  ['stays on a node that became NoSchedule', daemonSet(), [own('a', 'n1')], [node('n1', [noSchedule])], [], []],
  ['leaves a node that became NoExecute', daemonSet(), [own('a', 'n1')], [node('n1', [noExecute])], [], ['a']],
  [
    'of two on a node the older stays',
    daemonSet(),
    [own('young', 'n1', { ageS: 5 }), own('b', 'n1', { ageS: 50 })],
    [node('n1')],
    [],
    ['young'],
  ],
  ['a terminating pod is waited for', daemonSet(), [own('a', 'n1', { deleting: true })], [node('n1')], [], []],
  ['succeeded pods are removed', daemonSet(), [own('a', 'n1', { phase: 'Succeeded' })], [node('n1')], [], ['a']],
  ['update: one at a time', rolling(1), all({ old: true }), three, [], ['a']],
  ['update: a share of the nodes', rolling('50%'), all({ old: true }), three, [], ['a', 'b']],
  [
    'update: the unavailable first, and they use up the budget',
    rolling(1),
    [own('a', 'n1', { old: true }), own('b', 'n2', { old: true, ready: false }), own('c', 'n3')],
    three,
    [],
    ['b'],
  ],
  [
    'update: waits for the new pod',
    rolling(1),
    [own('a', 'n1', { old: true }), own('b', 'n2', { ready: false }), own('c', 'n3')],
    three,
    [],
    [],
  ],
  ['OnDelete leaves old pods', daemonSet({ updateStrategy: { type: 'OnDelete' } }), all({ old: true }), three, [], []],
  ['surge: a second pod beside the old', rolling(0, 1), all({ old: true }), three, ['n1'], []],
  [
    'surge: the old stays until the new is available',
    rolling(0, 1),
    [own('a', 'n1', { old: true }), own('a2', 'n1', { ready: false }), own('b', 'n2', { old: true })],
    three.slice(0, 2),
    [],
    [],
  ],
  ['surge: then it goes', rolling(0, 1), [own('a', 'n1', { old: true }), own('a2', 'n1')], [node('n1')], [], ['a']],
  [
    'surge: an old pod that is not ready gives way at once',
    rolling(0, 1),
    [own('a', 'n1', { old: true, ready: false }), own('a2', 'n1', { ready: false })],
    [node('n1')],
    [],
    ['a'],
  ],
];

test.each(cases)('%s', (_, set, pods, nodes, made, removed) => {
  expect(planOf(set, pods, nodes)).toMatchObject({ first: [], made, removed });
});

test('a failed pod is replaced when its back-off lets', () => {
  const failed = [own('a', 'n1', { phase: 'Failed' })];
  expect(planOf(daemonSet(), failed, [node('n1')], 700)).toMatchObject({ removed: [], failed: [], requeueAfterMs: 700 });
  const plan = planOf(daemonSet(), failed, [node('n1')]);
  expect(plan).toMatchObject({ removed: ['a'], failed: ['n1'] });
  expect(plan.events).toMatchObject([
    {
      type: 'Warning',
      reason: 'FailedDaemonPod',
      message: 'Found failed daemon pod default/a on node n1, will try to kill it',
    },
  ]);
});

test('an unscheduled pod whose node is gone is removed', () => {
  const base = own('a', '');
  const lost = { ...base, spec: { ...base.spec, containers: [], affinity: pinnedTo('gone', undefined) } };
  expect(planOf(daemonSet(), [lost], [])).toMatchObject({ removed: ['a'] });
});

test('nothing happens while the set is being deleted, and a set that selects all is refused', () => {
  const set = daemonSet();
  const deleting = { ...set, metadata: { ...set.metadata, deletionTimestamp: formatTime(epochMs) } };
  expect(planOf(deleting, [])).toMatchObject({ first: [], made: [], removed: [], last: [] });
  expect(planOf(daemonSet({ selector: {} }), []).events).toMatchObject([{ reason: 'SelectingAll', type: 'Warning' }]);
});

test('node selector and node affinity decide, the daemon tolerates pressure', () => {
  const set = daemonSet();
  const selecting = daemonSet({
    template: { ...set.spec?.template, spec: { containers: [], nodeSelector: { 'kubernetes.io/hostname': 'n2' } } },
  });
  expect(three.map((one) => fitOf(selecting, one).run)).toEqual([false, true, false]);
  expect(daemonTolerations({ containers: [], hostNetwork: true }).map(({ key }) => key)).toContain(
    'node.kubernetes.io/network-unavailable',
  );
});

test('status counts nodes', () => {
  const pods = [own('a', 'n1'), own('b', 'n2', { old: true, ready: false }), own('x', 'n4')];
  const { last } = planOf(daemonSet({ updateStrategy: { type: 'OnDelete' } }), pods, [...three, node('n4', [noSchedule])]);
  expect(last).toMatchObject([
    {
      subresource: 'status',
      object: {
        status: {
          desiredNumberScheduled: 3,
          currentNumberScheduled: 2,
          numberMisscheduled: 1,
          numberReady: 1,
          numberAvailable: 1,
          numberUnavailable: 2,
          updatedNumberScheduled: 1,
          observedGeneration: 1,
        },
      },
    },
  ]);
});

test.each([
  ['from nothing', rolling(1), []],
  ['from old pods', rolling(1), all({ old: true })],
  ['from old pods, with surge', rolling(0, 2), all({ old: true })],
])('fixpoint %s', (_, set, existing) => {
  const model = new Model();
  model.add(daemonSets, set);
  model.add(nodeResource, ...three);
  model.add(podResource, ...existing);
  const plan = () =>
    planDaemonSet(
      {
        daemonSet: model.list(daemonSets)[0] ?? set,
        nodes: model.list(nodeResource),
        pods: model.list(podResource),
        revisions: model.list(controllerRevisions),
        backoffOf: () => 0,
      },
      epochMs,
    );
  let made = 0;
  const actionsOf = (round: ReturnType<typeof plan>) => [
    ...round.first,
    ...round.create.map((created) => ({
      verb: 'create' as const,
      resource: podResource,
      // The scheduler and the kubelet at once: bound and ready.
      object: {
        ...created,
        metadata: { ...created.metadata, name: `made${made++}` },
        status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: formatTime(epochMs) }] },
      },
    })),
    ...round.remove.map((one) => ({
      verb: 'delete' as const,
      resource: podResource,
      key: { namespace: 'default', name: one.metadata?.name ?? '' },
    })),
    ...round.last,
  ];
  for (let round = 0; round < 12; round++) model.apply(actionsOf(plan()));
  expect(actionsOf(plan())).toEqual([]);
  const pods = model.list(podResource);
  expect(pods.map((one) => one.metadata?.labels?.['controller-revision-hash'])).toEqual([hash, hash, hash]);
  expect(model.list(daemonSets)[0]?.status).toMatchObject({ updatedNumberScheduled: 3, numberAvailable: 3 });
});
