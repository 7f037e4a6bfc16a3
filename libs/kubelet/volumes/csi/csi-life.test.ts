// Pods with volumes of a CSI driver in a world of their own, whatever befalls the kubelet at any of its calls.
import type { CSIDriver, PersistentVolume, PersistentVolumeClaim, Pod } from '@drydock/api/generated/types.ts';
import { csiDrivers, nodes, persistentVolumeClaims, persistentVolumes, volumeAttachments } from '@drydock/api/resource.ts';
import { attachedName, attachmentName } from '@drydock/api/storage/attachments.ts';
import { expect, test } from 'vitest';
import { PluginError } from '../../plugins/socket-client.ts';
import type { KubeletWorld } from '../../testing/kubelet-world.ts';
import { fates, runOnce, type Scenario, sweepTime, withEveryMishap } from '../../testing/mishaps.ts';
import { container, namespace, nodeName, pod } from '../../testing/pods.ts';
import { scene } from '../../testing/scene.ts';
import { DriverModel } from './testing/driver-model.ts';

const patienceMs = 120_000;
const driver = 'd.test';
const volume = { driver, handle: 'h-1' };
const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: 'claim' } }];

function driverModel(): DriverModel {
  const model = new DriverModel();
  model.capabilities = ['STAGE_UNSTAGE_VOLUME', 'EXPAND_VOLUME'];
  return model;
}

/** A bound claim, whose volume has grown. */
async function bind({ user }: KubeletWorld, attachRequired: boolean): Promise<void> {
  await user.create<CSIDriver>(csiDrivers, {
    metadata: { name: driver },
    spec: { attachRequired, volumeLifecycleModes: ['Persistent', 'Ephemeral'] },
  });
  const claim = await user.create<PersistentVolumeClaim>(persistentVolumeClaims, {
    metadata: { namespace, name: 'claim' },
    spec: { volumeName: 'pv' },
  });
  const resize = { capacity: { storage: '1Gi' }, allocatedResourceStatuses: { storage: 'NodeResizePending' } };
  const phase = { type: 'merge', body: { status: { phase: 'Bound', ...resize } } } as const;
  await user.patch(persistentVolumeClaims, { namespace, name: 'claim' }, phase, { subresource: 'status' });
  await user.create<PersistentVolume>(persistentVolumes, {
    metadata: { name: 'pv' },
    spec: {
      capacity: { storage: '2Gi' },
      csi: { driver, volumeHandle: volume.handle },
      claimRef: { namespace, name: 'claim', uid: claim.metadata?.uid },
    },
  });
}

async function attach({ user }: KubeletWorld): Promise<void> {
  const id = attachmentName(volume, nodeName);
  await user.create(volumeAttachments, {
    metadata: { name: id },
    spec: { attacher: driver, nodeName, source: { persistentVolumeName: 'pv' } },
  });
  const attached = { type: 'merge', body: { status: { attached: true } } } as const;
  await user.patch(volumeAttachments, { name: id }, attached, { subresource: 'status' });
  const status = { volumesAttached: [{ name: attachedName(volume), devicePath: '' }] };
  await user.patch(nodes, { name: nodeName }, { type: 'merge', body: { status } }, { subresource: 'status' });
}

const inUse = (world: KubeletWorld) =>
  (world.store.get('nodes', nodeName) as { status?: { volumesInUse?: string[] } }).status?.volumesInUse;

function life(isAttached: boolean): Scenario {
  return {
    // A driver outlives kubelets, not worlds.
    get options() {
      return { drivers: { [driver]: driverModel() } };
    },
    run: async (world) => {
      await bind(world, isAttached);
      if (isAttached) await attach(world);
      const inline = { name: 'in', csi: { driver } };
      await world.create(pod('p', [container('a')], { volumes: isAttached ? volumes : [...volumes, inline] }));
      // Sooner than a kubelet that was struck comes back to it.
      if (!isAttached) await world.advance(500);
      else {
        await world.untilReady('p', patienceMs);
        const claim = world.store.get('persistentvolumeclaims', `${namespace}/claim`) as PersistentVolumeClaim;
        expect(claim.status?.capacity).toEqual({ storage: '2Gi' });
      }
      await world.delete('p', isAttached ? 10 : 0);
      await world.untilGone('p', patienceMs);
    },
  };
}

test.each(fates)('a pod with a volume that is attached, with one mishap at any call: %s', sweepTime, async (fate) => {
  const { runs, wrong } = await withEveryMishap(life(true), fate);
  expect(wrong).toEqual([]);
  expect(runs).toBeGreaterThan(15);
});

test.each(fates)(
  'a pod that goes by force as soon as it has come, with one mishap at any call: %s',
  sweepTime,
  async (fate) => {
    const { wrong } = await withEveryMishap(life(false), fate);
    expect(wrong).toEqual([]);
  },
);

test('the checks find a volume that is left', async () => {
  const model = driverModel();
  const options = { drivers: { [driver]: model } };
  const wrong = await runOnce({
    options,
    run: async () => {
      model.staged.set('h-1', '/x');
      model.published.set('/pods/u/volumes/x/mount', 'h-1');
    },
  });
  expect(wrong).toEqual(['h-1 published at /pods/u/volumes/x/mount', 'h-1 is staged']);
});

test('a node says that it uses a volume from before it is there until it is gone', async () => {
  const model = driverModel();
  const world = await scene({ drivers: { [driver]: model } });
  await bind(world, true);
  const { metadata } = await world.create(pod('p', [container('a')], { volumes }));
  await world.until('it is in use', () => inUse(world)?.length === 1, patienceMs);
  await world.advance(10_000);
  expect(model.calls).toEqual([]);
  await attach(world);
  await world.untilReady('p', 2_000);
  world.crash();
  await world.delete('p', 0);
  await world.until('its folder is gone', () => model.published.size + model.staged.size === 0, patienceMs);
  await world.until('it is in use no more', () => inUse(world) === undefined, patienceMs);
  expect(metadata?.uid).toBeDefined();
});

test('a pod that waits for its volume says so after two minutes', async () => {
  const world = await scene({ drivers: { [driver]: driverModel() } });
  await bind(world, true);
  await world.create(pod('p', [container('a')], { volumes }));
  await world.advance(120_000);
  const said = () =>
    (world.store.list('events') as { reason?: string; message?: string }[]).filter(({ reason }) => reason === 'FailedMount');
  expect(said()).toEqual([]);
  await world.advance(10_000);
  expect(said().map(({ message }) => message)).toEqual([
    'Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data], failed to process volumes=[]: context deadline exceeded',
  ]);
  await world.delete('p', 0);
});

test('after a reboot a volume is there again before its pod runs', async () => {
  const model = driverModel();
  const world = await scene({ restartMs: 3_000, drivers: { [driver]: model } });
  await bind(world, false);
  await world.create(pod('p', [container('a')], { volumes }));
  await world.untilReady('p', patienceMs);
  world.crash();
  await world.engine.reboot();
  model.reboot();
  await world.advance(4_000);
  await world.untilReady('p', patienceMs);
  expect(model.published.size).toBe(1);
  await world.delete('p', 0);
});

test('a pod whose driver does not let go of its volume stays, and goes when it does', async () => {
  const model = driverModel();
  const world = await scene({ drivers: { [driver]: model } });
  await bind(world, false);
  await world.create(pod('p', [container('a')], { volumes }));
  await world.untilReady('p', patienceMs);
  model.failures.set('NodeUnpublishVolume', new PluginError('Internal', 'busy'));
  await world.delete('p');
  await world.advance(60_000);
  expect((world.pod('p') as Pod).metadata?.deletionTimestamp).toBeDefined();
  model.failures.clear();
  await world.untilGone('p', patienceMs);
});
