import type { Node, Pod } from '@drydock/api/generated/types.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { describe, expect, test } from 'vitest';
import { clusterOf } from './cluster.ts';
import { fitErrorMessage } from './fit-error.ts';
import { NodeInfo, podInfoOf } from './node-info.ts';
import { planPreemption } from './preemption.ts';
import { defaultProfile } from './profile.ts';
import { feasibleNodesWanted, schedulePod, totalScores } from './schedule-pod.ts';
import { node, pod } from './testing.ts';

const profile = defaultProfile();
const random = () => new SeededRandom(1).stream('test');

function cluster(nodes: Node[], placed: Record<string, Pod[]> = {}): NodeInfo[] {
  return nodes.map((object) => {
    const info = new NodeInfo(object);
    for (const other of placed[info.name] ?? []) info.addPod(podInfoOf(other));
    return info;
  });
}

/** The chosen node, or the whole sentence of the FailedScheduling event. */
function outcome(object: Pod, nodes: NodeInfo[]): string {
  const info = podInfoOf(object);
  const known = clusterOf(nodes);
  const result = schedulePod(info, known, profile, random());
  if (result.kind === 'fits') return result.node;
  const message = fitErrorMessage(result.nodes, result.rejections.values(), result.why);
  if (result.cycle === undefined) return message;
  const plan = planPreemption(info, info.pod.status?.nominatedNodeName, known, result.rejections, result.cycle, []);
  return plan.kind === 'preempt'
    ? `preempt ${plan.victims.map((v) => v.pod.metadata?.name)} on ${plan.node}`
    : `${message} ${plan.message}`;
}

const tainted = { taints: [{ key: 'a', value: 'b', effect: 'NoSchedule' }] };
const three = () =>
  cluster([
    node('n1', { cpu: '2', memory: '4Gi', spec: tainted }),
    node('n2', { cpu: '2', memory: '4Gi', labels: { disk: 'ssd' } }),
    node('n3', { cpu: '2', memory: '4Gi', spec: { unschedulable: true } }),
  ]);
const anyTaint = { tolerations: [{ operator: 'Exists' }] };
const onSsd = { nodeSelector: { disk: 'ssd' } };
const notHelpful =
  'no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.';

// The sentences are those that the upstream scheduler gave for the same nodes and pods.
describe('where a pod goes, or why it does not', () => {
  const cases: [string, Pod, NodeInfo[], string][] = [
    ['the only node without a hard taint', pod('p'), three(), 'n2'],
    [
      'a selector that nothing matches',
      pod('p', { spec: { nodeSelector: { disk: 'hdd' } } }),
      three(),
      `0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable. ${notHelpful}`,
    ],
    [
      'more than any node has',
      pod('p', { cpu: '5', memory: '10Gi', spec: anyTaint }),
      three(),
      `0/3 nodes are available: 3 Insufficient cpu, 3 Insufficient memory. ${notHelpful}`,
    ],
    [
      'a node by name that does not exist',
      pod('p', {
        spec: {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['zzz'] }] }],
              },
            },
          },
        },
      }),
      three(),
      `0/3 nodes are available: 3 node(s) didn't satisfy plugin(s) [NodeAffinity]. ${notHelpful}`,
    ],
    [
      'a host port that is taken',
      pod('p', { ports: [80], spec: onSsd }),
      (() => {
        const nodes = three();
        nodes[1]?.addPod(podInfoOf(pod('other', { ports: [80] })));
        return nodes;
      })(),
      "0/3 nodes are available: 1 node(s) didn't have free ports for the requested pod ports, 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable. no new claims to deallocate, preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.",
    ],
    [
      'no nodes at all',
      pod('p'),
      [],
      'no nodes available to schedule pods no new claims to deallocate, preemption: 0/0 nodes are available: .',
    ],
    [
      'a full node',
      pod('p'),
      cluster([node('n1', { pods: '1' })], { n1: [pod('other')] }),
      '0/1 nodes are available: 1 Too many pods. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
    ],
    [
      'the emptier node',
      pod('p', { cpu: '1', memory: '2Gi' }),
      cluster([node('n1'), node('n2')], { n1: [pod('other', { cpu: '2', memory: '4Gi' })] }),
      'n2',
    ],
    [
      'a preferred node over an emptier one',
      pod('p', {
        spec: {
          affinity: {
            nodeAffinity: {
              preferredDuringSchedulingIgnoredDuringExecution: [
                { weight: 1, preference: { matchExpressions: [{ key: 'disk', operator: 'Exists' }] } },
              ],
            },
          },
        },
      }),
      cluster([node('n1'), node('n2', { labels: { disk: 'x' } })], { n2: [pod('other', { cpu: '2' })] }),
      'n2',
    ],
    [
      'away from a soft taint',
      pod('p'),
      cluster([node('n1', { spec: { taints: [{ key: 'k', effect: 'PreferNoSchedule' }] } }), node('n2')], {
        n2: [pod('other', { cpu: '1' })],
      }),
      'n2',
    ],
    [
      'a victim of lower priority',
      pod('p', { cpu: '3', spec: { priority: 100 } }),
      cluster([node('n1')], { n1: [pod('low', { cpu: '3' }), pod('high', { cpu: '1', spec: { priority: 200 } })] }),
      'preempt low on n1',
    ],
    [
      'as few victims as will do',
      pod('p', { cpu: '2', spec: { priority: 100 } }),
      cluster([node('n1'), node('n2')], {
        n1: [pod('a', { cpu: '2' }), pod('b', { cpu: '2' })],
        n2: [pod('c', { cpu: '1' }), pod('d', { cpu: '1' }), pod('e', { cpu: '2', spec: { priority: 50 } })],
      }),
      'preempt b on n1',
    ],
    [
      'nobody where policy is Never',
      pod('p', { cpu: '3', spec: { priority: 100, preemptionPolicy: 'Never' } }),
      cluster([node('n1')], { n1: [pod('low', { cpu: '3' })] }),
      '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.',
    ],
  ];
  test.each(cases)('%s', (_, object, nodes, expected) => {
    expect(outcome(object, nodes)).toBe(expected);
  });
});

test('scores of the resource plugins are whole numbers by upstream formula', () => {
  const nodes = cluster([node('n1', { cpu: '4', memory: '10Gi' })], { n1: [pod('other', { cpu: '1', memory: '2Gi' })] });
  const info = podInfoOf(pod('p', { cpu: '1', memory: '3Gi' }));
  const byName = Object.fromEntries(
    profile.scores.map(({ plugin, weight }) => [
      plugin.name + weight,
      totalScores(info, clusterOf(nodes), nodes, [{ plugin, weight: 1 }])[0],
    ]),
  );
  // Least allocated: cpu (4000-2000)*100/4000 = 50, memory (10-5)*100/10 = 50. Balanced: both at one half.
  expect(byName['NodeResourcesFit1']).toBe(50);
  expect(byName['NodeResourcesBalancedAllocation1']).toBe(100);
});

test.each([
  [5, 5],
  [99, 99],
  [150, 100],
  [1000, 420],
  [5000, 500],
])('in a cluster of %i nodes %i fitting ones are enough', (total, wanted) => {
  expect(feasibleNodesWanted(total)).toBe(wanted);
});

test.each([
  [99, 10, 99],
  [100, 10, 100],
  [5000, 10, 500],
  [5000, 1, 100],
  [5000, 100, 5000],
])('of %d nodes, with percentageOfNodesToScore %d, %d fitting ones are enough', (total, percentage, wanted) => {
  expect(feasibleNodesWanted(total, percentage)).toBe(wanted);
});

test('the profile says of how many fitting nodes the best is taken', () => {
  const nodes = Array.from({ length: 400 }, (_, index) => new NodeInfo(node(`n${index}`)));
  const own = defaultProfile(undefined, { percentageOfNodesToScore: 50 });
  const result = schedulePod(podInfoOf(pod('a')), clusterOf(nodes), own, new SeededRandom(1).stream('x'));
  expect(result).toMatchObject({ kind: 'fits', evaluated: 200, feasible: 200 });
});

test('what a sandbox takes itself counts, of pods that are placed too', () => {
  const overhead = { cpu: '300m' };
  const placed = { n: [pod('a', { cpu: '500m', spec: { overhead } })] };
  const nodes = () => cluster([node('n', { cpu: '1' })], placed);
  expect(outcome(pod('p', { cpu: '200m' }), nodes())).toBe('n');
  expect(outcome(pod('p', { cpu: '200m', spec: { overhead: { cpu: '1m' } } }), nodes())).toMatch(/1 Insufficient cpu/);
});

test('init containers count as the greatest, sidecars as running beside them', () => {
  const container = (name: string, cpu: string, restartPolicy?: string) => ({
    name,
    image: 'x',
    restartPolicy,
    resources: { requests: { cpu } },
  });
  const object = pod('p', {
    spec: {
      containers: [container('main', '1')],
      initContainers: [container('side', '500m', 'Always'), container('init', '2')],
    },
  });
  expect(podInfoOf(object).requests.get('cpu')).toBe(2500);
});

test('in a large cluster it is enough to know of a hundred nodes whose eviction would make room', () => {
  const names = Array.from({ length: 300 }, (_, i) => `n${i}`);
  // The best of all is not among the hundred that follow the place where the search begins.
  const placed = Object.fromEntries(
    names.map((name) => [name, [pod(`on-${name}`, { cpu: '2', spec: { priority: name === 'n100' ? 1 : 5 } })]]),
  );
  const info = podInfoOf(pod('p', { cpu: '2', spec: { priority: 10 } }));
  const known = clusterOf(
    cluster(
      names.map((name) => node(name, { cpu: '2' })),
      placed,
    ),
  );
  const result = schedulePod(info, known, profile, random());
  if (result.kind !== 'unfit' || result.cycle === undefined) throw new Error('it fits');
  const plan = planPreemption(info, undefined, known, result.rejections, result.cycle, [], () => 250);
  expect(plan).toMatchObject({ kind: 'preempt', node: 'n250' });
});
