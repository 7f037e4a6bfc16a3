import type { KubeObject } from '@drydock/api/resource.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { beforeEach, expect, test } from 'vitest';
import { Admission } from './admission/admission.ts';
import { Authenticator } from './authn/authenticator.ts';
import { ServiceAccountTokens } from './authn/service-account-tokens.ts';
import { Authorizer } from './authz/authorizer.ts';
import { cachedRbac } from './authz/cached-rbac.ts';
import { RbacAuthorizer } from './authz/rbac.ts';
import { Pipeline } from './pipeline.ts';
import { Caches } from './registry/caches.ts';
import { Reader } from './registry/reader.ts';
import { type ApiResponse, plainForm, type RequestOptions, type Verb } from './request.ts';
import { Actions } from './rest/actions.ts';
import { ObjectStore } from './storage/object-store.ts';
import { MemoryStore } from './testing/memory-store.ts';

let pipeline: Pipeline;

beforeEach(() => {
  const clock = new VirtualClock();
  const store = new MemoryStore();
  const objects = new ObjectStore(store, clock);
  const caches = new Caches(store, clock, silentLog);
  const tokens = new ServiceAccountTokens({
    issuers: [],
    audiences: [],
    verificationPems: [],
    signingPem: undefined,
    read: async () => undefined,
    clock,
  });
  const requestHeader = {
    usernameHeaders: [],
    uidHeaders: [],
    groupHeaders: [],
    extraPrefixes: [],
    allowedNames: [],
    enabled: false,
  };
  pipeline = new Pipeline({
    authenticator: new Authenticator({ anonymousAuth: true, requestHeader, tokens }),
    authorizer: new Authorizer([new RbacAuthorizer(cachedRbac(caches))]),
    admission: new Admission([]),
    reader: new Reader(store, objects, caches, clock),
    objects,
    caches,
    hooks: new Map(),
    actions: new Actions({}),
    clock,
    random: new SeededRandom(1).stream('test'),
    eventTtlSeconds: 3600,
    gateEnabled: () => false,
  });
});

interface Ask {
  readonly body?: unknown;
  readonly type?: string;
  readonly options?: RequestOptions;
  readonly anonymous?: boolean;
}

/** `verb group/version/namespace/resource/name/subresource`. */
function call(
  verb: Verb,
  path: string,
  { body, type = 'application/json', options = {}, anonymous = false }: Ask = {},
): Promise<ApiResponse> {
  const [group = '', version = '', namespace = '', resource = '', name = '', subresource = ''] = path.split('/');
  return pipeline.handle({
    verb,
    target: { group, version, namespace, resource, name, subresource },
    credentials: anonymous ? {} : { certificate: { commonName: 'admin', organizations: ['system:masters'], fingerprint: '' } },
    options,
    body: body === undefined ? undefined : { contentType: type, bytes: Buffer.from(JSON.stringify(body)) },
    form: plainForm,
    userAgent: 'test',
    signal: new AbortController().signal,
  });
}

async function object(response: Promise<ApiResponse>): Promise<KubeObject> {
  const answer = await response;
  if (answer.type !== 'object') throw new Error(answer.type);
  return answer.object;
}

const maps = '/v1/default/configmaps';

test('an object lives from create to delete', async () => {
  const created = await object(call('create', maps, { body: { metadata: { generateName: 'a-' }, data: { x: '1' } } }));
  const name = created.metadata?.name ?? '';
  expect(name).toMatch(/^a-.{5}$/);
  expect(created).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { namespace: 'default' } });
  const patch = { body: { data: { y: '2' } }, type: 'application/merge-patch+json' };
  expect(await object(call('patch', `${maps}/${name}`, patch))).toMatchObject({ data: { x: '1', y: '2' } });
  const stale = { ...created, data: { z: '3' } };
  await expect(call('update', `${maps}/${name}`, { body: stale })).rejects.toThrow(
    `Operation cannot be fulfilled on configmaps "${name}": the object has been modified; please apply your changes to the latest version and try again`,
  );
  expect(await object(call('delete', `${maps}/${name}`))).toMatchObject({
    kind: 'Status',
    status: 'Success',
    details: { kind: 'configmaps', name },
  });
  await expect(call('get', `${maps}/${name}`)).rejects.toThrow(`configmaps "${name}" not found`);
});

test('a dry run says what would be and stores nothing', async () => {
  await call('create', maps, { body: { metadata: { name: 'a' } }, options: { dryRun: true } });
  await expect(call('get', `${maps}/a`)).rejects.toThrow('configmaps "a" not found');
});

test('status is written through its subresource only', async () => {
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  const spec = { selector: { matchLabels: { a: 'b' } }, template };
  const path = 'apps/v1/default/deployments';
  const created = await object(call('create', path, { body: { metadata: { name: 'd' }, spec, status: { replicas: 7 } } }));
  expect(created).toMatchObject({ metadata: { generation: 1 }, status: {}, spec: { replicas: 1 } });
  const merge = { type: 'application/merge-patch+json' };
  const status = { ...merge, body: { spec: { replicas: 5 }, status: { replicas: 2 } } };
  expect(await object(call('patch', `${path}/d/status`, status))).toMatchObject({
    metadata: { generation: 1 },
    spec: { replicas: 1 },
    status: { replicas: 2 },
  });
  const scale = await object(call('patch', `${path}/d/scale`, { ...merge, body: { spec: { replicas: 3 } } }));
  expect(scale).toMatchObject({ kind: 'Scale', spec: { replicas: 3 }, status: { replicas: 2, selector: 'a=b' } });
  expect(await object(call('get', `${path}/d`))).toMatchObject({ metadata: { generation: 2 }, spec: { replicas: 3 } });
});

test('lists come in pages of one state', async () => {
  for (const name of ['a', 'b', 'c']) await call('create', maps, { body: { metadata: { name } } });
  const first = await call('list', maps, { options: { limit: 2 } });
  if (first.type !== 'list') throw new Error(first.type);
  const meta = first.list.header.metadata as { continue: string; remainingItemCount: number; resourceVersion: string };
  expect([first.list.items.length, meta.remainingItemCount]).toEqual([2, 1]);
  await call('create', maps, { body: { metadata: { name: 'd' } } });
  const second = await call('list', maps, { options: { limit: 2, continue: meta.continue } });
  if (second.type !== 'list') throw new Error(second.type);
  expect(second.list.items.map((item) => item.metadata?.name)).toEqual(['c']);
  expect(second.list.header.metadata).toEqual({ resourceVersion: meta.resourceVersion });
});

test('a watch with a selector sees objects enter and leave it', async () => {
  const response = await call('watch', maps, {
    options: { labelSelector: 'a=b', sendInitialEvents: true, allowWatchBookmarks: true },
  });
  if (response.type !== 'watch') throw new Error(response.type);
  const merge = { type: 'application/merge-patch+json' };
  await call('create', maps, { body: { metadata: { name: 'x' } } });
  await call('patch', `${maps}/x`, { ...merge, body: { metadata: { labels: { a: 'b' } } } });
  await call('patch', `${maps}/x`, { ...merge, body: { data: { k: 'v' } } });
  await call('patch', `${maps}/x`, { ...merge, body: { metadata: { labels: { a: null } } } });
  const frames = response.stream.drain();
  expect(frames.map((frame) => frame.type)).toEqual(['BOOKMARK', 'ADDED', 'MODIFIED', 'DELETED']);
  expect(JSON.parse(frames[0]?.object.toString() ?? '')).toMatchObject({
    metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } },
  });
  response.stream.end();
});

test.each<[string, Verb, string, Ask, string]>([
  [
    'nobody may read',
    'list',
    maps,
    { anonymous: true },
    'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" in the namespace "default"',
  ],
  ['no such resource', 'get', '/v1/default/nothings/x', {}, 'the server could not find the requested resource'],
  [
    'no such verb',
    'create',
    '/v1//componentstatuses',
    { body: {} },
    'the server does not allow this method on the requested resource',
  ],
  [
    'another namespace',
    'create',
    maps,
    { body: { metadata: { name: 'a', namespace: 'b' } } },
    'the namespace of the provided object does not match the namespace sent on the request',
  ],
  [
    'a patch of what is missing',
    'patch',
    `${maps}/a`,
    { body: {}, type: 'application/merge-patch+json' },
    'configmaps "a" not found',
  ],
  ['no such selector field', 'list', maps, { options: { fieldSelector: 'data.x=1' } }, 'data.x'],
])('%s', async (_name, verb, path, ask, message) => {
  await expect(call(verb, path, ask)).rejects.toThrow(message);
});
