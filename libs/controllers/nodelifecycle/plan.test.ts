import type { Lease, Node, Pod } from '@drydock/api/generated/types.ts';
import { nodes as nodeResource, pods as podResource } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { expect, test } from 'vitest';
import { Model } from '../testing/model.ts';
import { epochMs, pod } from '../testing/objects.ts';
import { emptyMemory, planNodes } from './plan.ts';
import { correctTaints } from './taints.ts';

const options = {
  gracePeriodMs: 50_000,
  startupGracePeriodMs: 60_000,
  primary: 0.1,
  secondary: 0.01,
  unhealthyZoneThreshold: 0.55,
  largeClusterNodes: 50,
};
const periodMs = 5000;

function node(name: string, ready: 'True' | 'False' | 'Unknown' | 'never' = 'True', zone = 'z'): Node {
  const conditions = ready === 'never' ? [] : [{ type: 'Ready', status: ready, lastHeartbeatTime: formatTime(epochMs) }];
  const labels = { 'topology.kubernetes.io/zone': zone };
  return { metadata: { name, uid: `uid-${name}`, resourceVersion: '1', labels }, status: { conditions } };
}

/** A cluster in which time passes: nodes in `alive` renew their lease, the others are silent. */
class World {
  readonly model = new Model();
  readonly alive: Set<string>;
  readonly log: string[] = [];
  #memory = emptyMemory;
  #nowMs = 0;

  constructor(nodes: Node[], alive: string[], pods: Pod[] = []) {
    this.model.add(nodeResource, ...nodes);
    this.model.add(podResource, ...pods);
    this.alive = new Set(alive);
  }

  forget(): void {
    this.#memory = emptyMemory;
  }

  plan() {
    const leases = new Map<string, Lease>();
    for (const { metadata } of this.model.list(nodeResource)) {
      const name = metadata?.name ?? '';
      const renewTime = this.alive.has(name) ? String(this.#nowMs) : 'long ago';
      leases.set(name, { metadata: { name }, spec: { renewTime } });
    }
    const podsOf = (name: string) => this.model.list(podResource).filter((entry) => entry.spec?.nodeName === name);
    return planNodes(
      { nodes: this.model.list(nodeResource), leases, podsOf },
      this.#memory,
      options,
      this.#nowMs,
      epochMs + this.#nowMs,
    );
  }

  run(seconds: number): this {
    for (const end = this.#nowMs + seconds * 1000; this.#nowMs < end; ) {
      this.#nowMs += periodMs;
      const plan = this.plan();
      this.#memory = plan.memory;
      for (const actions of plan.nodes.values()) this.model.apply(actions.map((action) => this.#simplified(action)));
    }
    return this;
  }

  /** The model has no JSON patch and no list merging: taints and conditions are set whole. */
  #simplified<A extends ReturnType<World['plan']>['nodes'] extends ReadonlyMap<string, readonly (infer X)[]> ? X : never>(
    action: A,
  ): A {
    if (action.verb !== 'patch' || action.patch.type !== 'json') return action;
    const last = action.patch.body.at(-1) as { value?: unknown };
    return { ...action, patch: { type: 'merge', body: { spec: { taints: last.value ?? [] } } } };
  }

  state(name: string): string {
    const found = this.model.get(nodeResource, name);
    const ready = found?.status?.conditions?.find((condition) => condition.type === 'Ready');
    const taints = (found?.spec?.taints ?? []).map((taint) => `${taint.key.split('/')[1]}:${taint.effect}`);
    return [ready?.status, ...taints].join(' ');
  }
}

test('a silent node becomes Unknown after the grace period, with taints, its pods not ready', () => {
  const world = new World([node('a'), node('b'), node('c')], ['a', 'b'], [pod('p', { node: 'c' }), pod('q', { node: 'a' })]);
  expect(world.run(50).state('c')).toBe('True');
  world.run(10);
  expect(world.state('c')).toBe('Unknown unreachable:NoSchedule unreachable:NoExecute');
  expect(world.state('a')).toBe('True');
  const readiness = (name: string) => world.model.get(podResource, name, 'default')?.status?.conditions?.[0]?.status;
  expect([readiness('p'), readiness('q')]).toEqual(['False', 'True']);
  expect(world.model.get(nodeResource, 'c')?.status?.conditions).toMatchObject([
    { type: 'Ready', reason: 'NodeStatusUnknown', message: 'Kubelet stopped posting node status.' },
    {
      type: 'MemoryPressure',
      status: 'Unknown',
      reason: 'NodeStatusNeverUpdated',
      message: 'Kubelet never posted node status.',
    },
    { type: 'DiskPressure' },
    { type: 'PIDPressure' },
  ]);
  expect(world.model.events.map((event) => `${event.reason}: ${event.message}`)).toEqual([
    'NodeNotReady: Node c status is now: NodeNotReady',
    'NodeNotReady: Node is not ready',
  ]);
});

test('fixpoint: a second look at the same moment finds nothing to do', () => {
  const world = new World([node('a'), node('b'), node('c')], ['a', 'b'], [pod('p', { node: 'c' })]).run(60);
  expect([...world.plan().nodes]).toEqual([]);
});

test('a controller that starts anew observes a whole grace period before it judges', () => {
  const world = new World([node('a'), node('b'), node('c')], ['a', 'b']).run(45);
  world.forget();
  expect(world.run(50).state('c')).toBe('True');
  expect(world.run(10).state('c')).toContain('Unknown');
});

test('a node that never reported gets the longer startup grace period', () => {
  const world = new World([node('a'), node('new', 'never')], ['a']);
  expect(world.run(60).state('new')).toBe('');
  expect(world.run(10).state('new')).toContain('Unknown');
});

test('a node that reports again loses its taints', () => {
  const world = new World([node('a'), node('b')], ['a']).run(60);
  expect(world.state('b')).toContain('unreachable:NoExecute');
  const back = world.model.get(nodeResource, 'b');
  world.model.add(nodeResource, { ...back, metadata: { ...back?.metadata }, status: node('b').status } as Node);
  world.alive.add('b');
  expect(world.run(5).state('b')).toBe('True');
});

test('when every node is silent at once none is evicted from, and the first back gives all a new grace period', () => {
  const world = new World([node('a'), node('b'), node('c')], []).run(100);
  for (const name of ['a', 'b', 'c']) expect(world.state(name)).toBe('Unknown unreachable:NoSchedule');
  const back = world.model.get(nodeResource, 'a');
  world.model.add(nodeResource, { ...back, status: node('a').status } as Node);
  world.alive.add('a');
  expect(world.run(5).state('a')).toBe('True');
  expect(world.state('b')).toContain('unreachable:NoExecute');
});

test('nodes are given up one per ten seconds while the zone is healthy', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  const world = new World(
    names.map((name) => node(name)),
    names.slice(0, 5),
  ).run(60);
  const evicted = () => names.filter((name) => world.state(name).includes('NoExecute')).length;
  expect(evicted()).toBe(1);
  expect(world.run(5) && evicted()).toBe(1);
  expect(world.run(5) && evicted()).toBe(2);
});

test('a small cluster that is partially disrupted stops evicting', () => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const world = new World(
    names.map((name) => node(name)),
    ['a', 'b'],
  ).run(120);
  expect(names.filter((name) => world.state(name).includes('NoExecute'))).toEqual([]);
  expect(names.filter((name) => world.state(name).includes('Unknown'))).toEqual(['c', 'd', 'e']);
});

const noSchedule = (key: string) => ({
  key: `node.kubernetes.io/${key}`,
  effect: 'NoSchedule',
  timeAdded: formatTime(epochMs),
});
const taints: [string, Node, boolean, unknown][] = [
  ['healthy', node('a'), false, undefined],
  ['not ready', node('a', 'False'), false, [noSchedule('not-ready')]],
  [
    'pressure and cordon',
    { ...node('a'), spec: { unschedulable: true }, status: { conditions: [{ type: 'DiskPressure', status: 'True' }] } },
    false,
    [noSchedule('disk-pressure'), noSchedule('unschedulable')],
  ],
  ['foreign taints stay', { ...node('a'), spec: { taints: [{ key: 'x', effect: 'NoExecute' }] } }, true, undefined],
  [
    'the evicting taint follows the condition',
    {
      ...node('a', 'False'),
      spec: { taints: [noSchedule('not-ready'), { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }] },
    },
    false,
    [noSchedule('not-ready'), { ...noSchedule('not-ready'), effect: 'NoExecute' }],
  ],
];

test.each(taints)('taints: %s', (_, subject, mayEvict, expected) => {
  expect(correctTaints(subject, mayEvict, true, epochMs)).toEqual(expected);
});

test('the eviction rate holds though nodes are looked at less often', () => {
  const silent = Array.from({ length: 3 }, (_, i) => node(`n${i}`, 'Unknown'));
  const alive = Array.from({ length: 7 }, (_, i) => node(`a${i}`));
  const observed = {
    nodes: [...silent, ...alive],
    leases: new Map(),
    podsOf: () => [],
  };
  const fast = { ...options, primary: 10 };
  let memory = emptyMemory;
  let nowMs = 0;
  const evicted: [number, string[]][] = [];
  for (let look = 0; look < 4; look++) {
    const plan = planNodes(observed, memory, fast, nowMs, epochMs + nowMs);
    memory = plan.memory;
    const names = [...plan.nodes].filter(([, actions]) => JSON.stringify(actions).includes('NoExecute')).map(([name]) => name);
    evicted.push([nowMs, names]);
    nowMs += plan.lookAgainMs ?? periodMs;
  }
  // One at once, the next as soon as the rate allows: ten a second.
  expect(evicted.map(([at]) => at).slice(0, 3)).toEqual([0, 100, 200]);
});
