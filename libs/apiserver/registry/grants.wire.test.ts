// Nobody hands out more than they have, and nothing is made or unmade through a permission for something else: every answer
// recorded from the original. UPDATE=1 DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER records anew (the names used must be free there).
import { afterAll, expect, test, vi } from 'vitest';
import { originalFrom, Recording } from '../testing/original.ts';
import { type WireClient, WireServer } from '../testing/wire.ts';

const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const apiVersion = 'rbac.authorization.k8s.io/v1';
const apiGroup = 'rbac.authorization.k8s.io';
const merge = { type: 'application/merge-patch+json' };
let server: WireServer | undefined;

afterAll(() => server?.stop());

const as = async (name: string, ...groups: string[]): Promise<WireClient> =>
  (await server?.as(name, ...groups)) ?? ((await original?.(name, ...groups)) as WireClient);

const rule = (apiGroups: string[], resources: string[], verbs: string[]) => ({ apiGroups, resources, verbs });

async function grant(admin: WireClient, name: string, rules: object[]): Promise<void> {
  await admin.call('POST', `${rbac}/clusterroles`, { body: { apiVersion, kind: 'ClusterRole', metadata: { name }, rules } });
  const roleRef = { apiGroup, kind: 'ClusterRole', name };
  const subjects = [{ apiGroup, kind: 'User', name }];
  const body = { apiVersion, kind: 'ClusterRoleBinding', metadata: { name }, roleRef, subjects };
  await admin.call('POST', `${rbac}/clusterrolebindings`, { body });
}

test('grants, and what a permission does not reach', async () => {
  server = original === undefined ? await WireServer.start() : undefined;
  const admin = await as('admin', 'system:masters');
  const recording = new Recording();
  const everyRole = rule(
    [apiGroup],
    ['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'],
    ['get', 'create', 'update', 'patch'],
  );
  await grant(admin, 'granter', [everyRole, rule([''], ['configmaps'], ['get', 'list'])]);
  await grant(admin, 'updater', [
    rule([''], ['namespaces', 'services'], ['get', 'update', 'patch']),
    rule(['coordination.k8s.io'], ['leases'], ['update']),
    rule([''], ['nodes'], ['create']),
  ]);
  const role = (name: string, more: object) => ({ apiVersion, kind: 'ClusterRole', metadata: { name }, ...more });
  await admin.call('POST', `${rbac}/clusterroles`, { body: role('strong', { rules: [rule([''], ['secrets'], ['*'])] }) });
  const granter = await as('granter');
  const updater = await as('updater');
  await vi.waitFor(async () => {
    expect((await granter.call('GET', '/api/v1/namespaces/default/configmaps')).code).toBe(200);
    expect((await updater.call('GET', '/api/v1/namespaces/default')).code).toBe(200);
    expect((await admin.call('GET', `${rbac}/clusterroles/strong`)).code).toBe(200);
  }, 10_000);
  await roles(recording, granter, role);
  await bindings(recording, granter);
  await updates(recording, updater, admin);
  recording.check(new URL('../testdata/grants.txt', import.meta.url), process.env.UPDATE === '1');
}, 60_000);

async function roles(recording: Recording, granter: WireClient, role: (name: string, more: object) => object): Promise<void> {
  const post = (title: string, body: object) => recording.ask(title, granter, 'POST', `${rbac}/clusterroles`, { body });
  const patch = (title: string, name: string, body: object) =>
    recording.ask(title, granter, 'PATCH', `${rbac}/clusterroles/${name}`, { body, ...merge });
  const own = rule([''], ['configmaps'], ['get']);
  const aggregationRule = { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] };
  await post('what one has', role('mine', { rules: [own] }));
  await post('more than one has', role('more', { rules: [own, rule([''], ['secrets'], ['get'])] }));
  await post(
    'every name of it',
    role('more', { rules: [{ ...rule([''], ['secrets'], ['get', 'list']), resourceNames: ['x', 'y'] }] }),
  );
  await post('paths', role('more', { rules: [{ nonResourceURLs: ['/metrics'], verbs: ['get'] }] }));
  await post('aggregation', role('more', { aggregationRule, rules: null }));
  await patch('aggregation added', 'mine', { aggregationRule });
  await patch('empty aggregation added', 'mine', { aggregationRule: {} });
  await patch('labels', 'mine', { metadata: { labels: { x: 'y' } } });
  await patch('labels of a stronger role', 'strong', { metadata: { labels: { x: 'y' } } });
  await patch('finalizers of a stronger role', 'strong', { metadata: { finalizers: ['a.b/c'] } });
  await patch('no finalizers of a stronger role', 'strong', { metadata: { finalizers: null } });
  await patch('rules of a stronger role tightened', 'strong', { rules: [own] });
}

async function bindings(recording: Recording, granter: WireClient): Promise<void> {
  const binding = (name: string, kind = 'ClusterRole') => ({
    apiVersion,
    kind: 'RoleBinding',
    metadata: { name: `b-${name}` },
    roleRef: { apiGroup, kind, name },
    subjects: [{ apiGroup, kind: 'User', name: 'x' }],
  });
  const path = `${rbac}/namespaces/default/rolebindings`;
  for (const name of ['mine', 'strong', 'missing'])
    await recording.ask('binds', granter, 'POST', path, { body: binding(name) });
  await recording.ask('binds', granter, 'POST', path, { body: binding('missing', 'Role') });
  const subjects = [{ apiGroup, kind: 'Group', name: 'all' }];
  await recording.ask('more subjects', granter, 'PATCH', `${path}/b-mine`, { body: { subjects }, ...merge });
}

async function updates(recording: Recording, updater: WireClient, admin: WireClient): Promise<void> {
  const ask = (title: string, method: string, path: string, body: object, type = 'application/json') =>
    recording.ask(title, updater, method, path, { body, type });
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'grants' } };
  await ask('PUT makes', 'PUT', '/apis/coordination.k8s.io/v1/namespaces/default/leases/grants', lease);
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'grants' }, spec: { ports: [{ port: 80 }] } };
  await ask('PUT makes', 'PUT', '/api/v1/namespaces/default/services/grants', service);
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'held', finalizers: ['a.b/c'] } };
  await admin.call('POST', '/api/v1/namespaces', { body: namespace });
  await admin.call('DELETE', '/api/v1/namespaces/held');
  const patched = await ask('finalizers', 'PATCH', '/api/v1/namespaces/held', { spec: { finalizers: [] } }, merge.type);
  expect(patched.body.spec.finalizers ?? []).toEqual(
    (await admin.call('GET', '/api/v1/namespaces/held')).body.spec.finalizers ?? [],
  );
  const held = (await admin.call('GET', '/api/v1/namespaces/held')).body;
  await ask('finalizers', 'PUT', '/api/v1/namespaces/held', { ...namespace, spec: {}, metadata: { ...held.metadata } });
  await recording.ask('is still there', admin, 'GET', '/api/v1/namespaces/held');
  await ask('finalize', 'PUT', '/api/v1/namespaces/held/finalize', { ...held, spec: {} });
  await recording.ask('named by a selector', updater, 'POST', '/api/v1/nodes?fieldSelector=metadata.name%3Dx', {
    body: { apiVersion: 'v1', kind: 'Node', metadata: { name: 'grants' } },
  });
}
