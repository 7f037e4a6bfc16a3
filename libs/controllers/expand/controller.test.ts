// What a claim that asks for more is told, on a world with a server. Messages and annotations are those of the original, asked with
// the same objects.
import type { PersistentVolume, PersistentVolumeClaim } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { type Manager, World, withEveryMishap } from '../testing/world.ts';
import { startExpandController } from './controller.ts';

const key = { namespace: 'a', name: 'c' };

function run(world: World, strike: (manager: Manager, restart: () => void) => void = () => {}): void {
  const manager = world.manager();
  strike(manager, () => run(world, strike));
  void startExpandController(manager.context);
}

async function bound(world: World, source: PersistentVolume['spec'], uid?: string): Promise<void> {
  const claim = await world.user.create<PersistentVolumeClaim>(persistentVolumeClaims, {
    metadata: key,
    spec: { volumeName: 'v', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
  });
  const claimRef = { ...key, uid: uid ?? claim.metadata?.uid };
  await world.user.create<PersistentVolume>(persistentVolumes, { metadata: { name: 'v' }, spec: { ...source, claimRef } });
  const status = { phase: 'Bound', capacity: { storage: '1Gi' } };
  await world.user.update<PersistentVolumeClaim>(persistentVolumeClaims, { ...claim, status }, { subresource: 'status' });
}

async function ask(world: World, storage: string): Promise<void> {
  const body = { spec: { resources: { requests: { storage } } } };
  await world.user.patch(persistentVolumeClaims, key, { type: 'merge', body });
  await world.clock.advanceAsync(10_000);
}

const said = (world: World) => world.events.map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
const csi = { csi: { driver: 'x.example.com', volumeHandle: 'h' } };
const waiting = 'Normal ExternalExpanding: waiting for an external controller to expand this PVC';

test('a claim that asks for more is told that its driver makes it larger', async () => {
  const world = new World();
  run(world);
  await bound(world, csi);
  await world.clock.advanceAsync(10_000);
  expect(said(world)).toEqual([]);
  await ask(world, '2Gi');
  expect(said(world)).toEqual([waiting]);
  await ask(world, '2048Mi');
  expect(said(world)).toEqual([waiting]);
  // So is one that asked while nobody listened.
  run(world);
  await world.clock.advanceAsync(10_000);
  expect(said(world)).toEqual([waiting, waiting]);
});

test('of a volume that points at another claim nothing is said', async () => {
  const world = new World();
  run(world);
  await bound(world, csi, 'another');
  await ask(world, '2Gi');
  expect(said(world)).toEqual([]);
});

test('a claim on what a driver took over is marked for its resizer, whatever befalls any write', async () => {
  const writes = await withEveryMishap(async (strike, label) => {
    const world = new World();
    run(world, strike);
    await bound(world, { awsElasticBlockStore: { volumeID: 'vol-1' } });
    await ask(world, '2Gi');
    await world.clock.advanceAsync(600_000);
    const claim = await world.user.get<PersistentVolumeClaim>(persistentVolumeClaims, key);
    expect({ label, marks: claim.metadata?.annotations, said: [...new Set(said(world))] }).toEqual({
      label,
      marks: { 'volume.kubernetes.io/storage-resizer': 'ebs.csi.aws.com' },
      said: [
        'Normal ExternalExpanding: CSI migration enabled for kubernetes.io/aws-ebs; waiting for external resizer to expand the pvc',
      ],
    });
  });
  expect(writes).toBe(1);
});
