// Volumes of a driver on a real socket: what it is asked for which volume, and what is said where it does not do it.
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import type { PersistentVolume, PersistentVolumeClaim, Volume, VolumeAttachment } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes, volumeAttachments } from '@drydock/api/resource.ts';
import { attachmentName } from '@drydock/api/storage/attachments.ts';
import { expect, test } from 'vitest';
import { PluginError } from '../../plugins/socket-client.ts';
import { contextOf } from '../testing/pods.ts';
import { csiWorld, driver, type Options, volumeOf } from './testing/csi-world.ts';

test('a volume of a claim is staged, published, unpublished and unstaged, with what its objects say', async () => {
  const { rootDir, prepare, podOf, volumes, calls, model } = await csiWorld({
    csi: {
      fsType: 'ext4',
      volumeAttributes: { a: '1' },
      nodeStageSecretRef: { namespace: 'd', name: 'stage' },
      nodePublishSecretRef: { namespace: 'd', name: 'publish' },
    },
    spec: { mountOptions: ['noatime'] },
    object: {
      attachRequired: false,
      podInfoOnMount: true,
      tokenRequests: [{ audience: '' }, { audience: 'x', expirationSeconds: 600 }],
    },
  });
  const claimed: Volume = { name: 'data', persistentVolumeClaim: { claimName: 'claim', readOnly: true } };
  const target = `${rootDir}/pods/uid-1/volumes/kubernetes.io~csi/pv/mount`;
  expect((await prepare(podOf(claimed))).get('data')).toEqual({ path: target, readOnly: true });
  const [stage, publish] = calls();
  const capability = {
    access_mode: { mode: 'SINGLE_NODE_WRITER' },
    mount: { fs_type: 'ext4', mount_flags: ['noatime'] },
  };
  expect(stage).toMatchObject({
    method: 'NodeStageVolume',
    volume_id: 'h-1',
    volume_capability: capability,
    secrets: { key: 'hidden stage' },
    volume_context: { a: '1' },
  });
  const stagingPath = String(stage?.staging_target_path);
  const hash = createHash('sha256').update('h-1').digest('hex');
  expect(stagingPath).toBe(`${rootDir}/plugins/kubernetes.io/csi/${driver}/${hash}/globalmount`);
  expect(readFileSync(`${stagingPath}/../vol_data.json`, 'utf8')).toBe('{"driverName":"d.test","volumeHandle":"h-1"}\n');
  expect(publish).toMatchObject({
    method: 'NodePublishVolume',
    volume_id: 'h-1',
    staging_target_path: stagingPath,
    target_path: target,
    volume_capability: capability,
    readonly: true,
    secrets: { key: 'hidden publish' },
    volume_context: {
      a: '1',
      'csi.storage.k8s.io/pod.name': 'p',
      'csi.storage.k8s.io/pod.namespace': 'd',
      'csi.storage.k8s.io/pod.uid': 'uid-1',
      'csi.storage.k8s.io/serviceAccount.name': 'sa',
      'csi.storage.k8s.io/ephemeral': 'false',
      'csi.storage.k8s.io/serviceAccount.tokens':
        '{"":{"token":" 3600","expirationTimestamp":"2026-01-01T00:00:00Z"},"x":{"token":"x 600","expirationTimestamp":"2026-01-01T00:00:00Z"}}',
    },
  });
  expect(JSON.parse(readFileSync(`${target}/../vol_data.json`, 'utf8'))).toEqual({
    attachmentID: attachmentName({ driver, handle: 'h-1' }, 'n'),
    driverName: driver,
    nodeName: 'n',
    specVolID: 'pv',
    volumeHandle: 'h-1',
    volumeLifecycleMode: 'Persistent',
  });
  await prepare(podOf(claimed));
  expect(calls()).toHaveLength(2);
  await volumes.remove('uid-1');
  expect(calls().slice(2)).toEqual([
    { method: 'NodeUnpublishVolume', volume_id: 'h-1', target_path: target },
    { method: 'NodeUnstageVolume', volume_id: 'h-1', staging_target_path: stagingPath },
  ]);
  expect([existsSync(`${rootDir}/pods/uid-1`), existsSync(`${stagingPath}/..`), model.faults]).toEqual([false, false, []]);
});

test('an inline volume is published only, and tokens are secret where the driver wants that', async () => {
  const { rootDir, prepare, podOf, volumes, calls } = await csiWorld({
    object: { podInfoOnMount: true, tokenRequests: [{ audience: 'x' }], serviceAccountTokenInSecrets: true },
    capabilities: ['STAGE_UNSTAGE_VOLUME', 'VOLUME_MOUNT_GROUP'],
  });
  const csi = { driver, readOnly: true, volumeAttributes: { b: '2' }, nodePublishSecretRef: { name: 'publish' } };
  const pod = podOf({ name: 'in', csi }, { securityContext: { fsGroup: 7 } });
  const target = `${rootDir}/pods/uid-1/volumes/kubernetes.io~csi/in/mount`;
  expect((await prepare(pod)).get('in')).toEqual({ path: target, readOnly: true });
  await volumes.remove('uid-1');
  const [publish, unpublish, ...others] = calls();
  expect(publish).toMatchObject({
    method: 'NodePublishVolume',
    target_path: target,
    readonly: true,
    volume_capability: { access_mode: { mode: 'SINGLE_NODE_WRITER' }, mount: { volume_mount_group: '7' } },
    volume_context: { b: '2', 'csi.storage.k8s.io/ephemeral': 'true' },
    secrets: { key: 'hidden publish', 'csi.storage.k8s.io/serviceAccount.tokens': expect.stringContaining('"x"') },
  });
  expect(publish?.volume_id).toMatch(/^csi-[0-9a-f]{64}$/);
  expect(publish?.volume_context).not.toHaveProperty(['csi.storage.k8s.io/serviceAccount.tokens']);
  expect(unpublish).toMatchObject({ method: 'NodeUnpublishVolume', volume_id: publish?.volume_id });
  expect(others).toEqual([]);
});

test('two pods of one node: one staging, until the last of them goes; a kubelet that comes anew asks for the same again', async () => {
  const { prepare, podOf, volumes, makeVolumes, methods, model } = await csiWorld();
  await prepare(podOf());
  await prepare(podOf(volumeOf, {}, 'uid-2'));
  expect(methods()).toEqual(['Stage', 'Publish', 'Publish']);
  await volumes.remove('uid-1');
  expect(methods().slice(3)).toEqual(['Unpublish']);
  const next = makeVolumes();
  expect(await next.inUse.names()).toEqual([`kubernetes.io/csi/${driver}^h-1`]);
  await next.volumes.prepare(contextOf(podOf(volumeOf, {}, 'uid-2')));
  await next.volumes.remove('uid-2');
  expect(methods().slice(4)).toEqual(['Stage', 'Publish', 'Unpublish', 'Unstage']);
  expect([model.staged.size, model.published.size, model.faults]).toEqual([0, 0, []]);
});

test('one pod with two PersistentVolumes of the same volume: it stays staged until both have been taken off', async () => {
  const { api, prepare, podOf, volumes, methods, model } = await csiWorld();
  const claim = await api.create<PersistentVolumeClaim>(persistentVolumeClaims, {
    metadata: { namespace: 'd', name: 'second' },
    spec: { volumeName: 'pv-2', accessModes: ['ReadWriteOnce'] },
  });
  const bound = { type: 'merge', body: { status: { phase: 'Bound' } } } as const;
  await api.patch(persistentVolumeClaims, { namespace: 'd', name: 'second' }, bound, { subresource: 'status' });
  await api.create<PersistentVolume>(persistentVolumes, {
    metadata: { name: 'pv-2' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      csi: { driver, volumeHandle: 'h-1' },
      claimRef: { namespace: 'd', name: 'second', uid: claim.metadata?.uid },
    },
  });
  const second: Volume = { name: 'second', persistentVolumeClaim: { claimName: 'second' } };
  await prepare(podOf(volumeOf, { volumes: [volumeOf, second] }));
  expect(model.published.size).toBe(2);
  await volumes.remove('uid-1');
  expect(methods()).toEqual(['Stage', 'Publish', 'Publish', 'Unpublish', 'Unpublish', 'Unstage']);
  expect([model.staged.size, model.published.size, model.faults]).toEqual([0, 0, []]);
});

test('a driver that wants to is asked again at every refresh', async () => {
  const { prepare, methods } = await csiWorld({ object: { attachRequired: false, requiresRepublish: true } });
  await prepare();
  await prepare();
  expect(methods()).toEqual(['Stage', 'Publish', 'Publish']);
});

test('a volume that has to be attached is mounted once the node and the driver’s program have said so', async () => {
  const { api, refused, prepare, attach, calls, methods, inUse, volumes, csiVolumes } = await csiWorld({ object: {} });
  const name = `kubernetes.io/csi/${driver}^h-1`;
  expect(await refused()).toEqual([]);
  expect(inUse.isReported(name)).toBe(true);
  expect(csiVolumes.attachments.waiting).toEqual(['uid-1']);
  expect(await refused(undefined, true)).toEqual([
    'Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[data], failed to process volumes=[]: context deadline exceeded',
  ]);
  attach([name]);
  const id = attachmentName({ driver, handle: 'h-1' }, 'n');
  const failed = 'MountVolume.WaitForAttach failed for volume "pv" : ';
  expect((await refused())[0]).toContain(`${failed}volume h-1 has GET error for volume attachment ${id}: `);
  const object = { metadata: { name: id }, spec: { attacher: driver, nodeName: 'n', source: { persistentVolumeName: 'pv' } } };
  await api.create<VolumeAttachment>(volumeAttachments, object);
  const say = (status: VolumeAttachment['status']) =>
    api.patch(volumeAttachments, { name: id }, { type: 'merge', body: { status } }, { subresource: 'status' });
  await say({ attached: false });
  expect(await refused()).toEqual([]);
  await say({ attached: false, attachError: { message: 'no room' } });
  expect(await refused()).toEqual([`${failed}no room`]);
  expect(methods()).toEqual([]);
  await say({ attached: true, attachmentMetadata: { device: '/dev/x' }, attachError: undefined });
  await prepare();
  expect(calls().map((call) => ('publish_context' in call ? call.publish_context : undefined))).toEqual([
    { device: '/dev/x' },
    { device: '/dev/x' },
  ]);
  await volumes.remove('uid-1');
  expect(await inUse.names()).toEqual([]);
});

test.each<[string, Options, (made: Awaited<ReturnType<typeof csiWorld>>) => void, Volume, string]>([
  [
    'a driver that is not there',
    {},
    ({ registered }) => {
      registered.is = false;
    },
    volumeOf,
    'MountVolume.MountDevice failed for volume "pv" : kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: driver name d.test not found in the list of registered CSI drivers',
  ],
  [
    'a driver of an inline volume that is not there',
    {},
    ({ registered }) => {
      registered.is = false;
    },
    { name: 'in', csi: { driver } },
    'MountVolume.SetUp failed for volume "in" : kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: driver name d.test not found in the list of registered CSI drivers',
  ],
  [
    'a driver without an object, asked for an inline volume',
    { object: null },
    () => {},
    { name: 'in', csi: { driver } },
    'MountVolume.NewMounter initialization failed for volume "in" : volume mode "Ephemeral" not supported by driver d.test (no CSIDriver object)',
  ],
  [
    'a driver that has persistent ones only',
    { object: { volumeLifecycleModes: ['Persistent'] } },
    () => {},
    { name: 'in', csi: { driver } },
    'MountVolume.NewMounter initialization failed for volume "in" : volume mode "Ephemeral" not supported by driver d.test (only supports ["Persistent"])',
  ],
  [
    'a volume that cannot be staged',
    {},
    ({ model }) => model.failures.set('NodeStageVolume', new PluginError('Internal', 'no disk')),
    volumeOf,
    'MountVolume.MountDevice failed for volume "pv" : rpc error: code = Internal desc = no disk',
  ],
  [
    'a volume that cannot be published',
    { capabilities: [] },
    ({ model }) => model.failures.set('NodePublishVolume', new PluginError('InvalidArgument', 'no')),
    volumeOf,
    'MountVolume.SetUp failed for volume "pv" : rpc error: code = InvalidArgument desc = no',
  ],
  [
    'a secret that is not there',
    { csi: { nodeStageSecretRef: { namespace: 'd', name: 'none' } } },
    () => {},
    volumeOf,
    'MountVolume.MountDevice failed for volume "pv" : fetching NodeStageSecretRef d/none failed: kubernetes.io/csi: failed to find the secret none in the namespace d with error: secrets "none" not found',
  ],
])('%s: its user is told, and the pod can go', async (_, options, arrange, volume, text) => {
  const made = await csiWorld(options);
  const { refused, podOf, volumes, rootDir, model } = made;
  arrange(made);
  expect(await refused(podOf(volume))).toEqual([text]);
  await volumes.remove('uid-1');
  expect(existsSync(`${rootDir}/pods/uid-1`)).toBe(false);
  expect([model.staged.size, model.published.size, model.faults]).toEqual([0, 0, []]);
});

test('what may be under way is undone before the pod goes, and only by its driver', async () => {
  const { refused, volumes, clock, registered, rootDir, model, methods } = await csiWorld();
  model.failures.set('NodePublishVolume', new PluginError('DeadlineExceeded', 'slow'));
  expect(await refused()).toEqual([
    'MountVolume.SetUp failed for volume "pv" : rpc error: code = DeadlineExceeded desc = context deadline exceeded',
  ]);
  registered.is = false;
  await expect(volumes.remove('uid-1')).rejects.toThrow('driver name d.test not found');
  expect(existsSync(`${rootDir}/pods/uid-1`)).toBe(true);
  registered.is = true;
  await expect(volumes.remove('uid-1')).rejects.toThrow('as that has failed before');
  clock.advance(500);
  await volumes.remove('uid-1');
  expect(methods()).toEqual(['Stage', 'Publish', 'Unpublish', 'Unstage']);
  expect(existsSync(`${rootDir}/pods/uid-1`)).toBe(false);
});

test('between two attempts there is a pause that grows, in which nothing is said', async () => {
  const { prepare, clock, model, calls } = await csiWorld();
  model.failures.set('NodeStageVolume', new PluginError('Internal', 'no disk'));
  const attempts: number[] = [];
  for (let at = 0; at < 40; at++) {
    const before = calls().length;
    await prepare().catch(() => {});
    if (calls().length > before) attempts.push(at * 500);
    clock.advance(500);
  }
  expect(attempts).toEqual([0, 500, 1_500, 3_500, 7_500, 15_500]);
});

test('a volume for one pod is not given to a second one', async () => {
  const { prepare, podOf, refused } = await csiWorld({ spec: { accessModes: ['ReadWriteOncePod'] } });
  await prepare();
  expect(await refused(podOf(volumeOf, {}, 'uid-2'))).toEqual([
    'MountVolume.SetUp failed for volume "pv" : volume uses the ReadWriteOncePod access mode and is already in use by another pod',
  ]);
});

test('a pod that is to end waits for no driver; what was under way is undone all the same', async () => {
  const { volumes, podOf, model, methods } = await csiWorld();
  const asked = Promise.withResolvers<void>();
  const hanging = Promise.withResolvers<void>();
  const call = model.call.bind(model);
  model.call = async (method, request) => {
    if (method === 'NodeStageVolume') {
      asked.resolve();
      await hanging.promise;
    }
    return call(method, request);
  };
  const ending = new AbortController();
  const prepared = volumes.prepare({ ...contextOf(podOf()), ending: ending.signal });
  prepared.catch(() => {});
  await asked.promise;
  ending.abort();
  await expect(prepared).rejects.toThrow('the pod is being terminated');
  const removed = volumes.remove('uid-1');
  hanging.resolve();
  await removed;
  expect(methods()).toEqual(['Stage', 'Unpublish', 'Unstage']);
  expect([model.staged.size, model.published.size, model.faults]).toEqual([0, 0, []]);
});

const group = process.getgid?.() ?? 0;

test.each<[string, Options, boolean]>([
  ['File', { object: { attachRequired: false, fsGroupPolicy: 'File' } }, true],
  ['None', { object: { attachRequired: false, fsGroupPolicy: 'None' }, csi: { fsType: 'ext4' } }, false],
  ['none said, a file system and one node', { csi: { fsType: 'ext4' } }, true],
  ['none said, no file system', {}, false],
  ['none said, many nodes', { csi: { fsType: 'ext4' }, spec: { accessModes: ['ReadWriteMany'] } }, false],
  ['the driver does it', { csi: { fsType: 'ext4' }, capabilities: ['VOLUME_MOUNT_GROUP'] }, false],
])('the group of the pod, by policy: %s', async (_, options, isGiven) => {
  const { prepare, podOf, rootDir, model } = await csiWorld(options);
  const call = model.call.bind(model);
  model.call = async (method, request) => {
    const answer = await call(method, request);
    if (method === 'NodePublishVolume') chmodSync(String(request.target_path), 0o700);
    return answer;
  };
  await prepare(podOf(volumeOf, { securityContext: { fsGroup: group } }));
  const { mode } = statSync(`${rootDir}/pods/uid-1/volumes/kubernetes.io~csi/pv/mount`);
  expect((mode & 0o7777).toString(8)).toBe(isGiven ? '2770' : '700');
});

test('what a driver leaves is not removed', async () => {
  const { prepare, volumes, rootDir, model } = await csiWorld();
  await prepare();
  const left = `${rootDir}/pods/uid-1/volumes/kubernetes.io~csi/pv/mount`;
  model.unpublishing = () => {
    mkdirSync(`${left}/in`);
    writeFileSync(`${left}/in/file`, '');
  };
  await expect(volumes.remove('uid-1')).rejects.toThrow();
  model.unpublishing = () => {};
  expect(readFileSync(`${left}/in/file`, 'utf8')).toBe('');
});
