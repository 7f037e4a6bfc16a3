// What the configuration says of the servers, over TLS: who is let in without a name, what is switched off, and how they speak.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import type { SubjectAccessReview } from '@drydock/api/generated/types.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { tlsPolicy } from '@drydock/foundation/serving/tls-policy.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { type CertifiedKey, clientCertificate, servingCertificate } from '@drydock/pki/certificate.ts';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { KubeletConfig } from '../config.ts';
import type { ContainerEngine } from '../engine/engine.ts';
import { kubeletServers, type ServerPorts } from './servers.ts';

const clock = new SystemClock();
const folder = mkdtempSync(`${tmpdir()}/kubelet-options-`);
const host = '127.0.0.1';
let forged: CertifiedKey;

beforeAll(async () => {
  const random = new SeededRandom('kubelet-options').stream('serial');
  const now = clock.wallMs();
  const root = await Authority.create('cluster-ca', now, random);
  const authority = await Authority.load(root, random);
  const other = await Authority.load(await Authority.create('cluster-ca', now, random), random);
  forged = await other.issue(clientCertificate('kube-apiserver'), now);
  const serving = await authority.issue(servingCertificate('kubelet', [host]), now);
  const files = { 'ca.crt': root.certificatePem, 'kubelet.crt': serving.certificatePem, 'kubelet.key': serving.keyPem };
  for (const [name, text] of Object.entries(files)) writeFileSync(`${folder}/${name}`, text);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, host, resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** The servers that run, and who the API server was asked about. */
async function start(more: Partial<KubeletConfig>, bounds: ServerPorts['bounds'] = {}) {
  const asked: string[] = [];
  const client = {
    create: async (_: unknown, object: SubjectAccessReview) => {
      asked.push(`${object.spec.user} [${object.spec.groups}]`);
      return { ...object, status: { allowed: true } };
    },
  } as unknown as ApiClient;
  const port = await freePort();
  const config = {
    nodeName: 'w1',
    address: host,
    port,
    agentPort: await freePort(),
    clientCaFile: `${folder}/ca.crt`,
    certFile: `${folder}/kubelet.crt`,
    keyFile: `${folder}/kubelet.key`,
    webhook: true,
    ...more,
  } as KubeletConfig;
  const kubelet = { manager: { worker: () => undefined, all: () => [] }, health: () => undefined };
  const servers = await kubeletServers({
    config,
    client,
    engine: {} as ContainerEngine,
    clock,
    log: silentLog,
    kubelet,
    bounds,
  });
  for (const each of servers) await each.start();
  onTestFinished(async () => {
    for (const each of servers) await each.stop();
  });
  return { port, asked, names: servers.map(({ name }) => name) };
}

function get(port: number, path: string, more: object = {}): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host, port, path, rejectUnauthorized: false, agent: false, ...more }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, text: '' });
    });
    sent.on('error', reject);
    sent.end();
  });
}

test('who does not say who they are is turned away, or anonymous; what is wrong does not become nothing', async () => {
  const closed = await start({});
  expect((await get(closed.port, '/pods')).status).toBe(401);
  const open = await start({ anonymous: true, tokenWebhook: false });
  expect((await get(open.port, '/pods')).status).toBe(200);
  expect(open.asked).toEqual(['system:anonymous [system:unauthenticated]']);
  expect((await get(open.port, '/pods', { headers: { authorization: 'Bearer any' } })).status).toBe(401);
  expect((await get(open.port, '/pods', { cert: forged.certificatePem, key: forged.keyPem })).status).toBe(401);
  expect(open.asked).toHaveLength(1);
});

test('anonymous callers are strangers, of whom there are only so many at once', async () => {
  const { port } = await start({ anonymous: true }, { strangersMax: 2 });
  const agents = Array.from({ length: 5 }, () => new Agent({ keepAlive: true }));
  onTestFinished(() => {
    for (const agent of agents) agent.destroy();
  });
  const codes: unknown[] = [];
  for (const agent of agents)
    codes.push(
      await get(port, '/pods', { agent }).then(
        ({ status }) => status,
        () => 'turned away',
      ),
    );
  expect(codes.slice(0, 2)).toEqual([200, 200]);
  const open = () => agents.flatMap((agent) => Object.values(agent.freeSockets)).flat().length;
  await expect.poll(open).toBeLessThanOrEqual(2);
});

test('without debugging handlers there are no logs and no commands, and no agent', async () => {
  const { port, names } = await start({ anonymous: true, debuggingHandlers: false });
  expect(names).toEqual(['https']);
  const disabled = { status: 405, text: 'Debug endpoints are disabled.\n' };
  for (const path of ['/containerLogs/a/b/c', '/exec/a/b/c', '/attach/a/b/c', '/portForward/a/b', '/run/a/b/c', '/logs/'])
    expect(await get(port, path), path).toEqual(disabled);
  const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1' };
  expect((await get(port, '/exec/a/b/c', { method: 'POST', headers })).status).toBe(405);
  expect((await get(port, '/pods')).status).toBe(200);
});

test('no server at all', async () => {
  expect((await start({ serves: false })).names).toEqual([]);
});

test('both servers speak the versions of TLS that they are to', async () => {
  const tls = tlsPolicy({ minVersion: 'VersionTLS13', cipherSuites: [], curves: [] });
  const { port, names } = await start({ anonymous: true, tls });
  expect(names).toHaveLength(2);
  expect((await get(port, '/pods')).status).toBe(200);
  await expect(get(port, '/pods', { maxVersion: 'TLSv1.2' })).rejects.toThrow(/alert|protocol version/i);
});
