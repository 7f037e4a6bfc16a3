// Servers behind this one, as ordinary users reach them: what the original did with the same fake server is what is expected here.
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { connect } from '@drydock/client/connect.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { type CertifiedKey, clientCertificate, servingCertificate } from '@drydock/pki/certificate.ts';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { register, registrations, serviceFor } from '../testing/behind.ts';
import { outsideAddress } from '../testing/outside.ts';
import { freePort, type WireClient, WireServer } from '../testing/wire.ts';

interface Got {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly proxy: string;
  readonly body: string;
}

const foos = '/apis/fake.test/v1/namespaces/default/foos';
const rbac = '/apis/rbac.authorization.k8s.io/v1';
let server: WireServer;
let operator: WireClient;
let reader: WireClient;
let backend: Server;
let ca: CertifiedKey;
let got: Got[] = [];
const sockets = new Set<TLSSocket>();

const list = { kind: 'FooList', apiVersion: 'fake.test/v1', metadata: {}, items: [{ metadata: { name: 'one' } }] };
const openApi = {
  'apis/fake.test/v1': { serverRelativeURL: '/openapi/v3/apis/fake.test/v1?hash=abc' },
  'apis/apps/v1': { serverRelativeURL: '/openapi/v3/apis/apps/v1?hash=evil' },
};
const rows = {
  kind: 'APIResourceList',
  groupVersion: 'fake.test/v1',
  resources: [{ name: 'foos', singularName: 'foo', namespaced: true, kind: 'Foo', verbs: ['get', 'list'], shortNames: ['fo'] }],
};

async function startBackend(pair: CertifiedKey, port = 0): Promise<Server> {
  const made = createServer({ cert: pair.certificatePem, key: pair.keyPem, requestCert: true, rejectUnauthorized: false });
  made.on('request', async (req, res) => {
    let body = '';
    for await (const piece of req) body += piece;
    const path = (req.url ?? '').split('?')[0] ?? '';
    const checks = /^system:(kube-)?aggregator$/.test(String(req.headers['x-remote-user']));
    const proxy = String((req.socket as TLSSocket).getPeerCertificate().subject?.CN);
    if (!checks)
      got.push({ method: req.method ?? '', url: req.url ?? '', headers: req.headers as Got['headers'], proxy, body });
    if (path === '/openapi/v3') return void res.end(JSON.stringify({ paths: openApi }));
    if (path.endsWith('/redirect')) return void res.writeHead(302, { location: 'https://192.0.2.99/' }).end();
    if (path.endsWith('/conflict')) return void res.writeHead(409).end('{"kind":"Status","reason":"Conflict","code":409}');
    if (path.endsWith('/slow')) return void res.writeHead(200).write('{"type":"ADDED"}\n');
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify(path === '/apis/fake.test/v1' ? rows : list));
  });
  made.on('upgrade', (req, socket) => {
    got.push({ method: 'UPGRADE', url: req.url ?? '', headers: req.headers as Got['headers'], proxy: '', body: '' });
    socket.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: foo\r\nconnection: upgrade\r\n\r\nhello');
  });
  made.on('secureConnection', (socket) => sockets.add(socket));
  made.listen(port, outsideAddress());
  await once(made, 'listening');
  return made;
}

let pair: CertifiedKey;

beforeAll(async () => {
  const random = new SystemRandom().stream('test');
  const now = new SystemClock().wallMs();
  ca = await Authority.create('ext-ca', now, random);
  const authority = await Authority.load(ca, random);
  pair = await authority.issue(servingCertificate('ext', ['ext.default.svc']), now);
  const front = await authority.issue(clientCertificate('front-proxy-client'), now);
  backend = await startBackend(pair);
  server = await WireServer.start({
    grpcPort: await freePort(),
    aggregation: { clientPair: { cert: front.certificatePem, key: front.keyPem }, toEndpoints: true },
    requestHeader: {
      usernameHeaders: ['X-Own-User'],
      uidHeaders: [],
      groupHeaders: [],
      extraPrefixes: [],
      allowedNames: [],
      enabled: false,
    },
  });
  operator = await server.operator();
  reader = await server.as('reader', 'readers');
  const rules = [
    { apiGroups: ['fake.test'], resources: ['foos', 'foos/up', 'foos/redirect'], verbs: ['get', 'list', 'watch'] },
  ];
  await operator.call('POST', `${rbac}/clusterroles`, { body: { metadata: { name: 'foos' }, rules } });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'foos' };
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'reader' }];
  await operator.call('POST', `${rbac}/clusterrolebindings`, { body: { metadata: { name: 'foos' }, roleRef, subjects } });
  await serviceFor(operator, 'ext', (backend.address() as AddressInfo).port);
  await register(
    operator,
    'fake.test',
    { service: { namespace: 'default', name: 'ext' }, caBundle: base64(ca.certificatePem) },
    17_000,
  );
  await vi.waitFor(async () => expect((await reader.call('GET', foos)).code).toBe(200), 10_000);
}, 60_000);

beforeEach(() => {
  got = [];
});

afterAll(async () => {
  await server.stop();
  backend.closeAllConnections();
  for (const socket of sockets) socket.destroy();
  backend.close();
});

const base64 = (text: string) => Buffer.from(text).toString('base64');

async function condition(name: string): Promise<{ status: string; reason: string; message: string }> {
  const { body } = await operator.call('GET', `${registrations}/${name}`);
  return body.status?.conditions?.[0] ?? {};
}

test('the caller is told by this server alone, whatever they say of themselves', async () => {
  const headers = {
    'X-Remote-User': 'evil',
    'X-Remote-Group': 'system:masters',
    'X-Remote-Uid': '7',
    'X-Remote-Extra-Foo': 'bar',
    'X-Own-User': 'evil',
    Cookie: 'a=b',
  };
  const answer = await reader.call('GET', `${foos}?b=2&a=1%202&labelSelector=x%3Dy`, { headers });
  expect([answer.code, answer.body]).toEqual([200, list]);
  const [request] = got;
  expect(request?.url).toBe(`${foos}?a=1+2&b=2&labelSelector=x%3Dy`);
  expect(request?.proxy).toBe('front-proxy-client');
  expect(request?.headers).toMatchObject({
    'x-remote-user': 'reader',
    'x-remote-group': 'readers, system:authenticated',
    cookie: 'a=b',
    host: `${outsideAddress()}:${(backend.address() as AddressInfo).port}`,
    'x-forwarded-uri': foos,
    'audit-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  for (const name of ['x-remote-uid', 'x-remote-extra-foo', 'x-own-user', 'authorization'])
    expect(request?.headers[name]).toBeUndefined();
  expect(request?.headers['x-remote-extra-authentication.kubernetes.io%2fcredential-id']).toMatch(/^X509SHA256=/);
});

test('as whom somebody acts is who asks', async () => {
  const headers = {
    'Impersonate-User': 'jöe',
    'Impersonate-Uid': 'u-7',
    'Impersonate-Group': 'system:masters',
    'Impersonate-Extra-Acme%2fProject': 'x',
  };
  expect((await operator.call('GET', foos, { headers })).code).toBe(200);
  const [request] = got;
  expect(Buffer.from(request?.headers['x-remote-user'] ?? '', 'latin1').toString()).toBe('jöe');
  expect(request?.headers).toMatchObject({ 'x-remote-uid': 'u-7', 'x-remote-extra-acme%2fproject': 'x' });
  expect(Object.keys(request?.headers ?? {}).filter((name) => name.startsWith('impersonate'))).toEqual([]);
});

test('nobody costs the server behind a request that they may not make', async () => {
  const stranger = await server.as('stranger');
  const anonymous = server.with({});
  expect((await anonymous.call('GET', foos)).code).toBe(403);
  expect((await stranger.call('GET', foos)).body.message).toBe(
    'foos.fake.test is forbidden: User "stranger" cannot list resource "foos" in API group "fake.test" in the namespace "default"',
  );
  expect((await reader.call('POST', foos, { body: {} })).code).toBe(403);
  expect((await reader.call('DELETE', `${foos}/one`)).code).toBe(403);
  expect(got).toEqual([]);
});

test.each([`${foos}/../../../x`, `${foos}/one/%2e%2e/two`, '/apis/fake.test/v1//foos', '/apis/fake.test/v1/a%2f..%2fb'])(
  '%s could be read in two ways: it goes nowhere',
  async (path) => {
    expect((await operator.call('GET', path)).code).toBe(404);
    expect(got).toEqual([]);
  },
);

test('bodies, statuses and streams pass; redirects do not', async () => {
  const posted = await operator.call('POST', foos, { body: { a: 1 } });
  expect([posted.code, got[0]?.body]).toEqual([200, '{"a":1}']);
  expect((await reader.call('GET', `${foos}/conflict`)).body).toEqual({ kind: 'Status', reason: 'Conflict', code: 409 });
  expect(await reader.call('GET', `${foos}/redirect`)).toMatchObject({
    code: 502,
    body: 'the backend attempted to redirect this request, which is not permitted',
  });
});

test('upgrades pass, with the query and the name of who asks', async () => {
  const { hostname, port } = new URL(server.base);
  const tls = await server.certificate('reader', 'readers');
  const socket = connectTls({ host: hostname, port: Number(port), ...tls, ALPNProtocols: ['http/1.1'] });
  socket.write(
    `GET ${foos}/one/up?x=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: foo\r\nX-Remote-User: evil\r\nAuthorization: Basic eA==\r\n\r\n`,
  );
  let said = '';
  for await (const piece of socket) said += piece;
  expect(said).toMatch(/^HTTP\/1\.1 101 [\s\S]*hello$/);
  expect(got).toMatchObject([{ method: 'UPGRADE', url: `${foos}/one/up?x=1`, headers: { 'x-remote-user': 'reader' } }]);
  expect(got[0]?.headers.authorization).toBeUndefined();
});

test('both transports of our own client read it', async () => {
  for (const transport of ['rest', 'grpc'] as const) {
    const ports = { clock: new SystemClock(), random: new SystemRandom() };
    const client = await connect(await server.clientConfig(transport, 'reader'), ports);
    expect(await client.getRaw(foos, { labelSelector: 'a=b' })).toEqual(list);
    expect(got.at(-1)).toMatchObject({ url: `${foos}?labelSelector=a%3Db`, headers: { 'x-remote-user': 'reader' } });
    await expect(client.getRaw(`${foos}/conflict`)).rejects.toMatchObject({ status: { code: 409, reason: 'Conflict' } });
    await expect(client.getRaw('/apis/fake.test/v1/bars')).rejects.toMatchObject({ status: { code: 403 } });
    client.close();
  }
});

test('over our own wire its objects are listed and changed as over REST, and what was authorised is what it is asked', async () => {
  const ports = { clock: new SystemClock(), random: new SystemRandom() };
  const foo = { group: 'fake.test', version: 'v1', resource: 'foos', kind: 'Foo', namespaced: true };
  const key = { namespace: 'default', name: 'one' };
  const object = { apiVersion: 'fake.test/v1', kind: 'Foo', metadata: key };
  for (const transport of ['rest', 'grpc'] as const) {
    got = [];
    const client = await connect(await server.clientConfig(transport, 'operator'), ports);
    expect((await client.list(foo, { namespace: 'default', labelSelector: 'a=b', limit: 5 })).items).toHaveLength(1);
    await client.list(foo, { fieldSelector: 'metadata.name=one' });
    await client.get(foo, key);
    await client.create(foo, object, { dryRun: true });
    await client.update(foo, object, { subresource: 'status' });
    await client.patch(foo, key, { type: 'merge', body: { a: 1 } });
    await client.delete(foo, key, { preconditions: { uid: 'u' } });
    await client.deleteCollection(foo, { namespace: 'default', labelSelector: 'a=b' }, { propagationPolicy: 'Background' });
    const sent = got.map(({ method, url, body }) => `${method} ${url.replace('/apis/fake.test/v1', '')} ${body}`);
    expect(sent).toEqual([
      'GET /namespaces/default/foos?labelSelector=a%3Db&limit=5 ',
      'GET /foos?fieldSelector=metadata.name%3Done ',
      'GET /namespaces/default/foos/one ',
      `POST /namespaces/default/foos?dryRun=All ${JSON.stringify(object)}`,
      `PUT /namespaces/default/foos/one/status ${JSON.stringify(object)}`,
      'PATCH /namespaces/default/foos/one {"a":1}',
      expect.stringMatching(/^DELETE \/namespaces\/default\/foos\/one \{.*"preconditions":\{"uid":"u"\}/),
      expect.stringMatching(/^DELETE \/namespaces\/default\/foos\?labelSelector=a%3Db \{.*"propagationPolicy":"Background"/),
    ]);
    expect(got[5]?.headers['content-type']).toBe('application/merge-patch+json');
    await expect(client.get(foo, { namespace: 'default', name: 'one/../../x' })).rejects.toMatchObject({
      status: { code: 404 },
    });
    expect(got).toHaveLength(8);
    client.close();
  }
  const other = await connect(await server.clientConfig('grpc', 'reader'), ports);
  await expect(other.deleteCollection(foo, { namespace: 'default' })).rejects.toMatchObject({ status: { code: 403 } });
  await expect(other.watch(foo)[Symbol.asyncIterator]().next()).rejects.toMatchObject({ status: { code: 405 } });
  expect((await other.list(foo, { namespace: 'default' })).items).toHaveLength(1);
  other.close();
});

test('discovery lists the group by its priority, in all of its forms', async () => {
  const groups = (await reader.call('GET', '/apis')).body.groups.map((group: { name: string }) => group.name);
  expect(groups.indexOf('fake.test')).toBe(groups.indexOf('policy') + 1);
  expect(groups[0]).toBe('apiregistration.k8s.io');
  const version = { groupVersion: 'fake.test/v1', version: 'v1' };
  const group = { kind: 'APIGroup', apiVersion: 'v1', name: 'fake.test', versions: [version], preferredVersion: version };
  expect((await reader.call('GET', '/apis/fake.test')).body).toEqual(group);
  expect((await reader.call('GET', '/apis/fake.test/v1')).body).toEqual(rows);
  expect((await reader.call('GET', '/apis/fake.test/v2')).code).toBe(404);
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const { body } = await reader.call('GET', '/apis', { headers: { accept } });
  const found = body.items.find((item: { metadata: { name: string } }) => item.metadata.name === 'fake.test');
  const row = {
    resource: 'foos',
    responseKind: { group: '', version: '', kind: 'Foo' },
    scope: 'Namespaced',
    singularResource: 'foo',
    verbs: ['get', 'list'],
    shortNames: ['fo'],
  };
  expect(found.versions).toEqual([{ version: 'v1', resources: [row], freshness: 'Current' }]);
});

test('the OpenAPI of a server is listed and passed on: of its own version, and of no other', async () => {
  const { body } = await reader.call('GET', '/openapi/v3');
  expect(body.paths['apis/fake.test/v1']).toEqual(openApi['apis/fake.test/v1']);
  expect(body.paths['apis/apps/v1'].serverRelativeURL).not.toContain('evil');
  expect((await reader.call('GET', '/openapi/v3/apis/fake.test/v1?hash=abc')).body).toEqual(list);
  expect(got).toMatchObject([{ url: '/openapi/v3/apis/fake.test/v1?hash=abc', headers: { 'x-remote-user': 'reader' } }]);
  expect((await reader.call('GET', '/openapi/v3/apis/apps/v1')).body.openapi).toBe('3.0.0');
});

test('what is wrong with a server is said as the original says it, and it is not asked', async () => {
  await operator.call('POST', '/api/v1/namespaces/default/services', {
    body: { metadata: { name: 'noep' }, spec: { ports: [{ name: 'https', port: 443 }] } },
  });
  const closed = await freePort();
  await serviceFor(operator, 'refused', closed);
  const insecureSkipTLSVerify = true;
  const on = (name: string, port?: number) => ({ service: { namespace: 'default', name, ...(port ? { port } : {}) } });
  await register(operator, 'nosvc.test', { ...on('nosvc'), insecureSkipTLSVerify });
  await register(operator, 'noep.test', { ...on('noep'), insecureSkipTLSVerify });
  await register(operator, 'port.test', { ...on('noep', 99), insecureSkipTLSVerify });
  await register(operator, 'refused.test', { ...on('refused'), insecureSkipTLSVerify });
  const { ca: other } = await server.certificate('any');
  await register(operator, 'badca.test', { ...on('ext'), caBundle: base64(other) });
  const url = (group: string, port: number) => `https://${outsideAddress()}:${port}/apis/${group}/v1`;
  const refused = `dial tcp ${outsideAddress()}:${closed}: connect: connection refused`;
  const expected = {
    'nosvc.test': ['ServiceNotFound', 'service/nosvc in "default" is not present'],
    'noep.test': ['EndpointsNotFound', 'cannot find endpointslices for service/noep in "default"'],
    'port.test': ['ServicePortError', 'service/noep in "default" is not listening on port 99'],
    'refused.test': [
      'FailedDiscoveryCheck',
      `failing or missing response from ${url('refused.test', closed)}: Get "${url('refused.test', closed)}": ${refused}`,
    ],
  };
  for (const [group, [reason, message]] of Object.entries(expected)) {
    await vi.waitFor(
      async () => expect(await condition(`v1.${group}`)).toMatchObject({ status: 'False', reason, message }),
      5_000,
    );
    const answer = await operator.call('GET', `/apis/${group}/v1/foos`);
    expect([answer.code, answer.body]).toEqual([503, 'service unavailable\n']);
  }
  await vi.waitFor(
    async () => expect((await condition('v1.badca.test')).message).toMatch(/tls: failed to verify certificate/),
    5_000,
  );
  expect((await operator.call('GET', '/openapi/v3/apis/nosvc.test/v1')).code).toBe(404);
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const { body } = await reader.call('GET', '/apis', { headers: { accept } });
  const stale = body.items.find((item: { metadata: { name: string } }) => item.metadata.name === 'refused.test');
  expect(stale.versions).toEqual([{ version: 'v1', freshness: 'Stale' }]);
});

test('what this server serves itself is listed, and is given away to nobody', async () => {
  expect(await condition('v1.')).toMatchObject({ reason: 'Local', message: 'Local APIServices are always available' });
  const { body } = await operator.call('GET', `${registrations}/v1.apps`);
  const spec = { ...body.spec, service: { namespace: 'default', name: 'ext' }, insecureSkipTLSVerify: true };
  expect((await operator.call('PUT', `${registrations}/v1.apps`, { body: { ...body, spec } })).code).toBe(200);
  expect((await operator.call('GET', '/apis/apps/v1/deployments')).body.kind).toBe('DeploymentList');
  expect(got).toEqual([]);
});

test('a server that ends is missed, and found again', async () => {
  const { port } = backend.address() as AddressInfo;
  const closed = once(backend, 'close');
  for (const socket of sockets) socket.destroy();
  backend.close();
  await closed;
  expect(await reader.call('GET', foos)).toMatchObject({
    code: 503,
    body: `error trying to reach service: dial tcp ${outsideAddress()}:${port}: connect: connection refused\n`,
  });
  const found = await operator.call('GET', `${registrations}/v1.fake.test`);
  const body = { ...found.body, metadata: { ...found.body.metadata }, spec: { ...found.body.spec, versionPriority: 16 } };
  await operator.call('PUT', `${registrations}/v1.fake.test`, { body });
  await vi.waitFor(
    async () => expect(await condition('v1.fake.test')).toMatchObject({ reason: 'FailedDiscoveryCheck' }),
    5_000,
  );
  backend = await startBackend(pair, port);
  await vi.waitFor(async () => expect((await reader.call('GET', foos)).code).toBe(200), 10_000);
  await operator.call('DELETE', `${registrations}/v1.fake.test`);
  await vi.waitFor(async () => expect((await operator.call('GET', foos)).code).toBe(404), 2_000);
}, 30_000);

test('APIServices are checked as the original checks them', async () => {
  const ask = async (spec: object, name = 'v1.a.b') => {
    const { body } = await operator.call('POST', `${registrations}?dryRun=All`, { body: { metadata: { name }, spec } });
    return (body.details?.causes ?? []).map((cause: { field: string; message: string }) => `${cause.field}: ${cause.message}`);
  };
  const good = { group: 'a.b', version: 'v1', groupPriorityMinimum: 1, versionPriority: 1 };
  expect(await ask(good)).toEqual([]);
  expect(await ask(good, 'x')).toEqual(['metadata.name: Invalid value: "x": must be `spec.version+"."+spec.group`: "v1.a.b"']);
  expect(await ask({ ...good, groupPriorityMinimum: 20_001, versionPriority: 0 })).toEqual([
    'spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000',
    'spec.versionPriority: Invalid value: 0: must be positive and less than 1000',
  ]);
  expect(await ask({ ...good, caBundle: 'eHh4', insecureSkipTLSVerify: true })).toEqual([
    'spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle',
    'spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify',
  ]);
  const service = { namespace: '', name: '', port: 0 };
  expect(await ask({ ...good, service, caBundle: 'eHh4', insecureSkipTLSVerify: true })).toEqual([
    'spec.service.namespace: Required value',
    'spec.service.name: Required value',
    'spec.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive',
    'spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present',
  ]);
});
