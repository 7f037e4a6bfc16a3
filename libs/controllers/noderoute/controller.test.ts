// Routes to pods on a world with a server and a table of routes.
import type { Node } from '@drydock/api/generated/types.ts';
import { nodes } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { parseCidr, type Range } from '../nodeipam/cidr.ts';
import { Calls, callMishaps } from '../testing/calls.ts';
import { type Manager, World, withEveryMishap } from '../testing/world.ts';
import { startNodeRouteController } from './controller.ts';

const clusterRanges = [parseCidr('10.244.0.0/16')].filter((range): range is Range => range !== undefined);

class Network {
  readonly routes = new Map<string, string>();
  readonly calls = new Calls();
  /** Where no route can be made to. */
  refused: string | undefined;
  readonly table = {
    routes: () => this.calls.call(() => new Map(this.routes)),
    lead: (range: string, to: string) =>
      this.calls.call(() => {
        if (range === this.refused) throw new Error('RTNETLINK answers: Network is unreachable');
        this.routes.set(range, to);
      }),
    close: (range: string) => this.calls.call(() => void this.routes.delete(range)),
  };

  run(world: World, strike: (manager: Manager, restart: () => void) => void = () => {}): Manager {
    const manager = world.manager();
    this.calls.crash = () => {
      manager.crash();
      this.run(world);
    };
    strike(manager, () => this.run(world, strike));
    void startNodeRouteController({ table: this.table, clusterRanges, periodMs: 10_000 }, manager.context);
    return manager;
  }
}

async function add(world: World, index: number): Promise<void> {
  const name = `n${index}`;
  await world.user.create<Node>(nodes, { metadata: { name }, spec: { podCIDRs: [`10.244.${index}.0/24`] } });
  const status = {
    addresses: [{ type: 'InternalIP', address: `10.0.0.${index}` }],
    conditions: [{ type: 'Ready', status: 'True' }],
  };
  await world.user.patch(nodes, { name }, { type: 'merge', body: { status } }, { subresource: 'status' });
}

const conditions = (world: World) =>
  Object.fromEntries(
    world
      .list<Node>(nodes)
      .map(({ metadata, status }) => [
        metadata?.name,
        (status?.conditions ?? []).map(({ type, status, reason }) => `${type}=${status} ${reason ?? ''}`.trim()).sort(),
      ]),
  );
const created = ['NetworkUnavailable=False RouteCreated', 'Ready=True'];

test('nodes come and go, and routes with them; a route that cannot be made is said, and made later', async () => {
  const [world, network] = [new World(), new Network()];
  network.run(world);
  await world.clock.advanceAsync(1_000);
  network.refused = '10.244.1.0/24';
  await add(world, 1);
  await world.clock.advanceAsync(1_000);
  expect(conditions(world)).toEqual({ n1: ['NetworkUnavailable=True NoRouteCreated', 'Ready=True'] });
  const { uid } = world.list<Node>(nodes)[0]?.metadata ?? {};
  expect(world.events.map(({ about, reason, message }) => `${about.uid} ${reason}: ${message}`)).toEqual([
    `n1 FailedToCreateRoute: Could not create route ${uid} 10.244.1.0/24 for node n1 after 0ms: RTNETLINK answers: Network is unreachable`,
  ]);
  network.refused = undefined;
  await world.clock.advanceAsync(10_000);
  expect(conditions(world)).toEqual({ n1: created });
  await world.user.delete(nodes, { name: 'n1' });
  await world.clock.advanceAsync(0);
  expect(network.routes.size).toBe(0);
});

test('whatever befalls any write or any call, all routes are there in the end, and nodes say so', async () => {
  const story = async (network: Network, label: unknown, strike?: Parameters<Network['run']>[1]) => {
    const world = new World();
    network.routes.set('10.244.9.0/24', '10.0.0.9');
    await add(world, 1);
    await add(world, 2);
    network.run(world, strike);
    await world.clock.advanceAsync(200_000);
    expect({ label, routes: [...network.routes].sort(), ...conditions(world) }).toEqual({
      label,
      routes: [
        ['10.244.1.0/24', '10.0.0.1'],
        ['10.244.2.0/24', '10.0.0.2'],
      ],
      n1: created,
      n2: created,
    });
  };
  // At the start: what is there, what is closed and led. Later on it is only looked at.
  for (let at = 1; at <= 5; at++)
    for (const what of callMishaps) {
      const network = new Network();
      network.calls.mishap = { at, what };
      await story(network, { at, what });
    }
  expect(await withEveryMishap((strike, label) => story(new Network(), label, strike))).toBe(2);
});
