// A class of attributes that is being deleted, on a world with a server, whatever befalls the controller.
import type { PersistentVolume, PersistentVolumeClaim, VolumeAttributesClass } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes, volumeAttributesClasses } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { World, withEveryMishap } from '../testing/world.ts';
import { startAttributesClassProtection } from './attributes-class.ts';

const finalizer = 'kubernetes.io/vac-protection';
const key = { name: 'gold' };
const gold = (): VolumeAttributesClass => ({ metadata: { ...key }, driverName: 'x.example.com', parameters: { a: 'b' } });
const claimOf = (spec: PersistentVolumeClaim['spec'], status: PersistentVolumeClaim['status'] = {}): PersistentVolumeClaim => ({
  metadata: { namespace: 'a', name: 'c' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
  status,
});

const classIn = (world: World) => world.user.get(volumeAttributesClasses, key).catch(() => undefined);

test('a class is protected, and goes when it is deleted and nobody names it, whatever befalls any write', async () => {
  const writes = await withEveryMishap(async (strike, label) => {
    const world = new World();
    const run = (): void => {
      const manager = world.manager();
      strike(manager, run);
      void startAttributesClassProtection(manager.context);
    };
    run();
    await world.user.create(volumeAttributesClasses, gold());
    await world.settle();
    expect({ label, held: (await classIn(world))?.metadata?.finalizers }).toEqual({ label, held: [finalizer] });
    await world.user.delete(volumeAttributesClasses, key);
    await world.settle();
    expect({ label, left: await classIn(world) }).toEqual({ label, left: undefined });
  });
  expect(writes).toBe(2);
});

test.each<[string, PersistentVolumeClaim['status'], string | undefined]>([
  ['asks for it', {}, 'gold'],
  ['has it', { currentVolumeAttributesClassName: 'gold' }, undefined],
  ['is getting it', { modifyVolumeStatus: { targetVolumeAttributesClassName: 'gold', status: 'InProgress' } }, undefined],
])('a claim that %s keeps it', async (_, status, volumeAttributesClassName) => {
  const world = new World();
  await startAttributesClassProtection(world.manager().context);
  await world.user.create(volumeAttributesClasses, gold());
  const claim = await world.user.create(persistentVolumeClaims, claimOf({ volumeAttributesClassName }));
  await world.user.update(persistentVolumeClaims, { ...claim, status }, { subresource: 'status' });
  await world.clock.advanceAsync(10_000);
  await world.user.delete(volumeAttributesClasses, key);
  await world.clock.advanceAsync(10_000);
  expect(await classIn(world)).toBeDefined();
  await world.user.delete(persistentVolumeClaims, { namespace: 'a', name: 'c' });
  await world.clock.advanceAsync(10_000);
  expect(await classIn(world)).toBeUndefined();
});

test('a volume keeps it; so does a claim that the cache does not show yet', async () => {
  const world = new World();
  const manager = world.manager();
  await startAttributesClassProtection(manager.context);
  await world.user.create(volumeAttributesClasses, gold());
  await world.user.create<PersistentVolume>(persistentVolumes, {
    metadata: { name: 'v' },
    spec: { volumeAttributesClassName: 'gold', csi: { driver: 'x.example.com', volumeHandle: 'h' } },
  });
  await world.clock.advanceAsync(10_000);
  await world.user.delete(volumeAttributesClasses, key);
  await world.clock.advanceAsync(10_000);
  expect(await classIn(world)).toBeDefined();
  manager.network.fate = (call) => {
    if (call.verb === 'list' && call.resource.resource === 'persistentvolumeclaims')
      void world.user.create(persistentVolumeClaims, claimOf({ volumeAttributesClassName: 'gold' }));
    return {};
  };
  await world.user.delete(persistentVolumes, { name: 'v' });
  await world.clock.advanceAsync(10_000);
  expect(await classIn(world)).toBeDefined();
});
