// Claims and volumes that are being deleted, on a world with a server, whatever befalls the controllers.
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes, pods } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { World, withEveryMishap } from '../testing/world.ts';
import { startClaimProtection, startVolumeProtection } from './controller.ts';

const key = { namespace: 'a', name: 'data' };
const claim = (finalizers: string[]): PersistentVolumeClaim => ({
  metadata: { ...key, finalizers },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
});
const pod = (name: string, nodeName: string | undefined, volume: object): Pod => ({
  metadata: { namespace: 'a', name },
  spec: {
    containers: [{ name: 'c', image: 'i' }],
    volumes: [{ name: 'v', ...volume }],
    ...(nodeName === undefined ? {} : { nodeName }),
  },
});
const uses = { persistentVolumeClaim: { claimName: 'data' } };
const finalizer = 'kubernetes.io/pvc-protection';

async function claimIn(world: World): Promise<PersistentVolumeClaim | undefined> {
  return world.user.get(persistentVolumeClaims, key).catch(() => undefined);
}

test('a claim that nobody uses goes when it is deleted, whatever befalls any write', async () => {
  const writes = await withEveryMishap(async (strike, label) => {
    const world = new World();
    const run = (): void => {
      const manager = world.manager();
      strike(manager, run);
      void startClaimProtection(manager.context);
    };
    run();
    await world.user.create(persistentVolumeClaims, claim([finalizer]));
    await world.user.delete(persistentVolumeClaims, key);
    await world.settle();
    expect({ label, left: await claimIn(world) }).toEqual({ label, left: undefined });
  });
  expect(writes).toBeGreaterThan(0);
});

test('a claim is protected once it is seen, and not while it is being deleted', async () => {
  const world = new World();
  await startClaimProtection(world.manager().context);
  await world.user.create(persistentVolumeClaims, claim([]));
  await world.clock.advanceAsync(1_000);
  expect((await claimIn(world))?.metadata?.finalizers).toEqual([finalizer]);
});

test.each([
  ['on a node', pod('p', 'n', uses), true],
  ['that was not scheduled', pod('p', undefined, uses), false],
  ['with another claim', pod('p', 'n', { persistentVolumeClaim: { claimName: 'other' } }), false],
  ['in another namespace', { ...pod('p', 'n', uses), metadata: { namespace: 'b', name: 'p' } }, false],
])('a pod %s', async (_, user, keeps) => {
  const world = new World();
  await world.user.create(persistentVolumeClaims, claim([finalizer]));
  const made = await world.user.create<Pod>(pods, user);
  await startClaimProtection(world.manager().context);
  await world.user.delete(persistentVolumeClaims, key);
  await world.clock.advanceAsync(10_000);
  expect((await claimIn(world)) !== undefined).toBe(keeps);
  await world.user.delete(pods, { namespace: made.metadata?.namespace, name: 'p' }, { gracePeriodSeconds: 0 });
  await world.clock.advanceAsync(10_000);
  expect(await claimIn(world)).toBeUndefined();
});

test('a pod that the cache does not show yet keeps its claim', async () => {
  const world = new World();
  await world.user.create(persistentVolumeClaims, claim([finalizer]));
  const manager = world.manager();
  const asked: string[] = [];
  // It is made while the controller, to which its cache shows no pod, asks the server.
  manager.network.fate = (call) => {
    if (call.verb === 'list' && call.resource.resource === 'pods' && asked.length === 0)
      void world.user.create<Pod>(pods, pod('p', 'n', uses));
    asked.push(`${call.verb} ${call.resource.resource}`);
    return {};
  };
  await startClaimProtection(manager.context);
  await world.user.delete(persistentVolumeClaims, key);
  await world.clock.advanceAsync(10_000);
  expect(asked).toEqual(['list pods']);
  expect((await claimIn(world))?.metadata?.finalizers).toEqual([finalizer]);
});

test('the claim of an ephemeral volume goes with its pod', async () => {
  const world = new World();
  const made = await world.user.create<Pod>(pods, pod('p', 'n', { ephemeral: { volumeClaimTemplate: { spec: {} } } }));
  const own = claim([finalizer]);
  const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: made.metadata?.uid ?? '', controller: true };
  await world.user.create(persistentVolumeClaims, {
    ...own,
    metadata: { ...own.metadata, name: 'p-v', ownerReferences: [owner] },
  });
  await startClaimProtection(world.manager().context);
  const ownKey = { namespace: 'a', name: 'p-v' };
  await world.user.delete(persistentVolumeClaims, ownKey);
  await world.clock.advanceAsync(10_000);
  expect((await world.user.get<PersistentVolumeClaim>(persistentVolumeClaims, ownKey)).metadata?.finalizers).toEqual([
    finalizer,
  ]);
  await world.user.delete(pods, { namespace: 'a', name: 'p' }, { gracePeriodSeconds: 0 });
  await world.clock.advanceAsync(10_000);
  await expect(world.user.get(persistentVolumeClaims, ownKey)).rejects.toThrow('not found');
});

test('a volume goes once it is not bound any more', async () => {
  const world = new World();
  const volume: PersistentVolume = {
    metadata: { name: 'v', finalizers: ['kubernetes.io/pv-protection'] },
    spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } },
  };
  const made = await world.user.create<PersistentVolume>(persistentVolumes, volume);
  const bound = await world.user.update<PersistentVolume>(
    persistentVolumes,
    { ...made, status: { phase: 'Bound' } },
    { subresource: 'status' },
  );
  await startVolumeProtection(world.manager().context);
  await world.user.delete(persistentVolumes, { name: 'v' });
  await world.clock.advanceAsync(10_000);
  const still = await world.user.get<PersistentVolume>(persistentVolumes, { name: 'v' });
  expect([bound.status?.phase, still.metadata?.finalizers]).toEqual(['Bound', ['kubernetes.io/pv-protection']]);
  await world.user.update(persistentVolumes, { ...still, status: { phase: 'Released' } }, { subresource: 'status' });
  await world.clock.advanceAsync(10_000);
  await expect(world.user.get(persistentVolumes, { name: 'v' })).rejects.toThrow('not found');
});
