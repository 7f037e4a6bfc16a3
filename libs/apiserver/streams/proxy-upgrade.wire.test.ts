// Upgrades through the proxies of pods, services and nodes: what the client sees, and what is proxied to. Codes and texts are those of
// the original: DRYDOCK_ORIGINAL=https://HOST:PORT,FOLDER runs these against it. It loses what a client says before the answer, and
// what either side says after the other's end: those tests are ours alone.
import { createServer, type Server, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { type EitherServer, isOriginal, startEither } from '../testing/either-server.ts';
import { outsideAddress } from '../testing/outside.ts';
import type { TlsParts, WireClient } from '../testing/wire.ts';

const ours = test.skipIf(isOriginal);
const inNamespace = '/api/v1/namespaces/default';
const merge = 'application/merge-patch+json';
const outside = outsideAddress();

let server: EitherServer;
let base: string;
let operator: TlsParts;
let reader: TlsParts;
let user: WireClient;
let backend: Server;
const sockets = new Set<Socket>();
/** What the backend was sent, a connection each. */
let got: string[] = [];

/** Answers as the path says. */
function serve(socket: Socket): void {
  const index = got.push('') - 1;
  let mode = '';
  sockets.add(socket);
  socket.on('error', () => socket.destroy());
  socket.once('close', () => sockets.delete(socket));
  socket.on('data', (bytes) => {
    got[index] += bytes.toString('latin1');
    if (mode === '101') socket.write(`echo:${bytes}`);
    if (mode !== '' || !got[index]?.includes('\r\n\r\n')) return;
    mode = /\/(\w+) HTTP/.exec(got[index] ?? '')?.[1] ?? '';
    if (mode === '101')
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\nX-B: 1\r\n\r\nhello');
    else if (mode === 'close') socket.destroy();
    else if (/^\d+$/.test(mode)) socket.write(`HTTP/1.1 ${mode} Such\r\nX-B: 1\r\nContent-Length: 4\r\n\r\nbody`);
    else if (mode === 'large') socket.end(`HTTP/1.1 404 Gone\r\nConnection: close\r\n\r\n${'x'.repeat(200_000)}`);
    else if (mode === 'short') socket.end('HTTP/1.1 500 Such\r\nContent-Length: 10\r\n\r\nbody');
  });
  socket.on('end', () => {
    if (mode === '101') socket.write('bye');
    socket.end();
  });
}

beforeAll(async () => {
  backend = createServer({ allowHalfOpen: true }, serve);
  await new Promise<void>((resolve) => backend.listen(0, outside, resolve));
  const { port } = backend.address() as { port: number };
  server = await startEither();
  ({ base, operator, user } = server);
  reader = await server.certificate('system:kube-proxy', 'kube-proxy');
  await user.call('POST', `${inNamespace}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  const containers = [{ name: 'c', image: 'i', ports: [{ containerPort: port }] }];
  await user.call('DELETE', `${inNamespace}/pods/proxied?gracePeriodSeconds=0`);
  await user.call('POST', `${inNamespace}/pods`, { body: { metadata: { name: 'proxied' }, spec: { containers } } });
  const pod = { status: { podIP: outside, podIPs: [{ ip: outside }] } };
  await user.call('PATCH', `${inNamespace}/pods/proxied/status`, { body: pod, type: merge });
  await user.call('POST', '/api/v1/nodes', { body: { metadata: { name: 'proxied' } } });
  const node = { status: { addresses: [{ type: 'InternalIP', address: outside }] } };
  await user.call('PATCH', '/api/v1/nodes/proxied/status', { body: node, type: merge });
  const spec = { ports: [{ port: 80 }] };
  await user.call('POST', `${inNamespace}/services`, { body: { metadata: { name: 'proxied' }, spec } });
  const metadata = { name: 'proxied', labels: { 'kubernetes.io/service-name': 'proxied' } };
  const targetRef = { kind: 'Pod', namespace: 'default', name: 'proxied' };
  const slice = { metadata, addressType: 'IPv4', endpoints: [{ addresses: [outside], targetRef }], ports: [{ port }] };
  await user.call('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', { body: slice });
  const rbac = '/apis/rbac.authorization.k8s.io/v1';
  const rules = [{ apiGroups: [''], resources: ['pods/proxy'], verbs: ['get'] }];
  await user.call('POST', `${rbac}/clusterroles`, { body: { metadata: { name: 'proxy-reader' }, rules } });
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'proxy-reader' };
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'system:kube-proxy' }];
  await user.call('POST', `${rbac}/clusterrolebindings`, { body: { metadata: { name: 'proxy-reader' }, roleRef, subjects } });
  nodePath = `/api/v1/nodes/http:proxied:${port}/proxy`;
}, 60_000);

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  backend.close();
  await server.stop();
});

beforeEach(() => {
  got = [];
});

const podPath = `${inNamespace}/pods/proxied/proxy`;
let nodePath = '';

interface Opened {
  readonly socket: TLSSocket;
  /** All that has come. */
  readonly said: () => string;
  readonly closed: Promise<void>;
}

/** A request as it is on the wire. */
function open(path: string, { method = 'GET', more = '', after = '', as = operator } = {}): Opened {
  const { port } = new URL(base);
  const socket = connectTls({ host: '127.0.0.1', port: Number(port), ...as, ALPNProtocols: ['http/1.1'] });
  onTestFinished(() => void socket.destroy());
  let said = '';
  socket.on('data', (bytes: Buffer) => {
    said += bytes.toString('latin1');
  });
  socket.on('error', () => {});
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()).once('end', () => resolve()));
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: front\r\nConnection: Upgrade\r\nUpgrade: test\r\n${more}\r\n${after}`);
  return { socket, said: () => said, closed };
}

const until = (opened: Opened, text: string) => vi.waitFor(() => expect(opened.said()).toContain(text), 5_000);
const statusOf = ({ said }: Opened) =>
  `${/ (\d+) /.exec(said())?.[1]} ${/"message":"((?:[^"\\]|\\.)*)"/.exec(said())?.[1] ?? ''}`.trim();

test.each([
  ['a pod', () => podPath],
  ['a node', () => nodePath],
])('%s becomes the other end', async (_, path) => {
  const opened = open(`${path()}/a/101?token=secret`);
  await until(opened, 'hello');
  expect(opened.said()).toMatch(/^HTTP\/1.1 101 Switching Protocols\r\n/);
  expect(opened.said()).toMatch(/X-B: 1\r\n/i);
  opened.socket.write('one');
  await until(opened, 'echo:one');
  // Without the query, as on the original, and with the client's own Host.
  expect(got).toEqual([expect.stringMatching(/^GET \/a\/101 HTTP\/1.1\r\nHost: front\r\n/i)]);
  expect(got[0]).toMatch(/x-forwarded-for: 127.0.0.1\r\n/i);
});

ours('so does a service', async () => {
  await vi.waitFor(
    async () => expect((await user.call('GET', `${inNamespace}/services/proxied/proxy/200`)).code).toBe(200),
    5_000,
  );
  got = [];
  const opened = open(`${inNamespace}/services/proxied/proxy/101`);
  await until(opened, 'hello');
});

test('who the client is stays here', async () => {
  const more = ['Authorization: Bearer x', 'Impersonate-User: kubernetes-admin', 'Cookie: a=b', 'X-Forwarded-For: 1.2.3.4'];
  const as = operator;
  const opened = open(`${podPath}/101`, {
    more: `${more
      .slice(2)
      .concat(more[0] ?? '')
      .join('\r\n')}\r\n`,
    as,
  });
  await until(opened, 'hello');
  expect(got[0]).not.toMatch(/bearer|authorization/i);
  expect(got[0]).toMatch(/cookie: a=b\r\n/i);
  expect(got[0]).toMatch(/x-forwarded-for: 1.2.3.4, 127.0.0.1\r\n/i);
});

test.each(
  [
    ['Content-Length: 5', '12345', '12345'],
    ['Transfer-Encoding: chunked', '5\r\n12345\r\n0\r\n\r\n', '5\r\n12345\r\n0\r\n\r\n'],
  ].flatMap(([header = '', sent = '', told = '']) => ['POST', 'GET'].map((method) => [method, header, sent, told] as const)),
)('a body of a %s goes before the answer: %s', async (method, header, sent, told) => {
  const opened = open(`${podPath}/101`, { method, more: `${header}\r\n`, after: sent });
  await until(opened, 'hello');
  await vi.waitFor(() => expect(got[0]?.split('\r\n\r\n').slice(1).join('\r\n\r\n')).toBe(told), 5_000);
  opened.socket.write('more');
  await until(opened, 'more');
});

test.each(['400', '404', '500'])('a refusal, %s, is the answer, and the end', async (code) => {
  const opened = open(`${podPath}/${code}`);
  await opened.closed;
  expect(opened.said()).toMatch(new RegExp(`^HTTP/1.1 ${code} Such\r\n[^]*X-B: 1\r\n[^]*body$`, 'i'));
  expect(got).toHaveLength(1);
});

test.each([
  ['200', '500 invalid upgrade response: status code 200'],
  ['302', '500 invalid upgrade response: status code 302'],
  ['204', '500 invalid upgrade response: status code 204'],
])('what is no upgrade is no answer: %s', async (mode, expected) => {
  const opened = open(`${podPath}/${mode}`);
  await until(opened, '"code":500}');
  expect(statusOf(opened)).toBe(expected);
});

test('nobody there is said', async () => {
  const opened = open(`${inNamespace}/pods/proxied:1/proxy/101`);
  await until(opened, '"code":500}');
  expect(statusOf(opened)).toMatch(/^500 error dialing backend: .*refused/i);
  const silent = open(`${podPath}/close`);
  await until(silent, '"code":500}');
});

test('a right to read is enough for a GET, and for nothing else', async () => {
  await until(open(`${podPath}/101`, { as: reader }), 'hello');
  const posted = open(`${podPath}/101`, { as: reader, method: 'POST' });
  await until(posted, '"code":403}');
  const elsewhere = open(`${nodePath}/101`, { as: reader });
  await until(elsewhere, '"code":403}');
  expect(got).toHaveLength(1);
});

ours('a refusal comes whole, however long, and one that breaks off is not made whole', async () => {
  const large = open(`${podPath}/large`);
  await large.closed;
  expect(large.said().split('\r\n\r\n')[1]).toHaveLength(200_000);
  const short = open(`${podPath}/short`);
  await short.closed;
  expect(short.said()).toMatch(/content-length: 10\r\n/i);
  expect(short.said().split('\r\n\r\n')[1]).toBe('body');
});

ours('after a refusal nothing that the client says is heard', async () => {
  const smuggled = 'GET /api/v1/namespaces/default/secrets HTTP/1.1\r\nHost: x\r\n\r\n';
  const opened = open(`${podPath}/404`, { after: smuggled });
  await opened.closed;
  expect(opened.said().match(/HTTP\/1.1/g)).toHaveLength(1);
  expect(got.join('')).not.toContain('secrets');
  expect(got).toHaveLength(1);
});

ours('what the client says at once is not lost', async () => {
  const opened = open(`${podPath}/101`, { after: 'early' });
  await until(opened, 'echo:early');
});

test('what the client says last still arrives', async () => {
  const opened = open(`${podPath}/101`);
  await until(opened, 'hello');
  opened.socket.end('last');
  await opened.closed;
  await vi.waitFor(() => expect(got[0]).toMatch(/last$/), 5_000);
  await vi.waitFor(() => expect(sockets.size).toBe(0), 10_000);
});

test('a client that leaves takes the connection with it', async () => {
  const opened = open(`${podPath}/101`);
  await until(opened, 'hello');
  opened.socket.destroy();
  await vi.waitFor(() => expect(sockets.size).toBe(0), 10_000);
});

ours('a client that leaves before the answer does, too', async () => {
  const opened = open(`${podPath}/silent`);
  await vi.waitFor(() => expect(got).toHaveLength(1), 5_000);
  opened.socket.destroy();
  await vi.waitFor(() => expect(sockets.size).toBe(0), 10_000);
});
