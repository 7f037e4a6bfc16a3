// PUT without a version: kinds that take it replace what is there, the others refuse. Recorded from the original: UPDATE=1
// DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER (the names used must be free there).
import { afterAll, expect, test } from 'vitest';
import { originalFrom, Recording } from '../testing/original.ts';
import { type WireClient, WireServer } from '../testing/wire.ts';

const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
let server: WireServer | undefined;
afterAll(() => server?.stop());

const labels = { a: 'unversioned' };
const template = { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } };
const selector = { matchLabels: labels };

/** Paths of collections, and what makes one of each. */
const kinds: readonly (readonly [string, object])[] = [
  ['/api/v1/namespaces/default/configmaps', {}],
  ['/api/v1/namespaces/default/secrets', {}],
  ['/api/v1/namespaces/default/services', { spec: { ports: [{ port: 80 }] } }],
  ['/api/v1/namespaces/default/endpoints', {}],
  ['/api/v1/namespaces/default/serviceaccounts', {}],
  ['/api/v1/namespaces/default/limitranges', { spec: { limits: [] } }],
  ['/api/v1/namespaces/default/resourcequotas', {}],
  ['/api/v1/namespaces/default/podtemplates', { template }],
  ['/api/v1/namespaces/default/replicationcontrollers', { spec: { replicas: 0, template } }],
  ['/api/v1/nodes', {}],
  ['/apis/apps/v1/namespaces/default/deployments', { spec: { replicas: 0, selector, template } }],
  ['/apis/apps/v1/namespaces/default/daemonsets', { spec: { selector, template } }],
  ['/apis/apps/v1/namespaces/default/statefulsets', { spec: { replicas: 0, serviceName: 's', selector, template } }],
  ['/apis/apps/v1/namespaces/default/controllerrevisions', { revision: 1, data: { a: 1 } }],
  ['/apis/coordination.k8s.io/v1/namespaces/default/leases', {}],
  ['/apis/policy/v1/namespaces/default/poddisruptionbudgets', { spec: { minAvailable: 1, selector } }],
  ['/apis/networking.k8s.io/v1/namespaces/default/networkpolicies', { spec: { podSelector: {} } }],
  ['/apis/networking.k8s.io/v1/ingressclasses', { spec: { controller: 'a.b/c' } }],
  ['/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', { addressType: 'IPv4', endpoints: [] }],
  [
    '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers',
    { spec: { maxReplicas: 1, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' } } },
  ],
  ['/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles', { rules: [] }],
  ['/apis/rbac.authorization.k8s.io/v1/clusterroles', { rules: [] }],
  ['/apis/storage.k8s.io/v1/storageclasses', { provisioner: 'a.b/c' }],
  ['/apis/storage.k8s.io/v1/csidrivers', { spec: {} }],
  ['/apis/storage.k8s.io/v1/csinodes', { spec: { drivers: [] } }],
  ['/apis/scheduling.k8s.io/v1/priorityclasses', { value: 5 }],
  ['/apis/node.k8s.io/v1/runtimeclasses', { handler: 'h' }],
];

test('what is replaced without a version', async () => {
  server = original === undefined ? await WireServer.start() : undefined;
  const user = ((await server?.operator()) ?? (await original?.('admin'))) as WireClient;
  const recording = new Recording();
  for (const [path, more] of kinds) {
    const body = { metadata: { name: 'unversioned' }, ...more };
    const made = await user.call('POST', path, { body });
    expect([path, made.code, made.body.message]).toEqual([path, 201, undefined]);
    const { clusterIP, clusterIPs } = made.body.spec ?? {};
    const again = clusterIP === undefined ? body : { ...body, spec: { ...made.body.spec, clusterIP, clusterIPs } };
    await recording.ask('without a version', user, 'PUT', `${path}/unversioned?dryRun=All`, { body: again });
    await recording.ask('to make one', user, 'PUT', `${path}/new?dryRun=All`, { body: { ...body, metadata: { name: 'new' } } });
    await user.call('DELETE', `${path}/unversioned`);
  }
  recording.check(new URL('../testdata/unversioned.txt', import.meta.url), process.env.UPDATE === '1');
}, 60_000);
