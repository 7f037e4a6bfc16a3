// Whom the HTTPS port of a component lets in, asked over TLS. What is expected is what kube-scheduler 1.36.2 answered to the same.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import type { SubjectAccessReview, TokenReview } from '@drydock/api/generated/types.ts';
import { configMaps, type KubeObject, type Resource } from '@drydock/api/resource.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { type CertifiedKey, clientCertificate, servingCertificate } from '@drydock/pki/certificate.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { WriteOptions } from '../api-client.ts';
import { servingService } from '../serving.ts';
import { statusPages } from '../status-pages.ts';
import { MemoryApi } from '../testing/memory-api.ts';
import { AccessReviews } from './access-reviews.ts';
import { type AuthenticationFlags, ClusterAuthentication } from './cluster-authentication.ts';
import { AccessGuard } from './guard.ts';
import { pathRules } from './path-rules.ts';
import { TokenReviews } from './token-reviews.ts';

const clock = new SystemClock();
const random = new SeededRandom('access');
const folder = mkdtempSync(join(tmpdir(), 'access-'));
const pairs = new Map<string, CertifiedKey>();
const authorities: Record<string, string> = {};
const stops: (() => Promise<void> | void)[] = [];
/** What was asked of the API server. */
let asked: string[] = [];

/** An API server that knows two tokens, and lets `scrape` and the proxy's user `joe` read figures. */
class Reviewing extends MemoryApi {
  isAway = false;
  /** Answers come when this resolves. */
  held: Promise<void> | undefined;

  override async create<T extends KubeObject, R extends KubeObject = T>(
    resource: Resource<T>,
    object: R,
    options?: WriteOptions,
  ): Promise<R> {
    if (this.isAway) throw new Error('connection refused');
    const answer = this.#answer<T, R>(resource, object);
    await this.held;
    return answer ?? super.create<T, R>(resource, object, options);
  }

  #answer<T extends KubeObject, R extends KubeObject>(resource: Resource<T>, object: R): R | undefined {
    if (resource.kind === 'TokenReview') {
      const { token = '' } = (object as unknown as TokenReview).spec;
      asked.push(`token ${token}`);
      const user = { username: token, groups: ['system:authenticated'], extra: { pod: ['p1'] } };
      return { ...object, status: { authenticated: token === 'scrape' || token === 'none', user } };
    }
    if (resource.kind === 'SubjectAccessReview') {
      const { user = '', groups = [], extra, ...about } = (object as unknown as SubjectAccessReview).spec;
      const { nonResourceAttributes: what, resourceAttributes: part } = about;
      const thing = part === undefined ? `${what?.verb} ${what?.path}` : `${part.verb} ${part.namespace}/${part.resource}`;
      asked.push(`${user} [${groups}] ${Object.keys(extra ?? {})} ${thing}`);
      const isReader = user === 'scrape' || groups.includes('readers');
      return { ...object, status: { allowed: isReader && ['get /metrics', 'list default/pods'].includes(thing) } };
    }
    return undefined;
  }
}

beforeAll(async () => {
  const nowMs = clock.wallMs();
  const serial = random.stream('serial');
  const make = async (name: string) => {
    const root = await Authority.create(name, nowMs, serial);
    authorities[name] = root.certificatePem;
    writeFileSync(join(folder, `${name}.crt`), root.certificatePem);
    return Authority.load(root, serial);
  };
  const users = await make('users');
  const proxies = await make('proxies');
  const others = await make('others');
  const issue = async (name: string, by: Authority, ...subject: [string, ...string[]]) =>
    pairs.set(name, await by.issue(clientCertificate(...subject), nowMs));
  await issue('admin', users, 'admin', 'system:masters');
  await issue('user', users, 'kube-proxy');
  await issue('proxy', proxies, 'front-proxy');
  await issue('other-proxy', proxies, 'somebody');
  await issue('forged', others, 'admin', 'system:masters');
  pairs.set('server', await users.issue(servingCertificate('admin', ['127.0.0.1']), nowMs));
});

afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  asked = [];
});

const requestHeader = {
  usernameHeaders: ['X-Remote-User'],
  uidHeaders: [],
  groupHeaders: ['X-Remote-Group'],
  extraPrefixes: ['X-Remote-Extra-'],
  allowedNames: ['front-proxy'],
};
const noFlags: AuthenticationFlags = { clientCaFile: '', proxyCaFile: '', requestHeader };
const fileFlags = () => ({
  ...noFlags,
  clientCaFile: join(folder, 'users.crt'),
  proxyCaFile: join(folder, 'proxies.crt'),
});

interface Setup {
  readonly flags?: AuthenticationFlags;
  readonly tokens?: boolean;
  readonly reviews?: boolean;
  readonly everybody?: readonly string[];
}

const figures = statusPages(
  () => undefined,
  () => 'figures',
);
const podMetrics = { verb: 'list', group: 'metrics.k8s.io', version: 'v1beta1', resource: 'pods', namespace: 'default' };

/** A component's port; `ask` gives status and text. */
async function component({ flags = noFlags, tokens = true, reviews = true, everybody }: Setup) {
  const api = new Reviewing({ clock, random });
  const authentication = new ClusterAuthentication(flags, silentLog);
  const guard = new AccessGuard({
    authentication,
    tokens: tokens ? new TokenReviews(api, clock, 10_000) : undefined,
    reviews: reviews ? new AccessReviews(api, clock, { allowedMs: 10_000, deniedMs: 10_000 }) : undefined,
    everybody: pathRules(everybody ?? ['/healthz', '/readyz', '/livez']),
    log: silentLog,
  });
  const port = await freePort();
  const service = servingService({
    component: 'test',
    address: '127.0.0.1',
    port,
    certFile: '',
    keyFile: '',
    guard,
    clock,
    random: random.stream('serving'),
    pages: {
      attributesOf: ({ path }) => (path.startsWith('/apis/') ? podMetrics : undefined),
      answer: (question) => (question.path.startsWith('/apis/') ? { code: 200, body: 'pods' } : figures.answer(question)),
    },
  });
  await service.start();
  stops.push(() => service.stop());
  const ask = (path: string, who = '-', headers: Record<string, string> = {}, method = 'GET') =>
    new Promise<string>((resolve, reject) => {
      const pair = pairs.get(who);
      const sent = request(
        {
          ...{ host: '127.0.0.1', port, path, method, headers, agent: false, rejectUnauthorized: false },
          ...(pair === undefined ? {} : { cert: pair.certificatePem, key: pair.keyPem }),
        },
        (response) => {
          text(response).then((body) => resolve(`${response.statusCode} ${messageOf(body)}`), reject);
        },
      );
      sent.on('error', reject);
      sent.end();
    });
  return { api, authentication, ask, port };
}

function messageOf(body: string): string {
  return body.startsWith('{') ? (JSON.parse(body) as { message: string }).message : body;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const cannot = (user: string, path = '/metrics', verb = 'get') => `403 forbidden: User "${user}" cannot ${verb} path "${path}"`;

describe('with all it may ask', () => {
  let ask: Awaited<ReturnType<typeof component>>['ask'];
  beforeAll(async () => {
    ({ ask } = await component({ flags: fileFlags() }));
  });

  test.each<[string, string, string, Record<string, string>]>([
    ['/metrics', '-', cannot('system:anonymous'), {}],
    ['/metrics', 'admin', '200 figures', {}],
    ['/metrics', 'user', cannot('kube-proxy'), {}],
    ['/metrics', 'forged', '401 Unauthorized', {}],
    // A certificate to serve with is nobody's.
    ['/metrics', 'server', '401 Unauthorized', {}],
    ['/healthz', 'forged', '401 Unauthorized', {}],
    ['/metrics', 'forged', '200 figures', bearer('scrape')],
    ['/metrics', 'admin', '200 figures', bearer('bad')],
    ['/metrics', '-', '200 figures', bearer('scrape')],
    ['/metrics', '-', cannot('none'), bearer('none')],
    ['/metrics', '-', '401 Unauthorized', bearer('bad')],
    ['/healthz', '-', '401 Unauthorized', bearer('bad')],
    ['/metrics', '-', cannot('system:anonymous'), { authorization: 'Basic eDp5' }],
    ['/metrics', '-', cannot('system:anonymous'), { authorization: 'Bearer' }],
    ['/healthz', '-', '200 ok', {}],
    ['/livez', 'user', '200 ok', {}],
    ['/readyz?verbose', '-', '200 ok', {}],
    ['/healthz/ping', '-', cannot('system:anonymous', '/healthz/ping'), {}],
    ['/healthz/ping', 'admin', '200 ok', {}],
    ['/healthz/', '-', cannot('system:anonymous', '/healthz/'), {}],
    ['/nope', '-', cannot('system:anonymous', '/nope'), {}],
    ['/nope', 'admin', '404 404 page not found\n', {}],
    // What is asked about is what is served, in whatever way it was written.
    ['//metrics', '-', cannot('system:anonymous', '//metrics'), {}],
    ['/healthz/../metrics', '-', cannot('system:anonymous', '/healthz/../metrics'), {}],
    ['/%6detrics', '-', cannot('system:anonymous'), {}],
    ['/%6detrics', 'admin', '200 figures', {}],
    ['/api/v1/pods', 'user', cannot('kube-proxy', '/api/v1/pods'), {}],
    ['/%zz', 'admin', '400 400 Bad Request', {}],
    // Proxies speak for others, if theirs is the name that may.
    ['/metrics', 'proxy', cannot('joe'), { 'x-remote-user': 'joe' }],
    ['/metrics', 'proxy', '200 figures', { 'x-remote-user': 'joe', 'x-remote-group': 'readers' }],
    ['/metrics', 'proxy', '200 figures', { 'x-remote-user': 'joe', 'x-remote-group': 'system:masters' }],
    ['/metrics', 'proxy', '401 Unauthorized', {}],
    ['/metrics', 'other-proxy', '401 Unauthorized', { 'x-remote-user': 'joe', 'x-remote-group': 'system:masters' }],
    ['/metrics', 'user', cannot('kube-proxy'), { 'x-remote-user': 'joe', 'x-remote-group': 'system:masters' }],
    ['/metrics', '-', cannot('system:anonymous'), { 'x-remote-user': 'joe', 'x-remote-group': 'system:masters' }],
  ])('%s by %s: %s', async (path, who, expected, headers) => {
    expect(await ask(path, who, headers)).toBe(expected);
  });

  test('the verb is the method; what the API server is told is whole, and what it says is good for a while', async () => {
    expect(await ask('/metrics', '-', {}, 'POST')).toBe(cannot('system:anonymous', '/metrics', 'post'));
    expect(await ask('/more', '-', bearer('scrape'))).toBe(cannot('scrape', '/more'));
    await ask('/more', '-', bearer('scrape'));
    await ask('/more', 'user');
    expect(asked).toEqual([
      'system:anonymous [system:unauthenticated]  post /metrics',
      // Whose the token is was asked before.
      'scrape [system:authenticated] pod get /more',
      'kube-proxy [system:authenticated] authentication.kubernetes.io/credential-id get /more',
    ]);
  });
});

test('without files and kubeconfigs, certificates and tokens say nothing', async () => {
  const { ask } = await component({ tokens: false, reviews: false });
  for (const who of ['-', 'admin', 'forged']) expect(await ask('/metrics', who), who).toBe(cannot('system:anonymous'));
  expect(await ask('/metrics', '-', bearer('scrape'))).toBe(cannot('system:anonymous'));
  expect(await ask('/healthz', 'forged')).toBe('200 ok');
});

test('without --authorization-kubeconfig, system:masters may everything and others what everybody may', async () => {
  const { ask } = await component({ flags: fileFlags(), reviews: false });
  expect(await ask('/metrics', 'admin')).toBe('200 figures');
  expect(await ask('/metrics', 'user')).toBe(cannot('kube-proxy'));
  expect(await ask('/metrics', '-', bearer('scrape'))).toBe(cannot('scrape'));
});

test('what everybody may ask for is what the flag says', async () => {
  const { ask } = await component({ everybody: ['metrics', '/debug/*'] });
  expect(await ask('/metrics')).toBe('200 figures');
  expect(await ask('/debug/x')).toBe('404 404 page not found\n');
  expect(await ask('/debug')).toBe(cannot('system:anonymous', '/debug'));
  expect(await ask('/healthz')).toBe(cannot('system:anonymous', '/healthz'));
  expect(() => pathRules(['/a*b'])).toThrow('only trailing * allowed in "a*b"');
});

test('of what is a resource of an API the API server is asked as such, whatever paths everybody may ask for', async () => {
  const { ask } = await component({ flags: fileFlags(), everybody: ['/*'] });
  const pods = '/apis/metrics.k8s.io/v1beta1/namespaces/default/pods';
  const denied = (user: string) =>
    `403 pods.metrics.k8s.io is forbidden: User "${user}" cannot list resource "pods" in API group "metrics.k8s.io" in the namespace "default"`;
  expect(await ask(pods)).toBe(denied('system:anonymous'));
  expect(await ask(pods, 'user')).toBe(denied('kube-proxy'));
  expect(await ask(pods, 'proxy', { 'x-remote-user': 'joe' })).toBe(denied('joe'));
  expect(await ask(pods, 'proxy', { 'x-remote-user': 'joe', 'x-remote-group': 'readers' })).toBe('200 pods');
  expect(await ask(pods, '-', bearer('scrape'))).toBe('200 pods');
  expect(await ask(pods, 'admin')).toBe('200 pods');
  expect(asked).toContain('joe [system:authenticated]  list default/pods');
});

test('an API server that is away allows nothing, and is asked again', async () => {
  const { api, ask } = await component({ flags: fileFlags() });
  api.isAway = true;
  expect(await ask('/metrics', 'user')).toBe('500 Internal Server Error: "/metrics": connection refused\n');
  expect(await ask('/metrics', '-', bearer('scrape'))).toBe('401 Unauthorized');
  expect(await ask('/healthz', '-')).toBe('200 ok');
  api.isAway = false;
  expect(await ask('/metrics', 'user')).toBe(cannot('kube-proxy'));
  expect(await ask('/metrics', '-', bearer('scrape'))).toBe('200 figures');
});

test('what the flags leave open is followed in the cluster', async () => {
  const { api, authentication, ask } = await component({});
  const published = (data: Record<string, string>) => ({
    metadata: { namespace: 'kube-system', name: 'extension-apiserver-authentication' },
    data,
  });
  const names = {
    'requestheader-username-headers': '["X-User"]',
    'requestheader-group-headers': '["X-Group"]',
    'requestheader-allowed-names': '["front-proxy"]',
  };
  const stopped = new AbortController();
  stops.push(() => stopped.abort());
  authentication.follow({ client: api, clock, random, log: silentLog }, stopped.signal);
  expect(await ask('/metrics', 'admin')).toBe(cannot('system:anonymous'));
  const changed = () => new Promise<void>((resolve) => authentication.onChange(resolve));

  let seen = changed();
  await api.create(configMaps, published({ 'client-ca-file': authorities.users ?? '' }));
  await seen;
  expect(await ask('/metrics', 'admin')).toBe('200 figures');
  expect(await ask('/metrics', 'forged')).toBe('401 Unauthorized');

  seen = changed();
  const both = {
    'client-ca-file': authorities.others ?? '',
    'requestheader-client-ca-file': authorities.proxies ?? '',
    ...names,
  };
  await api.update(configMaps, published(both));
  await seen;
  expect(await ask('/metrics', 'forged')).toBe('200 figures');
  expect(await ask('/metrics', 'admin')).toBe('401 Unauthorized');
  expect(await ask('/metrics', 'proxy', { 'x-user': 'joe', 'x-group': 'readers' })).toBe('200 figures');
  expect(await ask('/metrics', 'other-proxy', { 'x-user': 'joe', 'x-group': 'readers' })).toBe('401 Unauthorized');

  // Names that cannot be read do not let every certificate of the authority speak for others.
  seen = changed();
  await api.update(configMaps, published({ ...both, 'requestheader-allowed-names': '"front-proxy"' }));
  await seen;
  expect(await ask('/metrics', 'other-proxy', { 'x-user': 'joe', 'x-group': 'readers' })).toBe('401 Unauthorized');
});

test('a lookup that must not fail ends the start, and so does a file without certificates', async () => {
  const { api, authentication } = await component({});
  await expect(authentication.require({ client: api })).rejects.toThrow(
    'unable to load configmap kube-system/extension-apiserver-authentication: configmaps "extension-apiserver-authentication" not found',
  );
  writeFileSync(join(folder, 'empty.crt'), '');
  const file = join(folder, 'empty.crt');
  expect(() => new ClusterAuthentication({ ...noFlags, clientCaFile: file }, silentLog)).toThrow(`--client-ca-file: ${file}`);
});

test('of the requests that a stranger sends ahead one at a time is asked about, and too many end the connection', async () => {
  const { api, ask, port } = await component({ flags: fileFlags() });
  const { promise, resolve } = Promise.withResolvers<void>();
  api.held = promise;
  const send = (count: number) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    const line = (at: number) => `GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t${at}\r\n\r\n`;
    socket.on('error', () => {});
    socket.write(Array.from({ length: count }, (_, at) => line(at)).join(''));
    return { socket, closed: new Promise<void>((done) => socket.once('close', () => done())) };
  };
  await send(500).closed;
  expect(asked.length).toBeLessThan(2);
  asked = [];
  const few = send(3);
  let said = '';
  few.socket.on('data', (data) => {
    said += data;
  });
  await vi.waitFor(() => expect(asked).toEqual(['token t0']), 10_000);
  resolve();
  await vi.waitFor(() => expect(said.match(/HTTP\/1.1 401/g)).toHaveLength(3), 10_000);
  few.socket.destroy();
  expect(await ask('/metrics', '-', bearer('scrape'))).toBe('200 figures');
});
