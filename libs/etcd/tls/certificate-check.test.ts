import 'reflect-metadata';
import { webcrypto, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { Authority } from '@drydock/pki/authority.ts';
import { forBothSides, servingCertificate } from '@drydock/pki/certificate.ts';
import * as x509 from '@peculiar/x509';
import { expect, onTestFinished, test } from 'vitest';
import { refusalByAddress, refusalByName, refusalByRevocation } from './certificate-check.ts';
import { cipherList, tlsVersion } from './cipher-suites.ts';
import { revokedSerials } from './revocation-list.ts';
import { noRules } from './settings.ts';

async function certificate(commonName: string, names: readonly string[]): Promise<X509Certificate> {
  const random = new SeededRandom(commonName).stream('serial');
  const nowMs = new SystemClock().wallMs();
  const signer = await Authority.load(await Authority.create('authority', nowMs, random), random);
  const made = await signer.issue(forBothSides(servingCertificate(commonName, names)), nowMs);
  return new X509Certificate(made.certificatePem);
}

async function revocationList(serialNumbers: readonly string[]): Promise<x509.X509Crl> {
  const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const { privateKey } = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
  const day = 24 * 3_600_000;
  return x509.X509CrlGenerator.create({
    issuer: 'CN=authority',
    // Long out of date, which etcd does not mind either.
    thisUpdate: new Date(day),
    nextUpdate: new Date(2 * day),
    signingAlgorithm,
    signingKey: privateKey,
    entries: serialNumbers.map((serialNumber) => ({ serialNumber, revocationDate: new Date(day) })),
  });
}

function fileWith(content: string | Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'revocation-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'crl'), content);
  return join(folder, 'crl');
}

const nobody = { namesOf: async () => [], addressesOf: async () => [] };

test('a revocation list names serial numbers, in DER and in PEM', async () => {
  const list = await revocationList(['1f', '00fedcba9876543210']);
  const expected = new Set(['1F', 'FEDCBA9876543210']);
  expect(revokedSerials(Buffer.from(list.rawData))).toEqual(expected);
  const pem = `-----BEGIN X509 CRL-----\n${Buffer.from(list.rawData).toString('base64')}\n-----END X509 CRL-----\n`;
  expect(revokedSerials(Buffer.from(pem))).toEqual(expected);
  expect(revokedSerials(Buffer.from((await revocationList([])).rawData))).toEqual(new Set());
});

test('what is no revocation list is refused wherever it ends', async () => {
  const whole = Buffer.from((await revocationList(['1f'])).rawData);
  for (let length = 1; length < whole.length; length++) expect(() => revokedSerials(whole.subarray(0, length))).toThrow();
  expect(() => revokedSerials(Buffer.from('no list'))).toThrow();
});

test('a certificate in the list is refused, and every one where the list cannot be read', async () => {
  const revoked = await certificate('revoked', ['localhost']);
  const other = await certificate('other', ['localhost']);
  const list = await revocationList([revoked.serialNumber]);
  const rules = { ...noRules, revocationFile: fileWith(Buffer.from(list.rawData)) };
  const refusal = `transport: certificate serial ${revoked.serialNumber.toLowerCase()} revoked`;
  expect(refusalByRevocation(revoked, rules)).toBe(refusal);
  expect(refusalByRevocation(other, rules)).toBeUndefined();
  expect(refusalByRevocation(revoked, noRules)).toBeUndefined();
  expect(refusalByRevocation(other, { ...noRules, revocationFile: fileWith('') })).toBeDefined();
  expect(refusalByRevocation(other, { ...noRules, revocationFile: '/nowhere' })).toMatch('ENOENT');
});

test('a common name or a host name that is allowed lets in', async () => {
  const shown = await certificate('example.com', ['localhost', '10.0.0.1']);
  const failed = 'client certificate authentication failed';
  expect(refusalByName(shown, noRules)).toBeUndefined();
  expect(refusalByName(shown, { commonNames: ['other', 'example.com'], hostNames: [] })).toBeUndefined();
  expect(refusalByName(shown, { commonNames: ['other'], hostNames: [] })).toBe(failed);
  expect(refusalByName(shown, { commonNames: [], hostNames: ['localhost'] })).toBeUndefined();
  expect(refusalByName(shown, { commonNames: [], hostNames: ['10.0.0.1'] })).toBeUndefined();
  // The common name is no host name.
  expect(refusalByName(shown, { commonNames: [], hostNames: ['example.com'] })).toBe(failed);
});

test('a member must be where its certificate says', async () => {
  const both = await certificate('member', ['member-1.example', '*.rack.example', '10.0.0.1']);
  expect(await refusalByAddress(both, '10.0.0.1', nobody)).toBeUndefined();
  expect(await refusalByAddress(both, '::ffff:10.0.0.1', nobody)).toBeUndefined();
  expect(await refusalByAddress(both, '10.0.0.2', nobody)).toBe(
    'tls: "10.0.0.2" does not match any of DNSNames ["member-1.example" "*.rack.example"]',
  );
  const forward = { ...nobody, addressesOf: async (name: string) => (name === 'member-1.example' ? ['10.0.0.2'] : []) };
  expect(await refusalByAddress(both, '10.0.0.2', forward)).toBeUndefined();
  expect(await refusalByAddress(both, '10.0.0.2', { ...nobody, namesOf: async () => ['a.rack.example.'] })).toBeUndefined();
  expect(await refusalByAddress(both, '10.0.0.2', { ...nobody, namesOf: async () => ['rack.example.'] })).toBeDefined();
  const addressOnly = await certificate('member', ['10.0.0.1']);
  expect(await refusalByAddress(addressOnly, '10.0.0.2', forward)).toBe(
    'x509: certificate is valid for 10.0.0.1, not 10.0.0.2',
  );
  expect(await refusalByAddress(await certificate('member', []), '10.0.0.2', nobody)).toBeUndefined();
});

test("Go's names of cipher suites and versions are OpenSSL's; others are refused", () => {
  expect(cipherList([])).toBeUndefined();
  expect(cipherList(['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'])).toMatch(/^ECDHE-RSA-AES128-GCM-SHA256:TLS_AES/);
  expect(() => cipherList(['TLS_NONE'])).toThrow('unexpected TLS cipher suite "TLS_NONE"');
  expect(tlsVersion('TLS1.3')).toBe('TLSv1.3');
  expect(() => tlsVersion('TLS1.1')).toThrow('unexpected TLS version "TLS1.1"');
});
