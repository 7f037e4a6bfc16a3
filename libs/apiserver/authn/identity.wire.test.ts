// Who a request is from: certificates of two authorities, proxies that speak for users, tokens, impersonation. The answers are
// those of the original (asked by hand with the same requests), which cannot be replayed without its certificates.
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { clientCertificate, servingCertificate } from '@drydock/pki/certificate.ts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type TlsParts, type WireClient, WireServer } from '../testing/wire.ts';

const random = new SystemRandom().stream('identity');
const nowMs = new SystemClock().wallMs();

interface Maker {
  (name: string, ...groups: string[]): Promise<Partial<TlsParts>>;
  readonly ca: string;
  readonly authority: Authority;
}

async function authority(name: string): Promise<Maker> {
  const pair = await Authority.create(name, nowMs, random);
  const loaded = await Authority.load(pair, random);
  const make = async (user: string, ...groups: string[]) => {
    const { certificatePem, keyPem } = await loaded.issue(clientCertificate(user, ...groups), nowMs);
    return { cert: certificatePem, key: keyPem };
  };
  return Object.assign(make, { ca: pair.certificatePem, authority: loaded });
}

let server: WireServer;
let proxies: Maker;
let strangers: Maker;

beforeAll(async () => {
  proxies = await authority('proxies');
  strangers = await authority('test-ca');
  server = await start(['front-proxy']);
  const admin = await server.as('admin', 'system:masters');
  const rbac = { apiGroup: 'rbac.authorization.k8s.io' };
  const roles: Record<string, object[]> = {
    older: [
      { apiGroups: [''], resources: ['users'], verbs: ['impersonate'] },
      { apiGroups: ['authentication.k8s.io'], resources: ['userextras/foo'], verbs: ['impersonate'], resourceNames: ['x'] },
    ],
    newer: [
      { apiGroups: ['authentication.k8s.io'], resources: ['users', 'groups'], verbs: ['impersonate:user-info'] },
      { apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['impersonate-on:user-info:create'] },
    ],
    anything: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }],
  };
  for (const [name, rules] of Object.entries(roles)) {
    const path = '/apis/rbac.authorization.k8s.io/v1';
    await admin.call('POST', `${path}/clusterroles`, { body: { metadata: { name }, rules } });
    const body = {
      metadata: { name },
      roleRef: { ...rbac, kind: 'ClusterRole', name },
      subjects: [{ ...rbac, kind: 'User', name }],
    };
    await admin.call('POST', `${path}/clusterrolebindings`, { body });
  }
  const operator = await server.as('anything');
  await vi.waitFor(async () => expect((await operator.call('GET', '/api/v1/nodes')).code).toBe(200), 10_000);
}, 30_000);

afterAll(() => server.stop());

async function start(allowedNames: readonly string[]): Promise<WireServer> {
  const own = await Authority.create('test-ca', nowMs, random);
  const serving = await (await Authority.load(own, random)).issue(servingCertificate('s', ['127.0.0.1']), nowMs);
  return WireServer.start({
    authority: own,
    tls: { cert: serving.certificatePem, key: serving.keyPem, clientCa: own.certificatePem, proxyCa: proxies.ca },
    requestHeader: {
      usernameHeaders: ['X-Remote-User'],
      uidHeaders: ['X-Remote-Uid'],
      groupHeaders: ['X-Remote-Group'],
      extraPrefixes: ['X-Remote-Extra-'],
      allowedNames,
      enabled: true,
    },
  });
}

/** Who the server takes the client for, without the id of the credential; or the code and message of its refusal. */
async function whoIs(client: WireClient): Promise<unknown> {
  const body = { kind: 'SelfSubjectReview', apiVersion: 'authentication.k8s.io/v1' };
  const answer = await client.call('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body });
  if (answer.code !== 201) return `${answer.code} ${answer.body.message}`;
  const { extra = {}, ...user } = answer.body.status.userInfo;
  const { 'authentication.kubernetes.io/credential-id': _id, ...others } = extra;
  return Object.keys(others).length === 0 ? user : { ...user, extra: others };
}

const spoken = {
  'X-Remote-User': 'zed',
  'X-Remote-Uid': '77',
  'X-Remote-Group': ['g1', 'g2'],
  'X-Remote-Extra-Foo%2fBar': 'q',
};
const zed = { username: 'zed', uid: '77', groups: ['g1', 'g2', 'system:authenticated'], extra: { 'foo/bar': ['q'] } };
const bob = { username: 'bob', groups: ['system:authenticated'] };

test('a proxy of its own authority speaks for users, and is nobody itself', async () => {
  const proxy = await proxies('front-proxy');
  expect(await whoIs(server.with(proxy, spoken))).toEqual(zed);
  expect(await whoIs(server.with(proxy))).toBe('401 Unauthorized');
});

test('what claims to be a proxy and is none stays what it is', async () => {
  expect(await whoIs(server.with(await server.certificate('front-proxy'), spoken))).toMatchObject({ username: 'front-proxy' });
  expect(await whoIs(server.with(await server.certificate('bob'), spoken))).toEqual(bob);
  expect(await whoIs(server.with(await proxies('other-name'), spoken))).toBe('401 Unauthorized');
  expect(await whoIs(server.with(await proxies('admin', 'system:masters')))).toBe('401 Unauthorized');
  expect(await whoIs(server.with(await strangers('front-proxy'), spoken))).toBe('401 Unauthorized');
  expect(await whoIs(server.with({}, spoken))).toMatch(/^403 .*"system:anonymous"/);
});

test('without allowed names it is the authority that makes a proxy', async () => {
  const open = await start([]);
  const masters = { 'X-Remote-User': 'x', 'X-Remote-Group': 'system:masters' };
  expect(await whoIs(open.with(await open.certificate('bob'), masters))).toEqual(bob);
  expect(await whoIs(open.with(await proxies('any'), spoken))).toEqual(zed);
  await open.stop();
});

test('a chain proves nothing by its names', async () => {
  // A user of the clients' authority sends along the public certificate of the proxies' authority.
  const { cert, key } = await server.certificate('bob');
  expect(await whoIs(server.with({ cert: `${cert}${proxies.ca}`, ...(key === undefined ? {} : { key }) }, spoken))).toEqual(
    bob,
  );
  const serving = await proxies.authority.issue(servingCertificate('front-proxy', ['127.0.0.1']), nowMs);
  const wrongUse = server.with({ cert: serving.certificatePem, key: serving.keyPem }, spoken);
  expect(await whoIs(wrongUse)).toBe('401 Unauthorized');
});

test.each<[string, Record<string, string | string[]>, unknown]>([
  ['nobody', { 'Impersonate-User': 'bob' }, /cannot impersonate-on:user-info:create resource "selfsubjectreviews"/],
  ['nobody', { 'Impersonate-User': 'system:serviceaccount:a:b' }, /cannot impersonate-on:serviceaccount:create resource/],
  ['nobody', { 'Impersonate-User': 'system:node:n' }, /cannot impersonate-on:arbitrary-node:create resource/],
  [
    'nobody',
    { 'Impersonate-Group': 'system:masters' },
    /^400 requested &user.DefaultInfo\{Name:"", UID:"", Groups:\[\]string\{"system:masters"\}, Extra:map\[string\]\[\]string\(nil\)\} without impersonating a user name$/,
  ],
  ['nobody', { 'Impersonate-Uid': '5' }, /^400 .* UID:"5", Groups:\[\]string\(nil\)/],
  ['nobody', { 'Impersonate-Extra-foo': 'x' }, /^400 .*Extra:map\[string\]\[\]string\{"foo":\[\]string\{"x"\}\}/],
  ['nobody', { 'Impersonate-User': '' }, { username: 'nobody', groups: ['system:authenticated'] }],
  ['older', { 'Impersonate-User': 'bob' }, bob],
  [
    'older',
    { 'Impersonate-User': 'bob', 'Impersonate-Group': 'g' },
    /^403 groups "g" is forbidden: User "older" cannot impersonate resource "groups" in API group ""/,
  ],
  ['older', { 'Impersonate-User': 'bob', 'Impersonate-Extra-Foo': 'x' }, { ...bob, extra: { foo: ['x'] } }],
  [
    'older',
    { 'Impersonate-User': 'bob', 'Impersonate-Extra-Foo': ['x', 'y'] },
    /^403 userextras.authentication.k8s.io "y" is forbidden/,
  ],
  ['older', { 'Impersonate-User': 'bob', 'Impersonate-Uid': 'y' }, /^403 uids.authentication.k8s.io "y" is forbidden/],
  ['older', { 'Impersonate-User': 'system:serviceaccount:a:b' }, /^403/],
  ['newer', { 'Impersonate-User': 'bob' }, bob],
  ['newer', { 'Impersonate-User': 'bob', 'Impersonate-Group': 'a, b' }, { ...bob, groups: ['a, b', 'system:authenticated'] }],
  ['newer', { 'Impersonate-User': 'bob', 'Impersonate-Group': 'system:masters' }, /^403/],
  ['newer', { 'Impersonate-User': 'system:node:n' }, /^403/],
  ['newer', { 'Impersonate-User': 'system:serviceaccount:a:b' }, /^403/],
  [
    'anything',
    { 'Impersonate-User': 'bob', 'Impersonate-Group': ['a', 'b'] },
    { ...bob, groups: ['a', 'b', 'system:authenticated'] },
  ],
  [
    'anything',
    { 'Impersonate-User': 'system:serviceaccount:a:b' },
    {
      username: 'system:serviceaccount:a:b',
      groups: ['system:serviceaccounts', 'system:serviceaccounts:a', 'system:authenticated'],
    },
  ],
  [
    'anything',
    { 'Impersonate-User': 'system:serviceaccount:a:b:c' },
    { username: 'system:serviceaccount:a:b:c', groups: ['system:authenticated'] },
  ],
  ['anything', { 'Impersonate-User': 'system:anonymous' }, /^403 .*User "system:anonymous" cannot create/],
  ['anything', { 'Impersonate-User': 'bob', 'Impersonate-Group': 'system:unauthenticated' }, /^403 .*User "bob" cannot create/],
])('%s asks as %j', async (user, headers, expected) => {
  const who = await whoIs(server.with(await server.certificate(user), headers));
  if (expected instanceof RegExp) expect(who).toMatch(expected);
  else expect(who).toEqual(expected);
});

test('who may impersonate for some requests may not for others', async () => {
  const client = server.with(await server.certificate('newer'), { 'Impersonate-User': 'anything' });
  expect((await client.call('GET', '/api/v1/nodes')).body.message).toMatch(
    /"newer" cannot impersonate-on:user-info:list resource "nodes"/,
  );
});
