import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { servingCertificate } from '@drydock/pki/certificate.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KubeletClient } from './kubelet-client.ts';
import { kubeletAnswerMaxBytes } from './limits.ts';

let server: Server;
let ca: string;
let connections = 0;
const clients: KubeletClient[] = [];

beforeAll(async () => {
  const random = new SystemRandom().stream('test');
  const now = new SystemClock().wallMs();
  const root = await Authority.create('kubelets', now, random);
  ca = root.certificatePem;
  const pair = await (await Authority.load(root, random)).issue(servingCertificate('w1', ['127.0.0.1']), now);
  server = createServer({ cert: pair.certificatePem, key: pair.keyPem }, (request, response) => {
    if (request.url === '/none') response.writeHead(503).end('no');
    else if (request.url === '/flood') {
      const piece = Buffer.alloc(1024 * 1024, 32);
      const more = () => {
        while (response.write(piece));
      };
      response.on('drain', more);
      more();
    } else if (request.url !== '/hangs') response.end(`${request.url} ${request.headers.authorization}`);
  });
  server.on('secureConnection', () => connections++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterAll(() => {
  for (const client of clients) client.close();
  server.closeAllConnections();
  server.close();
});

function client(tls: { ca?: string; insecure?: boolean } = { ca }): KubeletClient {
  const made = new KubeletClient({ ca: undefined, insecure: false, cert: undefined, key: undefined, ...tls }, () => 'Bearer t');
  clients.push(made);
  return made;
}
const read = (from: KubeletClient, path: string, signal = new AbortController().signal) =>
  from.read({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, path }, signal);

test('the text, with who asks, over one connection from round to round', async () => {
  const own = client();
  const before = connections;
  expect(await read(own, '/metrics/resource')).toBe('/metrics/resource Bearer t');
  expect(await read(own, '/again')).toBe('/again Bearer t');
  expect(connections - before).toBe(1);
});

test('an answer that is none, that is too long, or that does not come ends', async () => {
  const own = client();
  await expect(read(own, '/none')).rejects.toThrow('request failed, status: "503 Service Unavailable"');
  await expect(read(own, '/flood')).rejects.toThrow(`the answer is larger than ${kubeletAnswerMaxBytes} bytes`);
  const stop = new AbortController();
  const hanging = read(own, '/hangs', stop.signal);
  stop.abort();
  await expect(hanging).rejects.toThrow(/abort/);
});

test('a kubelet that nobody known vouches for is not believed, unless that is asked for', async () => {
  await expect(read(client({}), '/x')).rejects.toThrow(/certificate/);
  expect(await read(client({ insecure: true }), '/x')).toBe('/x Bearer t');
});
