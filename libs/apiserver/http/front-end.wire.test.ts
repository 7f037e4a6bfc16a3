// What a request may take before its caller is known, and after; at the wire.
import { type Socket, connect as tcpConnect } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import type { ConfigMap } from '@drydock/api/generated/types.ts';
import { configMaps } from '@drydock/api/resource.ts';
import { connect } from '@drydock/client/connect.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, type TlsParts, type WireClient, WireServer } from '../testing/wire.ts';

const path = '/api/v1/namespaces/default/configmaps';
let server: WireServer;
let operator: WireClient;
let certificate: TlsParts;

beforeAll(async () => {
  server = await WireServer.start({ grpcPort: await freePort(), requestTimeoutMs: 4_000, maxWritesInFlight: 1 });
  operator = await server.operator();
  certificate = await server.certificate('operator');
}, 60_000);
afterAll(() => server?.stop());

/** A bare connection, as the operator or as nobody. */
async function open(credentials: Partial<TlsParts> = {}, beneath?: (socket: Socket) => void): Promise<TLSSocket> {
  const port = Number(new URL(server.base).port);
  const tcp = tcpConnect({ host: '127.0.0.1', port });
  tcp.on('error', () => {});
  beneath?.(tcp);
  const socket = tlsConnect({
    socket: tcp,
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: false,
    ...credentials,
  });
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  return socket;
}

/** All that comes until the server ends the connection. */
async function rest(socket: TLSSocket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

const head = (more: string, target = path) =>
  `POST ${target} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${more}\r\n\r\n`;

test('who may not write is told so before a byte of the body has come, and holds no place', { timeout: 30_000 }, async () => {
  const nobody = await open();
  nobody.write(head('content-length: 1000000'));
  expect(await rest(nobody)).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
  const made = await operator.call('POST', path, { body: { metadata: { name: 'a' } } });
  expect(made.code).toBe(201);
});

test('a body that does not come holds its place for the time of a request, on both transports', {
  timeout: 30_000,
}, async () => {
  const grpc = await connect(await server.clientConfig('grpc', 'operator'), {
    clock: new SystemClock(),
    random: new SystemRandom(),
    userAgent: 'test',
  });
  const made = () => grpc.create<ConfigMap>(configMaps, { metadata: { namespace: 'default', generateName: 'c-' } });
  // Both connections stand before the time of the slow request begins.
  await made();
  const slow = await open(certificate);
  slow.write(head('content-length: 1000'));
  while ((await operator.call('POST', path, { body: { metadata: { generateName: 'b-' } } })).code !== 429);
  await expect(made()).rejects.toMatchObject({ reason: 'TooManyRequests' });
  expect(await rest(slow)).toMatch(/^HTTP\/1\.1 504 Gateway Timeout\r\n/);
  expect((await made()).metadata?.name).toMatch(/^c-/);
  await expect(
    grpc.create<ConfigMap>(configMaps, { metadata: { namespace: 'default', name: 'd' }, data: { a: 'x'.repeat(4 << 20) } }),
  ).rejects.toMatchObject({ reason: 'RequestEntityTooLarge' });
  grpc.close();
});

test('a body of more than three megabytes is refused, announced or not', { timeout: 30_000 }, async () => {
  const announced = await open(certificate);
  announced.write(head('content-length: 4000000'));
  expect(await rest(announced)).toMatch(/^HTTP\/1\.1 413 Payload Too Large\r\n/);
  const chunked = await open(certificate);
  const answer = rest(chunked);
  chunked.write(head('transfer-encoding: chunked'));
  const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`;
  for (let i = 0; i < 60 && !chunked.destroyed; i++) chunked.write(chunk);
  expect(await answer).toMatch(/^HTTP\/1\.1 413 /);
});

test('a client that waits to be asked sends its body after it was let in', { timeout: 30_000 }, async () => {
  const socket = await open(certificate);
  const body = JSON.stringify({ metadata: { name: 'asked' } });
  socket.write(head(`expect: 100-continue\r\nconnection: close\r\ncontent-length: ${body.length}`));
  const first = await new Promise<string>((resolve) => socket.once('data', (data: Buffer) => resolve(data.toString())));
  expect(first).toMatch(/^HTTP\/1\.1 100 Continue\r\n/);
  socket.write(body);
  expect(await rest(socket)).toMatch(/HTTP\/1\.1 201 Created\r\n/);
});

test('an Upgrade header is not heeded where there is nothing to upgrade', { timeout: 30_000 }, async () => {
  const socket = await open(certificate);
  socket.write(`GET /version HTTP/1.1\r\nhost: x\r\nconnection: Upgrade, close\r\nupgrade: anything\r\n\r\n`);
  socket.end();
  expect(await rest(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
});

test.each([
  ['nobody', {}, 'HTTP/1.1 403 Forbidden'],
  ['the operator', undefined, 'HTTP/1.1 404 Not Found'],
])('an upgrade of %s that is refused has its reason in words, and ends', async (_, credentials, line) => {
  const socket = await open(credentials ?? certificate);
  socket.write(
    'GET /api/v1/namespaces/default/pods/p/exec?command=a HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\n\r\n',
  );
  expect((await rest(socket)).split('\r\n')[0]).toBe(line);
});

test('a client that goes away at any moment of an upgrade takes nothing with it', { timeout: 60_000 }, async () => {
  const text =
    'GET /api/v1/namespaces/default/pods/p/exec?command=a HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\n\r\nabc';
  for (let length = 0; length <= text.length; length += 13) {
    let tcp: Socket | undefined;
    const socket = await open(certificate, (beneath) => {
      tcp = beneath;
    });
    await new Promise((resolve) => socket.write(text.slice(0, length), resolve));
    if (length % 2 === 0) tcp?.resetAndDestroy();
    else socket.destroy();
  }
  expect((await operator.call('GET', '/version')).code).toBe(200);
});

test('metrics are labelled by what was understood', { timeout: 30_000 }, async () => {
  for (const wild of ['/api/v1/wild', '/apis/wild/v1/wild', '/wild', '/api/v1/namespaces/wild/pods/x/wild', '/api/wild/pods'])
    await operator.call('GET', wild);
  await operator.call('WILD', '/api/v1/namespaces/default/pods');
  await operator.call('GET', '/api/v1/namespaces/default/pods/wild');
  const { body } = await operator.call('GET', '/metrics');
  expect(body).not.toMatch(/wild/i);
  expect(body).toMatch(
    /apiserver_request_total\{verb="GET",dry_run="",group="",version="v1",resource="pods",subresource="",scope="resource",component="apiserver",code="404"\}/,
  );
});
