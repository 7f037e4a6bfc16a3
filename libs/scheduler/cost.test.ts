// What one pod may cost the scheduler's only thread, whoever wrote it.
import { performance } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Pod } from '@drydock/api/generated/types.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { expect, test } from 'vitest';
import { SchedulerCore } from './core.ts';
import { defaultProfile } from './profile.ts';
import { node, pod } from './testing.ts';

const zone = 'topology.kubernetes.io/zone';
/** Generous: the machine may be busy. Without bounds the same takes a minute and more. */
const decisionMsMax = 3_000;

function cluster(): SchedulerCore {
  const core = new SchedulerCore([defaultProfile()], new SeededRandom(1).stream('test'));
  for (let n = 0; n < 100; n++) core.nodeChanged(node(`n${n}`, { labels: { [zone]: `z${n % 3}` } }), 0);
  // Each pod with labels of its own, as those of a StatefulSet.
  for (let p = 0; p < 3_000; p++) {
    const made = pod(`p${p}`, { spec: { nodeName: `n${p % 100}` } });
    core.podChanged({ ...made, metadata: { ...made.metadata, labels: { app: `a${p}`, pod: `p${p}` } } }, 0);
  }
  return core;
}

const terms = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    topologyKey: zone,
    namespaceSelector: {},
    labelSelector: { matchExpressions: [{ key: `k${i}`, operator: 'DoesNotExist' }] },
  }));
const spreads = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    maxSkew: 1,
    topologyKey: `k${i}`,
    whenUnsatisfiable: i % 2 ? 'ScheduleAnyway' : 'DoNotSchedule',
    labelSelector: { matchExpressions: [{ key: `k${i}`, operator: 'DoesNotExist' }] },
  }));

test.each<[string, Partial<NonNullable<Pod['spec']>>]>([
  ['affinity', { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms(8_000) } } }],
  ['anti-affinity', { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms(8_000) } } }],
  [
    'preferences',
    {
      affinity: {
        podAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: terms(8_000).map((podAffinityTerm) => ({
            weight: 1,
            podAffinityTerm,
          })),
        },
      },
    },
  ],
  ['constraints', { topologySpreadConstraints: spreads(8_000) }],
])('a pod with thousands of terms of %s takes no longer than a moment', (_, spec) => {
  const core = cluster();
  core.podChanged(pod('hostile', { spec: { priority: 10, ...spec } }), 0);
  const startMs = performance.now();
  core.next(0);
  expect(performance.now() - startMs).toBeLessThan(decisionMsMax);
});

test('what a hostile pod is told', () => {
  const core = cluster();
  const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms(8_000) } };
  core.podChanged(pod('hostile', { spec: { affinity } }), 0);
  expect(core.next(0)).toMatchObject({
    message:
      '0/100 nodes are available: pod has too many affinity terms, topology spread constraints, tolerations or resources for this cluster. not found',
  });
});

/** Nodes with taints, each with pods of no priority that all have the same labels. */
function plainCluster(nodes: number, podsEach: number): SchedulerCore {
  const core = new SchedulerCore([defaultProfile()], new SeededRandom(1).stream('test'));
  const spec = { taints: [{ key: 'a', effect: 'NoSchedule' }] };
  for (let n = 0; n < nodes; n++) core.nodeChanged(node(`n${n}`, { labels: { [zone]: 'z' }, spec }), 0);
  for (let p = 0; p < nodes * podsEach; p++) core.podChanged(pod(`p${p}`, { spec: { nodeName: `n${p % nodes}` } }), 0);
  return core;
}

const tolerations = [{ operator: 'Exists' }];
const many = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

test.each<[string, number, Partial<NonNullable<Pod['spec']>>]>([
  [
    'terms of affinity to nodes',
    300,
    {
      tolerations,
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: many(15_000, (i) => ({ matchExpressions: [{ key: `k${i}`, operator: 'Exists' }] })),
          },
        },
      },
    },
  ],
  ['tolerations', 300, { tolerations: many(40_000, (i) => ({ key: `k${i}`, operator: 'Exists' })) }],
  [
    'resources',
    300,
    {
      tolerations,
      containers: [{ name: 'c', resources: { requests: Object.fromEntries(many(39_000, (i) => [`a.b/c${i}`, '1'])) } }],
    },
  ],
  [
    'constraints, each with thousands of terms of affinity to nodes',
    30,
    {
      tolerations,
      topologySpreadConstraints: ['kubernetes.io/hostname', zone].map((topologyKey) => ({
        maxSkew: 1,
        topologyKey,
        whenUnsatisfiable: 'DoNotSchedule',
      })),
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: many(40_000, (i) => ({ matchExpressions: [{ key: `k${i}`, operator: 'DoesNotExist' }] })),
          },
        },
      },
    },
  ],
])('a pod with thousands of %s is told that they are too many', (_, nodes, spec) => {
  const core = plainCluster(nodes, 0);
  core.podChanged(pod('hostile', { spec }), 0);
  expect(core.next(0)).toMatchObject({ kind: 'unschedulable', message: expect.stringContaining('pod has too many') });
});

test('it is not looked for victims beyond what a pod may cost', () => {
  const core = plainCluster(3, 60);
  const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms(8_000) } };
  core.podChanged(pod('hostile', { spec: { priority: 10, tolerations, affinity } }), 0);
  expect(core.next(0)).toMatchObject({ message: expect.stringMatching(/preemption: .* 3 pod has too many/) });
});

test('a pod that asks for thousands of resources that nobody has is told of some', () => {
  const core = plainCluster(2, 0);
  const requests = Object.fromEntries(many(39_000, (i) => [`a.b/c${i}`, '1']));
  core.podChanged(pod('hostile', { spec: { tolerations, containers: [{ name: 'c', resources: { requests } }] } }), 0);
  const decision = core.next(0);
  expect(decision?.kind === 'unschedulable' ? decision.message.length : 0).toBeLessThan(5_000);
});

test('all ports of a node beside all ports of a node', () => {
  const core = plainCluster(5, 0);
  const all = many(30_000, (i) => i + 1);
  for (const name of many(5, (i) => `n${i}`)) {
    const made = pod(`on-${name}`, { ports: all });
    core.podChanged({ ...made, spec: { containers: [], ...made.spec, nodeName: name } }, 0);
  }
  const ports = all.map((port) => ({ containerPort: port, hostPort: port, protocol: 'UDP' }));
  core.podChanged(pod('hostile', { spec: { tolerations, containers: [{ name: 'c', ports }] } }), 0);
  const startMs = performance.now();
  expect(core.next(0)?.kind).toBe('bind');
  expect(performance.now() - startMs).toBeLessThan(decisionMsMax);
});

test('pods with thousands of terms wait for their time, and cost nothing while others are placed', () => {
  const core = plainCluster(1, 0);
  const selector = (i: number) => ({ topologyKey: zone, labelSelector: { matchLabels: { app: `a${i}` } } });
  const affinity = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: many(600, selector) } };
  const few = { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [selector(0)] } };
  core.podChanged(pod('hostile', { spec: { tolerations, affinity } }), 0);
  core.podChanged(pod('waiting', { spec: { tolerations, affinity: few } }), 0);
  core.next(0);
  core.next(0);
  expect(core.pendingCounts().unschedulable).toBe(2);
  const made = pod('other', { spec: { nodeName: 'n0' } });
  core.podChanged({ ...made, metadata: { ...made.metadata, labels: { app: 'a0' } } }, 20_000);
  expect(core.pendingCounts()).toMatchObject({ unschedulable: 1 });
  core.nodeChanged(node('n1', { labels: { [zone]: 'y' } }), 20_000);
  expect(core.pendingCounts()).toMatchObject({ unschedulable: 0 });
});

test('pods that wait keep nothing of the cluster as it was when they were tried', () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const used = () => {
    gc();
    return process.memoryUsage().heapUsed;
  };
  const core = plainCluster(1_000, 0);
  for (let i = 0; i < 1_000; i++) core.podChanged(pod(`p${i}`, { cpu: '100', spec: { tolerations } }), 0);
  const before = used();
  while (core.next(0) !== undefined);
  // A list of the nodes for each would be 8 MB.
  expect(used() - before).toBeLessThan(3_000_000);
  expect(core.pendingCounts().unschedulable).toBe(1_000);
});
