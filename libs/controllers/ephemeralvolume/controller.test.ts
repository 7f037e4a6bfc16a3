// Pods with ephemeral volumes, on a world with a server, whatever befalls the controller.
import type { PersistentVolumeClaim, Pod } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, pods } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { type Manager, World, withEveryMishap } from '../testing/world.ts';
import { startEphemeralVolumes } from './controller.ts';
import { planEphemeralVolumes } from './plan.ts';

const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
const template = { metadata: { labels: { a: 'b' }, annotations: { c: 'd' } }, spec };
const pod: Pod = {
  metadata: { namespace: 'a', name: 'p' },
  spec: {
    containers: [{ name: 'c', image: 'i' }],
    volumes: ['one', 'two'].map((name) => ({ name, ephemeral: { volumeClaimTemplate: template } })),
  },
};

function start(world: World, strike: (manager: Manager, restart: () => void) => void = () => {}): void {
  const manager = world.manager();
  strike(manager, () => start(world, strike));
  void startEphemeralVolumes(5, manager.context);
}

test('each has its claim, the pod’s own, whatever befalls any write; planned again, nothing is to be done', async () => {
  const writes = await withEveryMishap(async (strike, label) => {
    const world = new World();
    start(world, strike);
    const made = await world.user.create<Pod>(pods, pod);
    await world.settle();
    const claims = world.list<PersistentVolumeClaim>(persistentVolumeClaims);
    const owner = {
      apiVersion: 'v1',
      kind: 'Pod',
      name: 'p',
      uid: made.metadata?.uid,
      controller: true,
      blockOwnerDeletion: true,
    };
    expect({
      label,
      claims: claims.map(({ metadata }) => [
        metadata?.name,
        metadata?.labels,
        metadata?.annotations,
        metadata?.ownerReferences,
      ]),
    }).toEqual({
      label,
      claims: ['p-one', 'p-two'].map((name) => [name, { a: 'b' }, { c: 'd' }, [owner]]),
    });
    const again = planEphemeralVolumes(made, (name) => claims.find(({ metadata }) => metadata?.name === name));
    expect(again).toEqual({ create: [], foreign: [] });
  });
  expect(writes).toBe(2);
});

test('somebody else’s claim of that name is not taken, and the others are made', async () => {
  const world = new World();
  await world.user.create<PersistentVolumeClaim>(persistentVolumeClaims, { metadata: { namespace: 'a', name: 'p-one' }, spec });
  start(world);
  await world.user.create<Pod>(pods, pod);
  await world.clock.advanceAsync(1_000);
  expect(world.list(persistentVolumeClaims).map(({ metadata }) => metadata?.name)).toEqual(['p-one', 'p-two']);
  expect([...new Set(world.events.map(({ reason, message }) => `${reason}: ${message}`))]).toEqual([
    'FailedBinding: ephemeral volume one: PVC a/p-one was not created for pod a/p (pod is not owner)',
  ]);
  // Once it is gone, the pod has its own.
  await world.user.delete(persistentVolumeClaims, { namespace: 'a', name: 'p-one' });
  await world.clock.advanceAsync(400_000);
  expect(
    world.list<PersistentVolumeClaim>(persistentVolumeClaims).every(({ metadata }) => metadata?.ownerReferences?.length === 1),
  ).toBe(true);
});

test('a pod that is being deleted gets none', () => {
  const going = { ...pod, metadata: { ...pod.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
  expect(planEphemeralVolumes(going, () => undefined)).toEqual({ create: [], foreign: [] });
});
