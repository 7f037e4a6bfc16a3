// What happens in the cluster, and which pods are tried again for it: those that it may help, and no others.

import type { Pod } from '@drydock/api/generated/types.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { expect, test } from 'vitest';
import { SchedulerCore } from './core.ts';
import { defaultProfile, emptyKnown } from './profile.ts';
import { node, pod } from './testing.ts';

const zone = 'topology.kubernetes.io/zone';
const affinityTo = (app: string) => ({
  requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: zone, labelSelector: { matchLabels: { app } } }],
});

function labelled(name: string, app: string, spec: Partial<NonNullable<Pod['spec']>> = {}, namespace = 'default'): Pod {
  const made = pod(name, { spec });
  return { ...made, metadata: { ...made.metadata, namespace, labels: { app } } };
}

const nowMs = 20_000;

/** A core with one node of zone x, on which `placed` are, and a pod that was tried in vain. */
function waiting(incoming: Pod, placed: readonly Pod[] = [], claims: Readonly<Record<string, object>> = {}) {
  const known = emptyKnown();
  const core = new SchedulerCore([defaultProfile(known)], new SeededRandom(1).stream('test'), undefined, known);
  core.nodeChanged(node('n1', { labels: { [zone]: 'x' } }), 0);
  for (const [name, claim] of Object.entries(claims)) known.volumes.claimChanged(`default/${name}`, claim);
  known.volumes.volumeChanged('v', { metadata: { name: 'v' } });
  for (const each of placed) core.podChanged(each, 0);
  core.podChanged(incoming, 0);
  expect(core.next(0)).toMatchObject({ kind: 'unschedulable' });
  expect(core.pendingCounts().unschedulable).toBe(1);
  return core;
}

const isTriedAgain = (core: SchedulerCore): boolean => core.pendingCounts().unschedulable === 0;

const near = labelled('p', 'p', { affinity: { podAffinity: affinityTo('a') } });
const apart = labelled('p', 'p', { affinity: { podAntiAffinity: affinityTo('a') } });
const on = (name: string, app: string, namespace?: string) => labelled(name, app, { nodeName: 'n1' }, namespace);

test.each<[string, SchedulerCore, (core: SchedulerCore) => void, boolean]>([
  ['a pod that it is to be near', waiting(near), (core) => core.podChanged(on('x', 'a'), nowMs), true],
  ['another pod', waiting(near), (core) => core.podChanged(on('x', 'b'), nowMs), false],
  ['one of another namespace', waiting(near), (core) => core.podChanged(on('x', 'a', 'blue'), nowMs), false],
  ['a pod that gets the labels', waiting(near, [on('x', 'b')]), (core) => core.podChanged(on('x', 'a'), nowMs), true],
  ['labels of a node', waiting(near), (core) => core.nodeChanged(node('n1', { labels: { [zone]: 'y' } }), nowMs), true],
  [
    'taints of a node',
    waiting(near),
    (core) => core.nodeChanged(node('n1', { labels: { [zone]: 'x' }, spec: { unschedulable: true } }), nowMs),
    false,
  ],
  ['a pod that it is apart from goes', waiting(apart, [on('x', 'a')]), (core) => core.podDeleted('uid-x', nowMs), true],
  ['another pod goes', waiting(apart, [on('x', 'a'), on('y', 'b')]), (core) => core.podDeleted('uid-y', nowMs), false],
  [
    'a pod that keeps it away goes',
    waiting(labelled('p', 'p'), [labelled('x', 'x', { nodeName: 'n1', affinity: { podAntiAffinity: affinityTo('p') } })]),
    (core) => core.podDeleted('uid-x', nowMs),
    true,
  ],
  [
    'a volume is made',
    waiting(pod('p', { spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] } })),
    (core) => core.volumesChanged((known) => known.claimChanged('default/c', {}), nowMs),
    true,
  ],
  [
    'another claim',
    waiting(pod('p', { spec: { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }] } })),
    (core) => core.volumesChanged((known) => known.claimChanged('default/d', {}), nowMs),
    false,
  ],
])('%s', (_, core, happens, tried) => {
  happens(core);
  expect(isTriedAgain(core)).toBe(tried);
});

const spread = (more: object = {}) =>
  labelled('p', 'a', {
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: zone,
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: { app: 'a' } },
        ...more,
      },
    ],
  });

test('a pod that is spread is tried again for pods that are counted, and for nodes', () => {
  const two = () => waiting(spread({ minDomains: 2 }), [on('x', 'a'), on('y', 'b')]);
  const cases: [(core: SchedulerCore) => void, boolean][] = [
    [(core) => core.podDeleted('uid-x', nowMs), true],
    [(core) => core.podDeleted('uid-y', nowMs), false],
    [(core) => core.nodeChanged(node('n2', { labels: { [zone]: 'y' } }), nowMs), true],
    [(core) => core.podChanged(on('z', 'a', 'blue'), nowMs), false],
  ];
  for (const [happens, tried] of cases) {
    const core = two();
    happens(core);
    expect(isTriedAgain(core)).toBe(tried);
  }
});

test('a pod that waits for a claim of one pod alone is tried when that pod goes', () => {
  const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }];
  const alone = {
    metadata: { name: 'c', namespace: 'default', annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
    spec: { accessModes: ['ReadWriteOncePod'], volumeName: 'v' },
  };
  const user = pod('x', { spec: { volumes, nodeName: 'n1' } });
  const core = waiting(pod('p', { spec: { volumes } }), [user], { c: alone });
  core.podDeleted('uid-x', nowMs);
  expect(isTriedAgain(core)).toBe(true);
});

test('of several profiles each decides about its own pods, and pods of other schedulers are left alone', () => {
  const known = emptyKnown();
  const careless = defaultProfile(known, { schedulerName: 'careless', filters: ['NodeResourcesFit'] });
  const core = new SchedulerCore([defaultProfile(known), careless], new SeededRandom(1).stream('test'), undefined, known);
  core.nodeChanged(node('n1', { spec: { unschedulable: true } }), 0);
  core.podChanged(pod('a'), 0);
  core.podChanged(pod('b', { spec: { schedulerName: 'careless' } }), 0);
  core.podChanged(pod('c', { spec: { schedulerName: 'mine' } }), 0);
  expect(core.next(0)).toMatchObject({ kind: 'unschedulable', pod: { metadata: { name: 'a' } } });
  expect(core.next(0)).toMatchObject({ kind: 'bind', pod: { metadata: { name: 'b' } }, node: 'n1' });
  expect(core.next(0)).toBeUndefined();
});

test('a namespace that gets the labels', () => {
  const term = {
    topologyKey: zone,
    labelSelector: { matchLabels: { app: 'a' } },
    namespaceSelector: { matchLabels: { t: 'b' } },
  };
  const incoming = labelled('p', 'p', {
    affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } },
  });
  const core = waiting(incoming, [on('x', 'a', 'blue')]);
  const blue = { metadata: { name: 'blue', labels: { t: 'b' } } } satisfies KubeObject;
  core.namespaceChanged('blue', blue, nowMs);
  expect(core.next(nowMs)).toMatchObject({ kind: 'bind', node: 'n1' });
});
