// The whole controller: an API server in memory, a real nginx, real requests.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type {
  CoreEvent,
  EndpointSlice,
  Endpoints,
  Ingress,
  IngressClass,
  Lease,
  Node,
  Pod,
  Service,
} from '@drydock/api/generated/types.ts';
import {
  configMaps,
  endpointSlices,
  endpoints,
  events,
  ingressClasses,
  ingresses,
  leases,
  nodes,
  pods,
  services,
} from '@drydock/api/resource.ts';
import { apiError } from '@drydock/api/status.ts';
import { MemoryApi } from '@drydock/client/testing/memory-api.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IngressController } from './controller.ts';
import type { ControllerOptions } from './options.ts';
import { ownCertificatePair } from './own-certificate.ts';
import { type IngressText, ingress, service, slice } from './testing/objects.ts';
import { missing, Served } from './testing/served.ts';

const clock = new SystemClock();
const random = new SystemRandom();
let served: Served;
let api: MemoryApi;
let backend: Server;
let options: ControllerOptions;
const running: IngressController[] = [];

async function status(host: string, path = '/'): Promise<number> {
  const answer = await fetchHost(host, path).catch(() => undefined);
  return answer ?? 0;
}

async function fetchHost(host: string, path: string): Promise<number> {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: served.httpPort, path, headers: { host }, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });
}

const classed = (text: IngressText): Ingress => {
  const made = ingress(text);
  return { ...made, apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', spec: { ...made.spec, ingressClassName: 'nginx' } };
};
const create = (text: IngressText) => api.create<Ingress>(ingresses, classed(text));
const addressesOf = async (name: string) =>
  (await api.get<Ingress>(ingresses, { namespace: 'default', name })).status?.loadBalancer?.ingress ?? [];
const eventsOf = async (name: string) =>
  (await api.list<CoreEvent>(events, { namespace: 'default' })).items
    .filter((event) => event.involvedObject?.name === name)
    .map(({ type, reason, message, source }) => `${type} ${reason} ${source?.component} ${message}`);

async function start(more: Partial<ControllerOptions> = {}): Promise<IngressController> {
  const ports = { client: api, clock, random, log: silentLog, plane: served.plane };
  const controller = new IngressController(
    { ...options, ...more },
    { ...ports, ownCertificate: await ownCertificatePair(clock.wallMs(), random.stream('test')) },
  );
  running.push(controller);
  await controller.start();
  return controller;
}

describe.skipIf(missing !== undefined)(`the controller (${missing ?? 'installed'})`, () => {
  beforeAll(async () => {
    served = await Served.create();
    api = new MemoryApi({ clock, random });
    backend = createServer((_incoming, answer) => answer.end('ok'));
    await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
    const { port } = backend.address() as AddressInfo;
    options = {
      classes: { controller: 'k8s.io/ingress-nginx', annotationValue: 'nginx', watchWithoutClass: false, byName: false },
      annotationPrefix: 'nginx.ingress.kubernetes.io',
      watchNamespace: '',
      configMap: 'ingress-nginx/ingress-nginx-controller',
      streamConfigMaps: [],
      defaultBackend: undefined,
      defaultCertificate: undefined,
      publishService: undefined,
      publishAddresses: ['10.250.0.102', '10.250.0.101'],
      publishNodes: false,
      reportInternal: false,
      updateStatus: true,
      updateStatusOnShutdown: true,
      statusUpdateMs: 60_000,
      syncEvents: true,
      reloadEveryMs: 200,
      disableCatchAll: false,
      httpPort: served.httpPort,
      httpsPort: served.httpsPort,
      election: { id: 'ingress-nginx-leader', ttlMs: 4_000, lock: 'leases' },
      readsSlices: true,
      readsClasses: true,
      namespace: 'ingress-nginx',
      pod: 'ingress-1',
      workerUser: served.options.user,
      luaFolder: served.options.luaFolder,
      modulesFolder: served.options.modulesFolder,
    };
    const data = {
      'worker-processes': '1',
      'max-worker-connections': '512',
      'disable-access-log': 'true',
      'error-log-level': 'emerg',
    };
    await api.create(configMaps, { metadata: { namespace: 'ingress-nginx', name: 'ingress-nginx-controller' }, data });
    await api.create<IngressClass>(ingressClasses, {
      metadata: { name: 'nginx' },
      spec: { controller: 'k8s.io/ingress-nginx' },
    });
    await api.create<Service>(services, service('web'));
    await api.create<EndpointSlice>(endpointSlices, slice('web', ['127.0.0.1'], port));
  });

  afterAll(async () => {
    for (const controller of running) await controller.stop();
    await served?.close();
    backend?.close();
    api?.close();
  });

  test('an Ingress is served, told so in an event, and says where it is reached; deleted, it is served no more', async () => {
    const controller = await start();
    await expect.poll(() => controller.routes['/healthz']?.().code).toBe(200);
    expect(await status('example.com')).toBe(404);
    await create({ host: 'example.com', paths: ['Prefix / web'] });
    await expect.poll(() => status('example.com')).toBe(200);
    await expect.poll(() => addressesOf('web')).toEqual([{ ip: '10.250.0.101' }, { ip: '10.250.0.102' }]);
    await expect.poll(() => eventsOf('web')).toContain('Normal Sync nginx-ingress-controller Scheduled for sync');
    await api.delete(ingresses, { namespace: 'default', name: 'web' });
    await expect.poll(() => status('example.com')).toBe(404);
  });

  test('an Ingress of another class is not ours; one that leaves us loses the addresses', async () => {
    const made = classed({ name: 'other', host: 'other.org', paths: ['Prefix / web'] });
    await api.create<Ingress>(ingresses, { ...made, spec: { ...made.spec, ingressClassName: 'gce' } });
    await create({ name: 'leaving', host: 'leaving.org', paths: ['Prefix / web'] });
    await expect.poll(() => status('leaving.org')).toBe(200);
    await expect.poll(() => addressesOf('leaving')).toHaveLength(2);
    expect(await status('other.org')).toBe(404);
    expect(await addressesOf('other')).toEqual([]);
    const body = { spec: { ingressClassName: 'gce' } };
    await api.patch(ingresses, { namespace: 'default', name: 'leaving' }, { type: 'merge', body });
    await expect.poll(() => status('leaving.org')).toBe(404);
    await expect.poll(() => addressesOf('leaving')).toEqual([]);
  });

  test('what is not served is told in an event of its Ingress', async () => {
    await create({
      name: 'snippet',
      host: 'snippet.org',
      paths: ['Prefix / web'],
      annotations: { 'server-snippet': 'deny all;' },
    });
    await create({
      name: 'regex',
      host: 'regex.org',
      paths: ['ImplementationSpecific /a(b web'],
      annotations: { 'use-regex': 'true' },
    });
    await create({ name: 'good', host: 'good.org', paths: ['Prefix / web'] });
    await expect
      .poll(() => eventsOf('snippet'))
      .toContain(
        "Warning AnnotationParsingFailed nginx-ingress-controller Error parsing annotations: annotation nginx.ingress.kubernetes.io/server-snippet: snippets are not served: they would be anybody's configuration",
      );
    await expect
      .poll(() => eventsOf('regex'))
      .toContainEqual(expect.stringMatching(/^Warning Rejected .*missing closing parenthesis/));
    await expect.poll(() => status('good.org')).toBe(200);
    expect(await status('regex.org')).toBe(404);
  });

  test('an Ingress that would conflict, or says what cannot be understood, is refused before it is written', async () => {
    const [controller] = running;
    const judged = (text: IngressText) => controller?.judge(classed(text));
    await create({ name: 'first', host: 'judged.org', paths: ['Prefix /a web'] });
    await expect.poll(() => status('judged.org', '/a')).toBe(200);
    const fine = { refusal: undefined, warnings: [] };
    expect(await judged({ name: 'first', host: 'judged.org', paths: ['Prefix /a web', 'Prefix /b web'] })).toEqual(fine);
    expect(await judged({ name: 'next', host: 'judged.org', paths: ['Prefix /b web'] })).toEqual(fine);
    expect(await judged({ name: 'next', host: 'judged.org', paths: ['Prefix /a web'] })).toMatchObject({
      refusal: 'host "judged.org" and path "/a" is already defined in ingress default/first',
    });
    const annotated = (annotations: Record<string, string>, at = '/b') =>
      judged({ name: 'next', host: 'judged.org', paths: [`ImplementationSpecific ${at} web`], annotations });
    expect((await annotated({ 'limit-rps': 'many' }))?.refusal).toMatch(/limit-rps contains invalid value: expected a whole/);
    expect((await annotated({ 'server-snippet': 'x' }))?.refusal).toBe(
      'nginx.ingress.kubernetes.io/server-snippet annotation cannot be used. Snippet directives are disabled by the Ingress administrator',
    );
    expect((await annotated({ 'use-regex': 'true' }, '/a(b'))?.refusal).toContain('missing closing parenthesis');
    expect(await annotated({ 'auth-url': 'http://x' })).toMatchObject({
      refusal: undefined,
      warnings: [expect.stringContaining('external authentication is not served')],
    });
    const foreign = classed({ name: 'next', host: 'judged.org', paths: ['Prefix /a web'] });
    expect(await controller?.judge({ ...foreign, spec: { ...foreign.spec, ingressClassName: 'gce' } })).toEqual(fine);
    expect(await status('judged.org', '/b')).toBe(404);
  });

  test('figures under ingress-nginx’s names', async () => {
    const [controller] = running;
    await create({ name: 'figures', host: 'figures.org', paths: ['Prefix / web'] });
    await expect.poll(() => status('figures.org')).toBe(200);
    const metrics = () => controller?.routes['/metrics']?.().body ?? '';
    await expect
      .poll(metrics, { interval: 1_100 })
      .toMatch(
        /nginx_ingress_controller_requests\{controller_class="k8s.io\/ingress-nginx",.*host="figures.org",ingress="figures",method="GET",namespace="default",path="\/",service="web",status="200",canary=""\} \d+/,
      );
    expect(metrics()).toMatch(/nginx_ingress_controller_request_duration_seconds_bucket\{.*le="\+Inf"\} \d+/);
    expect(metrics()).toMatch(/nginx_ingress_controller_nginx_process_connections\{.*state="active"\} \d+/);
    expect(metrics()).toMatch(/nginx_ingress_controller_config_last_reload_successful\{.*\} 1/);
    expect(metrics()).toContain('nginx_ingress_controller_leader_election_status{name="ingress-nginx-leader"} 1');
    expect(metrics()).toMatch(/nginx_ingress_controller_success\{.*\} \d+/);
  });

  test('another replica follows, and writes statuses once the leader has gone', async () => {
    const lease = () => api.get<Lease>(leases, { namespace: 'ingress-nginx', name: 'ingress-nginx-leader' });
    expect((await lease()).spec?.holderIdentity).toBe('ingress-1');
    // One nginx serves both here: this is about who writes.
    await start({ pod: 'ingress-2' });
    await running[0]?.stop();
    await expect.poll(async () => (await lease()).spec?.holderIdentity).toBe('ingress-2');
    await create({ name: 'second', host: 'second.org', paths: ['Prefix / web'] });
    await expect.poll(() => addressesOf('second')).toHaveLength(2);
    await expect.poll(() => status('second.org')).toBe(200);
  });

  test('with the rights of earlier versions: Endpoints, no classes, a ConfigMap to lead by, the nodes of its pods, no TCP', async () => {
    for (const controller of running) await controller.stop();
    const { port } = backend.address() as AddressInfo;
    const subsets = [{ addresses: [{ ip: '127.0.0.1' }], ports: [{ name: 'http', port }] }];
    const address = { type: 'InternalIP', address: '10.250.0.103' };
    await api.create<Service>(services, { ...service('older'), spec: { ports: [{ name: 'http', port: 80 }] } });
    await api.create<Endpoints>(endpoints, { metadata: { namespace: 'default', name: 'older' }, subsets });
    await api.create<Node>(nodes, { metadata: { name: 'worker-3' }, status: { addresses: [address] } });
    const pod: Pod = {
      metadata: { namespace: 'ingress-nginx', name: 'controller-1', labels: { app: 'ingress' } },
      spec: { nodeName: 'worker-3', containers: [{ name: 'controller', image: 'x' }] },
    };
    await api.create<Pod>(pods, pod);
    await api.update<Pod>(pods, { ...pod, status: { phase: 'Running' } }, { subresource: 'status' });
    api.injectFault((_verb, { resource }) => {
      if (['endpointslices', 'ingressclasses', 'leases'].includes(resource)) throw apiError('Forbidden', resource);
    });
    const streams = { namespace: 'ingress-nginx', name: 'tcp-services' };
    await api.create(configMaps, { metadata: streams, data: { '9000': 'default/web:80' } });
    await start({
      streamConfigMaps: [{ protocol: 'tcp', name: 'ingress-nginx/tcp-services' }],
      ...{ readsSlices: false, readsClasses: false, publishAddresses: [], publishNodes: true, pod: 'controller-1' },
      election: { id: 'ingress-controller-leader-nginx', ttlMs: 4_000, lock: 'configmaps' },
    });
    const made = ingress({ name: 'older', host: 'older.org', paths: ['Prefix / older'] });
    const annotations = { 'kubernetes.io/ingress.class': 'nginx' };
    await api.create<Ingress>(ingresses, { ...made, metadata: { ...made.metadata, annotations } });
    await expect.poll(() => status('older.org')).toBe(200);
    await expect.poll(() => addressesOf('older')).toEqual([{ ip: '10.250.0.103' }]);
    const told = async () =>
      (await api.list<CoreEvent>(events, { namespace: 'ingress-nginx' })).items.map(({ message }) => message);
    await expect
      .poll(told)
      .toContain('TCP services are not proxied, use a Service of type NodePort or LoadBalancer: ports 9000');
  });
});
