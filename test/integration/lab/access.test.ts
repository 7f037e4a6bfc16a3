// Every certificate of a lab at every port of it: who may connect where.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { get as getTls } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { balancerServer } from '@drydock/lab/programs/servers.ts';
import type { Purpose } from '@drydock/lab/topology.ts';
import { type CertifiedKey, clientCertificate } from '@drydock/pki/certificate.ts';
import { ensureFolder } from '@drydock/pki/folder.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { accessTable, serverAuthorities } from './access-table.ts';
import { ask, askBy } from './doors.ts';
import { labPatienceMs, pairsOf, type SmallLab, startSmallLab } from './small-lab.ts';
import { doorOf, type LabPort, portsOf, purposes, visit } from './visit.ts';

interface Open {
  readonly tells: readonly string[];
  readonly denies: readonly string[];
  /** The status where it is not told; 404 where nothing is said. */
  readonly status?: number;
}

/** What is told to everybody at ports for probes and collectors, and that it is no more. */
const open: Readonly<Partial<Record<Purpose, Open>>> = {
  'etcd-metrics': { tells: ['/health', '/metrics'], denies: ['/v3/kv/range', '/members'] },
  'kubelet-healthz': { tells: ['/healthz'], denies: ['/pods', '/metrics', '/logs/'] },
  scheduler: { tells: ['/healthz', '/livez', '/readyz'], denies: ['/metrics', '/configz', '/', '/nope'], status: 403 },
  'controller-manager': {
    tells: ['/healthz', '/livez', '/readyz'],
    denies: ['/metrics', '/configz', '/', '/nope'],
    status: 403,
  },
  'dns-metrics': { tells: ['/ready', '/metrics'], denies: ['/'] },
};

describe('who may connect where', () => {
  let small: SmallLab;
  let pairs: Map<string, CertifiedKey | undefined>;
  /** Every port of the lab, with its purpose. */
  let ports: LabPort[];

  beforeAll(async () => {
    small = await startSmallLab('access');
    pairs = await pairsOf(small.lab);
    ports = portsOf(small.lab);
  }, labPatienceMs);
  afterAll(() => small?.down(), labPatienceMs);

  test('the table has every certificate, and every port of the lab has its place in this file', () => {
    expect([...pairs.keys()].sort()).toEqual(Object.keys(accessTable).sort());
    expect(ports.map(({ purpose, kind }) => `${kind} ${purpose}`).sort()).toEqual(
      Object.entries(purposes)
        .flatMap(([kind, each]) => each.map((purpose) => `${kind} ${purpose}`))
        .sort(),
    );
  });

  test('each certificate comes in where the table says, and nowhere else', { timeout: labPatienceMs }, async () => {
    const { asked, wrong } = await visit(ports, pairs);
    expect(wrong).toEqual([]);
    expect([...asked.values()]).toEqual(Array.from({ length: 10 }, () => pairs.size));
  });

  test('the front proxy speaks for others, and nobody else does', async () => {
    const headers = { 'x-remote-user': 'alice', 'x-remote-group': 'system:masters' };
    for (const { address } of ports.filter(({ purpose }) => purpose === 'apiserver-https'))
      for (const [name, pair] of pairs) {
        const own = accessTable[name]?.api;
        expect(await askBy.HTTP.api({ address, pair, headers }), name).toBe(name === 'front-proxy-client' ? 'alice' : own);
      }
  });

  test('each server proves itself by the authority of its purpose alone', async () => {
    const authorities = ['ca', 'etcd/ca', 'etcd/peer-ca', 'front-proxy-ca'];
    for (const port of ports) {
      const wanted = doorOf(port);
      if (wanted === undefined) continue;
      const vouching: string[] = [];
      for (const name of authorities) if (await isProven(port.address, pairs.get(name))) vouching.push(name);
      expect(vouching, port.purpose).toEqual([serverAuthorities[wanted.door]].filter((name) => name !== undefined));
    }
  });

  test('what is open to everybody tells health and figures, and no more', async () => {
    for (const { address, purpose } of ports) {
      const rule = purpose === undefined ? undefined : open[purpose];
      if (purpose === undefined || rule === undefined) continue;
      for (const path of rule.tells) expect(await statusOf(address, purpose, path), `${purpose}${path}`).toBe(200);
      for (const path of rule.denies)
        expect(await statusOf(address, purpose, path), `${purpose}${path}`).toBe(rule.status ?? 404);
    }
  });
});

describe('a lab that was made with one authority for everything', () => {
  let small: SmallLab;
  beforeAll(async () => {
    small = await startSmallLab('older', { schedulers: 0, controllerManagers: 0, workers: 0, dns: 0 });
  }, labPatienceMs);
  afterAll(() => small?.down(), labPatienceMs);

  test('keeps what it holds and its authority of the API when it gets the others', { timeout: labPatienceMs }, async () => {
    const { lab } = small;
    const { topology } = lab.view();
    const folder = join(topology.paths.dir, 'pki');
    const ca = readFileSync(join(folder, 'ca.crt'), 'utf8');
    const address = balancerServer(topology).replace('https://', '');
    const admin = async () => ({ address, pair: (await pairsOf(lab)).get('admin') });
    const namespaces = async (body?: object) =>
      ask(await admin(), body === undefined ? 'GET' : 'POST', `/api/v1/namespaces${body === undefined ? '/kept' : ''}`, body);
    expect(await namespaces({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kept' } })).toBe(201);

    await lab.kill(['all']);
    for (const name of readdirSync(folder).filter((each) => !/^(ca|sa|admin|apiserver)\./.test(each)))
      rmSync(join(folder, name), { recursive: true });
    const client = clientCertificate('old');
    const certificates = { 'etcd-1': client, 'etcdctl-client': client, 'apiserver-etcd-client': client };
    const authorities = { ca: { commonName: 'kubernetes', certificates } };
    await ensureFolder({ folder, authorities }, lab.context.clock.wallMs(), lab.context.random.stream('older'));

    await lab.up({});
    expect(await namespaces()).toBe(200);
    expect(readFileSync(join(folder, 'ca.crt'), 'utf8')).toBe(ca);
    // What nothing reads any more does not stay as somebody's identity.
    expect(readdirSync(folder).filter((name) => /^etcd-1|^etcdctl/.test(name))).toEqual([]);
  });
});

/** Whether the server's certificate, for the address at which it was met, is of the authority. */
function isProven(address: string, authority: CertifiedKey | undefined): Promise<boolean> {
  const [host, port] = address.split(':');
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host, port: Number(port), ca: authority?.certificatePem ?? '', rejectUnauthorized: false });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve(socket.authorized);
      socket.destroy();
    });
  });
}

/** Of the scheduler and the controller-manager over TLS, with a certificate of their own making; of the others in plain HTTP. */
function statusOf(address: string, purpose: Purpose, path: string): Promise<number | undefined> {
  const secure = purpose === 'scheduler' || purpose === 'controller-manager';
  const options = { agent: false, rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    const answered = (response: IncomingMessage) => {
      text(response).then(() => resolve(response.statusCode), reject);
    };
    const sent = secure
      ? getTls(`https://${address}${path}`, options, answered)
      : get(`http://${address}${path}`, options, answered);
    sent.on('error', reject);
  });
}
