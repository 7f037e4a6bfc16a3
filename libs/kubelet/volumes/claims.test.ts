// Volumes of claims: whose they are once a pod with a group has them.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import process from 'node:process';
import type { PersistentVolume, PersistentVolumeClaim, PodSpec, Volume } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes } from '@drydock/api/resource.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { MemoryApi } from '@drydock/client/testing/memory-api.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, onTestFinished, test } from 'vitest';
import { Claims } from './claims.ts';
import { hollowMounter } from './mounter.ts';
import { PodFolders } from './pod-folders.ts';
import { contextOf, podWith } from './testing/pods.ts';
import { Volumes } from './volumes.ts';

const group = process.getgid?.() ?? 0;
const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);

/** A volume with something in it, and a link out of it. */
function world(source: (path: string) => PersistentVolume['spec']) {
  const folder = mkdtempSync(`${tmpdir()}/kubelet-claims-`);
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = `${folder}/volume`;
  mkdirSync(`${path}/in`, { recursive: true });
  for (const file of [`${folder}/outside`, `${path}/in/file`]) writeFileSync(file, '', { mode: 0o600 });
  symlinkSync(`${folder}/outside`, `${path}/in/link`);
  symlinkSync(folder, `${path}/up`);
  for (const each of [folder, path, `${path}/in`]) chmodSync(each, 0o700);
  const client = {
    get: async ({ kind }: { kind: string }) =>
      kind === 'PersistentVolume'
        ? { metadata: { name: 'v' }, spec: { ...source(path), claimRef: { uid: 'c' } } }
        : { metadata: { uid: 'c' }, spec: { volumeName: 'v' }, status: { phase: 'Bound' } },
  } as unknown as ApiClient;
  const mounter = { ...hollowMounter, givesAway: true };
  const kubelet = () =>
    new Volumes({ folders: new PodFolders(`${folder}/root`), claims: new Claims(client), mounter, clock: new VirtualClock() });
  const volumes = kubelet();
  const volume: Volume = { name: 'v', persistentVolumeClaim: { claimName: 'claim' } };
  const podOf = (spec: Partial<PodSpec>, more: object) =>
    podWith({ volumes: [{ ...volume, persistentVolumeClaim: { claimName: 'claim', ...more } }], ...spec });
  const prepare = (spec: Partial<PodSpec>, more: object = {}) => volumes.prepare(contextOf(podOf(spec, more)));
  /** Another pod, on the same node. */
  const prepareOther = (uid: string) => {
    const pod = podOf(fsGroup, {});
    return volumes.prepare(contextOf({ ...pod, metadata: { ...pod.metadata, uid } }));
  };
  const modes = () => [path, `${path}/in`, `${path}/in/file`, `${folder}/outside`, folder].map(modeOf);
  return { path, kubelet, volumes, podOf, prepare, prepareOther, modes };
}

const local = (path: string) => ({ local: { path } });
const before = ['700', '700', '600', '600', '700'];
const fsGroup = { securityContext: { fsGroup: group } };

test('a local volume is its group’s, with all in it and nothing else', async () => {
  const { path, prepare, modes } = world(local);
  expect((await prepare(fsGroup)).get('v')).toEqual({ path, readOnly: false });
  expect(modes()).toEqual(['2770', '2770', '660', '600', '700']);
  expect(statSync(`${path}/in/file`).gid).toBe(group);
});

test('once: what its containers do with it then is their affair', async () => {
  const { path, prepare } = world(local);
  await prepare(fsGroup);
  chmodSync(`${path}/in/file`, 0o600);
  await prepare(fsGroup);
  expect(modeOf(`${path}/in/file`)).toBe('600');
});

test('nor is it given again by a kubelet that starts while its pod runs', async () => {
  const { path, kubelet, podOf, prepare } = world(local);
  await prepare(fsGroup);
  chmodSync(`${path}/in/file`, 0o600);
  await kubelet().prepare(contextOf(podOf(fsGroup, {})));
  expect(modeOf(`${path}/in/file`)).toBe('600');
});

test.each<[string, Partial<PodSpec>]>([
  ['with a group', fsGroup],
  ['without one', {}],
])(
  'a pod that comes while another %s has the volume does not take it away; once that is gone it is given',
  async (_, first) => {
    const { path, volumes, prepare, prepareOther } = world(local);
    await prepare(first);
    chmodSync(`${path}/in/file`, 0o600);
    await prepareOther('uid-2');
    await volumes.remove('uid-1');
    await prepareOther('uid-3');
    expect(modeOf(`${path}/in/file`)).toBe('600');
    for (const uid of ['uid-2', 'uid-3']) await volumes.remove(uid);
    await prepareOther('uid-4');
    expect(modeOf(`${path}/in/file`)).toBe('660');
  },
);

test.each<[string, Partial<PodSpec>, object]>([
  ['without a group', {}, {}],
  ['that is read only', fsGroup, { readOnly: true }],
])('a local volume %s stays as it is', async (_, spec, more) => {
  const { prepare, modes } = world(local);
  await prepare(spec, more);
  expect(modes()).toEqual(before);
});

test('so does a path of the node', async () => {
  const { prepare, modes } = world((path) => ({ hostPath: { path } }));
  await prepare(fsGroup);
  expect(modes()).toEqual(before);
});

test('OnRootMismatch looks at the folder itself', async () => {
  const { path, prepare, modes } = world(local);
  chmodSync(path, 0o2770);
  await prepare({ securityContext: { fsGroup: group, fsGroupChangePolicy: 'OnRootMismatch' } });
  expect(modes().slice(1, 3)).toEqual(['700', '600']);
  const other = world(local);
  await other.prepare({ securityContext: { fsGroup: group, fsGroupChangePolicy: 'OnRootMismatch' } });
  expect(other.modes().slice(1, 3)).toEqual(['2770', '660']);
});

test('an ephemeral volume is that of the claim which was made for the pod, and of no other', async () => {
  const pod = podWith({ volumes: [{ name: 'v', ephemeral: { volumeClaimTemplate: { spec: {} } } }] });
  const owned = (uid: string | undefined) => {
    const ownerReferences = [
      { apiVersion: 'v1', kind: 'Pod', name: pod.metadata?.name ?? '', uid: uid ?? '', controller: true },
    ];
    const asked: string[] = [];
    const client = {
      get: async ({ kind }: { kind: string }, { name }: { name: string }) => {
        asked.push(name);
        return kind === 'PersistentVolume'
          ? { spec: { hostPath: { path: '/x' }, claimRef: { uid: 'c' } } }
          : { metadata: { uid: 'c', ownerReferences }, spec: { volumeName: 'pv' }, status: { phase: 'Bound' } };
      },
    } as unknown as ApiClient;
    const rootDir = mkdtempSync(`${tmpdir()}/kubelet-claims-`);
    onTestFinished(() => rmSync(rootDir, { recursive: true }));
    const volumes = new Volumes({
      folders: new PodFolders(rootDir),
      claims: new Claims(client),
      mounter: hollowMounter,
      clock: new VirtualClock(),
    });
    return { asked, made: volumes.prepare(contextOf(pod)) };
  };
  const own = owned(pod.metadata?.uid);
  expect((await own.made).get('v')).toEqual({ path: '/x', readOnly: false });
  expect(own.asked).toEqual([`${pod.metadata?.name}-v`, 'pv']);
  await expect(owned('another').made).rejects.toThrow('(pod is not owner)');
});

test('a volume that is a device is not given as a folder', async () => {
  const { prepare } = world((path) => ({ local: { path }, volumeMode: 'Block' }));
  await expect(prepare({})).rejects.toThrow('volume v has volumeMode Block');
});

test('a pod is not started with a claim that its protection has let go of; one that runs keeps its volume', async () => {
  const clock = new VirtualClock();
  const api = new MemoryApi({ clock, random: new SeededRandom('claims') });
  const claim = await api.create<PersistentVolumeClaim>(persistentVolumeClaims, {
    metadata: { namespace: 'd', name: 'claim', finalizers: ['kubernetes.io/pvc-protection', 'other.test/held'] },
    spec: { volumeName: 'pv' },
  });
  const bound = { type: 'merge', body: { status: { phase: 'Bound' } } } as const;
  await api.patch(persistentVolumeClaims, { namespace: 'd', name: 'claim' }, bound, { subresource: 'status' });
  const claimRef = { namespace: 'd', name: 'claim', uid: claim.metadata?.uid };
  await api.create<PersistentVolume>(persistentVolumes, {
    metadata: { name: 'pv' },
    spec: { hostPath: { path: '/x' }, claimRef },
  });
  const claims = new Claims(api);
  const pod = { metadata: { namespace: 'd', name: 'p', uid: 'u-1' } };
  expect((await claims.volume(pod, 'claim')).metadata?.name).toBe('pv');
  await api.delete(persistentVolumeClaims, { namespace: 'd', name: 'claim' });
  expect((await claims.volume(pod, 'claim')).metadata?.name).toBe('pv');
  // As after a restart of the kubelet.
  expect((await new Claims(api).volume(pod, 'claim')).metadata?.name).toBe('pv');
  const letGo = { type: 'merge', body: { metadata: { finalizers: ['other.test/held'] } } } as const;
  await api.patch(persistentVolumeClaims, { namespace: 'd', name: 'claim' }, letGo);
  expect((await claims.volume(pod, 'claim')).metadata?.name).toBe('pv');
  const other = { metadata: { ...pod.metadata, uid: 'u-2' } };
  await expect(claims.volume(other, 'claim')).rejects.toThrow('error processing PVC d/claim: PVC is being deleted');
});
