// What is asked of the authoriser, and what a path then is: every line recorded from the original kube-apiserver, as an ordinary
// user of whom the answer says what the authoriser was asked, and as one who may do everything.
// UPDATE=1 DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER records anew.
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { originalFrom } from './testing/original.ts';
import { type WireAnswer, type WireClient, WireServer } from './testing/wire.ts';

const file = new URL('./testdata/paths.txt', import.meta.url);
const original = originalFrom(process.env.DRYDOCK_ORIGINAL);
const requests = readFileSync(file, 'utf8')
  .split('\n')
  .filter((line) => /^[A-Z]+ \//.test(line));

let server: WireServer | undefined;
let clients: Readonly<Record<'bob' | 'operator', WireClient>>;

beforeAll(async () => {
  server = original === undefined ? await WireServer.start() : undefined;
  const admin = (await server?.as('admin', 'system:masters')) ?? (await original?.('admin'));
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const bind = (name: string, kind: string, role: string) => ({
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: role },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }],
  });
  const own = ['pods', 'pods/log', 'pods/status', 'pods/proxy', 'pods/exec', 'secrets', 'namespaces', 'namespaces/status'];
  for (const name of ['foo', 'victim', 'proxy'])
    await admin?.call('POST', '/api/v1/namespaces', { body: { kind: 'Namespace', apiVersion: 'v1', metadata: { name } } });
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const rules = [
    { apiGroups: ['', 'apps'], resources: [...own, 'bindings', 'deployments', 'deployments/scale'], verbs: ['*'] },
  ];
  const posts = {
    'namespaces/foo/roles': { kind: 'Role', metadata: { name: 'everyday' }, rules },
    'namespaces/foo/rolebindings': { kind: 'RoleBinding', ...bind('bob', 'Role', 'everyday') },
    clusterrolebindings: { kind: 'ClusterRoleBinding', ...bind('operator', 'ClusterRole', 'cluster-admin') },
  };
  for (const [path, body] of Object.entries(posts))
    await admin?.call('POST', `${rbac}/${path}`, { body: { apiVersion, ...body } });
  const as = async (name: string) =>
    (await server?.as(name, 'system:authenticated')) ?? ((await original?.(name)) as WireClient);
  clients = { bob: await as('bob'), operator: await as('operator') };
  await vi.waitFor(async () => {
    expect((await clients.bob.call('GET', '/api/v1/namespaces/foo/pods')).code).toBe(200);
    expect((await clients.operator.call('GET', '/api/v1/nodes')).code).toBe(200);
  }, 10_000);
});

afterAll(() => server?.stop());

async function transcript(line: string): Promise<string> {
  const [, method = '', path = ''] = /^(\S+) (.*)$/.exec(line) ?? [];
  const lines = [line];
  for (const [name, client] of Object.entries(clients)) {
    const answer = await client.call(method, path);
    lines.push(`  ${name}: ${shown(answer)}`);
  }
  return `${lines.join('\n')}\n`;
}

function shown({ code, body }: WireAnswer): string {
  if (typeof body === 'string') return `${code} ${JSON.stringify(body)}`;
  return body?.kind === 'Status' ? `${code} ${body.message}` : `${code} ${body?.kind ?? 'JSON'}`;
}

test('paths mean to the authoriser and to the router what they mean to the original', async () => {
  const text = (await Promise.all(requests.map(transcript))).join('\n');
  if (process.env.UPDATE === '1') writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, 'utf8'));
}, 60_000);
