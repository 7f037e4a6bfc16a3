// Services of type LoadBalancer on a world with a server: who gets which address, what is said, what comes back.
import type { Node, Service } from '@drydock/api/generated/types.ts';
import { nodes, services } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { type Manager, World, withEveryMishap } from '../testing/world.ts';
import { startServiceController } from './controller.ts';
import { finalizer } from './plan.ts';
import { type AddressPool, parsePool } from './pool.ts';

const pool = parsePool('10.251.0.0/30') as AddressPool;

function run(world: World, strike: (manager: Manager, restart: () => void) => void = () => {}): Manager {
  const manager = world.manager();
  strike(manager, () => run(world, strike));
  void startServiceController(pool, manager.context);
  return manager;
}

const key = (name: string) => ({ namespace: 'a', name });
const make = (world: World, name: string, spec: Service['spec'] = {}) =>
  world.user.create<Service>(services, { metadata: key(name), spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec } });
const addNode = (world: World, name: string, labels: Record<string, string> = {}) =>
  world.user.create<Node>(nodes, { metadata: { name, labels } });
const state = (world: World) =>
  Object.fromEntries(
    world.list<Service>(services).map((each) => [each.metadata?.name, each.status?.loadBalancer?.ingress?.[0]?.ip]),
  );
const said = (world: World) => world.events.map(({ about, reason, message }) => `${about.name} ${reason}: ${message}`);

test('an address is given, kept over a restart, and given back', async () => {
  const world = new World();
  await addNode(world, 'n');
  const first = run(world);
  await make(world, 's');
  await world.clock.advanceAsync(1_000);
  expect(state(world)).toEqual({ s: '10.251.0.1' });
  expect(said(world)).toEqual([
    's EnsuringLoadBalancer: Ensuring load balancer',
    's EnsuredLoadBalancer: Ensured load balancer',
  ]);
  // Somebody's own choice of address is not the lowest: only the status tells the next manager.
  const moved = { metadata: { finalizers: [finalizer] }, status: { loadBalancer: { ingress: [{ ip: '10.251.0.2' }] } } };
  first.crash();
  await world.user.patch(services, key('s'), { type: 'merge', body: moved }, { subresource: 'status' });
  run(world);
  await world.clock.advanceAsync(1_000);
  expect(state(world)).toEqual({ s: '10.251.0.2' });
  await world.user.delete(services, key('s'));
  await world.clock.advanceAsync(1_000);
  expect(state(world)).toEqual({});
  expect(said(world).slice(4)).toEqual([
    's DeletingLoadBalancer: Deleting load balancer',
    's DeletedLoadBalancer: Deleted load balancer',
  ]);
});

test('who finds the range exhausted, or its address in use, has it when it comes free; a class is left alone', async () => {
  const world = new World();
  await addNode(world, 'n');
  run(world);
  await make(world, 'one', { loadBalancerIP: '10.251.0.2' });
  await make(world, 'same', { loadBalancerIP: '10.251.0.2' });
  await make(world, 'classed', { loadBalancerClass: 'x/y' });
  await make(world, 'two');
  await make(world, 'three');
  await world.clock.advanceAsync(1_000);
  expect(state(world)).toEqual({ one: '10.251.0.2', two: '10.251.0.1' });
  expect(said(world)).toContain(
    'three SyncLoadBalancerFailed: Error syncing load balancer: failed to ensure load balancer: no free address is left in the range 10.251.0.0/30 of load balancers',
  );
  await world.user.delete(services, key('one'));
  await world.user.delete(services, key('two'));
  await world.clock.advanceAsync(600_000);
  expect(state(world)).toEqual({ same: '10.251.0.2', three: '10.251.0.1', classed: undefined });
});

test.each(['first', 'second'])(
  'an address that a former leader writes late is one Service’s all the same: into the %s',
  async (late) => {
    const world = new World();
    await addNode(world, 'n');
    run(world);
    await make(world, 'first');
    await world.clock.advanceAsync(1_000);
    await make(world, 'second');
    await world.clock.advanceAsync(1_000);
    const other = late === 'first' ? 'second' : 'first';
    const ingress = [{ ip: state(world)[other] }];
    const body = { status: { loadBalancer: { ingress } } };
    await world.user.patch(services, key(late), { type: 'merge', body }, { subresource: 'status' });
    await world.clock.advanceAsync(1_000);
    // The older one keeps what it says now.
    expect(state(world)[late === 'first' ? 'first' : other]).toBe(ingress[0]?.ip);
    expect(Object.values(state(world)).sort()).toEqual(['10.251.0.1', '10.251.0.2']);
  },
);

test('a changed set of nodes is told; excluded nodes are none', async () => {
  const world = new World();
  await addNode(world, 'n');
  run(world);
  await make(world, 's');
  await world.clock.advanceAsync(1_000);
  await addNode(world, 'other', { 'node.kubernetes.io/exclude-from-external-load-balancers': '' });
  await world.clock.advanceAsync(1_000);
  expect(said(world)).toHaveLength(2);
  await world.user.delete(nodes, { name: 'n' });
  await world.clock.advanceAsync(1_000);
  expect(said(world).slice(2)).toEqual(['s UnAvailableLoadBalancer: There are no available nodes for LoadBalancer']);
});

test('no address is given twice or lost, and the finalizer goes with a type, whatever befalls any write', async () => {
  const writes = await withEveryMishap(async (strike, label) => {
    const world = new World();
    await addNode(world, 'n');
    run(world, strike);
    await make(world, 's');
    await make(world, 't');
    await world.clock.advanceAsync(900_000);
    expect({ label, given: Object.values(state(world)).sort() }).toEqual({ label, given: ['10.251.0.1', '10.251.0.2'] });
    await world.user.patch(services, key('s'), { type: 'merge', body: { spec: { type: 'ClusterIP' } } });
    await world.clock.advanceAsync(900_000);
    const after = await world.user.get<Service>(services, key('s'));
    expect({ label, left: after.metadata?.finalizers ?? [], ip: after.status?.loadBalancer?.ingress ?? [] }).toEqual({
      label,
      left: [],
      ip: [],
    });
    expect((await world.user.get<Service>(services, key('t'))).metadata?.finalizers).toEqual([finalizer]);
  });
  expect(writes).toBe(3);
});
