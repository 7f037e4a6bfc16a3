// The data plane with real sockets: real clients, a real nginx, real backends.
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { request as requestTls } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { servingCertificate } from '@drydock/pki/certificate.ts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { cluster, type IngressText, ingress, secret, service, slice } from './testing/objects.ts';
import { missing, Served } from './testing/served.ts';

type Handler = (incoming: IncomingMessage, answer: ServerResponse) => void;

const servers: Server[] = [];
let served: Served;

/** A backend; its name is what it answers unless it is given something to do. */
async function backend(name: string, handler?: Handler): Promise<number> {
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

function get(path: string, ask: Ask = {}): Promise<Answer> {
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

const json = (answer: Answer) => JSON.parse(answer.body) as { name: string; url: string; headers: Record<string, string> };

/** Objects of Services by name, each with endpoints at these ports of 127.0.0.1. */
function objects(services: Record<string, readonly number[]>, ...ingresses: IngressText[]) {
  return cluster(
    ingresses.map((text) => ingress(text)),
    Object.keys(services).map((name) => service(name)),
    Object.entries(services).flatMap(([name, ports]) => ports.map((port) => slice(name, ['127.0.0.1'], port))),
    secrets,
  );
}

let secrets: ReturnType<typeof secret>[] = [];
let web = 0;

describe.skipIf(missing !== undefined)(`the data plane on nginx (${missing ?? 'installed'})`, () => {
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
    for (const server of servers) server.close().closeAllConnections();
  });

  test('hosts and paths: each goes to its Service, what nobody has is 404, no endpoints are 503', async () => {
    const a = await backend('a');
    const problems = await served.show(
      objects(
        { web: [web], a: [a], none: [] },
        { host: 'example.com', paths: ['Prefix / web', 'Exact /a a', 'Prefix /none none'] },
        { name: 'wild', host: '*.example.com', paths: ['Prefix / a'] },
      ),
    );
    expect(problems).toEqual([]);
    const to = async (path: string, host?: string) => {
      const answer = await get(path, host === undefined ? {} : { host });
      return answer.status === 200 ? json(answer).name : answer.status;
    };
    expect(await to('/')).toBe('web');
    expect(await to('/a')).toBe('a');
    expect(await to('/a/')).toBe('web');
    expect(await to('/none/x')).toBe(503);
    expect(await to('/', 'x.example.com')).toBe('a');
    expect(await to('/', 'EXAMPLE.com:80')).toBe('web');
    expect(await to('/', 'x.y.example.com')).toBe(404);
    expect(await to('/', 'other.org')).toBe(404);
    expect((await get('/', { host: 'other.org' })).body).toContain('<center>nginx</center>');
  });

  test('endpoints that come and go count from the next request on, without a reload', async () => {
    const [a, b] = [await backend('a'), await backend('b')];
    const rule = { host: 'example.com', paths: ['Prefix / web'] };
    await served.show(objects({ web: [a] }, rule));
    const names = async () => new Set(await Promise.all(Array.from({ length: 8 }, async () => json(await get('/')).name)));
    expect(await names()).toEqual(new Set(['a']));
    await served.showBackends(objects({ web: [a, b] }, rule));
    expect(await names()).toEqual(new Set(['a', 'b']));
    await served.showBackends(objects({ web: [b] }, rule));
    expect(await names()).toEqual(new Set(['b']));
    await served.showBackends(objects({ web: [] }, rule));
    expect((await get('/')).status).toBe(503);
  });

  test('what backends are told of the client: the real address, and nothing that a client claims', async () => {
    await served.show(objects({ web: [web] }, { host: 'example.com', paths: ['Prefix / web'] }));
    const headers = {
      'x-forwarded-for': '6.6.6.6',
      'x-real-ip': '6.6.6.6',
      'x-forwarded-proto': 'https',
      proxy: 'evil',
      forwarded: 'for=6.6.6.6',
    };
    const told = json(await get('/x?y=1', { headers })).headers;
    expect(told).toMatchObject({
      host: 'example.com',
      'x-real-ip': '127.0.0.1',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'example.com',
      'x-forwarded-proto': 'http',
      'x-forwarded-scheme': 'http',
      'x-scheme': 'http',
      'x-original-forwarded-for': '6.6.6.6',
      forwarded: 'for=127.0.0.1;host=example.com;proto=http',
      'x-request-id': expect.stringMatching(/^[0-9a-f]{32}$/),
    });
    expect(told.proxy).toBeUndefined();
    expect(told['x-forwarded-port']).toBe(String(served.httpPort));
  });

  test('use-forwarded-headers believes who stands before us', async () => {
    const rule = { host: 'example.com', paths: ['Prefix / web'] };
    await served.show(objects({ web: [web] }, rule), {}, { 'use-forwarded-headers': 'true' });
    const told = json(await get('/', { headers: { 'x-forwarded-for': '6.6.6.6', 'x-forwarded-proto': 'https' } })).headers;
    expect(told).toMatchObject({ 'x-real-ip': '6.6.6.6', 'x-forwarded-for': '6.6.6.6', 'x-forwarded-proto': 'https' });
  });

  test('rewrite-target with groups, use-regex, x-forwarded-prefix, upstream-vhost', async () => {
    const annotations = { 'rewrite-target': '/$2', 'use-regex': 'true', 'upstream-vhost': 'inner.local' };
    await served.show(
      objects(
        { web: [web] },
        { host: 'example.com', paths: ['ImplementationSpecific /something(/|$)(.*) web'], annotations },
        { name: 'b', host: 'b.org', paths: ['ImplementationSpecific /nodejs web'], annotations: { 'rewrite-target': '/' } },
      ),
    );
    const url = async (path: string, host = 'example.com') => json(await get(path, { host })).url;
    expect(await url('/something/new?q=1')).toBe('/new?q=1');
    expect(await url('/something')).toBe('/');
    expect(await url('/SOMETHING/a%20b')).toBe('/a%20b');
    expect(await url('/nodejs/deep', 'b.org')).toBe('/');
    expect(json(await get('/something/')).headers.host).toBe('inner.local');
    expect((await get('/other')).status).toBe(404);
  });

  test('redirects: app-root, permanent, temporal, to HTTPS', async () => {
    const rule = (name: string, annotations: Record<string, string>) => ({
      name,
      host: `${name}.org`,
      paths: ['Prefix / web'],
      annotations,
    });
    await served.show(
      objects(
        { web: [web] },
        rule('app', { 'app-root': '/app/' }),
        rule('gone', { 'permanent-redirect': 'https://new.org/x', 'permanent-redirect-code': '308' }),
        rule('away', { 'temporal-redirect': 'http://tmp.org' }),
        rule('forced', { 'force-ssl-redirect': 'true' }),
        { host: 'example.com', paths: ['Prefix / web'], tls: [{ hosts: ['example.com'], secretName: 'tls' }] },
        {
          name: 'plain',
          host: 'plain.org',
          paths: ['Prefix / web'],
          tls: [{ hosts: ['plain.org'] }],
          annotations: { 'ssl-redirect': 'false' },
        },
      ),
    );
    const to = async (host: string, path = '/') => {
      const { status, headers } = await get(path, { host });
      return [status, headers.location];
    };
    expect(await to('app.org')).toEqual([302, 'http://app.org/app/']);
    expect(await to('app.org', '/else')).toEqual([200, undefined]);
    expect(await to('gone.org', '/a')).toEqual([308, 'https://new.org/x']);
    expect(await to('away.org')).toEqual([302, 'http://tmp.org']);
    expect(await to('forced.org', '/a?b=c')).toEqual([308, `https://forced.org:${served.httpsPort}/a?b=c`]);
    expect(await to('example.com', '/a')).toEqual([308, `https://example.com:${served.httpsPort}/a`]);
    expect(await to('plain.org')).toEqual([200, undefined]);
  });

  /** The name of the certificate that a client is shown who asks for this host. */
  function certificateFor(servername: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connectTls({ host: '127.0.0.1', port: served.httpsPort, servername, rejectUnauthorized: false }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
      socket.on('error', reject);
    });
  }

  test('TLS by SNI: the host’s own certificate, a wildcard, the fake one where none fits; HSTS; a changed Secret', async () => {
    await served.show(
      objects(
        { web: [web] },
        { host: 'example.com', paths: ['Prefix / web'], tls: [{ hosts: ['example.com'], secretName: 'tls' }] },
        { name: 'w', host: '*.example.com', paths: ['Prefix / web'], tls: [{ hosts: ['*.example.com'], secretName: 'wild' }] },
        { name: 'n', host: 'none.org', paths: ['Prefix / web'] },
      ),
    );
    expect(await certificateFor('example.com')).toBe('tls');
    expect(await certificateFor('a.example.com')).toBe('wild');
    expect(await certificateFor('none.org')).toBe('Kubernetes Ingress Controller Fake Certificate');
    expect(await certificateFor('nobody.org')).toBe('Kubernetes Ingress Controller Fake Certificate');
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { host: '127.0.0.1', port: served.httpsPort, servername: 'example.com', rejectUnauthorized: false };
      requestTls({ ...options, headers: { host: 'example.com' }, agent: false }, resolve)
        .on('error', reject)
        .end();
    });
    answer.resume();
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['strict-transport-security']).toBe('max-age=31536000; includeSubDomains');
  });

  test('a Secret’s key is readable by its owner only, and is removed with it', async () => {
    const { readdirSync, statSync } = await import('node:fs');
    const rule = { host: 'example.com', paths: ['Prefix / web'] };
    await served.show(objects({ web: [web] }, { ...rule, tls: [{ hosts: ['example.com'], secretName: 'tls' }] }));
    const folder = `${served.folder}/here/tls`;
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(`${folder}/default_tls.key`).mode & 0o777).toBe(0o600);
    await served.show(objects({ web: [web] }, rule));
    expect(readdirSync(folder).filter((name) => name.startsWith('default_'))).toEqual([]);
  });

  test('who may come: ranges, log-ins, and both', async () => {
    const rule = (host: string, annotations: Record<string, string>) => ({
      name: host.split('.')[0] ?? '',
      host,
      paths: ['Prefix / web'],
      annotations,
    });
    const auth = { 'auth-type': 'basic', 'auth-secret': 'users', 'auth-realm': 'Only jane' };
    await served.show(
      objects(
        { web: [web] },
        rule('open.org', { 'whitelist-source-range': '127.0.0.0/8,10.0.0.0/8' }),
        rule('shut.org', { 'whitelist-source-range': '10.0.0.0/8' }),
        rule('deny.org', { 'denylist-source-range': '127.0.0.1' }),
        rule('auth.org', auth),
        rule('any.org', { ...auth, 'whitelist-source-range': '127.0.0.1', satisfy: 'any' }),
        rule('bad.org', { 'whitelist-source-range': 'everybody' }),
      ),
    );
    const status = async (host: string, headers: Record<string, string> = {}) => (await get('/', { host, headers })).status;
    const login = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
    expect(await status('open.org')).toBe(200);
    expect(await status('shut.org')).toBe(403);
    expect(await status('deny.org')).toBe(403);
    expect(await status('bad.org')).toBe(503);
    expect(await status('any.org')).toBe(200);
    const asked = await get('/', { host: 'auth.org' });
    expect([asked.status, asked.headers['www-authenticate']]).toEqual([401, 'Basic realm="Only jane"']);
    expect(await status('auth.org', login('joe:wrong'))).toBe(401);
    const inside = await get('/', { host: 'auth.org', headers: login('joe:secret') });
    expect(inside.status).toBe(200);
    expect(json(inside).headers.authorization).toBeUndefined();
  });

  test('CORS: preflight requests are answered, other origins get nothing', async () => {
    const annotations = {
      'enable-cors': 'true',
      'cors-allow-origin': 'https://*.example.com,http://a.org',
      'cors-max-age': '600',
    };
    await served.show(objects({ web: [web] }, { host: 'example.com', paths: ['Prefix / web'], annotations }));
    const ask = (origin: string, method = 'GET') => get('/', { method, headers: { origin } });
    const preflight = await ask('https://sub.example.com', 'OPTIONS');
    expect(preflight.status).toBe(204);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': 'https://sub.example.com',
      'access-control-allow-methods': 'GET, PUT, POST, DELETE, PATCH, OPTIONS',
      'access-control-allow-credentials': 'true',
      'access-control-max-age': '600',
    });
    expect((await ask('http://a.org')).headers['access-control-allow-origin']).toBe('http://a.org');
    for (const origin of ['https://evil.org', 'https://example.com.evil.org', 'https://evil/.example.com', 'null'])
      expect((await ask(origin)).headers['access-control-allow-origin'], origin).toBeUndefined();
  });

  test('an affinity cookie keeps a client at its endpoint; the cookie of one that is gone is replaced', async () => {
    const ports = [await backend('a'), await backend('b'), await backend('c')];
    const annotations = { affinity: 'cookie', 'session-cookie-name': 'route', 'session-cookie-max-age': '172800' };
    const rule = { host: 'example.com', paths: ['Prefix /app web'], annotations };
    await served.show(objects({ web: ports }, rule));
    const first = await get('/app');
    const [setCookie = ''] = first.headers['set-cookie'] ?? [];
    expect(setCookie).toMatch(/^route=[0-9a-f]{32}; Path=\/app; Max-Age=172800; HttpOnly$/);
    const cookie = setCookie.split(';')[0] ?? '';
    for (let index = 0; index < 10; index++) {
      const again = await get('/app', { headers: { cookie } });
      expect(json(again).name).toBe(json(first).name);
      expect(again.headers['set-cookie']).toBeUndefined();
    }
    const gone = ports[['a', 'b', 'c'].indexOf(json(first).name)];
    await served.showBackends(objects({ web: ports.filter((port) => port !== gone) }, rule));
    const moved = await get('/app', { headers: { cookie } });
    expect(json(moved).name).not.toBe(json(first).name);
    expect(moved.headers['set-cookie']?.[0]).toMatch(/^route=/);
  });

  test('canaries by header, value, pattern, cookie and weight', async () => {
    const next = await backend('next');
    const show = (annotations: Record<string, string>) =>
      served.show(
        objects(
          { web: [web], next: [next] },
          { host: 'example.com', paths: ['Prefix / web'] },
          { name: 'canary', host: 'example.com', paths: ['Prefix / next'], annotations: { canary: 'true', ...annotations } },
        ),
      );
    const to = async (headers: Record<string, string> = {}) => json(await get('/', { headers })).name;
    await show({ 'canary-by-header': 'X-Canary' });
    expect([
      await to({ 'x-canary': 'always' }),
      await to({ 'x-canary': 'never' }),
      await to({ 'x-canary': 'x' }),
      await to(),
    ]).toEqual(['next', 'web', 'web', 'web']);
    await show({ 'canary-by-header': 'X-Canary', 'canary-by-header-value': 'me' });
    expect([await to({ 'x-canary': 'me' }), await to({ 'x-canary': 'always' })]).toEqual(['next', 'web']);
    await show({ 'canary-by-header': 'X-Canary', 'canary-by-header-pattern': '^v[0-9]{1,2}$' });
    expect([await to({ 'x-canary': 'v12' }), await to({ 'x-canary': 'v123' })]).toEqual(['next', 'web']);
    await show({ 'canary-by-cookie': 'beta' });
    expect([await to({ cookie: 'beta=always' }), await to({ cookie: 'beta=never' })]).toEqual(['next', 'web']);
    await show({ 'canary-weight': '30' });
    const names = await Promise.all(Array.from({ length: 200 }, () => to()));
    const share = names.filter((name) => name === 'next').length;
    // 60 expected; five standard deviations either way.
    expect(share).toBeGreaterThan(27);
    expect(share).toBeLessThan(93);
    await show({ 'canary-weight': '100' });
    expect(await to()).toBe('next');
  });

  test('an endpoint that refuses, or dies before it answers, is not what an idempotent request ends at', async () => {
    const dead = await backend('dead');
    const dying = await backend('dying', (incoming) => incoming.socket.destroy());
    servers.at(-2)?.close();
    await served.show(objects({ web: [dead, dying, web] }, { host: 'example.com', paths: ['Prefix / web'] }));
    const names = await Promise.all(Array.from({ length: 30 }, async () => json(await get('/')).name));
    expect(new Set(names)).toEqual(new Set(['web']));
    // What has reached a backend may have been done: it is not sent again.
    const posts = await Promise.all(
      Array.from({ length: 12 }, async () => (await get('/', { method: 'POST', body: 'x' })).status),
    );
    expect(new Set(posts)).toEqual(new Set([200, 502]));
  });

  test('bodies: streamed both ways, large uploads, a limit that is kept', async () => {
    const echo = await backend('echo', (incoming, answer) => {
      let bytes = 0;
      incoming.on('data', (part: Buffer) => {
        bytes += part.length;
      });
      incoming.on('end', () => answer.end(String(bytes)));
    });
    const annotations = { 'proxy-body-size': '64m' };
    await served.show(
      objects(
        { web: [echo] },
        { host: 'example.com', paths: ['Prefix / web'], annotations },
        { name: 'small', host: 'small.org', paths: ['Prefix / web'] },
      ),
    );
    expect((await get('/', { method: 'POST', body: Buffer.alloc(32 * 1024 * 1024) })).body).toBe(String(32 * 1024 * 1024));
    expect((await get('/', { host: 'small.org', method: 'POST', body: Buffer.alloc(1024 * 1024) })).status).toBe(200);
    const refused = await get('/', { host: 'small.org', method: 'POST', body: Buffer.alloc(1024 * 1024 + 1) }).catch(
      (error: NodeJS.ErrnoException) => error.code,
    );
    // A client that is still sending when it is refused may see the end of the connection first.
    expect(['ECONNRESET', 'EPIPE', 413]).toContain(typeof refused === 'object' ? refused.status : refused);
  });

  test('an answer comes in the parts in which it is written, and a client that goes away is gone for the backend too', async () => {
    let closed: (() => void) | undefined;
    const gone = new Promise<void>((resolve) => {
      closed = resolve;
    });
    const slow = await backend('slow', (_incoming, answer) => {
      answer.write('first');
      answer.on('close', () => closed?.());
    });
    await served.show(objects({ web: [slow] }, { host: 'example.com', paths: ['Prefix / web'] }));
    const outgoing = request({
      host: '127.0.0.1',
      port: served.httpPort,
      headers: { host: 'example.com' },
      agent: false,
    }).end();
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    const [part] = (await once(answer, 'data')) as [Buffer];
    expect(part.toString()).toBe('first');
    answer.on('error', () => {});
    outgoing.destroy();
    await gone;
  });

  test('a body is passed on as it comes where proxy-request-buffering is off', async () => {
    const seen = Promise.withResolvers<string>();
    const reader = await backend('reader', (incoming, answer) => {
      incoming.once('data', (part: Buffer) => seen.resolve(part.toString()));
      incoming.on('end', () => answer.end('done'));
    });
    const annotations = { 'proxy-request-buffering': 'off' };
    await served.show(objects({ web: [reader] }, { host: 'example.com', paths: ['Prefix / web'], annotations }));
    const outgoing = request({
      host: '127.0.0.1',
      port: served.httpPort,
      method: 'POST',
      headers: { host: 'example.com' },
      agent: false,
    });
    outgoing.write('first');
    expect(await seen.promise).toBe('first');
    outgoing.end('last');
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
    answer.resume();
    expect(answer.statusCode).toBe(200);
  });

  test('WebSockets', async () => {
    const port = await backend('sockets');
    const sockets = new WebSocketServer({ server: servers.at(-1) as Server });
    sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${data}`)));
    await served.show(objects({ web: [port] }, { host: 'example.com', paths: ['Prefix / web'] }));
    const client = new WebSocket(`ws://127.0.0.1:${served.httpPort}/chat`, { headers: { host: 'example.com' } });
    await once(client, 'open');
    client.send('hello');
    const [message] = await once(client, 'message');
    expect(String(message)).toBe('echo hello');
    client.terminate();
    sockets.close();
  });

  test('HTTP/2 from clients, and gRPC to backends with its trailers', async () => {
    const grpc = createHttp2Server();
    grpc.on('stream', (stream: ServerHttp2Stream, headers) => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(String(headers[':path']));
    });
    await new Promise<void>((resolve) => grpc.listen(0, '127.0.0.1', resolve));
    const port = (grpc.address() as AddressInfo).port;
    await served.show(
      objects({ web: [port] }, { host: 'example.com', paths: ['Prefix / web'], annotations: { 'backend-protocol': 'GRPC' } }),
    );
    const client = connectHttp2(`https://127.0.0.1:${served.httpsPort}`, {
      servername: 'example.com',
      rejectUnauthorized: false,
    });
    const stream = client.request({
      ':method': 'POST',
      ':path': '/pkg.Service/Call',
      ':authority': 'example.com',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const trailers = once(stream, 'trailers');
    let body = '';
    stream.setEncoding('utf8');
    stream.on('data', (part) => {
      body += part;
    });
    stream.end('x');
    const [received] = await trailers;
    expect(body).toBe('/pkg.Service/Call');
    expect(received['grpc-status']).toBe('0');
    client.destroy();
    grpc.close();
  });

  test('connections to backends are kept', async () => {
    let connections = 0;
    const port = await backend('kept');
    servers.at(-1)?.on('connection', () => {
      connections++;
    });
    await served.show(objects({ web: [port] }, { host: 'example.com', paths: ['Prefix / web'] }));
    for (let index = 0; index < 20; index++) expect((await get('/')).status).toBe(200);
    expect(connections).toBe(1);
  });

  test('limits: requests beyond them are refused, and counted by address', async () => {
    const annotations = { 'limit-rps': '1', 'limit-burst-multiplier': '2' };
    await served.show(objects({ web: [web] }, { host: 'example.com', paths: ['Prefix / web'], annotations }));
    const all = await Promise.all(Array.from({ length: 12 }, async () => (await get('/')).status));
    expect(all.filter((status) => status === 200).length).toBeGreaterThanOrEqual(3);
    expect(all.filter((status) => status === 503).length).toBeGreaterThanOrEqual(6);
  });

  test('a reload loses no request of new connections, and lets what is under way end', async () => {
    const slow = await backend('slow', (_incoming, answer) => {
      setTimeout(() => answer.end('slow'), 300);
    });
    const show = (extra: string) =>
      served.show(
        objects(
          { web: [web], slow: [slow] },
          { host: 'example.com', paths: ['Prefix / web', 'Exact /slow slow', `Exact /${extra} web`] },
        ),
      );
    await show('first');
    let stop = false;
    const statuses: number[] = [];
    const clients = Array.from({ length: 4 }, async () => {
      while (!stop) statuses.push((await get('/')).status);
    });
    for (let index = 0; index < 5; index++) {
      const pending = get('/slow');
      await show(`r${index}`);
      expect((await pending).body).toBe('slow');
    }
    stop = true;
    await Promise.all(clients);
    expect(new Set(statuses)).toEqual(new Set([200]));
    expect(statuses.length).toBeGreaterThan(20);
  });

  test('a reload loses no request of kept connections either', async () => {
    const show = (extra: string) =>
      served.show(objects({ web: [web] }, { host: 'example.com', paths: ['Prefix / web', `Exact /${extra} web`] }));
    await show('first');
    const agent = new Agent({ keepAlive: true });
    const kept = (): Promise<number> =>
      new Promise((resolve, reject) => {
        request({ host: '127.0.0.1', port: served.httpPort, headers: { host: 'example.com' }, agent }, (answer) => {
          answer.resume();
          answer.on('end', () => resolve(answer.statusCode ?? 0));
        })
          .on('error', reject)
          .end();
      });
    let stop = false;
    const outcomes: (number | string)[] = [];
    const clients = Array.from({ length: 6 }, async () => {
      while (!stop) outcomes.push(await kept().catch((error: Error) => error.message));
    });
    for (let index = 0; index < 8; index++) await show(`k${index}`);
    stop = true;
    await Promise.all(clients);
    agent.destroy();
    expect(outcomes.filter((outcome) => outcome !== 200)).toEqual([]);
    expect(outcomes.length).toBeGreaterThan(200);
  });

  test('a configuration that nginx would refuse is found before it is served', async () => {
    await served.show(objects({ web: [web] }, { host: 'example.com', paths: ['Prefix / web'] }));
    const bad = objects(
      { web: [web] },
      { host: 'example.com', paths: ['ImplementationSpecific /a(b web'], annotations: { 'use-regex': 'true' } },
    );
    expect(await served.check(bad)).toContain('missing closing parenthesis');
    expect(await served.check(objects({ web: [web] }, { host: 'example.com', paths: ['Prefix / web'] }))).toBeUndefined();
    expect((await get('/')).status).toBe(200);
  });

  test('nginx outlives its controller and is taken over; killed, it comes back without what its orphans knew', async () => {
    const { findMaster } = await import('./nginx/processes.ts');
    const rule = { host: 'example.com', paths: ['Prefix / web'] };
    await served.show(objects({ web: [web] }, rule));
    const before = findMaster(`${served.folder}/here`);
    served.plane.leave();
    const other = await Served.create({ folder: served.folder, httpPort: served.httpPort, httpsPort: served.httpsPort });
    const b = await backend('b');
    await other.show(objects({ web: [b] }, { ...rule, paths: ['Prefix / web', 'Exact /more web'] }));
    expect(findMaster(`${served.folder}/here`)).toBe(before);
    expect(json(await get('/more')).name).toBe('b');
    process.kill(before ?? 0, 'SIGKILL');
    await expect.poll(() => findMaster(`${served.folder}/here`) ?? before).not.toBe(before);
    await expect.poll(async () => (await get('/').catch(() => undefined))?.status).toBe(200);
    served = other;
  });

  test('counters of requests, by location, method and status', async () => {
    await served.show(objects({ web: [web] }, { host: 'counted.org', paths: ['Prefix / web'] }));
    for (let index = 0; index < 3; index++) await get('/', { host: 'counted.org' });
    await get('/', { host: 'counted.org', method: 'PURGE' });
    const { locationId } = await import('./paths.ts');
    const id = locationId('counted.org', { match: 'prefix', path: '/' });
    const text = (await served.plane.read('/metrics')).join('');
    expect(text).toContain(`requests\t\t${id}\tGET\t200\t\t3\n`);
    expect(text).toContain(`requests\t\t${id}\tOTHER\t200\t\t1\n`);
    expect(text).toMatch(new RegExp(`request_duration_seconds\t0\\.\\d+\t${id}\tGET\t200\t`));
    expect((await served.plane.read('/status')).join('')).toContain('Active connections:');
  });

  test('requests are logged as ingress-nginx logs them, whatever standard output is', async () => {
    const rule = { host: 'example.com', paths: ['Prefix / web'] };
    const withLog = { 'disable-access-log': 'false' };
    expect(await served.check(objects({ web: [web] }, rule), withLog)).toBeUndefined();
    await served.show(objects({ web: [web] }, rule), {}, withLog);
    expect((await get('/')).status).toBe(200);
  });

  test('a connection that says nothing, or nonsense, harms nobody', async () => {
    await served.show(objects({ web: [web] }, { host: 'example.com', paths: ['Prefix / web'] }));
    const sockets: Socket[] = [];
    for (const text of [
      '',
      'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
      '\x16\x03\x01',
      'GET /\0 HTTP/1.1\r\nHost: example.com\r\n\r\n',
    ]) {
      const socket = connect(served.httpPort, '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.write(text);
      sockets.push(socket);
    }
    expect((await get('/')).status).toBe(200);
    for (const socket of sockets) socket.destroy();
  });
});
