// What the ports answer to plain HTTP beyond the API: which names a request may use, the peer port, the port for metrics; and flags
// that say where and what. The same to etcd and to ours.
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { freePort } from '@drydock/etcd/testing/free-ports.ts';
import { expect, test } from 'vitest';
import { valueAt } from './cluster.ts';
import { storesOfTest } from './fixture.ts';
import { ourProgram, upstreamProgram } from './members.ts';

const minuteMs = 60_000;
const original = upstreamProgram('etcd');
const skip = original === undefined || !existsSync(original) ? 'DRYDOCK_UPSTREAM is not set' : undefined;
const stores = storesOfTest();

interface Asked {
  readonly method?: string;
  readonly path: string;
  readonly host?: string;
  readonly body?: string;
}

const headers = ['content-type', 'x-content-type-options', 'access-control-allow-origin', 'allow'];

async function ask(base: string, { method = 'GET', path, host, body = '' }: Asked): Promise<unknown> {
  const { hostname, port } = new URL(base);
  const options: RequestOptions = { hostname, port, path, method, headers: { 'content-length': body.length } };
  if (host !== undefined) options.headers = { ...options.headers, host };
  const call = httpRequest(options);
  call.end(body);
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  const kept = Object.fromEntries(headers.map((name) => [name, response.headers[name]]));
  const said = await text(response);
  return [response.statusCode, kept, path === '/metrics' && response.statusCode === 200 ? '' : withoutChance(said)];
}

/** What names the cluster, the moment or the release. */
function withoutChance(body: string): string {
  return body
    .replace(/"id":\d+/g, '"id":0')
    .replace(/127\.0\.0\.1:\d+/g, 'address')
    .replace(/"Now":"[^"]*"/, '"Now":""')
    .replace(/\d+\.\d+\.\d+/g, 'version')
    .replace(',"storage":"version"', '');
}

const clientPort: readonly Asked[] = [
  ...['good.example', 'good.example:99', 'bad.example', '127.0.0.1:1', '[::1]:2379', ''].map((host) => ({
    path: '/version',
    host,
  })),
  { path: '/health', host: 'bad.example' },
  { path: '/v3/kv/range', host: 'bad.example', method: 'POST', body: '{"key":"YQ=="}' },
  { path: '/v3/kv/range', host: 'bad.example', method: 'OPTIONS' },
];
const peerPort: readonly Asked[] = [
  ...['/members', '/version', '/downgrade/enabled', '/raft/probing', '/', '/health', '/metrics', '/members/hashkv'].map(
    (path) => ({ path }),
  ),
  ...['{"revision":0}', '{"revision":2}', '{}', '{"revision":99}', '{"revision":"2"}', '[', '[]', '1', 'null'].map((body) => ({
    path: '/members/hashkv',
    body,
  })),
  ...['/members', '/version', '/members/hashkv', '/nosuch'].map((path) => ({ path, method: 'POST' })),
  { path: '/members', host: 'bad.example' },
];
const metricsPort: readonly Asked[] = [
  ...['/metrics', '/health', '/livez', '/readyz', '/version', '/nosuch', '/v3/kv/range'].map((path) => ({ path })),
  { path: '/health', host: 'bad.example' },
  { path: '/v3/kv/range', method: 'POST', body: '{"key":"YQ=="}' },
];

async function answersOf(program: readonly string[]) {
  const metrics = `http://127.0.0.1:${await freePort()}`;
  const flags = ['--host-whitelist=127.0.0.1,good.example', `--listen-metrics-urls=${metrics}`, '--metrics=extensive'];
  const { store, client } = await stores.start({ size: 1, program, flags });
  await client.leader();
  for (const key of ['a', 'b']) expect(await client.put(key, 'v')).toBe(true);
  const answers: Record<string, unknown> = {};
  for (const [base, asked] of [
    [store.endpoint(0), clientPort],
    [store.peerUrl(0), peerPort],
    [metrics, metricsPort],
  ] as const) {
    for (const [i, one] of asked.entries()) {
      const name = `${base === metrics ? 'metrics' : base === store.peerUrl(0) ? 'peer' : 'client'} ${i} ${JSON.stringify(one)}`;
      answers[name] = await ask(base, one);
    }
  }
  const families = await (await fetch(`${metrics}/metrics`)).text();
  return { answers, families };
}

const handled = /^grpc_server_handling_seconds_\w+\{grpc_method="Put".*$/gm;
const shapes = (families: string) => (families.match(handled) ?? []).map((line) => line.replace(/ \S+$/, ''));

test.skipIf(skip !== undefined)(`HTTP on all ports as etcd's (${skip ?? original})`, { timeout: minuteMs }, async () => {
  const theirs = await answersOf([original ?? '']);
  const ours = await answersOf(ourProgram);
  expect(ours.answers).toEqual(theirs.answers);
  expect(shapes(ours.families)).toEqual(shapes(theirs.families));
  expect(shapes(ours.families)).toHaveLength(14);
  expect(ours.families).toMatch(/^grpc_server_handling_seconds_count\{grpc_method="Put".*\} 2$/m);
});

test('--wal-dir: the log is there, nothing of it among the other data, and it is read again', {
  timeout: minuteMs,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drydock-wal-'));
  stores.atEnd(() => rmSync(folder, { recursive: true }));
  const walDir = join(folder, 'new', 'wal');
  const { store, client } = await stores.start({ size: 1, flags: [`--wal-dir=${walDir}`] });
  await client.leader();
  for (let i = 0; i < 10; i++) expect(await client.put('key', `${i}`)).toBe(true);
  expect(readdirSync(walDir).some((name) => name.endsWith('.wal'))).toBe(true);
  expect(readdirSync(join(store.members[0]?.dataDir ?? '', 'member'))).not.toContain('wal');
  await store.stopMember(0, 'SIGKILL');
  store.startMember(0);
  await store.ready();
  await client.leader();
  expect(await valueAt(client, 0, 'key')).toBe('9');
});
