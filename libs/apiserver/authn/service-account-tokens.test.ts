// When a service account's token stops to count (pkg/serviceaccount/claims.go and legacy.go): tokens bound to a node, a pod or a
// Secret, tokens of before, and objects that are on their way out.
import { generateKeyPairSync } from 'node:crypto';
import type { KubeObject } from '@drydock/api/resource.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { SignJWT } from 'jose';
import { beforeEach, expect, test } from 'vitest';
import { ServiceAccountTokens, type TokenClaims } from './service-account-tokens.ts';

const issuer = 'https://issuer';
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = { type: 'pkcs8', format: 'pem' } as const;

let objects: Map<string, KubeObject>;
let clock: VirtualClock;
let tokens: ServiceAccountTokens;

const put = (resource: string, name: string, more: object = {}) => {
  objects.set(`${resource}/${name}`, { metadata: { name, uid: `${name}-uid`, ...more } });
};
const at = (seconds: number) => new Date(clock.wallMs() + seconds * 1000).toISOString().replace('.000', '');

beforeEach(() => {
  objects = new Map();
  clock = new VirtualClock();
  tokens = new ServiceAccountTokens({
    issuers: [issuer],
    audiences: ['api'],
    verificationPems: [publicKey.export({ type: 'spki', format: 'pem' }).toString()],
    signingPem: privateKey.export(pem).toString(),
    read: async (resource, _namespace, name) => objects.get(`${resource}/${name}`),
    clock,
  });
  put('serviceaccounts', 'app');
});

async function signed(more: Partial<TokenClaims> = {}): Promise<string> {
  const now = Math.floor(clock.wallMs() / 1000);
  const base = {
    namespace: 'ns',
    name: 'app',
    uid: 'app-uid',
    audiences: ['api'],
    issuedAt: now,
    expiresAt: now + 3600,
    jti: 'j',
  };
  return (await tokens.sign({ ...base, ...more })) ?? '';
}

const nameOf = async (token: string) => (await tokens.authenticate(token))?.name;
const app = 'system:serviceaccount:ns:app';

const bound = { pod: { name: 'p', uid: 'p-uid' }, node: { name: 'n', uid: 'n-uid' }, secret: { name: 's', uid: 's-uid' } };

test.each<[string, () => void, Partial<TokenClaims>, string | undefined]>([
  ['unbound', () => {}, {}, app],
  ['no account', () => objects.delete('serviceaccounts/app'), {}, undefined],
  ['another account of the name', () => put('serviceaccounts', 'app', { uid: 'new' }), {}, undefined],
  ['account deleted just now', () => put('serviceaccounts', 'app', { deletionTimestamp: at(-30) }), {}, app],
  ['account deleted long ago', () => put('serviceaccounts', 'app', { deletionTimestamp: at(-61) }), {}, undefined],
  ['pod', () => put('pods', 'p'), { pod: bound.pod }, app],
  ['no pod', () => {}, { pod: bound.pod }, undefined],
  ['another pod of the name', () => put('pods', 'p', { uid: 'new' }), { pod: bound.pod }, undefined],
  ['pod that will be gone', () => put('pods', 'p', { deletionTimestamp: at(30) }), { pod: bound.pod }, app],
  ['pod that should be gone', () => put('pods', 'p', { deletionTimestamp: at(-61) }), { pod: bound.pod }, undefined],
  ['pod on a node that is gone', () => put('pods', 'p'), { pod: bound.pod, node: bound.node }, app],
  ['node', () => put('nodes', 'n'), { node: bound.node }, app],
  ['no node', () => {}, { node: bound.node }, undefined],
  ['another node of the name', () => put('nodes', 'n', { uid: 'new' }), { node: bound.node }, undefined],
  ['node deleted long ago', () => put('nodes', 'n', { deletionTimestamp: at(-61) }), { node: bound.node }, undefined],
  ['secret', () => put('secrets', 's'), { secret: bound.secret }, app],
  ['no secret', () => {}, { secret: bound.secret }, undefined],
  ['another secret of the name', () => put('secrets', 's', { uid: 'new' }), { secret: bound.secret }, undefined],
  ['secret deleted long ago', () => put('secrets', 's', { deletionTimestamp: at(-61) }), { secret: bound.secret }, undefined],
])('bound: %s', async (_name, given, claims, expected) => {
  given();
  expect(await nameOf(await signed(claims))).toBe(expected);
});

test('what is gone ends a token that was good before', async () => {
  put('pods', 'p');
  const token = await signed({ pod: bound.pod });
  expect(await nameOf(token)).toBe(app);
  objects.delete('pods/p');
  expect(await nameOf(token)).toBeUndefined();
});

test('a token ends a minute after its time, remembered or not', async () => {
  const token = await signed({ expiresAt: Math.floor(clock.wallMs() / 1000) + 600 });
  await clock.advance(655_000);
  expect(await nameOf(token)).toBe(app);
  await clock.advance(6_000);
  expect(await nameOf(token)).toBeUndefined();
});

async function legacy(claims: Record<string, string> = {}, subject = app): Promise<string> {
  const prefix = 'kubernetes.io/serviceaccount/';
  const all = {
    namespace: 'ns',
    'service-account.name': 'app',
    'service-account.uid': 'app-uid',
    'secret.name': 's',
    ...claims,
  };
  return new SignJWT(Object.fromEntries(Object.entries(all).map(([key, value]) => [`${prefix}${key}`, value])))
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer('kubernetes/serviceaccount')
    .setSubject(subject)
    .sign(privateKey);
}

const hold = (token: string, metadata: object = {}) =>
  objects.set('secrets/s', {
    metadata: { name: 's', uid: 's-uid', ...metadata },
    data: { token: Buffer.from(token).toString('base64') },
  } as KubeObject);

test.each<[string, (token: string) => void, string | undefined]>([
  ['held by its Secret', (token) => hold(token), app],
  ['no Secret', () => {}, undefined],
  ['another token in the Secret', () => hold('other'), undefined],
  ['an empty Secret', () => put('secrets', 's'), undefined],
  ['Secret deleted long ago', (token) => hold(token, { deletionTimestamp: at(-61) }), undefined],
  [
    'marked as invalid',
    (token) => hold(token, { labels: { 'kubernetes.io/legacy-token-invalid-since': '2026-01-01' } }),
    undefined,
  ],
])('of a Secret: %s', async (_name, given, expected) => {
  const token = await legacy();
  given(token);
  expect(await nameOf(token)).toBe(expected);
});

test('of a Secret: the subject is the account of the claims', async () => {
  const token = await legacy({}, 'system:serviceaccount:ns:other');
  hold(token);
  expect(await nameOf(token)).toBeUndefined();
});
