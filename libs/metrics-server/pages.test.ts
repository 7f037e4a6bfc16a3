// What is answered to whom may ask: requests as kubectl and others make them.
import { nodes, pods } from '@drydock/api/resource.ts';
import { Metrics } from '@drydock/client/metrics.ts';
import { MemoryApi } from '@drydock/client/testing/memory-api.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ClusterView } from './cluster-view.ts';
import { Collector } from './collector.ts';
import { metricsPages } from './pages.ts';
import { type MetricsPoint, podId } from './points.ts';
import { MetricsStorage } from './storage.ts';

const clock = new VirtualClock();
const random = new SeededRandom('pages');
const stop = new AbortController();
const storage = new MetricsStorage(15_000);
const metrics = new Metrics();
const api = new MemoryApi({ clock, random });
const view = new ClusterView({ client: api, clock, random, log: silentLog, freeze: true }, [
  { key: 'measured', operator: '!=', values: ['no'] },
]);
const collector = new Collector({
  scraper: { scrape: async () => ({ nodes: new Map(), pods: new Map() }) },
  ...{ storage, clock, metrics },
  resolutionMs: 15_000,
  nodes: () => view.nodes(),
});
const pages = metricsPages({ view, storage, collector, metrics, nowMs: () => clock.wallMs() });
const base = '/apis/metrics.k8s.io/v1beta1';

beforeAll(async () => {
  const running = view.run(stop.signal);
  afterAll(async () => {
    stop.abort();
    await running;
  });
  const node = (name: string, labels: Record<string, string>) => api.create(nodes, { metadata: { name, labels } });
  await node('w2', { zone: 'b' });
  await node('w1', { zone: 'a' });
  await node('w3', { zone: 'a' });
  await node('w4', { measured: 'no' });
  const pod = async (namespace: string, name: string, phase: string, labels = {}) => {
    const made = await api.create(pods, {
      metadata: { namespace, name, labels },
      spec: { nodeName: 'w1', containers: [{ name: 'c', image: 'i' }] },
    });
    await api.update(pods, { ...made, status: { phase } }, { subresource: 'status' });
  };
  await pod('default', 'web', 'Running', { app: 'web' });
  await pod('default', 'late', 'Running');
  await pod('default', 'done', 'Succeeded');
  await pod('kube-system', 'dns', 'Running', { app: 'dns' });
  await view.synced();
  await vi.waitFor(() => expect([...view.pods('')]).toHaveLength(3));
  const point = (at: number, cpu: number): MetricsPoint => ({
    startMs: 0,
    atMs: clock.wallMs() - 20_000 + at * 1_000,
    cpuNanoseconds: Math.round(cpu * 1e6),
    workingSetBytes: 16 * 1024 * 1024 + (at === 0 ? 1 : 0),
  });
  const batch = (at: number) => ({
    nodes: new Map(['w1', 'w2'].map((name) => [name, point(at, 1_000 + at * 250)])),
    pods: new Map(
      ['default/web', 'default/done', 'kube-system/dns'].map((id) => {
        const [namespace = '', name = ''] = id.split('/');
        const containers = new Map([
          ['c', point(at, 10 + at)],
          ['side', point(at, 20 + at * 3.0001)],
        ]);
        return [podId(namespace, name), containers] as const;
      }),
    ),
  });
  storage.store(batch(0));
  storage.store(batch(15));
});

async function ask(target: string, accept = 'application/json', method = 'GET') {
  const [path = '', query] = target.split('?');
  const question = { method, path, query: new URLSearchParams(query), headers: { accept } };
  const { code, body, type } = await pages.answer(question);
  return { code, type, body: type?.startsWith('application/json') ? JSON.parse(body) : body };
}
const names = async (target: string) => {
  const { body } = await ask(target);
  return body.items.map(({ metadata }: { metadata: { namespace?: string; name: string } }) =>
    metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`,
  );
};
const now = '2026-01-01T00:00:00Z';
const web = {
  metadata: { name: 'web', namespace: 'default', creationTimestamp: now, labels: { app: 'web' } },
  timestamp: '2025-12-31T23:59:55Z',
  window: '15s',
  containers: [
    { name: 'c', usage: { cpu: '1m', memory: '16Mi' } },
    { name: 'side', usage: { cpu: '3000100n', memory: '16Mi' } },
  ],
};

describe('get and list', () => {
  test('a pod, a node, and lists of them without kinds', async () => {
    expect((await ask(`${base}/namespaces/default/pods/web`)).body).toEqual({
      kind: 'PodMetrics',
      apiVersion: 'metrics.k8s.io/v1beta1',
      ...web,
    });
    expect((await ask(`${base}/nodes/w1`)).body).toEqual({
      kind: 'NodeMetrics',
      apiVersion: 'metrics.k8s.io/v1beta1',
      metadata: { name: 'w1', creationTimestamp: now, labels: { zone: 'a' } },
      timestamp: '2025-12-31T23:59:55Z',
      window: '15s',
      usage: { cpu: '250m', memory: '16Mi' },
    });
    expect((await ask(`${base}/namespaces/default/pods`)).body).toEqual({
      kind: 'PodMetricsList',
      apiVersion: 'metrics.k8s.io/v1beta1',
      metadata: {},
      items: [web],
    });
  });

  test.each([
    ['nodes', ['w1', 'w2']],
    ['nodes?labelSelector=zone%3Da', ['w1']],
    ['nodes?fieldSelector=metadata.name%3Dw2', ['w2']],
    ['pods', ['default/web', 'kube-system/dns']],
    ['pods?labelSelector=app+in+(dns,web),app!%3Dweb', ['kube-system/dns']],
    ['pods?fieldSelector=metadata.namespace!%3Dkube-system', ['default/web']],
    ['namespaces/kube-system/pods', ['kube-system/dns']],
    ['namespaces/nowhere/pods', []],
  ])('%s', async (path, expected) => {
    expect(await names(`${base}/${path}`)).toEqual(expected);
  });

  test.each([
    ['nodes/w3', 404, 'nodemetrics.metrics.k8s.io "w3" not found'],
    ['nodes/w4', 404, 'nodemetrics.metrics.k8s.io "w4" not found'],
    ['nodes/gone', 404, 'node "gone" not found'],
    ['namespaces/default/pods/late', 404, 'podmetrics.metrics.k8s.io "default/late" not found'],
    ['namespaces/default/pods/done', 404, 'pods "done" not found'],
    ['namespaces/kube-system/pods/web', 404, 'pods "web" not found'],
    ['pods/web', 404, 'the server could not find the requested resource'],
    ['namespaces/default/nodes', 404, 'the server could not find the requested resource'],
    ['nodes/w1/status', 404, 'the server could not find the requested resource'],
    ['things', 404, 'the server could not find the requested resource'],
    ['pods?watch=1', 405, 'watch is not supported on resources of kind "pods.metrics.k8s.io"'],
    ['pods?labelSelector=a%3D%3D%3D', 400, undefined],
    [
      'pods?fieldSelector=spec.nodeName%3Dw1',
      400,
      '"spec.nodeName" is not a known field selector: only "metadata.name", "metadata.namespace"',
    ],
  ])('%s: %i %s', async (path, code, message) => {
    const answer = await ask(`${base}/${path}`);
    expect(answer).toMatchObject({ code, body: { kind: 'Status', ...(message === undefined ? {} : { message }) } });
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'])('%s is not allowed', async (method) => {
    expect(await ask(`${base}/nodes/w1`, undefined, method)).toMatchObject({ code: 405, body: { reason: 'MethodNotAllowed' } });
  });

  test('other groups and versions are other servers’', async () => {
    for (const path of ['/api/v1/pods', '/apis/metrics.k8s.io/v1/pods', '/apis/apps/v1/deployments'])
      expect(await ask(path)).toEqual({ code: 404, type: undefined, body: '404 page not found\n' });
  });
});

describe('other forms', () => {
  const table = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

  test('rows, with what they carry of their objects', async () => {
    const { body } = await ask(`${base}/namespaces/default/pods?includeObject=Object`, table);
    expect(body).toMatchObject({ kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: {} });
    expect(body.columnDefinitions.map(({ name, format }: { name: string; format: string }) => `${name} ${format}`)).toEqual([
      'Name name',
      'cpu quantity',
      'memory quantity',
      'Window duration',
    ]);
    expect(body.rows).toMatchObject([{ cells: ['web', '4000100n', '32Mi', '15s'], object: { kind: 'PodMetrics', ...web } }]);
    expect((await ask(`${base}/nodes/w1`, table)).body.rows).toEqual([
      {
        cells: ['w1', '250m', '16Mi', '15s'],
        object: {
          kind: 'PartialObjectMetadata',
          apiVersion: 'meta.k8s.io/v1',
          metadata: { name: 'w1', creationTimestamp: now, labels: { zone: 'a' } },
        },
      },
    ]);
    expect((await ask(`${base}/nodes?includeObject=None`, table)).body.rows[1]).toEqual({
      cells: ['w2', '250m', '16Mi', '15s'],
    });
    expect((await ask(`${base}/namespaces/nowhere/pods`, table)).body).toMatchObject({ columnDefinitions: null, rows: null });
  });

  test('metadata alone, YAML, and nothing that is not there', async () => {
    const partial = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';
    expect((await ask(`${base}/nodes`, partial)).body).toMatchObject({
      kind: 'PartialObjectMetadataList',
      items: [{ metadata: { name: 'w1' } }, {}],
    });
    const yaml = await ask(`${base}/nodes/w2`, 'application/yaml');
    expect(yaml).toMatchObject({ code: 200, type: 'application/yaml' });
    expect(yaml.body).toContain('usage:\n  cpu: 250m\n');
    expect(await ask(`${base}/nodes`, 'application/vnd.kubernetes.protobuf,application/json')).toMatchObject({ code: 200 });
    expect(await ask(`${base}/nodes`, 'application/vnd.kubernetes.protobuf')).toMatchObject({ code: 406 });
  });
});

test('what the API server is asked about a request', () => {
  const asked = (target: string, method = 'GET') => {
    const [path = '', query] = target.split('?');
    const found = pages.attributesOf?.({ method, path, query: new URLSearchParams(query), headers: {} });
    return found && [found.verb, found.group, found.namespace, found.resource, found.name, found.subresource].join(' ').trim();
  };
  expect(asked(`${base}/nodes`)).toBe('list metrics.k8s.io  nodes');
  expect(asked(`${base}/namespaces/a/pods/b`)).toBe('get metrics.k8s.io a pods b');
  expect(asked(`${base}/pods?watch=true`)).toBe('watch metrics.k8s.io  pods');
  expect(asked(`${base}/pods?fieldSelector=metadata.name%3Db`)).toBe('list metrics.k8s.io  pods b');
  expect(asked(`${base}/pods`, 'DELETE')).toBe('deletecollection metrics.k8s.io  pods');
  expect(asked('/api/v1/nodes/w1/proxy')).toBe('get   nodes w1 proxy');
  for (const path of ['/apis', '/apis/metrics.k8s.io', base, '/metrics', '/openapi/v3']) expect(asked(path)).toBeUndefined();
});

test('discovery, in both forms, and the OpenAPI documents', async () => {
  expect((await ask('/apis')).body.groups).toMatchObject([
    { name: 'metrics.k8s.io', preferredVersion: { version: 'v1beta1' } },
  ]);
  expect((await ask('/apis/metrics.k8s.io')).body.kind).toBe('APIGroup');
  expect((await ask(base)).body.resources).toEqual([
    { name: 'nodes', singularName: '', namespaced: false, kind: 'NodeMetrics', verbs: ['get', 'list'] },
    { name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] },
  ]);
  const v2 = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const aggregated = await ask('/apis', `${v2},application/json`);
  expect(aggregated).toMatchObject({ type: v2, body: { items: [{ metadata: { name: 'metrics.k8s.io' } }] } });
  expect(
    (await ask('/apis', `application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json`)).body
      .kind,
  ).toBe('APIGroupList');
  const whole = (document: object, schemas: object, prefix: string) => {
    const known = Object.keys(schemas).map((name) => `${prefix}${name}`);
    const referred = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)].map(([, ref]) => ref);
    expect(referred.length).toBeGreaterThan(10);
    expect(referred.filter((ref) => !known.includes(ref ?? ''))).toEqual([]);
  };
  const { paths } = (await ask('/openapi/v3')).body;
  const [url = ''] = paths['apis/metrics.k8s.io/v1beta1'].serverRelativeURL.split('?');
  const document = (await ask(url)).body;
  expect(Object.keys(document.paths)).toContain(`${base}/namespaces/{namespace}/pods/{name}`);
  whole(document, document.components.schemas, '#/components/schemas/');
  const older = (await ask('/openapi/v2')).body;
  expect(Object.keys(older.paths)).toEqual(Object.keys(document.paths));
  whole(older, older.definitions, '#/definitions/');
});

test('health and its own figures', async () => {
  expect(await ask('/livez?verbose')).toMatchObject({
    code: 200,
    body: '[+]ping ok\n[+]metadata-informer-sync ok\n[+]metric-collection-timely ok\nlivez check passed\n',
  });
  expect(await ask('/readyz/metric-storage-ready')).toMatchObject({ code: 200, body: 'ok' });
  expect(await ask('/healthz')).toMatchObject({ code: 200, body: 'ok' });
  expect((await ask('/metrics')).body).toContain('metrics_server_api_metric_freshness_seconds_bucket{le="1"} 0\n');
  expect((await ask('/metrics')).body).toContain('metrics_server_storage_points{type="container"} 6\n');
  expect(await ask('/nope')).toMatchObject({ code: 404, body: '404 page not found\n' });
  storage.store({ nodes: new Map(), pods: new Map() });
  expect(await ask('/readyz')).toMatchObject({
    code: 500,
    body: '[+]ping ok\n[+]metadata-informer-sync ok\n[-]metric-storage-ready failed: reason withheld\n[+]metric-informer-sync ok\nreadyz check failed\n',
  });
  expect(await ask('/readyz/metric-storage-ready')).toMatchObject({ body: 'internal server error: no metrics to serve\n' });
});
