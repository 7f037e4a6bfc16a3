import type { ConfigMap, Node, Pod, ReplicaSet } from '@drydock/api/generated/types.ts';
import { configMaps, deployments, nodes, pods, replicaSets } from '@drydock/api/resource.ts';
import { apiError } from '@drydock/api/status.ts';
import { describe, expect, test } from 'vitest';
import { startDeploymentController } from '../deployment/controller.ts';
import { startNodeIpamController } from '../nodeipam/controller.ts';
import { startPodSetController } from '../replicaset/controller.ts';
import { replicaSetKind } from '../replicaset/kinds.ts';
import { type Manager, World, withEveryMishap } from '../testing/world.ts';
import { Driver, type Round } from './driver.ts';

const labels = { app: 'web' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const replicaSet = (replicas: number): ReplicaSet => ({
  metadata: { namespace: 'default', name: 'web' },
  spec: { replicas, selector: { matchLabels: labels }, template },
});

/** A driver over ConfigMaps whose controller hears of nothing but what is enqueued. */
async function driverOn(manager: Manager, sync: (round: Round) => Promise<number | undefined>) {
  const maps = manager.context.caches.of(configMaps);
  const driver = new Driver(manager.context, { name: 'test', concurrency: 1, caches: [maps], sync: (_, round) => sync(round) });
  await driver.start();
  return { driver, maps };
}

const named = (name: string, n: string): ConfigMap => ({ metadata: { namespace: 'a', name }, data: { n } });

test('a key whose write is not shown yet is worked on as soon as it is, though no handler hears of it', async () => {
  const world = new World();
  const manager = world.manager();
  const rounds: string[] = [];
  const { driver, maps } = await driverOn(manager, async (round) => {
    rounds.push(`${world.clock.monotonicMs()} sees ${[...maps.list()].length}`);
    if (rounds.length === 1) await round.create(configMaps, named('x', '1'));
    return undefined;
  });
  manager.server.lag();
  driver.enqueue('key');
  await world.clock.advanceAsync(1_000);
  driver.enqueue('key');
  driver.enqueue('key');
  await world.clock.advanceAsync(1_000);
  expect(rounds).toEqual(['0 sees 0']);
  manager.server.follow();
  await world.clock.advanceAsync(10);
  expect(rounds).toEqual(['0 sees 0', '2000 sees 1']);
  await world.clock.advanceAsync(299_000);
  expect(rounds).toHaveLength(2);
});

test('a key that loses races backs off while its cache lags, and goes on as soon as that has caught up', async () => {
  const world = new World();
  const manager = world.manager();
  const first = await world.user.create<ConfigMap>(configMaps, named('x', '1'));
  const tries: number[] = [];
  const { driver, maps } = await driverOn(manager, async (round) => {
    tries.push(world.clock.monotonicMs());
    const [cached] = maps.list();
    if (cached?.data?.['n'] === 'done') return undefined;
    await round.execute([{ verb: 'update', resource: configMaps, object: { ...cached, data: { n: 'done' } } as ConfigMap }]);
    return undefined;
  });
  manager.server.lag();
  await world.user.update<ConfigMap>(configMaps, { ...first, data: { n: '2' } });
  maps.subscribe(() => driver.enqueue('key'));
  await world.clock.advanceAsync(10_000);
  // 5 ms, 10, 20, ...: eleven doublings in ten seconds, where it was fifty a second.
  expect(tries.length).toBeLessThan(13);
  expect(tries.length).toBeGreaterThan(5);
  manager.server.follow();
  await world.clock.advanceAsync(10);
  expect(world.list<ConfigMap>(configMaps)[0]?.data).toEqual({ n: 'done' });
});

test('looking again later does not forget that a key is failing', async () => {
  const world = new World();
  const times: number[] = [];
  const { driver } = await driverOn(world.manager(), async () => {
    times.push(world.clock.monotonicMs());
    throw apiError('Conflict', 'always');
  });
  driver.enqueue('key');
  await world.clock.advanceAsync(60_000);
  const gaps = times.slice(1).map((ms, index) => ms - (times[index] ?? 0));
  expect(gaps.length).toBeGreaterThan(8);
  for (const [index, gap] of gaps.entries()) if (index > 0) expect(gap).toBeGreaterThan(gaps[index - 1] ?? 0);
});

test('after a creation whose answer was lost, nothing is decided before the cache has caught up with it', async () => {
  const world = new World();
  const manager = world.manager();
  manager.server.lag();
  const seen: number[] = [];
  const { driver, maps } = await driverOn(manager, async (round) => {
    seen.push(maps.size);
    if (maps.size === 0) await round.create(configMaps, { metadata: { namespace: 'a', generateName: 'x-' } });
    return undefined;
  });
  manager.network.fate = () => ({ lost: 'answer' });
  driver.enqueue('key');
  await world.clock.advanceAsync(60_500);
  manager.network.fate = () => ({});
  await world.clock.advanceAsync(120_000);
  expect([seen, world.list(configMaps).length]).toEqual([[0, 1], 1]);
});

test('a round ends with the leadership: what it would write after that is not sent', async () => {
  const world = new World();
  const manager = world.manager();
  const { driver } = await driverOn(manager, async (round) => {
    await round.create(configMaps, named('x', '1'));
    manager.leadership.end();
    await round.execute([{ verb: 'create', resource: configMaps, object: named('y', '1') }]);
    return undefined;
  });
  driver.enqueue('key');
  await world.clock.advanceAsync(60_000);
  expect(world.list(configMaps).map((map) => map.metadata?.name)).toEqual(['x']);
});

describe('node CIDRs', () => {
  const network = { clusterCidrs: ['10.0.0.0/16'], maskSizeIpv4: 24, maskSizeIpv6: 64, reserved: [] };
  const node = (name: string): Node => ({ metadata: { name } });
  const cidrs = (world: World) => world.list<Node>(nodes).map(({ metadata, spec }) => `${metadata?.name} ${spec?.podCIDR}`);

  test('a node that appears while the last write is not shown gets its block all the same', async () => {
    const world = new World();
    const manager = world.manager();
    await startNodeIpamController(network, manager.context);
    manager.network.fate = () => ({ requestMs: 100 });
    await world.user.create(nodes, node('one'));
    await world.clock.advanceAsync(50);
    await world.user.create(nodes, node('two'));
    await world.clock.advanceAsync(10);
    // The cache shows the second node, and for a while not the block of the first.
    manager.server.lag();
    await world.clock.advanceAsync(1_000);
    manager.server.follow();
    await world.clock.advanceAsync(1_000);
    expect(cidrs(world)).toEqual(['one 10.0.0.0/24', 'two 10.0.1.0/24']);
  });

  test('a new leader on an apiserver that lags does not give a block twice', async () => {
    const world = new World();
    const old = world.manager();
    await startNodeIpamController(network, old.context);
    const next = world.manager({ lagging: true });
    await world.user.create(nodes, node('one'));
    await world.clock.advanceAsync(1_000);
    old.crash();
    await startNodeIpamController(network, next.context);
    await world.user.create(nodes, node('two'));
    await world.clock.advanceAsync(1_000);
    next.server.follow();
    await world.clock.advanceAsync(1_000);
    expect(cidrs(world)).toEqual(['one 10.0.0.0/24', 'two 10.0.1.0/24']);
  });
});

test('a ReplicaSet has as many pods as it wants and never had more, whatever befalls any write', {
  timeout: 60_000,
}, async () => {
  const writes = await withEveryMishap(async (strike, label) => {
    const world = new World();
    let most = 0;
    world.store.onChange(() => {
      most = Math.max(most, world.list(pods).length);
    });
    const run = (): void => {
      const manager = world.manager();
      strike(manager, run);
      void startPodSetController(replicaSetKind, 5, manager.context);
    };
    run();
    await world.user.create(replicaSets, replicaSet(3));
    await world.settle();
    const [set] = world.list<ReplicaSet>(replicaSets);
    const owners = world.list<Pod>(pods).map((pod) => pod.metadata?.ownerReferences?.[0]?.uid);
    expect({ label, owners, most, replicas: set?.status?.replicas }).toEqual({
      label,
      owners: Array(3).fill(set?.metadata?.uid),
      most: 3,
      replicas: 3,
    });
  });
  expect(writes).toBeGreaterThan(3);
});

test('a Deployment rolls to its new template, whatever befalls any write', { timeout: 120_000 }, async () => {
  const writes = await withEveryMishap(async (strike, label) => {
    const world = new World();
    const run = (): void => {
      const manager = world.manager();
      strike(manager, run);
      void startPodSetController(replicaSetKind, 5, manager.context);
      void startDeploymentController(5, manager.context);
    };
    run();
    await world.user.create(deployments, {
      metadata: { namespace: 'default', name: 'web' },
      spec: { replicas: 2, selector: { matchLabels: labels }, template, strategy: { type: 'Recreate' } },
    });
    await world.settle();
    const body = { spec: { template: { spec: { containers: [{ name: 'c', image: 'new' }] } } } };
    await world.user.patch(deployments, { namespace: 'default', name: 'web' }, { type: 'strategic', body });
    await world.settle();
    const images = world.list<Pod>(pods).map((pod) => pod.spec?.containers?.[0]?.image);
    const sets = world
      .list<ReplicaSet>(replicaSets)
      .map((set) => set.spec?.replicas)
      .sort();
    expect({ label, images, sets }).toEqual({ label, images: ['new', 'new'], sets: [0, 2] });
  });
  expect(writes).toBeGreaterThan(8);
});
