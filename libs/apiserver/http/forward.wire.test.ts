// A body that is proxied stays a body: whatever a client says of its length, no backend takes a part of it for a request of its own,
// for that would be one that nobody was asked about.
import { createServer, type Server } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { outsideAddress } from '../testing/outside.ts';
import { type TlsParts, WireServer } from '../testing/wire.ts';

const inNamespace = '/api/v1/namespaces/default';
/** What would be another request, were it not a body. */
const within = 'POST /run/kube-system/etcd/etcd HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n';
let server: WireServer;
let operator: TlsParts;
let backend: Server;
let path: string;
let got: string[] = [];

beforeAll(async () => {
  const host = outsideAddress();
  backend = createServer(async (req, res) => {
    const body = await text(req);
    got.push(`${req.method} ${req.url} ${body}`);
    res.end('done');
  });
  await new Promise<void>((resolve) => backend.listen(0, host, resolve));
  server = await WireServer.start();
  operator = await server.certificate('operator');
  const user = await server.operator();
  await user.call('POST', `${inNamespace}/serviceaccounts`, { body: { metadata: { name: 'default' } } });
  const spec = { containers: [{ name: 'c', image: 'i' }] };
  await user.call('POST', `${inNamespace}/pods`, { body: { metadata: { name: 'told' }, spec } });
  const body = { status: { podIP: host, podIPs: [{ ip: host }] } };
  await user.call('PATCH', `${inNamespace}/pods/told/status`, { body, type: 'application/merge-patch+json' });
  path = `${inNamespace}/pods/told:${(backend.address() as AddressInfo).port}/proxy/x`;
}, 60_000);

beforeEach(() => {
  got = [];
});

afterAll(async () => {
  backend.closeAllConnections();
  backend.close();
  await server.stop();
});

/** The answer to these bytes over HTTP/1.1. */
async function sendHttp1(lines: readonly string[], body: string): Promise<string> {
  const { hostname, port } = new URL(server.base);
  const socket = connect({ host: hostname, port: Number(port), ...operator, ALPNProtocols: ['http/1.1'] });
  socket.write([...lines, 'Host: x', '', body].join('\r\n'));
  let said = '';
  for await (const piece of socket) {
    said += piece;
    if (said.includes('done')) break;
  }
  return said;
}

function sendHttp2(method: string, body: string | undefined, more: Record<string, string> = {}): Promise<number | undefined> {
  const session = connectHttp2(server.base, operator);
  return new Promise<number | undefined>((resolve, reject) => {
    const stream = session.request({ ':method': method, ':path': path, ...more }, { endStream: body === undefined });
    let code: number | undefined;
    stream.on('response', (headers) => {
      code = headers[':status'];
      stream.resume();
    });
    stream.on('error', reject).on('end', () => resolve(code));
    if (body !== undefined) stream.end(body);
  }).finally(() => session.destroy());
}

const chunked = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const length = `Content-Length: ${within.length}`;
const methods = ['GET', 'DELETE', 'OPTIONS', 'POST', 'PUT'];

test.each(methods)('%s with a body over HTTP/1.1', async (method) => {
  const line = `${method} ${path} HTTP/1.1`;
  const told = `${method} /x ${within}`;
  await sendHttp1([line, 'Transfer-Encoding: chunked'], chunked(within));
  expect(got).toEqual([told]);
  await sendHttp1([line, length], within);
  expect(got).toEqual([told, told]);
  // What a body's length is, is no affair of one connection, whatever the client says.
  await sendHttp1([line, length, 'Connection: content-length'], within);
  expect(got).toEqual([told, told, told]);
});

test.each(methods)('%s with a body over HTTP/2', async (method) => {
  const told = `${method} /x ${within}`;
  expect(await sendHttp2(method, within)).toBe(200);
  expect(got).toEqual([told]);
  expect(await sendHttp2(method, within, { 'content-length': String(within.length) })).toBe(200);
  expect(got).toEqual([told, told]);
});

test.each(methods)('%s without one', async (method) => {
  expect(await sendHttp2(method, undefined)).toBe(200);
  await sendHttp1([`${method} ${path} HTTP/1.1`], '');
  expect(got).toEqual([`${method} /x `, `${method} /x `]);
});
