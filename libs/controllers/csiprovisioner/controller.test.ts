// Volumes are made and deleted, on a world with a server. Objects and events are those of the original (external-provisioner 6.3 with the
// same driver, asked with the same claims).
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes, storageClasses } from '@drydock/api/resource.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { expect, test } from 'vitest';
import { DriverError } from '../common/volume-driver.ts';
import { MemoryDriver } from '../testing/volume-driver.ts';
import { type Manager, World, withEveryMishap } from '../testing/world.ts';
import { startProvisioner } from './controller.ts';

const selectedNode = 'volume.kubernetes.io/selected-node';
const finalizer = 'external-provisioner.volume.kubernetes.io/finalizer';
const marks = { 'volume.kubernetes.io/storage-provisioner': 'd.test' };
const key = { namespace: 'a', name: 'c' };

class Cluster extends World {
  run(driver: MemoryDriver, strike: (manager: Manager, restart: () => void) => void = () => {}): Manager {
    const manager = this.manager();
    strike(manager, () => this.run(driver, strike));
    const random = new SeededRandom(driver.nodeName).stream('test');
    void startProvisioner({ driver, identity: `1-${driver.nodeName}`, random, changed: () => {} }, manager.context);
    return manager;
  }

  async storageClass(more: Partial<StorageClass> = {}): Promise<void> {
    await this.user.create<StorageClass>(storageClasses, {
      metadata: { name: 'standard' },
      provisioner: 'd.test',
      reclaimPolicy: 'Delete',
      volumeBindingMode: 'WaitForFirstConsumer',
      ...more,
    });
  }

  async claim(
    annotations: Record<string, string> = { [selectedNode]: 'n1' },
    spec: PersistentVolumeClaim['spec'] = {},
  ): Promise<string> {
    const made = await this.user.create<PersistentVolumeClaim>(persistentVolumeClaims, {
      metadata: { ...key, annotations: { ...marks, ...annotations } },
      spec: {
        storageClassName: 'standard',
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
        ...spec,
      },
    });
    return `pvc-${made.metadata?.uid}`;
  }

  read = () => this.user.get<PersistentVolumeClaim>(persistentVolumeClaims, key);

  /** Once each. */
  said(): string[] {
    return [...new Set(this.events.map(({ reason, message }) => `${reason}: ${message}`))];
  }

  async release(name: string, spec: PersistentVolume['spec'] = {}): Promise<void> {
    const volume = await this.user.get<PersistentVolume>(persistentVolumes, { name });
    const changed = await this.user.update<PersistentVolume>(persistentVolumes, {
      ...volume,
      spec: { ...volume.spec, ...spec },
    });
    await this.user.update<PersistentVolume>(
      persistentVolumes,
      { ...changed, status: { phase: 'Released' } },
      { subresource: 'status' },
    );
  }
}

const provisioning = 'Provisioning: External provisioner is provisioning volume for claim "a/c"';
const succeeded = (name: string) => `ProvisioningSucceeded: Successfully provisioned volume ${name}`;

test('the volume of a claim whose node was chosen is as the original makes it', async () => {
  const world = new Cluster();
  const driver = new MemoryDriver();
  world.run(driver);
  await world.storageClass({ mountOptions: ['noatime'], parameters: { 'csi.storage.k8s.io/fstype': 'xfs', own: '1' } });
  const name = await world.claim(
    { [selectedNode]: 'n1' },
    { volumeMode: 'Filesystem', accessModes: ['ReadWriteOnce', 'ReadWriteOncePod'] },
  );
  await world.settle();
  expect(driver.asked).toEqual([
    {
      name,
      bytes: 1024 ** 3,
      uses: ['SINGLE_NODE_MULTI_WRITER', 'SINGLE_NODE_SINGLE_WRITER'].map((mode) => ({
        mount: { fs_type: 'xfs', mount_flags: ['noatime'] },
        access_mode: { mode },
      })),
      parameters: { own: '1' },
      topology: { 'topology.d.test/node': 'n1' },
    },
  ]);
  const [volume] = world.list(persistentVolumes);
  expect(volume).toMatchObject({
    metadata: {
      name,
      annotations: {
        'pv.kubernetes.io/provisioned-by': 'd.test',
        'volume.kubernetes.io/provisioner-deletion-secret-name': '',
        'volume.kubernetes.io/provisioner-deletion-secret-namespace': '',
      },
      finalizers: expect.arrayContaining([finalizer]),
    },
    spec: {
      accessModes: ['ReadWriteOnce', 'ReadWriteOncePod'],
      capacity: { storage: '1Gi' },
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', ...key, uid: name.slice(4) },
      csi: {
        driver: 'd.test',
        fsType: 'xfs',
        volumeHandle: `n1/${name}`,
        volumeAttributes: { 'storage.kubernetes.io/csiProvisionerIdentity': '1-n1' },
      },
      mountOptions: ['noatime'],
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'topology.d.test/node', operator: 'In', values: ['n1'] }] }],
        },
      },
      persistentVolumeReclaimPolicy: 'Delete',
      storageClassName: 'standard',
      volumeMode: 'Filesystem',
    },
  });
  expect(world.said()).toEqual([provisioning, succeeded(name)]);
});

test.each<[string, Record<string, string>, Partial<StorageClass>]>([
  ['another node', { [selectedNode]: 'n2' }, {}],
  ['no node yet', {}, {}],
  ['another provisioner', { ...marks, 'volume.kubernetes.io/storage-provisioner': 'other', [selectedNode]: 'n1' }, {}],
  ['another class', { [selectedNode]: 'n1' }, { provisioner: 'other' }],
  [
    'places elsewhere',
    {},
    {
      volumeBindingMode: 'Immediate',
      allowedTopologies: [{ matchLabelExpressions: [{ key: 'topology.d.test/node', values: ['n2'] }] }],
    },
  ],
])('a claim for %s is left alone', async (_, annotations, more) => {
  const world = new Cluster();
  const driver = new MemoryDriver();
  const { writes } = world.run(driver);
  await world.storageClass(more);
  await world.claim(annotations);
  await world.settle();
  expect([writes, driver.calls, world.said()]).toEqual([[], [], []]);
});

test('a claim that binds at once is made by one node of several, one that has room', async () => {
  for (const full of [false, true]) {
    const world = new Cluster();
    const drivers = ['n1', 'n2', 'n3'].map((name) => new MemoryDriver(name));
    if (full) for (const driver of drivers.slice(0, 2)) driver.totalBytes = 1;
    for (const driver of drivers) world.run(driver);
    await world.storageClass({ volumeBindingMode: 'Immediate' });
    const name = await world.claim({});
    await world.settle();
    const handles = drivers.flatMap((driver) => [...driver.volumes.keys()]);
    expect(handles).toHaveLength(1);
    const node = (await world.read()).metadata?.annotations?.[selectedNode];
    expect(handles).toEqual([`${node}/${name}`]);
    if (full) expect(node).toBe('n3');
    expect(world.list(persistentVolumes)).toHaveLength(1);
    expect(world.said()).toEqual([provisioning, succeeded(name)]);
  }
});

test('a node without room gives the claim back to who chose it', async () => {
  const world = new Cluster();
  const driver = new MemoryDriver();
  driver.totalBytes = 1;
  world.run(driver);
  await world.storageClass();
  await world.claim();
  await world.settle();
  expect((await world.read()).metadata?.annotations).toEqual(marks);
  expect(driver.calls).toEqual(['create']);
  expect(world.said()).toEqual([
    provisioning,
    'ProvisioningFailed: rpc error: code = ResourceExhausted desc = not enough space',
  ]);
});

test('a node that says it has room and has none leaves a claim to the others for a while', async () => {
  const world = new Cluster();
  const driver = new MemoryDriver();
  driver.before = (call) => {
    if (call === 'create') throw new DriverError('ResourceExhausted', 'too many volumes');
  };
  world.run(driver);
  await world.storageClass({ volumeBindingMode: 'Immediate' });
  const name = await world.claim({});
  await world.clock.advanceAsync(14_000);
  expect(world.events.filter(({ reason }) => reason === 'ProvisioningFailed')).toHaveLength(1);
  driver.before = () => {};
  await world.clock.advanceAsync(3_000);
  expect(world.said().at(-1)).toBe(succeeded(name));
});

test('volumes that take long to delete hold up no claim', async () => {
  const world = new Cluster();
  const driver = new MemoryDriver();
  const end = Promise.withResolvers<void>();
  driver.before = (call) => (call === 'delete' ? end.promise : undefined);
  world.run(driver);
  await world.storageClass();
  for (let index = 0; index < 8; index++) {
    const volume = await world.user.create<PersistentVolume>(persistentVolumes, {
      metadata: { name: `v-${index}` },
      spec: { csi: { driver: 'd.test', volumeHandle: `h-${index}` }, persistentVolumeReclaimPolicy: 'Delete' },
    });
    const status = { phase: 'Released' } as const;
    await world.user.update<PersistentVolume>(persistentVolumes, { ...volume, status }, { subresource: 'status' });
  }
  await world.settle();
  const name = await world.claim();
  await world.settle();
  expect(world.said().at(-1)).toBe(succeeded(name));
  end.resolve();
  await world.settle();
  expect(world.list(persistentVolumes).map(({ metadata }) => metadata?.name)).toEqual([name]);
});

test.each<[string, PersistentVolumeClaim['spec'], Partial<StorageClass>, string]>([
  ['a selector', { selector: { matchLabels: { a: 'b' } } }, {}, 'claim Selector is not supported'],
  [
    'a snapshot',
    { dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' } },
    {},
    'CSI driver does not support snapshot restore: controller CREATE_DELETE_SNAPSHOT capability is not reported',
  ],
  [
    'a clone',
    { dataSource: { kind: 'PersistentVolumeClaim', name: 's' } },
    {},
    'CSI driver does not support clone operations: controller CLONE_VOLUME capability is not reported',
  ],
  [
    'attributes',
    { volumeAttributesClassName: 'gold' },
    {},
    'CSI driver does not support VolumeAttributesClass: controller MODIFY_VOLUME capability is not reported',
  ],
  [
    'an unknown reserved parameter',
    {},
    { parameters: { 'csi.storage.k8s.io/nope': '1' } },
    'failed to strip CSI Parameters of prefixed keys: found unknown parameter key "csi.storage.k8s.io/nope" with reserved namespace csi.storage.k8s.io/',
  ],
  [
    'two file systems',
    {},
    { parameters: { fsType: 'xfs', 'csi.storage.k8s.io/fstype': 'ext4' } },
    'fstype specified in parameters with both "fstype" and "csi.storage.k8s.io/fstype" keys',
  ],
  [
    'a Secret',
    {},
    { parameters: { 'csi.storage.k8s.io/provisioner-secret-name': 's' } },
    'parameter "csi.storage.k8s.io/provisioner-secret-name": no Secrets are handed to this driver',
  ],
])('what cannot be served is said: %s', async (_, spec, more, message) => {
  const world = new Cluster();
  const driver = new MemoryDriver();
  world.run(driver);
  await world.storageClass(more);
  await world.claim({ [selectedNode]: 'n1' }, spec);
  await world.clock.advanceAsync(20_000);
  expect(world.said()).toEqual([provisioning, `ProvisioningFailed: ${message}`]);
  expect(driver.calls).toEqual([]);
  // Not over and over: with a delay that doubles.
  expect(world.events.length).toBeLessThan(12);
});

test('what a populator fills is left to it', async () => {
  const world = new Cluster();
  world.run(new MemoryDriver());
  await world.storageClass();
  await world.claim({ [selectedNode]: 'n1' }, { dataSourceRef: { apiGroup: 'x.test', kind: 'Image', name: 'i' } });
  await world.settle();
  expect(world.said()).toEqual([provisioning, 'Provisioning: Assuming an external populator will provision the volume']);
  const { length } = world.events;
  await world.clock.advanceAsync(3_600_000);
  expect(world.events).toHaveLength(length);
});

test('what the driver will never do is asked again late, or when the class has changed', async () => {
  const world = new Cluster();
  const driver = new MemoryDriver();
  driver.before = () => {
    throw new DriverError('InvalidArgument', 'unknown parameter "type"');
  };
  world.run(driver);
  await world.storageClass();
  const name = await world.claim();
  await world.clock.advanceAsync(200_000);
  expect(world.events).toHaveLength(2);
  expect(world.said().at(-1)).toBe(
    'ProvisioningFailed: Volume provisioning failed with infeasible error. Retries will be delayed. rpc error: code = InvalidArgument desc = unknown parameter "type"',
  );
  await world.clock.advanceAsync(200_000);
  expect(world.events).toHaveLength(4);
  driver.before = () => {};
  await world.user.delete(storageClasses, { name: 'standard' });
  await world.storageClass();
  await world.clock.advanceAsync(5_000);
  expect(world.said().at(-1)).toBe(succeeded(name));
});

test('a volume that may have been made goes too, where its claim has gone meanwhile', async () => {
  const world = new Cluster();
  const driver = new MemoryDriver();
  let failures = 1;
  driver.after = (call) => {
    if (call === 'create' && failures-- > 0) throw new DriverError('DeadlineExceeded', 'context deadline exceeded');
  };
  world.run(driver);
  await world.storageClass();
  const name = await world.claim();
  await world.clock.advanceAsync(100);
  expect(driver.volumes.size).toBe(1);
  await world.user.delete(persistentVolumeClaims, key);
  await world.settle();
  expect(world.list(persistentVolumes).map(({ metadata }) => metadata?.name)).toEqual([name]);
  await world.release(name);
  await world.settle();
  expect([world.list(persistentVolumes), driver.volumes.size]).toEqual([[], 0]);
});

test('what was begun for a claim that has gone is ended, also where the driver goes on failing and the class is gone', async () => {
  const world = new Cluster();
  const driver = new MemoryDriver();
  let failures = 4;
  driver.after = (call) => {
    if (call === 'create' && failures-- > 0) throw new DriverError('Aborted', 'it is under way');
  };
  world.run(driver);
  await world.storageClass();
  const gone = await world.claim();
  await world.clock.advanceAsync(100);
  await world.user.delete(storageClasses, { name: 'standard' });
  await world.user.delete(persistentVolumeClaims, key);
  // Another one has its name; neither holds up the other for good, nor is the driver asked without a pause.
  const next = await world.claim();
  await world.clock.advanceAsync(900);
  expect(driver.calls.length).toBeLessThan(4);
  await world.clock.advanceAsync(20_000);
  await world.storageClass();
  await world.settle({ quietMs: 20_000 });
  expect(
    world
      .list(persistentVolumes)
      .map(({ metadata }) => metadata?.name)
      .sort(),
  ).toEqual([gone, next].sort());
  expect([...driver.volumes.keys()].sort()).toEqual([`n1/${gone}`, `n1/${next}`].sort());
});

test('whatever befalls any write or any call of the driver, a claim gets one volume', async () => {
  const run = async (driver: MemoryDriver, strike: (manager: Manager, restart: () => void) => void, label: string) => {
    const world = new Cluster();
    world.run(driver, strike);
    await world.storageClass({ volumeBindingMode: 'Immediate' });
    const name = await world.claim({});
    await world.settle({ quietMs: 400_000 });
    expect({ label, volumes: world.list(persistentVolumes).map(({ metadata }) => metadata?.name) }).toEqual({
      label,
      volumes: [name],
    });
    expect({ label, made: [...driver.volumes.keys()] }).toEqual({ label, made: [`n1/${name}`] });
    return world.said().includes(succeeded(name));
  };
  const writes = await withEveryMishap(async (strike, label) => {
    await run(new MemoryDriver(), strike, label);
  });
  expect(writes).toBe(2);
  for (const code of ['Internal', 'Aborted', 'Unavailable', 'ResourceExhausted'])
    for (const when of ['before', 'after'] as const) {
      const driver = new MemoryDriver();
      let failures = 2;
      driver[when] = (call: string) => {
        if (call === 'create' && failures-- > 0) throw new DriverError(code, 'no');
      };
      expect(await run(driver, () => {}, `${code} ${when}`)).toBe(true);
    }
});

test('a released volume is deleted with what holds it, whatever befalls any write or any call of the driver', async () => {
  const run = async (driver: MemoryDriver, strike: (manager: Manager, restart: () => void) => void, label: string) => {
    const world = new Cluster();
    const first = world.run(driver);
    await world.storageClass();
    const name = await world.claim();
    await world.settle();
    first.crash();
    await world.user.delete(persistentVolumeClaims, key);
    await world.release(name);
    world.run(driver, strike);
    await world.settle({ quietMs: 400_000 });
    expect({ label, volumes: world.list(persistentVolumes), made: driver.volumes.size }).toEqual({
      label,
      volumes: [],
      made: 0,
    });
    return world;
  };
  const writes = await withEveryMishap(async (strike, label) => {
    await run(new MemoryDriver(), strike, label);
  });
  expect(writes).toBe(2);
  for (const when of ['before', 'after'] as const) {
    const driver = new MemoryDriver();
    let failures = 2;
    driver[when] = (call: string) => {
      if (call === 'delete' && failures-- > 0) throw new DriverError('FailedPrecondition', 'it is in use');
    };
    const world = await run(driver, () => {}, when);
    expect(world.said()).toContain('VolumeFailedDelete: rpc error: code = FailedPrecondition desc = it is in use');
  }
});

test.each<[string, PersistentVolume['spec'], number]>([
  ['is to be kept', { persistentVolumeReclaimPolicy: 'Retain' }, 1],
  [
    'is on another node',
    {
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'topology.d.test/node', operator: 'In', values: ['n2'] }] }],
        },
      },
    },
    1,
  ],
])('a released volume that %s is not deleted', async (_, spec, left) => {
  const world = new Cluster();
  const driver = new MemoryDriver();
  world.run(driver);
  await world.storageClass();
  const name = await world.claim();
  await world.settle();
  await world.release(name, spec);
  await world.settle();
  expect([driver.volumes.size, world.list(persistentVolumes).length]).toEqual([1, left]);
  const [volume] = world.list(persistentVolumes);
  const isHeld = volume?.metadata?.finalizers?.includes(finalizer) === true;
  expect(isHeld).toBe(spec?.persistentVolumeReclaimPolicy !== 'Retain');
});

test('a volume that was made by hand for the driver is held while it is bound', async () => {
  const world = new Cluster();
  world.run(new MemoryDriver());
  const made = await world.user.create<PersistentVolume>(persistentVolumes, {
    metadata: { name: 'v' },
    spec: { csi: { driver: 'd.test', volumeHandle: 'h' }, persistentVolumeReclaimPolicy: 'Delete' },
  });
  await world.user.update<PersistentVolume>(
    persistentVolumes,
    { ...made, status: { phase: 'Bound' } },
    { subresource: 'status' },
  );
  await world.settle();
  expect((await world.user.get<PersistentVolume>(persistentVolumes, { name: 'v' })).metadata?.finalizers).toContain(finalizer);
});
