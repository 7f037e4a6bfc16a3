// What is authorised is what is touched: users with narrow permissions send every kind of write in every form of path, over REST
// and gRPC, and the store is watched: nothing changes outside of what their permission names. The fences come from what RBAC's
// documentation says of each permission; a user who may do everything shows that they are crossed where nobody stops it.
import { fileURLToPath } from 'node:url';
import { grpcTlsTarget } from '@drydock/foundation/grpc-tls-target.ts';
import { type Client, credentials, type GrpcObject, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { freePort, type TlsParts, type WireClient, WireServer } from './testing/wire.ts';

let server: WireServer;
let admin: WireClient;

const everything = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
const streams = ['pods/log', 'pods/exec', 'pods/proxy', 'nodes/proxy', 'services/proxy'];

/** The users: their rules, where, and which keys of the store these are about. */
const users: Readonly<Record<string, { readonly namespace?: string; readonly rule: object; readonly fence: RegExp }>> = {
  inFoo: { namespace: 'foo', rule: everything, fence: /^\/registry\/(namespaces\/foo|[^/]+(\/[^/]+)?\/foo\/[^/]+)$/ },
  mineOnly: { rule: { ...everything, resourceNames: ['mine'] }, fence: /\/mine$/ },
  streamer: { rule: { ...everything, resources: streams }, fence: /^$/ },
};

const objects: Readonly<Record<string, (name: string) => object>> = {
  configmaps: (name) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { at: String(counter++) } }),
  namespaces: (name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { at: String(counter++) } } }),
  nodes: (name) => ({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { at: String(counter++) } } }),
  pods: (name) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { at: String(counter++) } },
    spec: { containers: [{ name: 'c', image: 'i' }], automountServiceAccountToken: false },
  }),
};
let counter = 0;

const tables = /^\/registry\/(configmaps|namespaces|minions|pods|leases)\//;

beforeAll(async () => {
  server = await WireServer.start({ grpcPort: await freePort() });
  admin = await server.as('admin', 'system:masters');
  await furnish();
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const apiGroup = 'rbac.authorization.k8s.io';
  for (const [name, { namespace, rule }] of Object.entries(users)) {
    const [path, kind] = namespace === undefined ? [rbac, 'ClusterRole'] : [`${rbac}/namespaces/${namespace}`, 'Role'];
    const roles = namespace === undefined ? ['clusterroles', 'clusterrolebindings'] : ['roles', 'rolebindings'];
    await admin.call('POST', `${path}/${roles[0]}`, { body: { metadata: { name: name.toLowerCase() }, rules: [rule] } });
    const roleRef = { apiGroup, kind, name: name.toLowerCase() };
    const body = { metadata: { name: name.toLowerCase() }, roleRef, subjects: [{ apiGroup, kind: 'User', name }] };
    await admin.call('POST', `${path}/${roles[1]}`, { body });
  }
  await vi.waitFor(async () => {
    const asked = await (await server.as('mineOnly')).call('GET', '/api/v1/namespaces/x/configmaps/mine');
    expect(asked.code).toBe(404);
  }, 10_000);
}, 60_000);

afterAll(() => server.stop());

/** Makes what the requests are about, where it is missing. */
async function furnish(): Promise<void> {
  for (const name of ['foo', 'victim', 'mine', 'other', 'proxy']) {
    await admin.call('POST', '/api/v1/namespaces', { body: objects.namespaces?.(name) });
    await admin.call('POST', '/api/v1/nodes', { body: objects.nodes?.(name) });
  }
  for (const namespace of ['foo', 'victim', 'proxy'])
    for (const name of ['mine', 'other', 'proxy'])
      for (const resource of ['configmaps', 'pods']) {
        if (resource === 'pods')
          await admin.call('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, {
            body: { metadata: { name: 'default' } },
          });
        await admin.call('POST', `/api/v1/namespaces/${namespace}/${resource}`, { body: objects[resource]?.(name) });
      }
}

/** Every key that changes while `work` runs. */
async function touched(work: () => Promise<void>): Promise<Set<string>> {
  const keys = new Set<string>();
  const watch = server.store.watch('/registry/', server.store.revision + 1, (signal) => {
    if (signal.type === 'events') for (const { kv } of signal.events) if (tables.test(kv.key)) keys.add(kv.key);
  });
  await work();
  watch.close();
  return keys;
}

const names = ['', '/mine', '/other', '/other/proxy/x', '/other%2Fstatus'];
const places = ['', 'namespaces/foo/', 'namespaces/victim/', 'watch/', 'namespaces/foo%2F..%2Fvictim/'];

function paths(resource: string): string[] {
  const forms = names.flatMap((name) => places.map((place) => `/api/v1/${place}${resource}${name}`));
  const broken = [`//api/v1/${resource}/other`, `/api//v1/${resource}/other`, `/api/v1/namespaces//${resource}/other`];
  return [...forms, ...broken, '/api/v1/namespaces/foo/namespaces/victim'];
}

async function overRest(client: WireClient): Promise<void> {
  const merge = 'application/merge-patch+json';
  for (const [resource, make] of Object.entries(objects)) {
    await Promise.all(
      paths(resource).flatMap((path) => [
        ...['mine', 'other'].map((name) =>
          client.call('POST', `${path}?fieldSelector=metadata.name%3Dmine`, { body: make(name) }),
        ),
        client.call('PUT', path, { body: make(path.includes('other') ? 'other' : 'mine') }),
        client.call('PATCH', path, { body: { metadata: { labels: { at: String(counter++) } } }, type: merge }),
        client.call('DELETE', `${path}?fieldSelector=metadata.name%3Dmine`),
      ]),
    );
  }
}

type Call = (request: object, done: (error: unknown) => void) => void;

function grpcClient({ ca, cert, key }: TlsParts): Client & Readonly<Record<string, Call>> {
  const path = fileURLToPath(new URL('../../proto/drydock/apiserver/v1/api.proto', import.meta.url));
  const loaded = loadPackageDefinition(loadSync(path, { keepCase: true })) as unknown as {
    drydock: { apiserver: { v1: GrpcObject } };
  };
  const Api = loaded.drydock.apiserver.v1.Api as ServiceClientConstructor;
  const { channelOptions, verifyOptions } = grpcTlsTarget('127.0.0.1');
  const channel = credentials.createSsl(Buffer.from(ca), Buffer.from(key), Buffer.from(cert), verifyOptions);
  return new Api(`127.0.0.1:${server.grpcPort}`, channel, channelOptions) as unknown as Client & Record<string, Call>;
}

async function overGrpc(name: string): Promise<void> {
  const client = grpcClient(await server.certificate(name));
  const ask = (method: string, request: object) => new Promise<void>((done) => client[method]?.(request, () => done()));
  for (const [resource, make] of Object.entries(objects))
    for (const namespace of ['', 'foo', 'victim', 'foo/victim'])
      for (const subresource of ['', 'status', 'proxy'])
        await Promise.all(
          ['', 'mine', 'other'].flatMap((each) => {
            const target = { group: '', version: 'v1', resource, namespace, name: each, subresource };
            const write = (body: string) => ({ target, object: Buffer.from(JSON.stringify(make(body))) });
            const patch = Buffer.from(JSON.stringify({ metadata: { labels: { at: String(counter++) } } }));
            return [
              ask('Create', write('mine')),
              ask('Create', write('other')),
              ask('Update', write(each === 'other' ? 'other' : 'mine')),
              ask('Patch', { target, patch, content_type: 'application/merge-patch+json' }),
              ask('Delete', { target }),
              ask('DeleteCollection', { target, field_selector: 'metadata.name=mine' }),
            ];
          }),
        );
  client.close();
}

async function everyRequest(user: string): Promise<{ rest: Set<string>; grpc: Set<string> }> {
  await furnish();
  const rest = await touched(async () => overRest(await server.as(user)));
  await furnish();
  const grpc = await touched(() => overGrpc(user));
  return { rest, grpc };
}

const outside = (keys: Set<string>, fence: RegExp) => [...keys].filter((key) => !fence.test(key)).sort();

test.each(Object.keys(users))(
  '%s touches nothing but what its permission names',
  async (user) => {
    const { rest, grpc } = await everyRequest(user);
    const fence = users[user]?.fence ?? /^$/;
    expect({ rest: outside(rest, fence), grpc: outside(grpc, fence) }).toEqual({ rest: [], grpc: [] });
    const writes = user !== 'streamer';
    expect([rest.size > 0, grpc.size > 0]).toEqual([writes, writes]);
  },
  120_000,
);

test('who may do everything crosses every fence', async () => {
  await server.operator('all');
  const { rest, grpc } = await everyRequest('all');
  for (const { fence } of Object.values(users))
    expect([outside(rest, fence).length > 0, outside(grpc, fence).length > 0]).toEqual([true, true]);
}, 60_000);
