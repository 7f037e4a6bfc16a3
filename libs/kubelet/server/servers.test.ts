// Who gets what of a kubelet's two servers, over TLS with real certificates: the answers, and what the API server was asked.

import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import type { ClientRequest } from 'node:http';
import { request } from 'node:https';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import type { Pod, SubjectAccessReview, TokenReview } from '@drydock/api/generated/types.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { type CertifiedKey, clientCertificate, servingCertificate } from '@drydock/pki/certificate.ts';
import {
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { KubeletConfig } from '../config.ts';
import type { ContainerDetail, ContainerEngine } from '../engine/engine.ts';
import { nothingObserved } from '../pod/observation.ts';
import { NodeAccess } from './access.ts';
import { agentServer } from './agent-server.ts';
import { httpsServer } from './https-server.ts';
import type { ServerPorts } from './servers.ts';

const clock = new SystemClock();
const folder = mkdtempSync(join(tmpdir(), 'kubelet-servers-'));
const host = '127.0.0.1';
const pairs = new Map<string, CertifiedKey>();
let authorityPem = '';
let asked: string[] = [];
let streamPort = 0;
const stops: (() => unknown)[] = [];
let ports: { https: number; agent: number };

/** Who may do what, as RBAC would say it. */
const rules: Readonly<Record<string, readonly string[]>> = {
  'kube-apiserver': ['get proxy', 'create proxy', 'get stats'],
  metrics: ['get metrics', 'get stats'],
  reader: ['get proxy'],
  late: ['get proxy'],
  'system:serviceaccount:monitoring:scraper': ['get metrics', 'get pods'],
};
let silent = false;
/** The API server answers no sooner. */
let held: Promise<void> | undefined;

const client = {
  create: async (resource: { kind: string }, object: unknown) => {
    await held;
    if (silent) throw new Error('the API server is not there');
    if (resource.kind === 'TokenReview') {
      const { token } = (object as TokenReview).spec;
      asked.push(`token ${token}`);
      const user = { username: 'system:serviceaccount:monitoring:scraper', uid: 'u1', groups: ['system:serviceaccounts'] };
      return { ...(object as object), status: token === 'good' ? { authenticated: true, user } : { authenticated: false } };
    }
    const { user = '', groups, resourceAttributes: what } = (object as SubjectAccessReview).spec;
    asked.push(`${user} [${groups}] ${what?.verb} ${what?.resource}/${what?.subresource} ${what?.name}`);
    return { ...(object as object), status: { allowed: rules[user]?.includes(`${what?.verb} ${what?.subresource}`) ?? false } };
  },
} as unknown as ApiClient;

const pod: Pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'default', uid: 'p1' },
  spec: { containers: [{ name: 'c' }] },
};
const container = { id: 'c1', name: 'c', state: 'exited', logPath: join(folder, 'c.log') } as unknown as ContainerDetail;
const engine = {
  usage: async () => [],
  container: async () => container,
  streamUrl: async () => `http://${host}:${streamPort}/stream`,
  portForwardUrl: async (_sandbox: string, wanted: readonly number[]) => {
    asked.push(`ports ${wanted}`);
    return `http://${host}:${streamPort}/forward`;
  },
} as unknown as ContainerEngine;

beforeAll(async () => {
  const random = new SeededRandom('kubelet-servers').stream('serial');
  const now = clock.wallMs();
  const root = await Authority.create('cluster-ca', now, random);
  const authority = await Authority.load(root, random);
  const other = await Authority.load(await Authority.create('cluster-ca', now, random), random);
  authorityPem = root.certificatePem;
  for (const name of ['kube-apiserver', 'metrics', 'reader', 'late', 'system:node:w1'])
    pairs.set(name, await authority.issue(clientCertificate(name, 'some:group'), now));
  pairs.set('forged', await other.issue(clientCertificate('kube-apiserver', 'some:group'), now));
  const serving = await authority.issue(servingCertificate('kubelet', [host, 'localhost']), now);
  const files = { 'ca.crt': authorityPem, 'kubelet.crt': serving.certificatePem, 'kubelet.key': serving.keyPem };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  writeFileSync(container.logPath, '2026-01-01T00:00:00.000000000Z stdout F hello\n');
  const stream = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\nstreams'),
    );
  });
  await new Promise<void>((resolve) => stream.listen(0, host, resolve));
  streamPort = (stream.address() as { port: number }).port;
  stops.push(() => stream.close());
  ports = { https: await freePort(), agent: await freePort() };
  const config = {
    nodeName: 'w1',
    address: host,
    port: ports.https,
    agentPort: ports.agent,
    clientCaFile: join(folder, 'ca.crt'),
    certFile: join(folder, 'kubelet.crt'),
    keyFile: join(folder, 'kubelet.key'),
    webhook: true,
  } as KubeletConfig;
  const observed = {
    ...nothingObserved,
    containers: [container],
    sandboxes: [{ id: 's1' }],
  } as unknown as typeof nothingObserved;
  const manager = {
    worker: (namespace: string, name: string) => (`${namespace}/${name}` === 'default/web' ? { pod, observed } : undefined),
    all: () => [pod],
  };
  const server: ServerPorts = { config, client, engine, clock, log: silentLog, kubelet: { manager, health: () => undefined } };
  for (const make of [httpsServer, agentServer]) {
    const service = make(server, new NodeAccess({ client, clock, nodeName: 'w1', webhook: true }));
    await service.start();
    stops.push(() => service.stop());
  }
});

afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  asked = [];
  silent = false;
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Answer {
  readonly code: number | undefined;
  readonly text: string;
}

function tlsOf(who: string | undefined): object {
  const pair = pairs.get(who ?? '');
  return { ca: authorityPem, ...(pair === undefined ? {} : { cert: pair.certificatePem, key: pair.keyPem }) };
}

function ask(who: string | undefined, method: string, path: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent: ClientRequest = request({ host, port: ports.https, method, path, headers, agent: false, ...tlsOf(who) });
    sent.on('error', reject);
    sent.on('upgrade', (response, socket, head) => {
      const done = (bytes: Buffer) => {
        socket.destroy();
        resolve({ code: response.statusCode, text: String(bytes) });
      };
      if (head.length > 0) done(head);
      else socket.once('data', done);
    });
    sent.on('response', (response) => {
      let text = '';
      response.on('data', (bytes) => {
        text += bytes;
      });
      response.on('end', () => resolve({ code: response.statusCode, text }));
    });
    sent.end();
  });
}

const upgrade = { connection: 'Upgrade', upgrade: 'SPDY/3.1' };
const log = '/containerLogs/default/web/c';
const forbidden = (user: string, verb: string, subresources: string) =>
  `Forbidden (user=${user}, verb=${verb}, resource=nodes, subresource(s)=[${subresources}])\n`;

describe('HTTPS', () => {
  test.each([
    // Who, what, the code, the text, and what was asked of the API server.
    ['kube-apiserver', 'GET', log, 200, 'hello\n', ['get proxy']],
    ['reader', 'GET', log, 200, 'hello\n', ['get proxy']],
    ['system:node:w1', 'GET', log, 403, forbidden('system:node:w1', 'get', 'proxy'), ['get proxy']],
    ['metrics', 'GET', log, 403, forbidden('metrics', 'get', 'proxy'), ['get proxy']],
    ['metrics', 'GET', '/metrics', 200, undefined, ['get metrics']],
    ['kube-apiserver', 'GET', '/metrics', 403, forbidden('kube-apiserver', 'get', 'metrics'), ['get metrics']],
    ['metrics', 'GET', '/stats/summary', 200, undefined, ['get stats']],
    ['reader', 'GET', '/stats/summary', 403, forbidden('reader', 'get', 'stats'), ['get stats']],
    ['reader', 'GET', '/pods', 200, undefined, ['get pods', 'get proxy']],
    ['metrics', 'GET', '/pods', 403, forbidden('metrics', 'get', 'pods proxy'), ['get pods', 'get proxy']],
    ['reader', 'GET', '/healthz', 200, 'ok', ['get healthz', 'get proxy']],
    ['reader', 'POST', '/pods', 403, forbidden('reader', 'create', 'pods proxy'), ['create pods', 'create proxy']],
    ['kube-apiserver', 'POST', '/pods', 405, undefined, ['create pods', 'create proxy']],
    ['kube-apiserver', 'TRACE', '/pods', 403, forbidden('kube-apiserver', '', 'pods proxy'), []],
    ['kube-apiserver', 'GET', '/nothing', 404, '404 page not found\n', ['get proxy']],
    ['kube-apiserver', 'GET', '/statsx', 404, '404 page not found\n', ['get proxy']],
    ['kube-apiserver', 'GET', '/exec/default/web/c', 400, 'Upgrade request required\n', ['get proxy']],
    // Paths that two readers may read in two ways are nobody's.
    ['metrics', 'GET', '/metrics/../pods', 403, forbidden('metrics', 'get', 'proxy'), ['get proxy']],
    ['kube-apiserver', 'GET', '/stats/..%2fpods', 404, '404 page not found\n', ['get proxy']],
    ['kube-apiserver', 'GET', '//evil/metrics', 404, '404 page not found\n', ['get proxy']],
    ['kube-apiserver', 'GET', '/containerLogs/default//web/c', 404, '404 page not found\n', ['get proxy']],
    ['metrics', 'GET', '/%6detrics', 200, undefined, ['get metrics']],
    [undefined, 'GET', '/healthz', 401, 'Unauthorized', []],
    ['forged', 'GET', log, 401, 'Unauthorized', []],
  ] as const)('%s %s %s: %i', async (who, method, path, code, text, reviews) => {
    const answer = await ask(who, method, path);
    expect(answer).toEqual({ code, text: text ?? answer.text });
    // What is remembered from another case need not be asked again.
    const wanted = reviews.map((what) => `${who} [some:group,system:authenticated] ${what.replace(' ', ' nodes/')} w1`);
    expect(wanted).toEqual(expect.arrayContaining(asked));
  });

  test.each([
    ['kube-apiserver', '/exec/default/web/c?command=id&output=1', 101, 'streams'],
    ['kube-apiserver', '/attach/default/web/c?output=1', 101, 'streams'],
    ['kube-apiserver', '/portForward/default/web?port=80', 101, 'streams'],
    ['kube-apiserver', '/exec/default/other/c?command=id', 404, 'pod does not exist'],
    ['reader', '/exec/default/web/c?command=id', 403, forbidden('reader', 'create', 'proxy')],
    ['system:node:w1', '/exec/default/web/c?command=id', 403, forbidden('system:node:w1', 'create', 'proxy')],
    ['metrics', '/metrics/exec/default/web/c', 403, forbidden('metrics', 'create', 'metrics')],
    ['kube-apiserver', '/stats/../exec/default/web/c', 404, '404 page not found\n'],
    [undefined, '/exec/default/web/c?command=id', 401, 'Unauthorized'],
    ['forged', '/exec/default/web/c?command=id', 401, 'Unauthorized'],
  ] as const)('upgrade: %s %s: %i', async (who, path, code, text) => {
    for (const method of ['GET', 'POST']) expect(await ask(who, method, path, upgrade)).toEqual({ code, text });
  });

  test('the ports that a WebSocket forwards are those of its query, of every spelling', async () => {
    for (const query of ['port=80&port=81', 'port=80%2C81', 'port=80,81,x,-1,70000']) {
      asked = [];
      expect(await ask('kube-apiserver', 'GET', `/portForward/default/web?${query}`, upgrade)).toMatchObject({ code: 101 });
      expect(asked).toContain('ports 80,81');
    }
  });

  test('a bearer token stands for its owner, and is not passed on', async () => {
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    expect(await ask(undefined, 'GET', '/metrics', bearer('good'))).toMatchObject({ code: 200 });
    expect(asked).toEqual([
      'token good',
      'system:serviceaccount:monitoring:scraper [system:serviceaccounts,system:authenticated] get nodes/metrics w1',
    ]);
    expect(await ask(undefined, 'GET', '/pods', bearer('good'))).toMatchObject({ code: 200 });
    expect(await ask(undefined, 'GET', log, bearer('good'))).toMatchObject({ code: 403 });
    expect(await ask(undefined, 'GET', '/metrics', bearer('bad'))).toEqual({ code: 401, text: 'Unauthorized' });
    expect(await ask('forged', 'GET', '/metrics', bearer('good'))).toMatchObject({ code: 200 });
    expect(asked.filter((each) => each === 'token good')).toHaveLength(1);
  });

  test('what cannot be found out is refused', async () => {
    silent = true;
    const path = '/configz';
    expect(await ask('kube-apiserver', 'GET', path)).toMatchObject({ code: 500 });
    expect(await ask('kube-apiserver', 'POST', '/exec/default/web/c', upgrade)).toMatchObject({ code: 101 });
    expect(await ask('reader', 'DELETE', '/exec/default/web/c', upgrade)).toMatchObject({ code: 403 });
  });

  test.skipIf(!existsSync('/proc/self/fd'))('who goes before it is known who they are leaves no log open', async () => {
    const opened = Promise.withResolvers<void>();
    held = opened.promise;
    const sent = request({ host, port: ports.https, path: `${log}?follow=true`, agent: false, ...tlsOf('late') });
    sent.on('error', () => {});
    sent.end();
    await new Promise((resolve) => sent.once('socket', (socket) => socket.once('secureConnect', resolve)));
    // Its request has come, for a later one has been answered.
    expect(await ask(undefined, 'GET', '/healthz')).toMatchObject({ code: 401 });
    sent.destroy();
    expect(await ask(undefined, 'GET', '/healthz')).toMatchObject({ code: 401 });
    opened.resolve();
    held = undefined;
    await expect.poll(() => asked.join()).toContain('late');
    expect(await ask('late', 'GET', log)).toMatchObject({ code: 200 });
    const isOpen = () =>
      readdirSync('/proc/self/fd').filter((fd) => {
        const link = `/proc/self/fd/${fd}`;
        return existsSync(link) && readlinkSync(link) === container.logPath;
      });
    expect(isOpen()).toEqual([]);
  });

  test('a caller may go at every moment of an upgrade', { timeout: 60_000 }, async () => {
    const head = 'POST /exec/default/web/c?command=id HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n';
    for (let length = 0; length <= head.length + 4; length += 5) {
      const tcp = connect(ports.https, host);
      const socket = connectTls({ socket: tcp, ...tlsOf('kube-apiserver'), servername: '' });
      socket.on('error', () => {});
      await new Promise((resolve) => socket.once('secureConnect', resolve));
      socket.write(head.slice(0, length) + 'x'.repeat(Math.max(0, length - head.length)));
      if (length % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
      tcp.resetAndDestroy();
    }
    expect(await ask('kube-apiserver', 'POST', '/exec/default/web/c?command=id', upgrade)).toMatchObject({ code: 101 });
  });
});

describe('NodeAgent', () => {
  const path = fileURLToPath(new URL('../../../proto/drydock/kubelet/v1/node_agent.proto', import.meta.url));
  const loaded = loadPackageDefinition(loadSync(path, { keepCase: true, defaults: true, oneofs: true })) as unknown as {
    drydock: { kubelet: { v1: GrpcObject } };
  };
  const Agent = loaded.drydock.kubelet.v1.NodeAgent as ServiceClientConstructor;
  function agentOf(who: string | undefined) {
    const pair = pairs.get(who ?? '');
    const keys = pair === undefined ? [] : [Buffer.from(pair.keyPem), Buffer.from(pair.certificatePem)];
    return new Agent(`${host}:${ports.agent}`, credentials.createSsl(Buffer.from(authorityPem), ...keys), {
      'grpc.ssl_target_name_override': 'localhost',
    }) as unknown as Record<
      string,
      (...args: unknown[]) => {
        on(event: string, then: (value: unknown) => void): unknown;
      }
    > & { close(): void };
  }

  /** `ok`, or the code with which the method ends. */
  function outcome(who: string | undefined, method: string): Promise<number | 'ok'> {
    const agent = agentOf(who);
    return new Promise<number | 'ok'>((resolve) => {
      const failed = (error: unknown) => resolve((error as ServiceError).code);
      if (method === 'Stats') {
        agent.Stats?.({}, (error: ServiceError | null) => (error === null ? resolve('ok') : failed(error)));
        return;
      }
      const call = agent.Logs?.({ namespace: 'default', pod: 'web', container: 'c', tail_lines: -1 });
      call?.on('data', () => resolve('ok'));
      call?.on('error', failed);
      call?.on('end', () => resolve('ok'));
    }).finally(() => agent.close());
  }

  test.each([
    ['kube-apiserver', { Logs: 'ok', Stats: 'ok' }],
    ['reader', { Logs: 'ok', Stats: 7 }],
    ['metrics', { Logs: 7, Stats: 'ok' }],
    ['system:node:w1', { Logs: 7, Stats: 7 }],
    ['forged', { Logs: 14, Stats: 14 }],
    [undefined, { Logs: 14, Stats: 14 }],
  ] as const)('%s', async (who, methods) => {
    for (const [method, wanted] of Object.entries(methods)) {
      expect([method, await outcome(who, method)]).toEqual([method, wanted]);
    }
  });
});
