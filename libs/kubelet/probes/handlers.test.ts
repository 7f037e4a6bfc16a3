// Probes and hooks against servers that answer, redirect, trickle and say nothing; expectations are upstream's (pkg/probe).
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { promisify } from 'node:util';
import type { HTTPGetAction, LifecycleHandler, Probe } from '@drydock/api/generated/types.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js';
import { afterEach, expect, test } from 'vitest';
import type { ContainerEngine } from '../engine/engine.ts';
import { healthRequest, healthStatus } from './grpc-health.ts';
import { type HandlerResult, Handlers } from './handlers.ts';

const handlers = new Handlers({} as ContainerEngine, new SystemClock());
const open: { close(): unknown; closeAllConnections?(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) {
    each.closeAllConnections?.();
    each.close();
  }
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<number> {
  const server: Server = createServer(answer).listen(0, '127.0.0.1');
  open.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function run(handler: Probe & LifecycleHandler, timeoutSeconds = 20, purpose: 'probe' | 'lifecycle' = 'probe') {
  const container = { name: 'c', ports: [{ name: 'web', containerPort: 1 }] };
  return handlers.run(handler, { container, containerId: 'id', podIp: '127.0.0.1', timeoutSeconds, purpose });
}
const probe = (port: number, more: Partial<HTTPGetAction> = {}, timeoutSeconds?: number): Promise<HandlerResult> =>
  run({ httpGet: { port, path: '/', ...more } }, timeoutSeconds);

/** With twice the time again and again, until it was enough for what is to happen first: a machine may do other things too. */
async function untilInTime<T>(attempt: (seconds: number) => Promise<T>, isInTime: (result: T) => boolean): Promise<T> {
  for (let seconds = 0.3; ; seconds *= 2) {
    const result = await attempt(seconds);
    if (isInTime(result)) return result;
  }
}

test('what is sent, and what headers of one own change', async () => {
  const seen: IncomingMessage[] = [];
  const port = await serve((request, response) => {
    seen.push(request);
    response.end('well');
  });
  expect(await probe(port, { path: 'no/slash?a=b c#rest' })).toEqual({ success: true, output: 'well' });
  const httpHeaders = [
    { name: 'user-Agent', value: 'mine' },
    { name: 'Accept', value: '' },
    { name: 'Host', value: 'name.example' },
    { name: 'X-Two', value: '1' },
    { name: 'x-two', value: '2' },
  ];
  await probe(port, { httpHeaders });
  expect(seen[0]).toMatchObject({ method: 'GET', url: '/no/slash?a=b%20c' });
  expect(seen[0]?.headers).toEqual({
    'user-agent': 'kube-probe/1.36',
    accept: '*/*',
    host: `127.0.0.1:${port}`,
    connection: 'close',
  });
  expect(seen[1]?.headers).toEqual({ 'user-agent': 'mine', host: 'name.example', 'x-two': '1, 2', connection: 'close' });
});

test.each([
  [200, true],
  [399, true],
  [199 + 201, false],
  [500, false],
])('status %d: well is %s', async (status, success) => {
  const port = await serve((_, response) => void response.writeHead(status).end('secret'));
  const result = await probe(port);
  expect(result.success).toBe(success);
  if (!success) expect(result.output).toBe(`HTTP probe failed with statuscode: ${status}`);
});

test('a body that does not end is left after 10 KiB: the answer was there', async () => {
  const port = await serve((_, response) => {
    const go = () => {
      while (!response.destroyed && response.write('x'.repeat(1000)));
    };
    response.on('drain', go);
    go();
  });
  const result = await probe(port);
  expect(result.success).toBe(true);
  expect(result.output).toHaveLength(10 * 1024);
});

test('a body that trickles ends with the time of the whole probe, and counts neither way', async () => {
  const port = await serve((_, response) => {
    const timer = setInterval(() => response.write('x'), 50);
    response.on('close', () => clearInterval(timer));
  });
  const result = await untilInTime(
    (seconds) => probe(port, {}, seconds),
    ({ output }) => !output.includes('awaiting headers'),
  );
  expect(result).toEqual({
    success: false,
    unknown: true,
    output: 'context deadline exceeded (Client.Timeout or context cancellation while reading body)',
  });
});

test('no answer is a failure', async () => {
  const port = await serve(() => {});
  expect(await probe(port, {}, 0.2)).toEqual({
    success: false,
    output: `Get "http://127.0.0.1:${port}/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
  });
});

test.each([
  ['lines that end without a carriage return', 'HTTP/1.1 200 OK\ncontent-length: 4\n\nwell'],
  ['headers of a hundred kilobytes', `HTTP/1.1 200 OK\r\ncookie: ${'x'.repeat(100_000)}\r\ncontent-length: 4\r\n\r\nwell`],
  ['no length, to the end of the connection', 'HTTP/1.0 200 OK\r\n\r\nwell'],
])('%s are an answer, as for the original', async (_, answer) => {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {}).once('data', () => socket.end(answer));
  }).listen(0, '127.0.0.1');
  open.push(server);
  await once(server, 'listening');
  expect(await probe((server.address() as AddressInfo).port)).toEqual({ success: true, output: 'well' });
});

test('headers that trickle do not stretch the time either', async () => {
  const server = createTcpServer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const timer = setInterval(() => socket.write('x: y\r\n'), 50);
    socket.on('error', () => {}).on('close', () => clearInterval(timer));
  }).listen(0, '127.0.0.1');
  open.push(server);
  await once(server, 'listening');
  const result = await probe((server.address() as AddressInfo).port, {}, 0.4);
  expect(result.output).toContain('Client.Timeout exceeded while awaiting headers');
});

test('nobody there', async () => {
  const port = await serve(() => {});
  open.splice(0).forEach((each) => void each.close());
  const refused = `dial tcp 127.0.0.1:${port}: connect: connection refused`;
  expect(await probe(port)).toEqual({ success: false, output: `Get "http://127.0.0.1:${port}/": ${refused}` });
  expect(await run({ tcpSocket: { port } })).toEqual({ success: false, output: refused });
});

test('a redirect on the same host is followed, with the headers, whatever its port', async () => {
  const seen: IncomingMessage[] = [];
  const second = await serve((request, response) => {
    seen.push(request);
    response.end('there');
  });
  const first = await serve(
    (_, response) => void response.writeHead(302, { location: `http://127.0.0.1:${second}/next?q=1` }).end(),
  );
  const httpHeaders = [{ name: 'X-Own', value: '1' }];
  expect(await probe(first, { httpHeaders })).toEqual({ success: true, output: 'there' });
  expect(seen[0]?.url).toBe('/next?q=1');
  expect(seen[0]?.headers).toMatchObject({ 'x-own': '1', referer: `http://127.0.0.1:${first}/`, host: `127.0.0.1:${second}` });
});

test('a name for the host stays with a redirect that names none', async () => {
  const hosts: unknown[] = [];
  const port = await serve((request, response) => {
    hosts.push(request.headers.host);
    if (request.url === '/') response.writeHead(301, { location: '/next' });
    response.end();
  });
  await probe(port, { httpHeaders: [{ name: 'Host', value: 'name.example' }] });
  expect(hosts).toEqual(['name.example', 'name.example']);
});

test('a redirect to another host is a success with a warning; nobody goes there', async () => {
  let count = 0;
  const port = await serve((_, response) => {
    count++;
    response.writeHead(302, { location: `http://localhost:${port}/` }).end('elsewhere');
  });
  const message = 'Probe terminated redirects, Response body: elsewhere';
  expect(await probe(port)).toEqual({ success: true, output: message, warning: { reason: 'ProbeWarning', message } });
  expect(count).toBe(1);
});

test.each([
  ['a redirect to nowhere', 302],
  ['not modified', 304],
])('%s is a warning', async (_, status) => {
  const port = await serve((_request, response) => void response.writeHead(status).end());
  expect(await probe(port)).toMatchObject({ success: true, warning: { reason: 'ProbeWarning' } });
});

test('redirects end after ten, and share the time', async () => {
  let count = 0;
  const port = await serve((_, response) => {
    count++;
    response.writeHead(302, { location: `/${count}` }).end();
  });
  const output = `Get "http://127.0.0.1:${port}/9": stopped after 10 redirects`;
  expect(await probe(port)).toEqual({ success: false, output });
  expect(count).toBe(10);
  const slow = await serve((_, response) => void setTimeout(() => response.writeHead(302, { location: '/' }).end(), 150));
  expect((await probe(slow, {}, 0.4)).output).toContain('Client.Timeout exceeded while awaiting headers');
});

test('a hook is content with any answer, and does not wait for its end', async () => {
  const agents: unknown[] = [];
  const port = await serve((request, response) => {
    agents.push(request.headers['user-agent']);
    response.writeHead(500).write('no end');
  });
  expect(await run({ httpGet: { port } }, 0, 'lifecycle')).toEqual({ success: true, output: '' });
  expect(agents).toEqual(['kube-lifecycle/1.36']);
});

test('a hook that asks for TLS of a server without it is sent without, and without its credentials; a probe is not', async () => {
  const seen: IncomingMessage[] = [];
  const port = await serve((request, response) => {
    seen.push(request);
    response.end();
  });
  const httpGet = { port, scheme: 'HTTPS', httpHeaders: [{ name: 'Authorization', value: 'secret' }] };
  const message = `request to HTTPS lifecycle hook 127.0.0.1:${port} got HTTP response, retry with HTTP succeeded`;
  expect(await run({ httpGet }, 0, 'lifecycle')).toMatchObject({
    success: true,
    warning: { reason: 'LifecycleHTTPFallback', message },
  });
  expect(seen.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  expect(await run({ httpGet })).toEqual({
    success: false,
    output: `Get "https://127.0.0.1:${port}/": http: server gave HTTP response to HTTPS client`,
  });
});

test('a hook has the time that its caller gives it', async () => {
  const port = await serve(() => {});
  expect((await run({ httpGet: { port } }, 0.2, 'lifecycle')).success).toBe(false);
});

test('a port that is not named is a failure', async () => {
  expect(await run({ httpGet: { port: 'nope' } })).toEqual({ success: false, output: "couldn't find port: nope" });
});

test('the messages of a gRPC health check', () => {
  expect(healthRequest('')).toHaveLength(0);
  expect([...healthRequest('ab')]).toEqual([0x0a, 2, 97, 98]);
  expect([...healthRequest('x'.repeat(200)).subarray(0, 3)]).toEqual([0x0a, 0xc8, 0x01]);
  expect([undefined, Buffer.alloc(0), Buffer.of(8, 1), Buffer.of(8, 2)].map(healthStatus)).toEqual([0, 0, 1, 2]);
});

test.each<[string, number[] | undefined, boolean, RegExp]>([
  ['serves', [8, 1], true, /^service healthy$/],
  ['does not serve', [8, 2], false, /^service unhealthy \(responded with "NOT_SERVING"\)$/],
  ['does not answer', undefined, false, /^error: health rpc failed: .*Deadline exceeded/i],
])('a gRPC server that %s', async (_, answer, success, output) => {
  const same = (bytes: Buffer) => bytes;
  const service = {
    Check: {
      path: '/grpc.health.v1.Health/Check',
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    },
  };
  const server = new GrpcServer();
  const asked: string[] = [];
  server.addService(service, {
    Check: (call: { request: Buffer; metadata: { get(name: string): unknown[] } }, done: (_: null, bytes: Buffer) => void) => {
      asked.push(call.request.subarray(2).toString(), String(call.metadata.get('user-agent')[0]));
      if (answer !== undefined) done(null, Buffer.from(answer));
    },
  });
  open.push({ close: () => server.forceShutdown() });
  const port = await promisify<string, ServerCredentials, number>(server.bindAsync.bind(server))(
    '127.0.0.1:0',
    ServerCredentials.createInsecure(),
  );
  const grpc = { port, service: 'mine' };
  const result = await untilInTime(
    (seconds) => run({ grpc }, answer === undefined ? seconds : 20),
    () => asked.length > 0,
  );
  expect(result.success).toBe(success);
  expect(result.output).toMatch(output);
  expect(asked[0]).toBe('mine');
  expect(asked[1]).toMatch(/^kube-probe\/1\.36 /);
});
