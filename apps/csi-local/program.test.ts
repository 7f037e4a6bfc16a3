// The program on a whole apiserver, with the rights of its role and no others, and real folders.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type WireClient, WireServer } from '@drydock/apiserver/testing/wire.ts';
import { capacityRules, storageRules } from '@drydock/controllers/storage-rules.ts';
import { createDriver } from '@drydock/csi/driver.ts';
import { LocalVolumeFolders } from '@drydock/csi/volume-folders.ts';
import { LocalVolumeMounts } from '@drydock/csi/volume-mounts.ts';
import { VolumeStore } from '@drydock/csi/volume-store.ts';
import { parseFlags } from '@drydock/foundation/flags.ts';
import { Lifecycle } from '@drydock/foundation/lifecycle.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { makeFolderDurably, NodeDisk } from '@drydock/foundation/node-disk.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { renderKubeconfig } from '@drydock/pki/kubeconfig.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { flags } from './flags.ts';
import { inProcessDriver } from './in-process-driver.ts';
import { startProvisioning } from './provisioning.ts';

const name = 'd.test';
const gib = 1024 ** 3;
const folder = mkdtempSync(join(tmpdir(), 'drydock-csi-'));
const volumesFolder = join(folder, 'volumes');
const claims = '/api/v1/namespaces/default/persistentvolumeclaims';
const volumes = '/api/v1/persistentvolumes';
let server: WireServer;
let admin: WireClient;
let stop: () => Promise<void>;

async function startProgram(): Promise<() => Promise<void>> {
  await makeFolderDurably(volumesFolder, folder);
  const folders = new LocalVolumeFolders(volumesFolder);
  const ports = { disk: new NodeDisk(folder), folders, log: silentLog, nodeId: 'n1', capacityBytes: 5 * gib };
  const store = await VolumeStore.open(ports);
  const mounts = new LocalVolumeMounts(folders);
  const { controller, node } = createDriver({ driverName: name, version: '1', nodeId: 'n1', store, folders, mounts });
  const topology = node.info().accessible_topology.segments;
  const driver = inProcessDriver(controller, { name, nodeName: 'n1', topology });
  const { values } = parseFlags(flags, [`--kubeconfig=${join(folder, 'kubeconfig')}`], { style: 'pflag' });
  const lifecycle = new Lifecycle(silentLog);
  await startProvisioning(driver, values, {
    log: silentLog,
    clock: new SystemClock(),
    random: new SystemRandom(),
    lifecycle,
    fatal: (error) => {
      throw error;
    },
  });
  return () => lifecycle.stop();
}

const create = async (path: string, body: object) => {
  const answer = await admin.call('POST', path, { body });
  expect(answer.code, JSON.stringify(answer.body)).toBe(201);
  return answer.body;
};

beforeAll(async () => {
  server = await WireServer.start({ grpcPort: await freePort() });
  admin = await server.as('admin', 'system:masters');
  const { ca, cert, key } = await server.certificate('system:csi-local');
  const text = renderKubeconfig({
    cluster: 'c',
    server: server.base,
    authorityPem: ca,
    user: 'csi-local',
    certificatePem: cert,
    keyPem: key,
  });
  writeFileSync(join(folder, 'kubeconfig'), text);
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const metadata = { name: 'csi-local' };
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'system:csi-local' }];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', name: 'csi-local' };
  await create(`${rbac}/clusterroles`, { metadata, rules: storageRules });
  await create(`${rbac}/clusterrolebindings`, { metadata, roleRef: { ...roleRef, kind: 'ClusterRole' }, subjects });
  await create(`${rbac}/namespaces/kube-system/roles`, { metadata, rules: capacityRules });
  await create(`${rbac}/namespaces/kube-system/rolebindings`, { metadata, roleRef: { ...roleRef, kind: 'Role' }, subjects });
  await create('/api/v1/nodes', { metadata: { name: 'n1' } });
  await create('/apis/storage.k8s.io/v1/storageclasses', {
    metadata: { name: 'standard' },
    provisioner: name,
    volumeBindingMode: 'WaitForFirstConsumer',
    allowVolumeExpansion: true,
  });
  stop = await startProgram();
});

afterAll(async () => {
  await stop();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** As the claim is once controller and scheduler have seen it. */
async function makeClaim(claim: string, storage = '1Gi'): Promise<string> {
  const annotations = { 'volume.kubernetes.io/storage-provisioner': name, 'volume.kubernetes.io/selected-node': 'n1' };
  const spec = { storageClassName: 'standard', accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } };
  return `pvc-${(await create(claims, { metadata: { name: claim, annotations }, spec })).metadata.uid}`;
}

const read = async (path: string) => {
  const { code, body } = await admin.call('GET', path);
  return code === 200 ? body : code;
};
const room = async () => {
  const { items } = await read('/apis/storage.k8s.io/v1/namespaces/kube-system/csistoragecapacities');
  return items.map((each: { capacity: string; storageClassName: string }) => [each.storageClassName, each.capacity]);
};
const reasons = async (object: string) => {
  const { items } = await read(`/api/v1/namespaces/default/events?fieldSelector=involvedObject.name=${object}`);
  return items.map(({ reason }: { reason: string }) => reason);
};

test('a claim gets a folder, it grows, and is gone with the claim: by the rights of the role alone', async () => {
  await expect.poll(room).toEqual([['standard', '5Gi']]);
  const volume = await makeClaim('a');
  await expect.poll(() => read(`${volumes}/${volume}`)).toMatchObject({ spec: { capacity: { storage: '1Gi' } } });
  expect(readdirSync(volumesFolder)).toEqual([(await read(`${volumes}/${volume}`)).spec.csi.volumeHandle]);
  await expect.poll(room).toEqual([['standard', '4Gi']]);
  await expect.poll(() => reasons('a')).toEqual(['Provisioning', 'ProvisioningSucceeded']);

  const bound = await read(`${claims}/a`);
  const named = await admin.call('PUT', `${claims}/a`, { body: { ...bound, spec: { ...bound.spec, volumeName: volume } } });
  const status = { phase: 'Bound', capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] };
  expect((await admin.call('PUT', `${claims}/a/status`, { body: { ...named.body, status } })).code).toBe(200);
  const patch = { type: 'application/merge-patch+json', body: { spec: { resources: { requests: { storage: '2Gi' } } } } };
  expect((await admin.call('PATCH', `${claims}/a`, patch)).code).toBe(200);
  await expect
    .poll(async () => (await read(`${claims}/a`)).status)
    .toEqual({
      ...status,
      capacity: { storage: '2Gi' },
      allocatedResources: { storage: '2Gi' },
    });
  await expect.poll(() => reasons('a')).toContain('VolumeResizeSuccessful');
  await expect.poll(room).toEqual([['standard', '3Gi']]);

  const grown = await read(`${volumes}/${volume}`);
  expect(grown.spec.capacity).toEqual({ storage: '2Gi' });
  await admin.call('PUT', `${volumes}/${volume}/status`, { body: { ...grown, status: { phase: 'Released' } } });
  await expect.poll(() => readdirSync(volumesFolder)).toEqual([]);
  // What protects volumes in use is another program's.
  await expect
    .poll(async () => (await read(`${volumes}/${volume}`)).metadata.finalizers)
    .toEqual(['kubernetes.io/pv-protection']);
  await expect.poll(room).toEqual([['standard', '5Gi']]);
});

test('what there is no room for is said, and given back to the scheduler', async () => {
  await makeClaim('big', '6Gi');
  await expect.poll(() => reasons('big')).toEqual(['Provisioning', 'ProvisioningFailed']);
  await expect
    .poll(async () => (await read(`${claims}/big`)).metadata.annotations)
    .toEqual({ 'volume.kubernetes.io/storage-provisioner': name });
});

test('claims that came while nobody was there are served by the next, volumes of before are known to it', async () => {
  const before = await makeClaim('before');
  await expect.poll(() => read(`${volumes}/${before}`)).toMatchObject({ metadata: { name: before } });
  await stop();
  const meanwhile = await makeClaim('meanwhile');
  stop = await startProgram();
  await expect.poll(() => read(`${volumes}/${meanwhile}`)).toMatchObject({ metadata: { name: meanwhile } });
  await expect.poll(room).toEqual([['standard', '3Gi']]);
});
