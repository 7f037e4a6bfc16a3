// Connections to kubelets: whose they are, and what is on them.
import type { IncomingMessage } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { servingCertificate } from '@drydock/pki/certificate.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repeated } from '../streams/pass-on.ts';
import { type KubeletAddress, Kubelets } from './kubelet.ts';

const kubelets = new Kubelets({ ca: undefined, cert: undefined, key: undefined }, ['InternalIP']);
const asked: string[] = [];
let server: Server;
let address: KubeletAddress;

beforeAll(async () => {
  const random = new SystemRandom().stream('kubelet');
  const nowMs = new SystemClock().wallMs();
  const authority = await Authority.load(await Authority.create('kubelets', nowMs, random), random);
  const pair = await authority.issue(servingCertificate('node', ['127.0.0.1']), nowMs);
  // Refuses upgrades as it answers everything else: the connection stays.
  server = createServer({ cert: pair.certificatePem, key: pair.keyPem }, (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    request.resume();
    response.writeHead(400, { 'content-length': 7 }).end('refused');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = { host: '127.0.0.1', port: (server.address() as AddressInfo).port, agentPort: undefined };
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

function logs(path: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-padding': 'x'.repeat(400) };
    const request = kubelets.request(address, 'GET', path, headers, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    request.on('error', reject);
    request.end();
  });
}

test.each([
  ['Content-Length', '300'],
  ['Transfer-Encoding', 'chunked'],
])(
  'what follows an upgrade that was refused is a request of its own, whatever its caller said of a body: %s',
  async (name, value) => {
    asked.length = 0;
    const rawHeaders = ['Host', 'x', 'Connection', 'Upgrade', 'Upgrade', 'websocket', name, value];
    const caller = { method: 'GET', rawHeaders } as unknown as IncomingMessage;
    const { signal } = new AbortController();
    const answer = await kubelets.upgrade(address, repeated(caller, '/exec/a/b/c', 'node'), signal);
    expect(answer).toMatchObject({ type: 'refused', code: 400 });
    // Long enough that a connection that is kept is there to be taken.
    await new Promise((resolve) => setImmediate(resolve));
    expect(await logs('/containerLogs/a/b/c')).toBe(400);
    expect(asked).toEqual(['GET /exec/a/b/c', 'GET /containerLogs/a/b/c']);
  },
);
