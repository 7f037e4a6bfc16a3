// Servers behind this one that hang, break off or say what makes no sense: they cost their own clients something, and nobody else.
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request as httpsRequest, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { connect } from '@drydock/client/connect.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { servingCertificate } from '@drydock/pki/certificate.ts';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { remoteRowsMax } from '../limits.ts';
import { register, serviceFor } from '../testing/behind.ts';
import { outsideAddress } from '../testing/outside.ts';
import { freePort, type TlsParts, type WireClient, WireServer } from '../testing/wire.ts';

const things = '/apis/hostile.test/v1/things';
const requestTimeoutMs = 1_500;
const maxReadsInFlight = 4;
let server: WireServer;
let operator: WireClient;
let tls: TlsParts;
let backend: Server;
let hanging: ServerResponse[] = [];
const sockets = new Set<TLSSocket>();

const row = { name: 'things', singularName: 'thing', namespaced: false, kind: 'Thing', verbs: ['get', 'list', 'watch'] };
const rows: unknown[] = [
  { ...row, shortNames: null, categories: 7, group: null },
  null,
  'things',
  { name: 7 },
  { name: 'noverbs', verbs: null },
  { name: 'things/status', kind: 'Thing', verbs: ['get', {}] },
  ...Array.from({ length: 2 * remoteRowsMax }, (_, i) => ({ name: `more${i}` })),
];

function answer(req: IncomingMessage, res: ServerResponse): void {
  const path = (req.url ?? '').split('?')[0] ?? '';
  if (path === '/apis/hostile.test/v1') res.end(JSON.stringify({ resources: rows }));
  else if (path.startsWith('/openapi')) res.writeHead(404).end();
  else if (path.endsWith('/hang')) hanging.push(res);
  else if (path.endsWith('/cut') || path.endsWith('/garbled')) {
    res.write('{"items":[');
    setImmediate(() => (path.endsWith('/cut') ? req.socket.destroy() : req.socket.write('no length of a piece\r\n')));
  } else {
    res.write('{"type":"ADDED"}\n');
    hanging.push(res);
  }
}

beforeAll(async () => {
  const random = new SystemRandom().stream('test');
  const now = new SystemClock().wallMs();
  const authority = await Authority.load(await Authority.create('ext-ca', now, random), random);
  const pair = await authority.issue(servingCertificate('hostile', ['hostile.default.svc']), now);
  backend = createServer({ cert: pair.certificatePem, key: pair.keyPem }, answer);
  backend.on('secureConnection', (socket) => sockets.add(socket));
  backend.listen(0, outsideAddress());
  await once(backend, 'listening');
  const aggregation = { clientPair: undefined, toEndpoints: true };
  server = await WireServer.start({ grpcPort: await freePort(), aggregation, requestTimeoutMs, maxReadsInFlight });
  operator = await server.operator();
  tls = await server.certificate('operator');
  await serviceFor(operator, 'hostile', (backend.address() as AddressInfo).port);
  const service = { namespace: 'default', name: 'hostile' };
  await register(operator, 'hostile.test', { service, insecureSkipTLSVerify: true });
  await vi.waitFor(async () => expect((await operator.call('GET', '/apis/hostile.test/v1')).code).toBe(200), 10_000);
}, 60_000);

afterAll(async () => {
  await server.stop();
  for (const socket of sockets) socket.destroy();
  backend.close();
});

/** The answer to a GET as it begins. */
async function begin(path: string): Promise<IncomingMessage> {
  const { hostname, port } = new URL(server.base);
  const sent = httpsRequest({ hostname, port, path, ...tls, agent: false }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.on('error', () => {});
  return response;
}

test('discovery has what makes sense of what a server says, and the rest of the cluster has its own', async () => {
  const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  const { code, body } = await operator.call('GET', '/apis', { headers: { accept } });
  expect(code).toBe(200);
  const named = (name: string) => body.items.find((item: { metadata: { name: string } }) => item.metadata.name === name);
  expect(named('apps').versions).toHaveLength(1);
  const [{ resources }] = named('hostile.test').versions;
  expect(resources.length).toBeLessThan(remoteRowsMax);
  const responseKind = (kind: string) => ({ group: '', version: '', kind });
  expect(resources.slice(0, 2)).toEqual([
    {
      resource: 'things',
      responseKind: responseKind('Thing'),
      scope: 'Cluster',
      singularResource: 'thing',
      verbs: ['get', 'list', 'watch'],
      subresources: [{ subresource: 'status', responseKind: responseKind('Thing'), verbs: ['get'] }],
    },
    { resource: 'noverbs', responseKind: responseKind(''), scope: 'Cluster', singularResource: '', verbs: [] },
  ]);
});

test.each(['cut', 'garbled'])('an answer that is %s does not look like a whole one', async (how) => {
  const response = await begin(`${things}/${how}`);
  response.resume();
  await new Promise((resolve) => response.once('close', resolve));
  expect([response.statusCode, response.complete]).toEqual([200, false]);
});

test('a watch passes event by event, and ends behind when its client goes', async () => {
  hanging = [];
  const response = await begin(`${things}?watch=1`);
  const [first] = (await once(response, 'data')) as [Buffer];
  expect(first.toString()).toBe('{"type":"ADDED"}\n');
  const [behind] = hanging;
  behind?.write('{"type":"MODIFIED"}\n');
  const [second] = (await once(response, 'data')) as [Buffer];
  expect(second.toString()).toBe('{"type":"MODIFIED"}\n');
  const closed = once(behind as ServerResponse, 'close');
  response.destroy();
  await closed;
});

test('a server that hangs has half of the places, of both front ends, and its clients are told that it took too long', async () => {
  hanging = [];
  const config = await server.clientConfig('grpc', 'operator');
  const client = await connect(config, { clock: new SystemClock(), random: new SystemRandom() });
  const slow = [operator.call('GET', `${things}/hang`), operator.call('GET', `${things}/hang`)];
  await vi.waitFor(() => expect(hanging).toHaveLength(2));
  expect((await operator.call('GET', `${things}/hang`)).code).toBe(429);
  await expect(client.getRaw(`${things}/hang`)).rejects.toMatchObject({ status: { code: 429 } });
  expect((await operator.call('GET', '/api/v1/nodes')).code).toBe(200);
  for (const { code, body } of await Promise.all(slow)) expect([code, body.reason]).toEqual([504, 'Timeout']);
  const again = operator.call('GET', `${things}/hang`);
  await vi.waitFor(() => expect(hanging).toHaveLength(3));
  hanging[2]?.end('{}');
  expect((await again).code).toBe(200);
  client.close();
});
