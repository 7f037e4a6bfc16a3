// What tests of the data plane share: real clients, a real nginx, real backends.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { servingCertificate } from '@drydock/pki/certificate.ts';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { cluster, type IngressText, ingress, secret, service, slice } from './objects.ts';
import { Served } from './served.ts';

type Handler = (incoming: IncomingMessage, answer: ServerResponse) => void;

export const servers: Server[] = [];
export let served: Served;
/** Port of a backend that is always there. */
export let web = 0;
let secrets: ReturnType<typeof secret>[] = [];

/** A backend; its name is what it answers unless it is given something to do. */
export async function backend(name: string, handler?: Handler): Promise<number> {
  const server = createServer(
    handler ?? ((incoming, answer) => answer.end(JSON.stringify({ name, url: incoming.url, headers: incoming.headers }))),
  );
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

interface Ask {
  readonly host?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly port?: number;
}

export function get(path: string, ask: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: ask.port ?? served.httpPort,
        path,
        method: ask.method ?? 'GET',
        headers: { host: ask.host ?? 'example.com', ...ask.headers },
        agent: false,
      },
      (incoming) => {
        let body = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (part) => {
          body += part;
        });
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }));
        incoming.on('error', reject);
      },
    );
    outgoing.on('error', reject);
    outgoing.end(ask.body);
  });
}

export const json = (answer: Answer) =>
  JSON.parse(answer.body) as { name: string; url: string; headers: Record<string, string> };

/** Objects of Services by name, each with endpoints at these ports of 127.0.0.1. */
export function objects(services: Record<string, readonly number[]>, ...ingresses: IngressText[]) {
  return cluster(
    ingresses.map((text) => ingress(text)),
    Object.keys(services).map((name) => service(name)),
    Object.entries(services).flatMap(([name, ports]) => ports.map((port) => slice(name, ['127.0.0.1'], port))),
    secrets,
  );
}

/** From now on the tests ask this one. */
export function serveFrom(other: Served): void {
  served = other;
}

/** Before the tests of a file: an nginx, a backend and the Secrets. */
export function setUp(): void {
  beforeAll(async () => {
    served = await Served.create();
    web = await backend('web');
    const random = new SystemRandom().stream('test');
    const now = Date.now();
    const authority = await Authority.load(await Authority.create('ca', now, random), random);
    const pair = async (name: string, ...hosts: string[]) => {
      const { certificatePem, keyPem } = await authority.issue(servingCertificate(name, hosts), now);
      return secret(name, { 'tls.crt': certificatePem, 'tls.key': keyPem });
    };
    secrets = [
      await pair('tls', 'example.com'),
      await pair('wild', '*.example.com'),
      // htpasswd -nb jane secret; -B, -s.
      secret('users', { auth: 'jane:$apr1$5VHnN6MY$gDlOBpWbXGbHSHbwYbJLh/\njoe:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n' }),
    ];
  });

  afterEach(() => {
    for (const server of servers.splice(1)) server.close().closeAllConnections();
  });

  afterAll(async () => {
    await served?.close();
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });
}
