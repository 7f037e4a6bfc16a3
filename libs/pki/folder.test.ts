import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  authorityValidityMs,
  type CertificateRequest,
  clientCertificate,
  forBothSides,
  leafValidityMs,
  servingCertificate,
} from './certificate.ts';
import { ensureFolder, PkiError } from './folder.ts';

const now = Date.UTC(2026, 0, 1);
const random = new SeededRandom(1).stream('serial');
let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pki-'));
});
afterEach(() => rm(folder, { recursive: true }));

const certificates: Record<string, CertificateRequest> = {
  admin: clientCertificate('kubernetes-admin', 'system:masters'),
  kubelet: clientCertificate('system:node:worker-1', 'system:nodes'),
  serving: servingCertificate('kube-apiserver', ['10.96.0.1', 'kubernetes.default.svc', '10.96.0.1', 'fd00::1']),
  peer: forBothSides(servingCertificate('etcd-1', ['127.0.0.1'])),
};
const ensure = (wanted = certificates, at = now) =>
  ensureFolder({ folder, authorities: { ca: { commonName: 'lab-ca', certificates: wanted } } }, at, random);

test('certificates carry identity, names, use and validity, and the authority vouches for them', async () => {
  const made = await ensure();
  expect([...made.made].sort()).toEqual(['admin', 'ca', 'kubelet', 'peer', 'sa', 'serving']);
  const authority = new X509Certificate(made.authorities.get('ca') ?? '');
  expect(authority.ca).toBe(true);
  const read = (name: string) => new X509Certificate(made.certificates.get(name)?.certificatePem ?? '');
  expect(read('kubelet').subject).toBe('O=system:nodes\nCN=system:node:worker-1');
  expect(read('serving').checkHost('kubernetes.default.svc')).toBe('kubernetes.default.svc');
  expect(read('serving').checkIP('10.96.0.1')).toBe('10.96.0.1');
  expect(read('serving').checkIP('10.96.0.2')).toBeUndefined();
  expect(read('admin').keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  expect(read('serving').keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  expect(read('peer').keyUsage).toHaveLength(2);
  expect(read('admin').validToDate.getTime()).toBe(now + leafValidityMs);
  for (const name of made.certificates.keys()) {
    expect(read(name).verify(authority.publicKey)).toBe(true);
    expect(read(name).checkIssued(authority)).toBe(true);
    expect(read(name).ca).toBe(false);
  }
});

test('a second call makes nothing', async () => {
  const first = await ensure();
  const second = await ensure();
  expect(second.made).toEqual([]);
  expect(second.certificates).toEqual(first.certificates);
});

test('only what says something else, is damaged or ends soon is made again', async () => {
  const first = await ensure();
  const moved = { ...certificates, serving: servingCertificate('kube-apiserver', ['10.96.0.2']) };
  expect((await ensure(moved)).made).toEqual(['serving']);
  await writeFile(join(folder, 'admin.key'), await readFile(join(folder, 'kubelet.key')));
  expect((await ensure(moved)).made).toEqual(['admin']);
  const late = await ensure(moved, now + leafValidityMs - 1000);
  expect([...late.made].sort()).toEqual(['admin', 'kubelet', 'peer', 'serving']);
  expect(late.authorities).toEqual(first.authorities);
});

test('an authority that is there is never replaced, however damaged', async () => {
  await ensure();
  await writeFile(join(folder, 'ca.crt'), 'not a certificate');
  await expect(ensure()).rejects.toThrow(PkiError);
  expect(await readFile(join(folder, 'ca.crt'), 'utf8')).toBe('not a certificate');
});

test('an authority whose key is lost is an error, and no other one takes its place', async () => {
  await ensure();
  await rm(join(folder, 'ca.key'));
  const before = await readFile(join(folder, 'ca.crt'), 'utf8');
  await expect(ensure()).rejects.toThrow(/ca\.crt: the key of the certificate authority is missing/);
  expect(await readFile(join(folder, 'ca.crt'), 'utf8')).toBe(before);
});

test('a certificate that is to serve another purpose, or to come of another authority, is made again', async () => {
  await ensure();
  const { admin = clientCertificate('') } = certificates;
  expect((await ensure({ ...certificates, admin: forBothSides(admin) })).made).toEqual(['admin']);
  expect((await ensure()).made).toEqual(['admin']);
  const { admin: _, ...others } = certificates;
  const two = { ca: { commonName: 'ca', certificates: others }, 'etcd/ca': { commonName: 'etcd-ca', certificates: { admin } } };
  const made = await ensureFolder({ folder, authorities: two }, now, random);
  expect(made.made).toEqual(['etcd/ca', 'admin']);
  const issuer = new X509Certificate(made.authorities.get('etcd/ca') ?? '');
  expect(issuer.subject).toBe('CN=etcd-ca');
  expect(new X509Certificate(await readFile(join(folder, 'admin.crt'))).verify(issuer.publicKey)).toBe(true);
});

test('an authority that has ended is an error', async () => {
  await ensure();
  await expect(ensure(certificates, now + authorityValidityMs + 1)).rejects.toThrow(/certificate authority ended on/);
});
