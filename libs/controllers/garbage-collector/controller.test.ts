// The collector on a world with a server: owners that are none.
import type { ConfigMap } from '@drydock/api/generated/types.ts';
import { configMaps } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { World } from '../testing/world.ts';
import { startGarbageCollector } from './controller.ts';

const resources = [{ resource: configMaps, verbs: new Set(['create', 'delete', 'get', 'list', 'patch', 'update', 'watch']) }];

test.each([
  ['in the same namespace keeps its dependents', 'a', true],
  ['in another namespace is no owner', 'b', false],
])('an owner %s', async (_, namespace, isKept) => {
  const world = new World();
  const owner = await world.user.create<ConfigMap>(configMaps, { metadata: { namespace, name: 'owner' } });
  const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata?.uid ?? '' };
  await world.user.create<ConfigMap>(configMaps, {
    metadata: { namespace: 'a', name: 'dependent', ownerReferences: [reference] },
  });
  await startGarbageCollector({ concurrency: 5, resources }, world.manager().context);
  await world.settle();
  expect(
    world
      .list(configMaps)
      .map(({ metadata }) => metadata?.name)
      .sort(),
  ).toEqual(isKept ? ['dependent', 'owner'] : ['owner']);
});

test('an owner that was found absent, and is there again since the store was restored, keeps its dependents', async () => {
  const world = new World();
  await startGarbageCollector({ concurrency: 5, resources }, world.manager().context);
  const owner = { apiVersion: 'v1', kind: 'ServiceAccount', name: 'owner', uid: 'u' };
  const dependent = { metadata: { namespace: 'a', name: 'dependent', ownerReferences: [owner] } };
  await world.user.create<ConfigMap>(configMaps, dependent);
  await world.settle();
  expect(world.list(configMaps)).toEqual([]);
  world.store.put('serviceaccounts', 'a/owner', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { namespace: 'a', name: 'owner', uid: 'u' },
  });
  await world.user.create<ConfigMap>(configMaps, dependent);
  await world.settle();
  expect(world.list(configMaps)).toHaveLength(1);
});
