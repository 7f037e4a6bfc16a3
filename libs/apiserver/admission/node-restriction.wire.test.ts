// What a kubelet may write: every answer recorded from the original, with the authorisers Node and RBAC and the plugin
// NodeRestriction. UPDATE=1 DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER records anew (the names used here must be free there).
import { afterAll, expect, test, vi } from 'vitest';
import { originalFrom, Recording } from '../testing/original.ts';
import { type WireClient, WireServer } from '../testing/wire.ts';

const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
let server: WireServer | undefined;

afterAll(() => server?.stop());

const core = { apiVersion: 'v1' };
const merge = { type: 'application/merge-patch+json' };
const namespace = 'kubelets';
const inNamespace = `/api/v1/namespaces/${namespace}`;

async function uidOf(admin: WireClient, path: string): Promise<string> {
  return (await admin.call('GET', path)).body.metadata.uid;
}

async function clients(): Promise<{ admin: WireClient; node: WireClient }> {
  server = original === undefined ? await WireServer.start() : undefined;
  const as = (name: string, ...groups: string[]) => server?.as(name, ...groups) ?? original?.(name, ...groups);
  const admin = (await as('admin', 'system:masters')) as WireClient;
  return { admin, node: (await as('system:node:hnode1', 'system:nodes')) as WireClient };
}

async function nodes(recording: Recording, node: WireClient, owner: string): Promise<void> {
  const foreign = [{ apiVersion: 'v1', kind: 'Node', name: 'x', uid: 'u' }];
  const make = (title: string, metadata: object, spec: object = {}) =>
    recording.ask(title, node, 'POST', '/api/v1/nodes', { body: { ...core, kind: 'Node', metadata, spec } });
  await make('with protected labels', {
    name: 'hnode1',
    labels: { 'node-restriction.kubernetes.io/x': 'y', 'a.k8s.io/b': 'c' },
  });
  await make('with a generated name', { generateName: 'hnode1' });
  await make('another', { name: 'hnode2' });
  const existing = [{ apiVersion: 'v1', kind: 'Namespace', name: namespace, uid: owner }];
  await make(
    'with an owner and taints',
    { name: 'hnode1', ownerReferences: existing },
    { taints: [{ key: 'a', effect: 'NoSchedule' }] },
  );
  const patch = (title: string, body: object, name = 'hnode1') =>
    recording.ask(title, node, 'PATCH', `/api/v1/nodes/${name}`, { body, ...merge });
  await patch('owner added', { metadata: { ownerReferences: foreign } });
  await patch('owner dropped', { metadata: { ownerReferences: [] } });
  await patch('owner added through status', { metadata: { ownerReferences: foreign } }, 'hnode1/status');
  await patch('protected label', { metadata: { labels: { 'node-restriction.kubernetes.io/x': 'y' } } });
  await patch('own labels', { metadata: { labels: { foo: 'y', 'kubernetes.io/os': 'linux', 'x.node.kubernetes.io/y': 'z' } } });
  await patch('unschedulable', { spec: { unschedulable: true } });
  await patch('taints', { spec: { taints: [{ key: 'zz', effect: 'NoSchedule' }] } });
  await patch('configSource', { spec: { configSource: { configMap: { name: 'x', namespace: 'y', kubeletConfigKey: 'z' } } } });
  await patch('another', { spec: { unschedulable: true } }, 'hnode2');
  await recording.ask('deletes itself', node, 'DELETE', '/api/v1/nodes/hnode1');
}

async function mirrorPods(recording: Recording, node: WireClient, uid: string): Promise<void> {
  const owner = { apiVersion: 'v1', kind: 'Node', name: 'hnode1', uid, controller: true };
  const make = (
    title: string,
    spec: object = {},
    owners: object[] = [owner],
    container: object = {},
    annotation = 'mirror',
  ) => {
    const annotations = { [`kubernetes.io/config.${annotation}`]: 'x' };
    const containers = [{ name: 'c', image: 'i', ...container }];
    const metadata = { name: 'm', annotations, ownerReferences: owners };
    const body = { ...core, kind: 'Pod', metadata, spec: { nodeName: 'hnode1', containers, ...spec } };
    return recording.ask(title, node, 'POST', `${inNamespace}/pods`, { body });
  };
  const volume = (source: object) => ({ volumes: [{ name: 'v', ...source }] });
  await make('no mirror', {}, [owner], {}, 'other');
  await make('on another node', { nodeName: 'hnode2' });
  await make('two owners', {}, [owner, { ...owner, uid: 'other' }]);
  await make('no owner', {}, []);
  await make('another owner', {}, [{ ...owner, name: 'hnode2' }]);
  await make('no controller', {}, [{ ...owner, controller: false }]);
  await make('blocks', {}, [{ ...owner, blockOwnerDeletion: true }]);
  await make('another uid', {}, [{ ...owner, uid: 'zz' }]);
  await make('account', { serviceAccountName: 'default' });
  await make('secret in env', {}, [owner], { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }] });
  await make('pull secret', { imagePullSecrets: [{ name: 's' }] });
  await make('config in env', {}, [owner], { envFrom: [{ configMapRef: { name: 's' } }] });
  await make('claim', volume({ persistentVolumeClaim: { claimName: 'c' } }));
  await make('projected config', volume({ projected: { sources: [{ configMap: { name: 'c' } }] } }));
  await make('projected secret', volume({ projected: { sources: [{ secret: { name: 'c' } }] } }));
  await make('projected bundle', volume({ projected: { sources: [{ clusterTrustBundle: { path: 'c', name: 'x' } }] } }));
  await make('resource claim', { resourceClaims: [{ name: 'x', resourceClaimName: 'y' }] });
  await make('good');
}

async function pods(recording: Recording, node: WireClient): Promise<void> {
  const patch = (title: string, path: string, body: object) =>
    recording.ask(title, node, 'PATCH', `${inNamespace}/pods/${path}`, { body, ...merge });
  await patch('labels', 'm', { metadata: { labels: { a: 'b' } } });
  await patch('labels through status', 'm/status', { metadata: { labels: { a: 'b' } } });
  await patch('claims through status', 'm/status', { status: { resourceClaimStatuses: [{ name: 'x' }] } });
  await patch('status', 'm/status', { status: { phase: 'Running' } });
  await patch('status of another', 'other/status', { status: { phase: 'Running' } });
  await recording.ask('deletes another', node, 'DELETE', `${inNamespace}/pods/other`);
  for (const name of ['other', 'missing']) {
    const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } };
    await recording.ask('evicts', node, 'POST', `${inNamespace}/pods/${name}/eviction`, { body });
  }
}

async function tokens(recording: Recording, node: WireClient, uid: string): Promise<void> {
  const ask = (title: string, boundObjectRef: object | undefined, ...audiences: string[]) =>
    recording.ask(title, node, 'POST', `${inNamespace}/serviceaccounts/default/token`, {
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences, boundObjectRef } },
    });
  const pod = { ...core, kind: 'Pod', name: 'w', uid };
  await ask('unbound', undefined);
  await ask('without uid', { ...pod, uid: undefined });
  await ask('another uid', { ...pod, uid: 'zz' });
  await ask('bound to a node', { ...core, kind: 'Node', name: 'hnode1', uid: 'zz' });
  await ask('no such pod', { ...pod, name: 'missing' });
  await ask('an audience of the pod', pod, 'vault');
  await ask('another audience', pod, 'other');
  await ask('both audiences', pod, 'vault', 'other');
}

async function others(recording: Recording, node: WireClient): Promise<void> {
  const make = (title: string, path: string, body: object) => recording.ask(title, node, 'POST', `/apis/${path}`, { body });
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'hnode2' } };
  await make('another lease', 'coordination.k8s.io/v1/namespaces/kube-node-lease/leases', lease);
  await make('lease elsewhere', `coordination.k8s.io/v1/namespaces/${namespace}/leases`, lease);
  const csi = { apiVersion: 'storage.k8s.io/v1', kind: 'CSINode', spec: { drivers: [] } };
  await make('another CSINode', 'storage.k8s.io/v1/csinodes', { ...csi, metadata: { name: 'hnode2' } });
  const pool = { name: 'p', resourceSliceCount: 1, generation: 1 };
  const slice = { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceSlice', metadata: { name: 's' } };
  const spec = { nodeName: 'hnode2', driver: 'a.b', pool, devices: [] };
  await make("another node's slice", 'resource.k8s.io/v1/resourceslices', { ...slice, spec });
}

async function reads(recording: Recording, node: WireClient): Promise<void> {
  const ask = (path: string, method = 'GET') => recording.ask('reads', node, method, path);
  const own = 'fieldSelector=spec.nodeName%3Dhnode1';
  for (const path of ['nodes/hnode1', 'nodes/other', 'nodes', 'nodes?fieldSelector=metadata.name%3Dhnode1'])
    await ask(`/api/v1/${path}`);
  for (const path of ['nodes?fieldSelector=metadata.name%3Dother', 'pods', `pods?${own}`, `pods?${own}1`])
    await ask(`/api/v1/${path}`);
  for (const path of ['pods', 'pods/w', 'pods/other', 'pods/missing', 'pods/other/status', 'pods/w/log'])
    await ask(`${inNamespace}/${path}`);
  for (const path of [
    'secrets/x',
    'secrets',
    'configmaps/x',
    'persistentvolumeclaims/x',
    'persistentvolumeclaims',
    'serviceaccounts/x',
    'serviceaccounts',
  ])
    await ask(`${inNamespace}/${path}`);
  for (const path of ['secrets', 'persistentvolumes/x', 'persistentvolumes', 'nodes/hnode1/proxy/'])
    await ask(`/api/v1/${path}`);
  const slices = '/apis/resource.k8s.io/v1/resourceslices';
  for (const path of ['', `?${own}`, '/x']) await ask(`${slices}${path}`);
  for (const path of ['', `?${own}`, '/x']) await ask(`${slices}${path}`, 'DELETE');
  for (const path of ['csinodes/x', 'csinodes', 'csinodes/hnode1']) await ask(`/apis/storage.k8s.io/v1/${path}`);
  for (const path of ['leases/x', 'leases']) await ask(`/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/${path}`);
  for (const path of ['secrets/x', 'persistentvolumeclaims/x', 'persistentvolumeclaims/x/status'])
    await ask(`${inNamespace}/${path}`, 'PUT');
}

test('a kubelet reads and writes what the original lets it', async () => {
  const { admin, node } = await clients();
  const recording = new Recording();
  const make = (path: string, body: object) => admin.call('POST', path, { body });
  await make('/api/v1/namespaces', { ...core, kind: 'Namespace', metadata: { name: namespace } });
  await make(`${inNamespace}/serviceaccounts`, { ...core, kind: 'ServiceAccount', metadata: { name: 'default' } });
  await nodes(recording, node, await uidOf(admin, inNamespace));
  const uid = await uidOf(admin, '/api/v1/nodes/hnode1');
  recording.hide(uid, 'UID');
  await mirrorPods(recording, node, uid);
  const containers = [{ name: 'c', image: 'i' }];
  const volumes = [{ name: 't', projected: { sources: [{ serviceAccountToken: { path: 'x', audience: 'vault' } }] } }];
  await vi.waitFor(async () => {
    const metadata = { name: 'other' };
    const made = await make(`${inNamespace}/pods`, {
      ...core,
      kind: 'Pod',
      metadata,
      spec: { nodeName: 'hnode2', containers },
    });
    expect([201, 409]).toContain(made.code);
  }, 5000);
  await make(`${inNamespace}/pods`, {
    ...core,
    kind: 'Pod',
    metadata: { name: 'w' },
    spec: { nodeName: 'hnode1', containers, volumes },
  });
  await pods(recording, node);
  const pod = await uidOf(admin, `${inNamespace}/pods/w`);
  recording.hide(pod, 'POD');
  // The authoriser knows a pod of its node when its cache has it.
  await vi.waitFor(async () => {
    const answer = await node.call('GET', `${inNamespace}/serviceaccounts/default`);
    expect(answer.code).toBe(200);
  }, 5000);
  await tokens(recording, node, pod);
  await others(recording, node);
  await reads(recording, node);
  recording.check(new URL('../testdata/node-restriction.txt', import.meta.url), process.env.UPDATE === '1');
}, 60_000);
