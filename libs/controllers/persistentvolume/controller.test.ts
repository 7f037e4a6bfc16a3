// Claims and volumes that find each other, on a world with a server, whatever befalls the controllers. Messages, phases and which
// volume is taken are those of the original, asked with the same objects.
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes, pods } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { withEveryMishap } from '../testing/world.ts';
import { Volumes } from './testing/volumes.ts';

/** Both point at each other and say so. */
async function expectBound(world: Volumes, label: string): Promise<void> {
  const claim = await world.get('c');
  const volume = await world.user.get<PersistentVolume>(persistentVolumes, { name: 'v' });
  expect({
    label,
    claim: [claim.spec?.volumeName, claim.status, claim.metadata?.annotations],
    volume: [volume.status?.phase, volume.spec?.claimRef?.uid, volume.metadata?.annotations],
  }).toEqual({
    label,
    claim: [
      'v',
      { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: '1Gi' } },
      { 'pv.kubernetes.io/bind-completed': 'yes', 'pv.kubernetes.io/bound-by-controller': 'yes' },
    ],
    volume: ['Bound', claim.metadata?.uid, { 'pv.kubernetes.io/bound-by-controller': 'yes' }],
  });
}

test('a claim and a volume find each other, whatever befalls any write', async () => {
  const writes = await withEveryMishap(async (strike, label) => {
    const world = new Volumes();
    world.run(strike);
    await world.volume('v');
    await world.claim('c');
    await world.clock.advanceAsync(600_000);
    await expectBound(world, label);
  });
  expect(writes).toBe(5);
});

test('a binding that another left anywhere in its middle is completed', async () => {
  const complete = new Volumes();
  await complete.volume('v');
  await complete.claim('c');
  const { uid } = (await complete.get('c')).metadata ?? {};
  const volume = await complete.user.get<PersistentVolume>(persistentVolumes, { name: 'v' });
  const claimRef = { kind: 'PersistentVolumeClaim', namespace: 'a', name: 'c', uid };
  await complete.user.update<PersistentVolume>(persistentVolumes, {
    ...volume,
    metadata: { ...volume.metadata, annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } },
    spec: { ...volume.spec, claimRef },
  });
  complete.run();
  await complete.clock.advanceAsync(60_000);
  await expectBound(complete, 'the volume points at the claim');
});

test('two managers and many claims: nobody has a volume that another has', async () => {
  const world = new Volumes();
  world.run();
  world.run();
  const names = Array.from({ length: 12 }, (_, i) => `${i}`);
  for (const name of names) await world.claim(`c${name}`);
  for (const name of names.slice(2)) await world.volume(`v${name}`);
  await world.clock.advanceAsync(600_000);
  const bound = world.list(persistentVolumeClaims).filter(({ status }) => status?.phase === 'Bound');
  const pairs = world.list(persistentVolumes).map(({ metadata, spec }) => `${spec?.claimRef?.uid} ${metadata?.name}`);
  expect(bound.map(({ metadata, spec }) => `${metadata?.uid} ${spec?.volumeName}`).sort()).toEqual(pairs.sort());
  expect(bound).toHaveLength(10);
});

test('which volume a claim gets', async () => {
  const world = new Volumes();
  world.run();
  await world.volume('large', { capacity: { storage: '5Gi' } });
  await world.volume('small', { capacity: { storage: '2Gi' } });
  await world.volume('tiny', { capacity: { storage: '500Mi' } });
  await world.volume('other', { storageClassName: 'other' });
  await world.volume('plain', { storageClassName: 'sel' });
  await world.volume('labelled', { storageClassName: 'sel' }, { labels: { a: 'b' } });
  await world.volume('many', {
    storageClassName: 'q',
    accessModes: ['ReadWriteOnce', 'ReadWriteMany'],
    claimRef: { namespace: 'a', name: 'quirk' },
  });
  await world.volume('few', { storageClassName: 'q' });
  await world.volume('reserved', { storageClassName: 'pre', claimRef: { namespace: 'a', name: 'reserved' } });
  await world.volume('block', { storageClassName: 'm', volumeMode: 'Block', local: { path: '/x' } });
  await world.clock.advanceAsync(1_000);
  await world.claim('size');
  await world.claim('selects', { storageClassName: 'sel', selector: { matchLabels: { a: 'b' } } });
  await world.claim('quirk', { storageClassName: 'q' });
  await world.claim('reserved', { storageClassName: 'elsewhere' });
  await world.claim('named', { volumeName: 'large' });
  await world.claim('files', { storageClassName: 'm' });
  await world.clock.advanceAsync(10_000);
  const got = Object.fromEntries(
    world.list(persistentVolumeClaims).map(({ metadata, spec }) => [metadata?.name, spec?.volumeName]),
  );
  expect(got).toEqual({
    size: 'small',
    selects: 'labelled',
    quirk: 'few',
    reserved: 'reserved',
    named: 'large',
    files: undefined,
  });
  const reserved = await world.user.get<PersistentVolume>(persistentVolumes, { name: 'reserved' });
  expect(reserved.metadata?.annotations).toBeUndefined();
  expect(await world.phaseOf('many')).toBe('Available');
});

test.each<[string, PersistentVolume['spec'], PersistentVolumeClaim['spec'], string]>([
  ['too small', { capacity: { storage: '500Mi' } }, {}, 'requested PV is too small'],
  ['of another class', { storageClassName: 'other' }, {}, 'storageClassName does not match'],
  ['without the mode', {}, { accessModes: ['ReadWriteMany'] }, 'incompatible accessMode'],
  ['a block device', { volumeMode: 'Block', local: { path: '/x' } }, {}, 'incompatible volumeMode'],
])('a volume asked for by name that is %s', async (_, volume, claim, why) => {
  const world = new Volumes();
  world.run();
  await world.volume('v', volume);
  await world.claim('c', { ...claim, volumeName: 'v' });
  await world.clock.advanceAsync(1_000);
  expect((await world.get('c')).status?.phase).toBe('Pending');
  expect(world.said('c')).toContain(`VolumeMismatch: Cannot bind to requested volume "v": ${why}`);
});

test('a volume asked for by name that another has, and one that is not there', async () => {
  const world = new Volumes();
  world.run();
  await world.volume('taken', { claimRef: { namespace: 'a', name: 'somebody' } });
  await world.claim('c', { volumeName: 'taken' });
  await world.claim('early', { volumeName: 'late', storageClassName: 'x' });
  await world.clock.advanceAsync(1_000);
  expect(world.said('c')).toEqual(['FailedBinding: volume "taken" already bound to a different claim.']);
  expect(world.said('early')).toEqual([]);
  await world.volume('late', { storageClassName: 'x' });
  await world.clock.advanceAsync(20_000);
  expect((await world.get('early')).status?.phase).toBe('Bound');
  expect(await world.phaseOf('taken')).toBe('Available');
});

test('what a claim without a volume is told', async () => {
  const world = new Volumes();
  world.run();
  await world.storageClass('local', 'kubernetes.io/no-provisioner', 'WaitForFirstConsumer');
  await world.storageClass('localnow', 'kubernetes.io/no-provisioner');
  await world.storageClass('ext', 'example.com/ext');
  await world.storageClass('aws', 'kubernetes.io/aws-ebs');
  await world.storageClass('wait', 'example.com/ext', 'WaitForFirstConsumer');
  for (const name of ['absent', 'local', 'localnow', 'ext', 'aws', 'wait']) await world.claim(name, { storageClassName: name });
  await world.claim('none', { storageClassName: '' });
  await world.volume('of-local', { storageClassName: 'local' });
  await world.clock.advanceAsync(1_000);
  const external = (name: string) =>
    `ExternalProvisioning: Waiting for a volume to be created either by the external provisioner '${name}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
  const first = 'WaitForFirstConsumer: waiting for first consumer to be created before binding';
  expect(
    Object.fromEntries(['absent', 'local', 'localnow', 'ext', 'aws', 'wait', 'none'].map((name) => [name, world.said(name)])),
  ).toEqual({
    absent: ['ProvisioningFailed: storageclass.storage.k8s.io "absent" not found'],
    local: [first],
    localnow: ['ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner'],
    ext: [external('example.com/ext')],
    aws: [external('ebs.csi.aws.com')],
    wait: [first],
    none: ['FailedBinding: no persistent volumes available for this claim and no storage class is set'],
  });
  expect((await world.get('aws')).metadata?.annotations).toEqual({
    'volume.beta.kubernetes.io/storage-provisioner': 'ebs.csi.aws.com',
    'volume.kubernetes.io/storage-provisioner': 'ebs.csi.aws.com',
  });
  // A pod that has no node yet, then the scheduler's choice.
  const volume = { name: 'v', persistentVolumeClaim: { claimName: 'wait' } };
  await world.user.create<Pod>(pods, {
    metadata: { namespace: 'a', name: 'p' },
    spec: { containers: [{ name: 'c', image: 'i' }], volumes: [volume] },
  });
  await world.clock.advanceAsync(20_000);
  expect(world.said('wait')).toEqual([first, 'WaitForPodScheduled: waiting for pod p to be scheduled']);
  const chosen = { metadata: { annotations: { 'volume.kubernetes.io/selected-node': 'n' } } };
  await world.user.patch(persistentVolumeClaims, { namespace: 'a', name: 'wait' }, { type: 'merge', body: chosen });
  await world.clock.advanceAsync(1_000);
  expect(world.said('wait').at(-1)).toBe(external('example.com/ext'));
});

test('a claim that says nothing gets the default class once there is one; one that wants none does not', async () => {
  const world = new Volumes();
  world.run();
  await world.claim('says-nothing', { storageClassName: undefined });
  await world.claim('wants-none', { storageClassName: '' });
  await world.clock.advanceAsync(1_000);
  await world.storageClass('standard', 'example.com/ext', 'Immediate', {
    'storageclass.kubernetes.io/is-default-class': 'true',
  });
  await world.clock.advanceAsync(1_000);
  expect([
    (await world.get('says-nothing')).spec?.storageClassName,
    (await world.get('wants-none')).spec?.storageClassName,
  ]).toEqual(['standard', '']);
});

test('a claim whose volume is gone is lost, and its volume of that name again is its own', async () => {
  const world = new Volumes();
  world.run();
  await world.volume('v');
  await world.claim('c');
  await world.clock.advanceAsync(10_000);
  await world.user.delete(persistentVolumes, { name: 'v' });
  await world.clock.advanceAsync(1_000);
  const { status } = await world.get('c');
  expect([status, world.said('c').at(-1)]).toEqual([
    { phase: 'Lost' },
    'ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!',
  ]);
  await world.volume('v');
  await world.clock.advanceAsync(10_000);
  await expectBound(world, 'again');
});

test('what was bound for a claim that is bound elsewhere is let go', async () => {
  const world = new Volumes();
  await world.claim('c', { volumeName: 'other' });
  const { uid } = (await world.get('c')).metadata ?? {};
  const claimRef = { namespace: 'a', name: 'c', uid };
  await world.volume('mine', { claimRef }, { annotations: { 'pv.kubernetes.io/bound-by-controller': 'yes' } });
  await world.volume('users', { claimRef });
  world.run();
  await world.clock.advanceAsync(60_000);
  const refs = world
    .list(persistentVolumes)
    .map(({ metadata, spec, status }) => [metadata?.name, spec?.claimRef, status?.phase]);
  expect(refs).toEqual([
    ['mine', undefined, 'Available'],
    ['users', { namespace: 'a', name: 'c' }, 'Available'],
  ]);
});

test('what claims and volumes are marked with for those who provision', async () => {
  const world = new Volumes();
  world.run();
  const by = (provisioner: string, more: Record<string, string> = {}) => ({
    annotations: { 'pv.kubernetes.io/provisioned-by': provisioner, ...more },
  });
  const ours = ['kubernetes.io/pv-controller'];
  const onDelete: PersistentVolume['spec'] = { persistentVolumeReclaimPolicy: 'Delete', storageClassName: 'none' };
  await world.volume('host', onDelete, by('kubernetes.io/host-path'));
  await world.volume('kept', { storageClassName: 'none' }, { ...by('kubernetes.io/host-path'), finalizers: ours });
  await world.volume('taken', onDelete, { ...by('kubernetes.io/aws-ebs'), finalizers: ours });
  await world.volume('theirs', onDelete, by('x.example.com', { 'pv.kubernetes.io/migrated-to': 'foo' }));
  await world.volume('made', onDelete, { finalizers: ours });
  await world.claim(
    'old',
    { storageClassName: 'none' },
    { 'volume.beta.kubernetes.io/storage-provisioner': 'kubernetes.io/gce-pd' },
  );
  await world.clock.advanceAsync(5_000);
  const marks = world
    .list(persistentVolumes)
    .map(({ metadata }) => [
      metadata?.name,
      metadata?.annotations?.['pv.kubernetes.io/migrated-to'],
      metadata?.finalizers ?? [],
    ]);
  expect(marks).toEqual([
    ['host', undefined, ours],
    ['kept', undefined, []],
    ['made', undefined, ours],
    ['taken', 'ebs.csi.aws.com', []],
    ['theirs', undefined, []],
  ]);
  expect((await world.get('old')).metadata?.annotations?.['pv.kubernetes.io/migrated-to']).toBe('pd.csi.storage.gke.io');
});
