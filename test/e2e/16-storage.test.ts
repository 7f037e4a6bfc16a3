// Volumes that nobody made before: a claim gets one by the lab's own driver where its pod runs; it outlives pods, grows, and goes with its
// claim, folder and all. Where its node is gone its pods wait, and say why.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { e2eSkipReason, kubectl, kubectlJson, lab, labName, repository, until } from './lab.ts';

const namespace = 'e2e-storage';
const workers = ['worker-1', 'worker-2', 'worker-3'];

interface Volume {
  metadata: { name: string };
  spec: { csi: { volumeHandle: string }; capacity: { storage: string }; claimRef: { name: string; namespace: string } };
}

const folderOf = (worker: string) => join(repository, '.drydock', labName, 'workers', worker, 'csi-local', 'volumes');
/** On all workers. */
const folders = () => workers.flatMap((worker) => readdirSync(folderOf(worker)));
const inNamespace = (...args: string[]) => kubectl('-n', namespace, ...args);
const volumes = async () =>
  (await kubectlJson<{ items: Volume[] }>('get', 'pv')).items.filter(({ spec }) => spec.claimRef?.namespace === namespace);

const claim = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name, namespace },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...more },
});

/** Not root: who may write into a volume is not a matter of luck. */
const container = (command: string) => ({
  name: 'c',
  image: 'busybox',
  imagePullPolicy: 'IfNotPresent',
  command: ['sh', '-c', `${command}; trap 'exit 0' TERM; sleep 3600 & wait`],
  volumeMounts: [{ name: 'data', mountPath: '/data' }],
});
const podSpec = (command: string, volume: object, more: object = {}) => ({
  securityContext: { runAsUser: 1000 },
  terminationGracePeriodSeconds: 1,
  containers: [container(command)],
  volumes: [{ name: 'data', ...volume }],
  ...more,
});
const pod = (name: string, command: string, volume: object) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace },
  spec: podSpec(command, volume),
});
const ofClaim = (claimName: string) => ({ persistentVolumeClaim: { claimName } });

async function apply(...objects: object[]): Promise<void> {
  const path = join('/tmp', `drydock-storage-${process.pid}.json`);
  writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  await kubectl('apply', '-f', path);
}

const isReady = (name: string) => inNamespace('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s');
const read = (name: string) => inNamespace('exec', name, '--', 'cat', '/data/file');
const nodeOf = (name: string) => inNamespace('get', 'pod', name, '-o', 'jsonpath={.spec.nodeName}');
const claims = async () => (await inNamespace('get', 'pvc', '-o', 'name')).split('\n').filter((line) => line !== '');
const reasonsOf = async (name: string) =>
  (await inNamespace('get', 'events', '--field-selector', `involvedObject.name=${name}`, '-o', 'jsonpath={.items[*].reason}'))
    .split(' ')
    .sort();

describe.skipIf(e2eSkipReason !== undefined)(`provisioned volumes (${e2eSkipReason ?? 'as root'})`, () => {
  beforeAll(async () => {
    await kubectl('create', 'namespace', namespace);
    await until('every node has the driver', async () => {
      const drivers = await kubectl('get', 'csinodes', '-o', 'jsonpath={.items[*].spec.drivers[*].nodeID}');
      return drivers.split(' ').sort().join() === workers.join();
    });
  });

  afterAll(async () => {
    await kubectl('delete', 'namespace', namespace, '--timeout=90s');
    await until('every volume has gone', async () => (await volumes()).length === 0 && folders().length === 0);
  });

  test('a claim that names no class waits for its pod, and gets a volume where the pod runs', async () => {
    await apply(claim('data'));
    await until('it waits', async () => (await reasonsOf('data')).join() === 'WaitForFirstConsumer');
    expect(await inNamespace('get', 'pvc', 'data', '-o', 'jsonpath={.spec.storageClassName} {.status.phase}')).toBe(
      'standard Pending',
    );
    await apply(pod('first', 'echo kept > /data/file', ofClaim('data')));
    await isReady('first');
    const [volume] = await volumes();
    const node = await nodeOf('first');
    expect(volume?.metadata.name).toBe(await inNamespace('get', 'pvc', 'data', '-o', 'jsonpath={.spec.volumeName}'));
    expect(readdirSync(folderOf(node))).toEqual([volume?.spec.csi.volumeHandle]);
    expect(existsSync(join(folderOf(node), volume?.spec.csi.volumeHandle ?? '', 'file'))).toBe(true);
    // Events come later than what they tell of; ExternalProvisioning only where the provisioner was not faster.
    await until('the claim has its events', async () => {
      const reasons = await reasonsOf('data');
      return ['Provisioning', 'ProvisioningSucceeded'].every((reason) => reasons.includes(reason)) || reasons.join();
    });
  });

  test('the next pod has the data', async () => {
    const before = await nodeOf('first');
    await inNamespace('delete', 'pod', 'first');
    await apply(pod('second', 'echo more >> /data/file', ofClaim('data')));
    await isReady('second');
    expect([await read('second'), await nodeOf('second')]).toEqual(['kept\nmore', before]);
  });

  test('a claim that asks for more gets it while its pod runs', async () => {
    await inNamespace('patch', 'pvc', 'data', '-p', '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}');
    await until(
      'it has grown',
      async () => (await inNamespace('get', 'pvc', 'data', '-o', 'jsonpath={.status.capacity.storage}')) === '2Gi',
    );
    expect((await volumes())[0]?.spec.capacity.storage).toBe('2Gi');
    await until('it is said', async () => {
      const reasons = await reasonsOf('data');
      return (
        ['ExternalExpanding', 'Resizing', 'VolumeResizeSuccessful'].every((each) => reasons.includes(each)) || reasons.join()
      );
    });
    expect(await inNamespace('get', 'pvc', 'data', '-o', 'jsonpath={.status.conditions}')).toBe('');
    expect(await read('second')).toBe('kept\nmore');
  });

  test('volumes of a pod alone come and go with it', async () => {
    const template = { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } } };
    await apply(
      pod('generic', 'echo own > /data/file', { ephemeral: { volumeClaimTemplate: template } }),
      pod('inline', 'echo own > /data/file', { csi: { driver: 'local.csi.drydock.io' } }),
    );
    const names = ['generic', 'inline'];
    for (const name of names) {
      await isReady(name);
      expect(await read(name)).toBe('own');
    }
    expect(folders()).toHaveLength(3);
    await inNamespace('delete', 'pod', ...names);
    await until('their folders have gone', async () => folders().length === 1);
  });

  test('the claims of a StatefulSet stay, or go, as its policy says', async () => {
    const set = (whenScaled: string, whenDeleted: string) => ({
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name: 'set', namespace },
      spec: {
        serviceName: 'set',
        replicas: 2,
        podManagementPolicy: 'Parallel',
        persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted },
        selector: { matchLabels: { app: 'set' } },
        template: { metadata: { labels: { app: 'set' } }, spec: podSpec('hostname >> /data/file', {}, { volumes: [] }) },
        volumeClaimTemplates: [
          { metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } } },
        ],
      },
    });
    const both = ['persistentvolumeclaim/data-set-0', 'persistentvolumeclaim/data-set-1'];
    const own = async () => (await claims()).filter((name) => name.includes('data-set'));
    const isRolledOut = () => inNamespace('rollout', 'status', 'statefulset/set', '--timeout=60s');
    await apply(set('Retain', 'Retain'));
    await isRolledOut();
    await inNamespace('scale', 'statefulset', 'set', '--replicas=1');
    await inNamespace('wait', '--for=delete', 'pod/set-1', '--timeout=60s');
    expect(await own()).toEqual(both);
    await inNamespace('delete', 'statefulset', 'set');
    await inNamespace('wait', '--for=delete', 'pod/set-0', '--timeout=60s');
    expect(await own()).toEqual(both);
    await apply(set('Delete', 'Delete'));
    await isRolledOut();
    expect(await read('set-1')).toBe('set-1\nset-1');
    await inNamespace('scale', 'statefulset', 'set', '--replicas=1');
    await until('the claim of the second has gone', async () => (await own()).join() === both[0]);
    await inNamespace('delete', 'statefulset', 'set');
    await until('both have gone, with their folders', async () => (await own()).length === 0 && folders().length === 1);
  });

  test('a pod whose volume is on a node that is gone waits and says so, and runs when the node is back', async () => {
    const node = await nodeOf('second');
    await inNamespace('delete', 'pod', 'second');
    await lab('kill', node);
    await kubectl('delete', 'node', node);
    await apply(pod('third', 'true', ofClaim('data')));
    await until('it says why it waits', async () => {
      const path = 'jsonpath={.status.conditions[?(@.type=="PodScheduled")].message}';
      const message = await inNamespace('get', 'pod', 'third', '-o', path);
      return message.startsWith("0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity.") || message;
    });
    await lab('start', node);
    await kubectl('wait', '--for=condition=Ready', `node/${node}`, '--timeout=60s');
    await isReady('third');
    expect([await read('third'), await nodeOf('third')]).toEqual(['kept\nmore', node]);
  });

  test('a claim that is deleted takes its volume and its folder along', async () => {
    await inNamespace('delete', 'pvc', 'data', '--wait=false');
    expect(await inNamespace('get', 'pvc', 'data', '-o', 'jsonpath={.metadata.finalizers}')).toContain('pvc-protection');
    await inNamespace('delete', 'pod', 'third');
    await until('the volume and its folder have gone', async () => (await volumes()).length === 0 && folders().length === 0);
  });
});
