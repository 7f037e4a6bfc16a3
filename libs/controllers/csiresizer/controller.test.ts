// Claims that ask for more, on a world with a server. What they say is what the original's say (external-resizer 2.2, same driver).
import type { PersistentVolume, PersistentVolumeClaim } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { DriverError } from '../common/volume-driver.ts';
import { MemoryDriver } from '../testing/volume-driver.ts';
import { type Manager, World, withEveryMishap } from '../testing/world.ts';
import { startResizer } from './controller.ts';

const gib = 1024 ** 3;
const key = { namespace: 'a', name: 'c' };
const notRequired = { 'volume.kubernetes.io/node-expansion-not-required': 'true' };

class Cluster extends World {
  run(driver: MemoryDriver, strike: (manager: Manager, restart: () => void) => void = () => {}): Manager {
    const manager = this.manager();
    strike(manager, () => this.run(driver, strike));
    void startResizer({ driver, changed: () => {} }, manager.context);
    return manager;
  }

  async bound(driver: MemoryDriver, more: PersistentVolume['spec'] = {}, uid?: string): Promise<void> {
    driver.volumes.set('h', gib);
    const claim = await this.user.create<PersistentVolumeClaim>(persistentVolumeClaims, {
      metadata: key,
      spec: { volumeName: 'v', accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });
    await this.user.create<PersistentVolume>(persistentVolumes, {
      metadata: { name: 'v' },
      spec: {
        capacity: { storage: '1Gi' },
        csi: { driver: 'd.test', volumeHandle: 'h' },
        claimRef: { ...key, uid: uid ?? claim.metadata?.uid },
        ...more,
      },
    });
    const status = { phase: 'Bound', capacity: { storage: '1Gi' } };
    await this.user.update<PersistentVolumeClaim>(persistentVolumeClaims, { ...claim, status }, { subresource: 'status' });
  }

  async ask(storage: string): Promise<void> {
    const body = { spec: { resources: { requests: { storage } } } };
    await this.user.patch(persistentVolumeClaims, key, { type: 'merge', body });
  }

  claim = () => this.user.get<PersistentVolumeClaim>(persistentVolumeClaims, key);
  size = async () => (await this.user.get<PersistentVolume>(persistentVolumes, { name: 'v' })).spec?.capacity;
  said = () => [...new Set(this.events.map(({ reason, message }) => `${reason}: ${message}`))];
}

const resizing = 'Resizing: External resizer is resizing volume v';
const done = 'VolumeResizeSuccessful: Resize volume succeeded';
const finished = { phase: 'Bound', capacity: { storage: '3Gi' }, allocatedResources: { storage: '3Gi' } };

test('a volume becomes as large as its claim asks, and both say so as the original has them', async () => {
  const world = new Cluster();
  const driver = new MemoryDriver();
  world.run(driver);
  await world.bound(driver);
  await world.settle();
  expect(driver.calls).toEqual([]);
  const statuses: unknown[] = [];
  driver.before = async () => void statuses.push((await world.claim()).status);
  await world.ask('3Gi');
  await world.settle();
  expect(statuses).toEqual([
    {
      phase: 'Bound',
      capacity: { storage: '1Gi' },
      conditions: [{ type: 'Resizing', status: 'True', lastTransitionTime: expect.any(String) }],
      allocatedResources: { storage: '3Gi' },
      allocatedResourceStatuses: { storage: 'ControllerResizeInProgress' },
    },
  ]);
  const { status, metadata } = await world.claim();
  expect(status).toEqual(finished);
  expect(metadata?.annotations).toEqual(notRequired);
  expect(await world.size()).toEqual({ storage: '3Gi' });
  expect(world.events.map(({ reason }) => reason)).toEqual(['Resizing', 'VolumeResizeSuccessful']);
  expect(world.said()).toEqual([resizing, done]);
  await world.ask('4Gi');
  await world.settle();
  expect((await world.claim()).status).toMatchObject({ capacity: { storage: '4Gi' } });
});

test.each<[string, PersistentVolume['spec'], string | undefined]>([
  ['another driver', { csi: { driver: 'other', volumeHandle: 'h' } }, undefined],
  [
    'another node',
    {
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'topology.d.test/node', operator: 'In', values: ['n2'] }] }],
        },
      },
    },
    undefined,
  ],
  ['another claim', {}, 'another'],
])('a volume of %s is left alone', async (_, spec, uid) => {
  const world = new Cluster();
  const driver = new MemoryDriver();
  const { writes } = world.run(driver);
  await world.bound(driver, spec, uid);
  await world.ask('3Gi');
  await world.settle();
  expect([writes, driver.calls, world.events]).toEqual([[], [], []]);
});

test('a driver without room is asked again; what was begun is ended before less is asked for', async () => {
  const world = new Cluster();
  const driver = new MemoryDriver();
  driver.totalBytes = 2 * gib;
  world.run(driver);
  await world.bound(driver);
  await world.ask('3Gi');
  await world.clock.advanceAsync(60_000);
  const failed =
    'VolumeResizeFailed: resize volume "v" by resizer "d.test" failed: rpc error: code = ResourceExhausted desc = not enough space';
  expect(world.said()).toEqual([resizing, failed]);
  expect((await world.claim()).status?.conditions).toMatchObject([{ type: 'Resizing' }]);
  await world.ask('2Gi');
  driver.totalBytes = 10 * gib;
  await world.settle({ quietMs: 400_000 });
  expect(driver.volumes.get('h')).toBe(3 * gib);
  expect((await world.claim()).status).toEqual(finished);
});

test('what the driver will never do is said in the claim, asked again late, and forgotten for a size that it can have', async () => {
  const world = new Cluster();
  const driver = new MemoryDriver();
  driver.before = () => {
    throw new DriverError('OutOfRange', 'too large');
  };
  world.run(driver);
  await world.bound(driver);
  await world.ask('5Gi');
  await world.clock.advanceAsync(200_000);
  expect((await world.claim()).status).toMatchObject({
    allocatedResourceStatuses: { storage: 'ControllerResizeInfeasible' },
    conditions: [
      { type: 'Resizing' },
      {
        type: 'ControllerResizeError',
        status: 'True',
        message: 'failed to expand pvc with rpc error: code = OutOfRange desc = too large',
      },
    ],
  });
  expect(world.events.map(({ reason }) => reason)).toEqual(['Resizing', 'VolumeResizeFailed']);
  driver.before = () => {};
  await world.ask('3Gi');
  await world.settle({ quietMs: 20_000 });
  expect((await world.claim()).status).toEqual(finished);
});

test('whatever befalls any write or any call of the driver, volume and claim have the size that was asked for', async () => {
  const run = async (driver: MemoryDriver, strike: (manager: Manager, restart: () => void) => void, label: string) => {
    const world = new Cluster();
    await world.bound(driver);
    world.run(driver, strike);
    await world.ask('3Gi');
    await world.settle({ quietMs: 400_000 });
    const { status, metadata } = await world.claim();
    expect({ label, status, marks: metadata?.annotations }).toEqual({ label, status: finished, marks: notRequired });
    expect({ label, size: await world.size(), has: driver.volumes.get('h') }).toEqual({
      label,
      size: { storage: '3Gi' },
      has: 3 * gib,
    });
  };
  const writes = await withEveryMishap((strike, label) => run(new MemoryDriver(), strike, label));
  expect(writes).toBe(3);
  for (const code of ['Internal', 'Aborted', 'NotFound'])
    for (const when of ['before', 'after'] as const) {
      const driver = new MemoryDriver();
      let failures = 2;
      driver[when] = (call: string) => {
        if (call === 'expand' && failures-- > 0) throw new DriverError(code, 'no');
      };
      await run(driver, () => {}, `${code} ${when}`);
    }
});
