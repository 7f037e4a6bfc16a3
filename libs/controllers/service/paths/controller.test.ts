// Paths on a world with a server, a router and nodes that answer or do not.
import { type KubeObject, nodes, type Resource, services } from '@drydock/api/resource.ts';
import type { ObjectKey } from '@drydock/client/api-client.ts';
import { expect, test } from 'vitest';
import { Calls, callMishaps } from '../../testing/calls.ts';
import { type Manager, World } from '../../testing/world.ts';
import { type AddressPool, parsePool } from '../pool.ts';
import { startPathController } from './controller.ts';

const pool = parsePool('10.251.0.0/24') as AddressPool;
const first = '10.251.0.1';

/** A router and nodes. */
class Network {
  readonly paths = new Map<string, string>();
  readonly silent = new Set<string>();
  /** A node that the router has no way to. */
  refused: string | undefined;
  readonly calls = new Calls();
  checks = 0;

  readonly ports = {
    router: {
      routes: () => this.calls.call(() => new Map(this.paths)),
      lead: (address: string, to: string) =>
        this.calls.call(() => {
          if (to === this.refused) throw new Error('Nexthop has invalid gateway');
          this.paths.set(address, to);
        }),
      close: (address: string) => this.calls.call(() => void this.paths.delete(address)),
    },
    check: (address: string) => {
      this.checks++;
      return this.calls.call(() => !this.silent.has(address));
    },
  };

  start(world: World): Manager {
    const manager = world.manager();
    this.calls.crash = () => {
      manager.crash();
      this.start(world);
    };
    void startPathController(pool, this.ports, manager.context);
    return manager;
  }
}

/** A creation takes no status. */
async function create(world: World, resource: Resource, key: ObjectKey, spec: object, status: object): Promise<void> {
  await world.user.create(resource, { metadata: { ...key }, spec } as KubeObject);
  await world.user.patch(resource, key, { type: 'merge', body: { status } }, { subresource: 'status' });
}
const addNode = (world: World, name: string, address: string) =>
  create(world, nodes, { name }, {}, { addresses: [{ type: 'InternalIP', address }] });
const add = (world: World, name: string, ip: string) =>
  create(world, services, { namespace: 'a', name }, { type: 'LoadBalancer' }, { loadBalancer: { ingress: [{ ip }] } });
const remove = (world: World, name: string) => world.user.delete(services, { namespace: 'a', name });

test('an address leads to a node at once, to another one when that is silent, and nowhere when its Service is gone', async () => {
  const [world, network] = [new World(), new Network()];
  await addNode(world, 'n1', '10.0.0.1');
  await addNode(world, 'n2', '10.0.0.2');
  network.start(world);
  await world.clock.advanceAsync(5_000);
  expect(network.checks).toBe(0);
  await add(world, 's', first);
  await world.clock.advanceAsync(0);
  const via = network.paths.get(first) ?? '';
  expect(['10.0.0.1', '10.0.0.2']).toContain(via);
  network.silent.add(via);
  await world.clock.advanceAsync(900);
  expect(network.paths.get(first)).toBe(via);
  await world.clock.advanceAsync(1_200);
  const other = network.paths.get(first);
  expect(['10.0.0.1', '10.0.0.2'].filter((each) => each !== via)).toEqual([other]);
  network.silent.delete(via);
  await world.clock.advanceAsync(5_000);
  expect(network.paths.get(first)).toBe(other);
  expect(world.events.map(({ reason }) => reason)).toEqual(['NodeAssigned', 'NodeAssigned']);
  await remove(world, 's');
  await world.clock.advanceAsync(0);
  expect(network.paths.size).toBe(0);
  const { checks } = network;
  await world.clock.advanceAsync(60_000);
  expect(network.checks).toBe(checks);
});

test('a node that comes is waited for; what somebody else did to the router is mended', async () => {
  const [world, network] = [new World(), new Network()];
  network.paths.set('10.251.0.77', '10.0.0.9');
  network.start(world);
  await add(world, 's', first);
  await world.clock.advanceAsync(1_000);
  expect([...network.paths]).toEqual([]);
  await addNode(world, 'n1', '10.0.0.1');
  await world.clock.advanceAsync(0);
  expect(network.paths.get(first)).toBe('10.0.0.1');
  network.paths.clear();
  await world.clock.advanceAsync(31_000);
  expect(network.paths.get(first)).toBe('10.0.0.1');
});

test('a node that the router has no way to carries nothing, and keeps nothing else from being led', async () => {
  const [world, network] = [new World(), new Network()];
  await addNode(world, 'n1', '10.0.0.1');
  await addNode(world, 'n2', '10.0.0.2');
  network.refused = '10.0.0.1';
  network.start(world);
  const names = Array.from({ length: 8 }, (_, index) => `10.251.0.${index + 1}`);
  for (const ip of names) await add(world, `s${ip.replaceAll('.', '-')}`, ip);
  await world.clock.advanceAsync(3_000);
  expect(Object.fromEntries(network.paths)).toEqual(Object.fromEntries(names.map((ip) => [ip, '10.0.0.2'])));
  // Where there is no other one it is tried again and again.
  await world.user.delete(nodes, { name: 'n2' });
  await world.clock.advanceAsync(5_000);
  network.refused = undefined;
  await world.clock.advanceAsync(3_000);
  expect(new Set(network.paths.values())).toEqual(new Set(['10.0.0.1']));
});

/** Gives the number of calls. What is right in the end is right whatever befalls any of them. */
async function story(mishap: Calls['mishap']): Promise<number> {
  const [world, network] = [new World(), new Network()];
  network.calls.mishap = mishap;
  network.paths.set('10.251.0.77', '10.0.0.9');
  await addNode(world, 'n1', '10.0.0.1');
  await add(world, 's', first);
  await add(world, 't', '10.251.0.2');
  network.start(world);
  await world.clock.advanceAsync(20_000);
  expect({ mishap, paths: [...network.paths].sort() }).toEqual({
    mishap,
    paths: [
      [first, '10.0.0.1'],
      ['10.251.0.2', '10.0.0.1'],
    ],
  });
  await remove(world, 's');
  await world.clock.advanceAsync(20_000);
  expect({ mishap, paths: [...network.paths] }).toEqual({ mishap, paths: [['10.251.0.2', '10.0.0.1']] });
  return network.calls.count;
}

test('all addresses lead where they should, whatever befalls any call', async () => {
  const calls = await story(undefined);
  expect(calls).toBeGreaterThan(20);
  for (let at = 1; at <= calls; at++) for (const what of callMishaps) await story({ at, what });
});
