// Both controllers of nodes on a world with a server and a cloud, with every mishap.
import type { Node } from '@drydock/api/generated/types.ts';
import { nodes } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { type Manager, World, withEveryMishap } from '../testing/world.ts';
import { startCloudNodeController } from './controller.ts';
import type { Machine } from './inventory.ts';
import { startCloudNodeLifecycleController } from './lifecycle-controller.ts';
import { shutdownTaint } from './lifecycle-plan.ts';
import { uninitializedTaint } from './plan.ts';

class Provider {
  list: Machine[] = [];
  asked = 0;
  /** What the next calls come to, in order; then all work. */
  readonly fates: ('fails' | 'never answers')[] = [];

  async machines(): Promise<readonly Machine[]> {
    this.asked++;
    const fate = this.fates.shift();
    if (fate === 'fails') throw new Error('EIO');
    if (fate === 'never answers') return new Promise(() => {});
    return this.list;
  }

  add(name: string, ip: string): void {
    const addresses = [{ type: 'InternalIP', address: ip }];
    const more = { instanceType: undefined, zone: 'z', region: undefined, shutdown: false };
    this.list.push({ name, providerID: `local://${name}`, addresses, ...more });
  }
}

const periodMs = 300_000;
function run(world: World, cloud: Provider, strike: (manager: Manager, restart: () => void) => void = () => {}): Manager {
  const manager = world.manager();
  strike(manager, () => run(world, cloud, strike));
  void startCloudNodeController({ cloud, concurrency: 2, periodMs }, manager.context);
  void startCloudNodeLifecycleController({ cloud, periodMs: 5_000 }, manager.context);
  return manager;
}

const fresh = [{ key: uninitializedTaint, value: 'true', effect: 'NoSchedule' }];
const register = (world: World, name: string, taints: object[] = fresh) =>
  world.user.create<Node>(nodes, { metadata: { name }, spec: { taints } } as Node);
const report = (world: World, name: string, status: object) =>
  world.user.patch(nodes, { name }, { type: 'merge', body: { status } }, { subresource: 'status' });
const ready = (status: string) => ({ conditions: [{ type: 'Ready', status }] });
const view = (world: World) =>
  Object.fromEntries(
    world.list<Node>(nodes).map(({ metadata, spec, status }) => [
      metadata?.name,
      {
        id: spec?.providerID,
        zone: metadata?.labels?.['topology.kubernetes.io/zone'],
        taints: (spec?.taints ?? []).map(({ key }) => key),
        addresses: (status?.addresses ?? []).map(({ address }) => address).join(),
      },
    ]),
  );
const whole = (name: string, addresses: string) => ({ id: `local://${name}`, zone: 'z', taints: [] as string[], addresses });

test('a node is told what its machine is; one of no machine waits; addresses follow in time', async () => {
  const [world, cloud] = [new World(), new Provider()];
  cloud.add('a', '10.0.0.1');
  run(world, cloud);
  await register(world, 'a');
  await register(world, 'b');
  await report(world, 'a', ready('True'));
  await report(world, 'b', ready('True'));
  await world.clock.advanceAsync(1_000);
  expect(view(world)['a']).toEqual(whole('a', '10.0.0.1'));
  expect(view(world)['b']).toMatchObject({ id: undefined, taints: [uninitializedTaint] });
  cloud.add('b', '10.0.0.2');
  cloud.list[0] = { ...(cloud.list[0] as Machine), addresses: [{ type: 'InternalIP', address: '10.0.0.9' }] };
  await world.clock.advanceAsync(periodMs + 1_000);
  expect(view(world)).toEqual({ a: whole('a', '10.0.0.9'), b: whole('b', '10.0.0.2') });
});

test('a machine that is off taints its node, one that is gone takes it along; while nothing is told nothing happens', async () => {
  const [world, cloud] = [new World(), new Provider()];
  cloud.add('a', '10.0.0.1');
  cloud.add('b', '10.0.0.2');
  run(world, cloud);
  for (const name of ['a', 'b']) {
    await register(world, name);
    await report(world, name, ready('True'));
  }
  await world.clock.advanceAsync(10_000);
  const { asked } = cloud;
  await world.clock.advanceAsync(60_000);
  expect(cloud.asked).toBe(asked);
  const [a, b] = cloud.list;
  cloud.list = [];
  cloud.fates.push('fails', 'fails');
  for (const name of ['a', 'b']) await report(world, name, ready('Unknown'));
  await world.clock.advanceAsync(10_000);
  expect(Object.keys(view(world))).toEqual(['a', 'b']);
  cloud.list = [{ ...(a as Machine), shutdown: true }];
  await world.clock.advanceAsync(6_000);
  expect(view(world)).toMatchObject({ a: { taints: [shutdownTaint] } });
  expect(view(world)['b']).toBeUndefined();
  expect(world.events.map(({ reason }) => reason)).toContain('DeletingNode');
  cloud.list = [a as Machine, b as Machine];
  await report(world, 'a', ready('True'));
  await world.clock.advanceAsync(6_000);
  expect(view(world)).toMatchObject({ a: { taints: [] } });
});

test('whatever befalls any write, nodes are told all, and no node of a machine that is there goes', async () => {
  const writes = await withEveryMishap(async (strike, label) => {
    const [world, cloud] = [new World(), new Provider()];
    cloud.add('a', '10.0.0.1');
    cloud.add('b', '10.0.0.2');
    run(world, cloud, strike);
    await register(world, 'a');
    await register(world, 'b');
    await world.clock.advanceAsync(400_000);
    expect({ label, ...view(world) }).toEqual({ label, a: whole('a', '10.0.0.1'), b: whole('b', '10.0.0.2') });
    cloud.list = cloud.list.filter(({ name }) => name === 'b').map((machine) => ({ ...machine, shutdown: true }));
    await world.clock.advanceAsync(400_000);
    const tainted = { ...whole('b', '10.0.0.2'), taints: [shutdownTaint] };
    expect({ label, ...view(world) }).toEqual({ label, b: tainted });
  });
  expect(writes).toBe(6);
});

test('whatever becomes of any question to the cloud, the next one is asked', async () => {
  for (let at = 0; at < 4; at++)
    for (const crash of [false, true]) {
      const [world, cloud] = [new World(), new Provider()];
      cloud.add('a', '10.0.0.1');
      const first = run(world, cloud);
      cloud.fates.push(...Array.from({ length: at }, () => 'fails' as const), ...(crash ? (['never answers'] as const) : []));
      await register(world, 'a');
      await world.clock.advanceAsync(10_000);
      if (crash) {
        first.crash();
        run(world, cloud);
      }
      await world.clock.advanceAsync(60_000);
      expect({ at, crash, ...view(world) }).toEqual({ at, crash, a: whole('a', '10.0.0.1') });
      cloud.list = [];
      await world.clock.advanceAsync(60_000);
      expect({ at, crash, ...view(world) }).toEqual({ at, crash });
    }
});
