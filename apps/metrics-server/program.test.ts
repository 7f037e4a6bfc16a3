// The program behind a whole apiserver, over kubelets that serve TLS: what ordinary users get, and what it asks as who it is.
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { outsideAddress } from '@drydock/apiserver/testing/outside.ts';
import { freePort, type TlsParts, type WireClient, WireServer } from '@drydock/apiserver/testing/wire.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { sleepOn } from '@drydock/foundation/clock.ts';
import { parseFlags } from '@drydock/foundation/flags.ts';
import { Lifecycle } from '@drydock/foundation/lifecycle.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { clientCertificate, servingCertificate } from '@drydock/pki/certificate.ts';
import { renderKubeconfig } from '@drydock/pki/kubeconfig.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { flags, ignoredFlags } from './flags.ts';
import { startMetricsServer } from './start.ts';

const system = new SystemClock();
/** Rounds are ten seconds apart at least: here a second is a twentieth of one. */
const hurry = 20;
const hurried: Clock = {
  monotonicMs: () => system.monotonicMs() * hurry,
  wallMs: () => system.wallMs(),
  timer: (delayMs, callback) => system.timer(delayMs / hurry, callback),
  sleep: (delayMs, signal) => sleepOn(hurried, delayMs, signal),
};

const api = '/apis/metrics.k8s.io/v1beta1';
const rbac = '/apis/rbac.authorization.k8s.io/v1';
const user = 'system:serviceaccount:kube-system:metrics-server';
const folder = mkdtempSync(join(tmpdir(), 'metrics-server-'));
const lifecycle = new Lifecycle(silentLog);
let server: WireServer;
let operator: WireClient;
let reader: WireClient;
let kubelet: Server;
let extra: { ca: string; front: TlsParts };
let port: number;
/** Who has asked the kubelet for what. */
const asked = new Set<string>();

/** Half a processor for the node, a tenth for the container. */
function figures(): string {
  const nowMs = system.wallMs();
  const seconds = nowMs / 1_000 - 1_700_000_000;
  const of = '{container="c",namespace="default",pod="web"}';
  return `node_cpu_usage_seconds_total ${seconds / 2} ${nowMs}
node_memory_working_set_bytes 1.048576e+06 ${nowMs}
container_cpu_usage_seconds_total${of} ${seconds / 10} ${nowMs}
container_memory_working_set_bytes${of} 2.097152e+06 ${nowMs}
container_start_time_seconds${of} 1.7e+09
`;
}

async function create(path: string, body: object): Promise<void> {
  expect(await operator.call('POST', path, { body })).toMatchObject({ code: 201 });
}

const roleRef = (name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name });
const subjects = (name: string) => [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }];
const base64 = (text: string) => Buffer.from(text).toString('base64');

beforeAll(async () => {
  const random = new SystemRandom().stream('test');
  const now = system.wallMs();
  const root = await Authority.create('extra-ca', now, random);
  const authority = await Authority.load(root, random);
  const front = await authority.issue(clientCertificate('front-proxy-client'), now);
  extra = { ca: root.certificatePem, front: { ca: root.certificatePem, cert: front.certificatePem, key: front.keyPem } };
  server = await WireServer.start({
    aggregation: { clientPair: { cert: front.certificatePem, key: front.keyPem }, toEndpoints: true },
  });
  operator = await server.operator();
  reader = await server.as('reader');

  const own = await server.certificate(user);
  const node = await authority.issue(servingCertificate('w1', ['127.0.0.1']), now);
  const trust = { requestCert: true, rejectUnauthorized: false, ca: own.ca };
  kubelet = createServer({ cert: node.certificatePem, key: node.keyPem, ...trust }, (question, response) => {
    const socket = question.socket as TLSSocket;
    asked.add(`${socket.authorized && socket.getPeerCertificate().subject.CN} ${question.url}`);
    response.end(figures());
  });
  kubelet.listen(0, '127.0.0.1');
  await once(kubelet, 'listening');
  await create('/api/v1/nodes', { metadata: { name: 'w1' } });
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    conditions: [{ type: 'Ready', status: 'True' }],
    daemonEndpoints: { kubeletEndpoint: { Port: (kubelet.address() as AddressInfo).port } },
  };
  const merge = 'application/merge-patch+json';
  await operator.call('PATCH', '/api/v1/nodes/w1/status', { body: { status }, type: merge });
  await create('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
  const spec = { nodeName: 'w1', containers: [{ name: 'c', image: 'i' }] };
  await create('/api/v1/namespaces/default/pods', { metadata: { name: 'web', labels: { app: 'web' } }, spec });
  const running = { status: { phase: 'Running' } };
  await operator.call('PATCH', '/api/v1/namespaces/default/pods/web/status', { body: running, type: merge });

  await create(`${rbac}/clusterroles`, {
    metadata: { name: 'system:metrics-server' },
    rules: [
      { apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] },
      { apiGroups: [''], resources: ['pods', 'nodes'], verbs: ['get', 'list', 'watch'] },
    ],
  });
  for (const role of ['system:metrics-server', 'system:auth-delegator'])
    await create(`${rbac}/clusterrolebindings`, {
      metadata: { name: `ms-${role}` },
      roleRef: roleRef(role),
      subjects: subjects(user),
    });
  await create(`${rbac}/clusterroles`, {
    metadata: { name: 'metrics-reader' },
    rules: [{ apiGroups: ['metrics.k8s.io'], resources: ['pods', 'nodes'], verbs: ['get', 'list'] }],
  });
  await create(`${rbac}/clusterrolebindings`, {
    metadata: { name: 'r' },
    roleRef: roleRef('metrics-reader'),
    subjects: subjects('reader'),
  });

  const serving = await authority.issue(servingCertificate('metrics-server', ['metrics-server.kube-system.svc']), now);
  const files = { 'ca.crt': extra.ca, 'tls.crt': serving.certificatePem, 'tls.key': serving.keyPem };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const kubeconfig = {
    cluster: 'c',
    server: server.base,
    authorityPem: own.ca,
    user,
    certificatePem: own.cert,
    keyPem: own.key,
  };
  writeFileSync(join(folder, 'kubeconfig'), renderKubeconfig(kubeconfig));
  port = await freePort();
  const { values } = parseFlags(
    flags,
    [
      `--kubeconfig=${join(folder, 'kubeconfig')}`,
      ...[`--secure-port=${port}`, '--metric-resolution=10s', '--kubelet-request-timeout=5s'],
      ...['--kubelet-use-node-status-port', `--kubelet-certificate-authority=${join(folder, 'ca.crt')}`],
      ...[`--tls-cert-file=${join(folder, 'tls.crt')}`, `--tls-private-key-file=${join(folder, 'tls.key')}`],
      ...[`--requestheader-client-ca-file=${join(folder, 'ca.crt')}`, '--requestheader-allowed-names=front-proxy-client'],
      '--authentication-skip-lookup',
    ],
    { style: 'pflag', ignored: ignoredFlags },
  );
  await startMetricsServer(values, { clock: hurried, random: new SystemRandom(), log: silentLog, lifecycle });

  await create('/api/v1/namespaces', { metadata: { name: 'kube-system' } }).catch(() => {});
  await create('/api/v1/namespaces/kube-system/services', {
    metadata: { name: 'metrics-server' },
    spec: { ports: [{ port: 443 }] },
  });
  await create('/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices', {
    metadata: { name: 'metrics-server-x', labels: { 'kubernetes.io/service-name': 'metrics-server' } },
    addressType: 'IPv4',
    ports: [{ name: '', port, protocol: 'TCP' }],
    endpoints: [{ addresses: [outsideAddress()], conditions: { ready: true } }],
  });
  await create('/apis/apiregistration.k8s.io/v1/apiservices', {
    metadata: { name: 'v1beta1.metrics.k8s.io' },
    spec: {
      ...{ group: 'metrics.k8s.io', version: 'v1beta1', groupPriorityMinimum: 100, versionPriority: 100 },
      ...{ service: { namespace: 'kube-system', name: 'metrics-server' }, caBundle: base64(extra.ca) },
    },
  });
}, 60_000);

afterAll(async () => {
  await lifecycle.stop();
  await server.stop();
  kubelet.closeAllConnections();
  kubelet.close();
  rmSync(folder, { recursive: true });
});

test('who may read metrics reads them through the apiserver, after two rounds', async () => {
  await expect.poll(async () => (await reader.call('GET', `${api}/nodes`)).body.items?.length, { timeout: 15_000 }).toBe(1);
  const { body } = await reader.call('GET', `${api}/nodes/w1`);
  expect(body).toMatchObject({ kind: 'NodeMetrics', usage: { memory: '1Mi' } });
  expect(Number.parseInt(body.usage.cpu, 10) / (body.usage.cpu.endsWith('n') ? 1e6 : 1)).toBeCloseTo(500, 0);
  const pods = await reader.call('GET', `${api}/namespaces/default/pods?labelSelector=app%3Dweb`);
  expect(pods.body.items).toMatchObject([{ metadata: { name: 'web' }, containers: [{ name: 'c', usage: { memory: '2Mi' } }] }]);
  expect([...asked]).toEqual([`${user} /metrics/resource`]);
  const rows = await reader.call('GET', api);
  expect(rows.body.resources.map(({ name }: { name: string }) => name)).toEqual(['nodes', 'pods']);
  const explained = await reader.call('GET', '/openapi/v3/apis/metrics.k8s.io/v1beta1');
  expect(Object.keys(explained.body.components.schemas)).toContain('io.k8s.metrics.pkg.apis.metrics.v1beta1.PodMetrics');
});

test('who may not, may not', async () => {
  const stranger = await server.as('stranger');
  const denied = (name: string) =>
    `nodes.metrics.k8s.io is forbidden: User "${name}" cannot list resource "nodes" in API group "metrics.k8s.io" at the cluster scope`;
  expect(await stranger.call('GET', `${api}/nodes`)).toMatchObject({ code: 403, body: { message: denied('stranger') } });
});

/** The code of the server's own answer. */
function direct(tls: Partial<TlsParts>, headers: Record<string, string> = {}, path = `${api}/nodes`): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, headers, agent: false, ...tls, ca: extra.ca };
    const sent = request({ ...options, servername: 'metrics-server.kube-system.svc' }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on('error', reject);
    sent.end();
  });
}

test('behind the apiserver every caller is asked about once more, by the headers of the front proxy and by token', async () => {
  expect(await direct({})).toBe(403);
  expect(await direct({}, { 'x-remote-user': 'reader' })).toBe(403);
  expect(await direct(extra.front, { 'x-remote-user': 'stranger' })).toBe(403);
  expect(await direct(extra.front, { 'x-remote-user': 'reader' })).toBe(200);
  expect(await direct({}, {}, '/livez')).toBe(200);
  expect(await direct({}, {}, '/metrics')).toBe(403);
  const token = await operator.call('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', { body: { spec: {} } });
  const bearer = { authorization: `Bearer ${token.body.status.token}` };
  expect(await direct({}, bearer)).toBe(403);
  await create(`${rbac}/clusterrolebindings`, {
    metadata: { name: 's' },
    roleRef: roleRef('metrics-reader'),
    subjects: [{ kind: 'ServiceAccount', name: 'default', namespace: 'default' }],
  });
  // The refusal is remembered for ten seconds, half a second here.
  await expect.poll(() => direct({}, bearer), { timeout: 5_000 }).toBe(200);
  expect(await direct({}, { authorization: 'Bearer nonsense' })).toBe(401);
});
