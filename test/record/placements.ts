// Asks the original scheduler where pods go, and writes what tests expect of ours.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeObject } from '@drydock/api/resource.ts';
import type { WireClient } from '@drydock/apiserver/testing/wire.ts';
import { execFileSync } from '@drydock/foundation/child-process.ts';
import type { Outcome, PlacementCase } from '@drydock/scheduler/testing/placement-case.ts';
import { placementCases } from '@drydock/scheduler/testing/placement-cases.ts';
import { clientOf } from './original.ts';

const file = new URL('../../libs/scheduler/testdata/placements.json', import.meta.url);
const port = '17291';
const decidedMsMax = 20_000;
const pollMs = 50;
const settleMs = 300;

const paths: Readonly<Record<string, string>> = {
  Namespace: '/api/v1/namespaces',
  Service: '/api/v1/namespaces/default/services',
  PersistentVolumeClaim: '/api/v1/namespaces/default/persistentvolumeclaims',
  PersistentVolume: '/api/v1/persistentvolumes',
  StorageClass: '/apis/storage.k8s.io/v1/storageclasses',
  CSINode: '/apis/storage.k8s.io/v1/csinodes',
  CSIDriver: '/apis/storage.k8s.io/v1/csidrivers',
  CSIStorageCapacity: '/apis/storage.k8s.io/v1/namespaces/default/csistoragecapacities',
};

const upstream = process.env.DRYDOCK_UPSTREAM;
if (upstream === undefined) throw new Error('set DRYDOCK_UPSTREAM: this asks the original programs');
const dir = join(mkdtempSync(join(tmpdir(), 'record-')), 'up');
execFileSync(join(upstream, 'cluster'), ['up', '--dir', dir, '--port', port], { stdio: 'ignore' });
// It would taint the nodes and bind the claims.
process.kill(Number(readFileSync(join(dir, 'pids', 'kube-controller-manager'), 'utf8')));
try {
  const client = clientOf(join(dir, 'admin.kubeconfig'));
  const outcomes: Record<string, Outcome> = {};
  for (const [name, each] of Object.entries(placementCases)) outcomes[name] = await ask(client, each);
  writeFileSync(file, `${JSON.stringify(outcomes, null, 2)}\n`);
} finally {
  execFileSync(join(upstream, 'cluster'), ['down', '--dir', dir], { stdio: 'ignore' });
}

async function ask(client: WireClient, { nodes, placed, objects, pod }: PlacementCase): Promise<Outcome> {
  const made: string[] = [];
  const create = async (path: string, body: object): Promise<KubeObject> => {
    const answer = await client.call('POST', path, { body });
    if (answer.code !== 201) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
    const object = answer.body as KubeObject;
    if (!path.endsWith('/namespaces')) made.push(`${path}/${object.metadata?.name}`);
    return object;
  };
  for (const { apiVersion: _a, kind: _k, ...node } of nodes.map((each) => ({ apiVersion: 'v1', kind: 'Node', ...each }))) {
    const stored = await create('/api/v1/nodes', node);
    // Of its own accord the original marks nodes that have not reported yet.
    await client.call('PUT', `/api/v1/nodes/${stored.metadata?.name}`, { body: { ...stored, spec: node.spec } });
    const path = `/api/v1/nodes/${stored.metadata?.name}/status`;
    await client.call('PATCH', path, { body: { status: node.status }, type: 'application/merge-patch+json' });
  }
  for (const object of objects) {
    if (object.kind === 'Namespace') await client.call('POST', paths['Namespace'] ?? '', { body: object });
    else await create(paths[object.kind ?? ''] ?? '', object);
  }
  for (const each of [...placed, pod]) {
    // What was made before is to be known when the pod is looked at.
    if (each === pod) await settle();
    const { namespace, name, labels } = each.metadata ?? {};
    await client.call('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
    const { priority, ...spec } = each.spec ?? {};
    const className = priority === undefined ? undefined : `p${priority}`;
    if (className !== undefined)
      await client.call('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', {
        body: { metadata: { name: className }, value: priority },
      });
    await create(`/api/v1/namespaces/${namespace}/pods`, {
      metadata: { name, labels },
      spec: { ...spec, ...(className === undefined ? {} : { priorityClassName: className }) },
    });
  }
  const outcome = await decided(client, pod.metadata?.namespace ?? '', pod.metadata?.name ?? '');
  // Victims are evicted after the message is written.
  await settle();
  const victims: string[] = [];
  for (const { metadata } of placed) {
    const live = await client.call('GET', `/api/v1/namespaces/${metadata?.namespace}/pods/${metadata?.name}`);
    if ((live.body as KubeObject).metadata?.deletionTimestamp !== undefined) victims.push(metadata?.name ?? '');
  }
  for (const path of made.reverse()) {
    await client.call('DELETE', `${path}?gracePeriodSeconds=0`);
    // No controller runs that would let go of claims and volumes.
    await client.call('PATCH', path, { body: { metadata: { finalizers: null } }, type: 'application/merge-patch+json' });
  }
  await settle();
  return victims.length === 0 ? outcome : { ...outcome, victims };
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, settleMs));
}

async function decided(client: WireClient, namespace: string, name: string): Promise<Outcome> {
  for (const endMs = Date.now() + decidedMsMax; Date.now() < endMs; ) {
    const { body } = await client.call('GET', `/api/v1/namespaces/${namespace}/pods/${name}`);
    const { spec, status } = body as KubeObject & {
      spec?: { nodeName?: string };
      status?: { nominatedNodeName?: string; conditions?: { type: string; status: string; message: string }[] };
    };
    if (spec?.nodeName !== undefined) return { node: spec.nodeName };
    const condition = status?.conditions?.find((each) => each.type === 'PodScheduled' && each.status === 'False');
    if (condition !== undefined)
      return { message: condition.message, ...(status?.nominatedNodeName ? { nominated: status.nominatedNodeName } : {}) };
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
  throw new Error(`nothing was decided about ${namespace}/${name}`);
}
