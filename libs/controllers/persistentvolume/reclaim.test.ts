// Volumes whose claim has gone: retained, deleted or emptied for the next, whatever befalls the controllers. Messages and phases are
// those of the original, asked with the same objects.
import type { PersistentVolume, Pod } from '@drydock/api/generated/types.ts';
import { persistentVolumes, pods } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { type Manager, withEveryMishap } from '../testing/world.ts';
import { Volumes } from './testing/volumes.ts';

/** A world whose volume was bound to a claim that is deleted now, by managers that `strike` may befall. */
async function released(
  policy: string,
  strike?: (manager: Manager, restart: () => void) => void,
  spec: PersistentVolume['spec'] = {},
) {
  const world = new Volumes();
  await world.volume('v', { persistentVolumeReclaimPolicy: policy, ...spec });
  await world.claim('c');
  let first: Manager | undefined;
  world.run((manager) => {
    first = manager;
  });
  await world.clock.advanceAsync(60_000);
  first?.crash();
  await world.deleteClaim('c');
  world.run(strike);
  return world;
}

test('a volume that is to be retained waits for its administrator, for no other claim of that name either', async () => {
  const world = await released('Retain');
  await world.clock.advanceAsync(60_000);
  await world.claim('c');
  await world.clock.advanceAsync(60_000);
  expect([await world.phaseOf('v'), (await world.get('c')).status?.phase]).toEqual(['Released', 'Pending']);
});

test('a volume that is to be deleted: once its files are gone, whatever befalls any write', async () => {
  await withEveryMishap(async (strike, label) => {
    const world = await released('Delete', strike, { hostPath: { path: '/tmp/x/y' } });
    await world.clock.advanceAsync(900_000);
    expect({ label, phase: await world.phaseOf('v'), removed: [...new Set(world.removed)] }).toEqual({
      label,
      phase: undefined,
      removed: ['/tmp/x/y'],
    });
  });
});

test.each<[string, PersistentVolume['spec'], string]>([
  ['elsewhere', {}, 'host_path deleter only supports /tmp/.+ but received provided /mnt/v'],
  ['local', { local: { path: '/x' } }, 'error getting deleter volume plugin for volume "v": no volume plugin matched'],
])('a volume that cannot be deleted, %s, has failed', async (_, spec, why) => {
  const world = await released('Delete', undefined, spec);
  await world.clock.advanceAsync(60_000);
  expect([await world.phaseOf('v'), world.said('v'), world.removed]).toEqual(['Failed', [`VolumeFailedDelete: ${why}`], []]);
});

test('files that cannot be removed: it has failed, and is tried again', async () => {
  const world = await released('Delete', undefined, { hostPath: { path: '/tmp/x' } });
  world.removal = () => {
    throw new Error('EACCES: permission denied');
  };
  await world.clock.advanceAsync(60_000);
  expect([await world.phaseOf('v'), world.said('v')]).toEqual(['Failed', ['VolumeFailedDelete: EACCES: permission denied']]);
  world.removal = () => {};
  await world.clock.advanceAsync(2_000_000);
  expect(await world.phaseOf('v')).toBeUndefined();
});

test('a volume that its administrator gives to a new claim is not deleted for the claim that is gone, however old the cache is', async () => {
  let cache: Manager['server'] | undefined;
  const world = await released('Delete', ({ server }) => (cache = server), { hostPath: { path: '/tmp/x' } });
  world.removal = () => {
    throw new Error('EBUSY: resource busy or locked');
  };
  await world.clock.advanceAsync(60_000);
  expect(await world.phaseOf('v')).toBe('Failed');
  cache?.lag();
  await world.claim('rescue', { volumeName: 'v' });
  const volume = await world.user.get<PersistentVolume>(persistentVolumes, { name: 'v' });
  const { uid } = (await world.get('rescue')).metadata ?? {};
  const claimRef = { namespace: 'a', name: 'rescue', uid };
  await world.user.update<PersistentVolume>(persistentVolumes, { ...volume, spec: { ...volume.spec, claimRef } });
  world.removal = () => {};
  await world.clock.advanceAsync(2_000_000);
  cache?.follow();
  await world.clock.advanceAsync(60_000);
  expect([world.removed, await world.phaseOf('v'), (await world.get('rescue')).status?.phase]).toEqual([[], 'Bound', 'Bound']);
});

test("what a driver's program made is left to it", async () => {
  const world = await released('Delete', undefined, { csi: { driver: 'x.example.com', volumeHandle: 'h' } });
  await world.clock.advanceAsync(60_000);
  expect([await world.phaseOf('v'), world.said('v')]).toEqual(['Released', []]);
});

const recycler = { namespace: 'default', name: 'recycler-for-v' };

/** What a kubelet says of the pod that empties the volume. */
async function recyclerEnds(world: Volumes, status: Pod['status']): Promise<void> {
  const pod = await world.user.get<Pod>(pods, recycler).catch(() => undefined);
  if (pod !== undefined && pod.status?.phase !== status?.phase)
    await world.user.update<Pod>(pods, { ...pod, status }, { subresource: 'status' });
}

test('a volume that is to be used again is emptied first, whatever befalls any write', async () => {
  await withEveryMishap(async (strike, label) => {
    const world = await released('Recycle', strike, { capacity: { storage: '20Gi' } });
    for (let i = 0; i < 40; i++) {
      await world.clock.advanceAsync(20_000);
      await recyclerEnds(world, { phase: 'Succeeded' });
    }
    const volume = await world.user.get<PersistentVolume>(persistentVolumes, { name: 'v' });
    expect({ label, phase: volume.status?.phase, claimRef: volume.spec?.claimRef, left: world.list(pods) }).toEqual({
      label,
      phase: 'Available',
      claimRef: undefined,
      left: [],
    });
  });
});

test('the pod that empties a volume', async () => {
  const world = await released('Recycle', undefined, { capacity: { storage: '20Gi' } });
  await world.clock.advanceAsync(5_000);
  const pod = await world.user.get<Pod>(pods, recycler);
  expect([pod.spec?.activeDeadlineSeconds, pod.spec?.volumes, pod.spec?.containers?.[0]?.args]).toEqual([
    600,
    [{ name: 'vol', hostPath: { path: '/mnt/v', type: '' } }],
    ['-c', 'test -e /scrub && find /scrub -mindepth 1 -delete && test -z "$(ls -A /scrub)" || exit 1'],
  ]);
  await recyclerEnds(world, { phase: 'Failed', message: 'it burns' });
  await world.clock.advanceAsync(100);
  expect([await world.phaseOf('v'), world.said('v').at(-1)]).toEqual([
    'Failed',
    'VolumeFailedRecycle: Recycle failed: failed to recycle volume: it burns',
  ]);
  await world.clock.advanceAsync(20_000);
  await recyclerEnds(world, { phase: 'Succeeded' });
  await world.clock.advanceAsync(5_000);
  expect([await world.phaseOf('v'), world.said('v').at(-1)]).toEqual(['Available', 'VolumeRecycled: Volume recycled']);
});

test("a pod of that name that is somebody else's says nothing about the volume", async () => {
  const world = await released('Recycle');
  await world.user.create<Pod>(pods, {
    metadata: recycler,
    spec: { containers: [{ name: 'c', image: 'mine' }] },
    status: { phase: 'Succeeded' },
  });
  await world.clock.advanceAsync(40_000);
  expect((await world.user.get<Pod>(pods, recycler)).spec?.containers?.[0]?.name).toBe('pv-recycler');
  expect(await world.phaseOf('v')).toBe('Released');
});

test('a volume is not emptied while a pod uses it, and not where nothing can empty it', async () => {
  const world = await released('Recycle');
  await world.user.create<Pod>(pods, {
    metadata: { namespace: 'a', name: 'p' },
    spec: {
      containers: [{ name: 'c', image: 'i' }],
      nodeName: 'n',
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }],
    },
  });
  await world.clock.advanceAsync(60_000);
  expect(world.said('v')).toEqual(['VolumeFailedRecycle: Volume is used by pods: a/p']);
  expect(world.list(pods).map(({ metadata }) => metadata?.name)).toEqual(['p']);
  const local = await released('Recycle', undefined, { local: { path: '/x' } });
  await local.clock.advanceAsync(60_000);
  expect(local.said('v')).toEqual(['VolumeFailedRecycle: No recycler plugin found for the volume!']);
});

test('a volume that was deleted before its claim goes once its files are gone, whatever befalls any write', async () => {
  await withEveryMishap(async (strike, label) => {
    const world = new Volumes();
    const annotations = { 'pv.kubernetes.io/provisioned-by': 'kubernetes.io/host-path' };
    await world.volume('v', { persistentVolumeReclaimPolicy: 'Delete', hostPath: { path: '/tmp/x' } }, { annotations });
    await world.claim('c');
    world.run(strike);
    await world.clock.advanceAsync(200_000);
    await world.user.delete(persistentVolumes, { name: 'v' });
    await world.clock.advanceAsync(100_000);
    expect({ label, phase: await world.phaseOf('v'), removed: world.removed }).toEqual({ label, phase: 'Bound', removed: [] });
    await world.deleteClaim('c');
    await world.clock.advanceAsync(400_000);
    expect({ label, phase: await world.phaseOf('v'), removed: [...new Set(world.removed)] }).toEqual({
      label,
      phase: undefined,
      removed: ['/tmp/x'],
    });
  });
});
