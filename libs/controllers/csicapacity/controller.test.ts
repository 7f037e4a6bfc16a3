// What a node says of the room on it, on a world with a server.
import type { CSIStorageCapacity, Node, StorageClass } from '@drydock/api/generated/types.ts';
import { csiStorageCapacities, nodes, storageClasses } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { MemoryDriver } from '../testing/volume-driver.ts';
import { type Manager, World, withEveryMishap } from '../testing/world.ts';
import { startCapacity } from './controller.ts';

const gib = 1024 ** 3;

class Cluster extends World {
  look = (): void => {};

  run(driver: MemoryDriver, strike: (manager: Manager, restart: () => void) => void = () => {}): Manager {
    const manager = this.manager();
    strike(manager, () => this.run(driver, strike));
    const onChanged = (look: () => void) => {
      this.look = look;
    };
    void startCapacity({ driver, namespace: 'kube-system', onChanged }, manager.context);
    return manager;
  }

  async node(name = 'n1'): Promise<void> {
    await this.user.create<Node>(nodes, { metadata: { name } });
  }

  async storageClass(name: string, more: Partial<StorageClass> = {}): Promise<void> {
    const made = { metadata: { name }, provisioner: 'd.test', volumeBindingMode: 'WaitForFirstConsumer', ...more };
    await this.user.create<StorageClass>(storageClasses, made);
  }

  rooms = () =>
    this.list<CSIStorageCapacity>(csiStorageCapacities)
      .map((each) => [each.storageClassName, each.capacity])
      .sort();
}

test('each class whose claims wait for the scheduler has the room that there is, once the node is there', async () => {
  const world = new Cluster();
  const driver = new MemoryDriver();
  const { writes } = world.run(driver);
  await world.storageClass('a');
  await world.storageClass('now', { volumeBindingMode: 'Immediate' });
  await world.storageClass('other', { provisioner: 'other' });
  await world.clock.advanceAsync(20_000);
  expect(world.rooms()).toEqual([]);
  await world.node();
  await world.clock.advanceAsync(20_000);
  const [{ uid } = {}] = world.list(nodes).map(({ metadata }) => metadata);
  expect(world.list(csiStorageCapacities)).toMatchObject([
    {
      metadata: {
        namespace: 'kube-system',
        labels: {
          'csi.storage.k8s.io/drivername': 'd.test',
          'csi.storage.k8s.io/managed-by': 'external-provisioner-n1',
        },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid }],
      },
      storageClassName: 'a',
      nodeTopology: { matchLabels: { 'topology.d.test/node': 'n1' } },
      capacity: '10Gi',
      maximumVolumeSize: '10Gi',
    },
  ]);
  expect(writes).toHaveLength(1);
  // What changes less than is said is no write, and nothing new is none either.
  driver.totalBytes -= 1024;
  await world.clock.advanceAsync(200_000);
  expect([writes.length, world.rooms()]).toEqual([2, [['a', '10176Mi']]]);
  driver.totalBytes -= 1024;
  await world.clock.advanceAsync(200_000);
  expect(writes).toHaveLength(2);
});

test('what was made or deleted shows soon, classes that come and go too, and those of other nodes are theirs', async () => {
  const world = new Cluster();
  const drivers = ['n1', 'n2'].map((name) => new MemoryDriver(name));
  for (const driver of drivers.toReversed()) {
    await world.node(driver.nodeName);
    world.run(driver);
  }
  await world.storageClass('a');
  await world.clock.advanceAsync(5_000);
  drivers[0]?.volumes.set('h', gib);
  world.look();
  await world.clock.advanceAsync(2_000);
  expect(world.rooms()).toEqual([
    ['a', '10Gi'],
    ['a', '9Gi'],
  ]);
  await world.user.delete(storageClasses, { name: 'a' });
  await world.storageClass('b');
  await world.clock.advanceAsync(2_000);
  expect(world.rooms()).toEqual([
    ['b', '10Gi'],
    ['b', '9Gi'],
  ]);
});

test('what is said of a node goes on when the node is made anew', async () => {
  const world = new Cluster();
  world.run(new MemoryDriver());
  await world.node();
  await world.storageClass('a');
  await world.clock.advanceAsync(5_000);
  await world.user.delete(nodes, { name: 'n1' });
  await world.node();
  await world.clock.advanceAsync(120_000);
  const owners = world
    .list<CSIStorageCapacity>(csiStorageCapacities)
    .map(({ metadata }) => metadata?.ownerReferences?.[0]?.uid);
  expect(owners).toEqual(world.list(nodes).map(({ metadata }) => metadata?.uid));
});

test('whatever befalls any write, there is one object of each class', async () => {
  const writes = await withEveryMishap(async (strike, label) => {
    const world = new Cluster();
    const driver = new MemoryDriver();
    await world.node();
    await world.storageClass('a');
    world.run(driver, strike);
    await world.clock.advanceAsync(5_000);
    driver.volumes.set('h', gib);
    await world.clock.advanceAsync(300_000);
    expect({ label, rooms: world.rooms() }).toEqual({ label, rooms: [['a', '9Gi']] });
    await world.user.delete(storageClasses, { name: 'a' });
    await world.clock.advanceAsync(300_000);
    expect({ label, rooms: world.rooms() }).toEqual({ label, rooms: [] });
  });
  expect(writes).toBe(3);
});
