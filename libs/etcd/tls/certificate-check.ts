// Whether a certificate, which an authority vouches for, is let in. Rules and texts are those of etcd's client/pkg/transport.
import type { X509Certificate } from 'node:crypto';
import { lookup as lookupHost, reverse } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { revokedSerials } from './revocation-list.ts';
import type { CertificateRules } from './settings.ts';

/** Why it is not; undefined where it is. `rules` of one's own side, on both sides of a connection. */
export function refusalByName(certificate: X509Certificate, { commonNames, hostNames }: CertificateRules): string | undefined {
  if (commonNames.length === 0 && hostNames.length === 0) return undefined;
  const own = commonNameOf(certificate);
  if (own !== undefined && commonNames.includes(own)) return undefined;
  if (hostNames.some((name) => isFor(certificate, name))) return undefined;
  return 'client certificate authentication failed';
}

/** Of the certificate and those that vouch for it. */
export function refusalByRevocation(certificate: X509Certificate, { revocationFile }: CertificateRules): string | undefined {
  if (revocationFile === undefined) return undefined;
  let revoked: Set<string>;
  try {
    revoked = revokedSerials(readFileSync(revocationFile));
  } catch (error) {
    return (error as Error).message;
  }
  for (const { serialNumber } of chainOf(certificate)) {
    if (revoked.has(serialNumber)) return `transport: certificate serial ${serialNumber.toLowerCase()} revoked`;
  }
  return undefined;
}

export interface Resolver {
  /** Names of an address. Rejects where there are none. */
  readonly namesOf: (address: string) => Promise<string[]>;
  readonly addressesOf: (name: string) => Promise<string[]>;
}

export const systemResolver: Resolver = {
  namesOf: reverse,
  addressesOf: async (name) => (await lookupHost(name, { all: true })).map(({ address }) => address),
};

/** Members connect from where their certificate says that they are; one that says nothing of that may be anywhere. */
export async function refusalByAddress(
  certificate: X509Certificate,
  remoteAddress: string,
  { namesOf, addressesOf }: Resolver,
): Promise<string | undefined> {
  const remote = remoteAddress.replace(/^::ffff:(?=\d+\.)/, '');
  const { addresses, names } = subjectNames(certificate);
  if (addresses.length === 0 && names.length === 0) return undefined;
  if (addresses.length > 0 && certificate.checkIP(remote) !== undefined) return undefined;
  if (names.length === 0) return `x509: certificate is valid for ${addresses.join(', ')}, not ${remote}`;
  const reversed = (await namesOf(remote).catch((): string[] => [])).map((name) => name.replace(/\.$/, ''));
  const isNamed = (name: string) =>
    name.startsWith('*.') ? reversed.some((one) => one.endsWith(name.slice(1))) : reversed.includes(name);
  if (names.some(isNamed)) return undefined;
  for (const name of names) {
    const found = await addressesOf(name).catch((): string[] => []);
    if (found.includes(remote)) return undefined;
  }
  return `tls: "${remote}" does not match any of DNSNames [${names.map((name) => `"${name}"`).join(' ')}]`;
}

export function subjectNames(certificate: X509Certificate): { addresses: string[]; names: string[] } {
  // Node quotes what has a comma in it, which neither kind can have.
  const parts = (certificate.subjectAltName ?? '').split(', ');
  const of = (prefix: string) => parts.filter((part) => part.startsWith(prefix)).map((part) => part.slice(prefix.length));
  return { addresses: of('IP Address:'), names: of('DNS:') };
}

/** Of several, the last one counts, as in Go's crypto/x509. */
export function commonNameOf(certificate: X509Certificate): string | undefined {
  // Node leaves it undefined where it is empty.
  const subject = (certificate.subject as string | undefined) ?? '';
  return subject
    .split('\n')
    .findLast((line) => line.startsWith('CN='))
    ?.slice('CN='.length);
}

function isFor(certificate: X509Certificate, name: string): boolean {
  if (isIP(name) !== 0) return certificate.checkIP(name) !== undefined;
  return certificate.checkHost(name, { subject: 'never' }) !== undefined;
}

function* chainOf(certificate: X509Certificate): Iterable<X509Certificate> {
  const seen = new Set<string>();
  for (
    let at: X509Certificate | undefined = certificate;
    at !== undefined && !seen.has(at.fingerprint256);
    at = at.issuerCertificate
  ) {
    seen.add(at.fingerprint256);
    yield at;
  }
}
