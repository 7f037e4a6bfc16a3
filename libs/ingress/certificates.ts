// Secrets into certificates that can be served: looked at before anything else trusts them.
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import type { Secret } from '@drydock/api/generated/types.ts';

/** A certificate with its chain and key, as PEM. */
export interface ServingCertificate {
  /** `namespace/name` of its Secret. */
  readonly secret: string;
  readonly certificatePem: string;
  readonly keyPem: string;
  /** Wall time in milliseconds. */
  readonly expiresMs: number;
  /** Decides whether a host name is of this certificate: RFC 6125, wildcards of one label. */
  readonly covers: (host: string) => boolean;
}

const chainCertificatesMax = 16;
const pemBlock = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

type Read = ServingCertificate | { readonly problem: string };
/** To look at one takes a millisecond, and plans are made often: informers hand out the same object until it changes. */
const known = new WeakMap<Secret, Read>();

/** The certificate of a TLS Secret, or what is wrong with it. */
export function readCertificate(key: string, secret: Secret | undefined): Read {
  if (secret === undefined) return { problem: `Secret "${key}" does not exist` };
  const read = known.get(secret) ?? certificateOf(key, secret);
  known.set(secret, read);
  return read;
}

function certificateOf(key: string, secret: Secret): Read {
  const certificate = decoded(secret, 'tls.crt');
  const keyText = decoded(secret, 'tls.key');
  if (certificate === undefined) return { problem: `Secret "${key}" has no key tls.crt` };
  if (keyText === undefined) return { problem: `Secret "${key}" has no key tls.key` };
  try {
    const blocks = certificate.match(pemBlock) ?? [];
    if (blocks.length > chainCertificatesMax)
      return { problem: `Secret "${key}": more than ${chainCertificatesMax} certificates` };
    const [leaf] = blocks.map((block) => new X509Certificate(block));
    if (leaf === undefined) return { problem: `Secret "${key}": tls.crt has no certificate` };
    const privateKey = createPrivateKey(keyText);
    const own = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
    if (!own.equals(leaf.publicKey.export({ type: 'spki', format: 'der' })))
      return { problem: `Secret "${key}": tls.key is not the key of tls.crt` };
    return {
      secret: key,
      certificatePem: `${blocks.join('\n')}\n`,
      // Written anew: what else stood in the file does not reach the disk.
      keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      expiresMs: leaf.validToDate.getTime(),
      covers: (host) => covers(leaf, host),
    };
  } catch (error) {
    return { problem: `Secret "${key}" has no certificate that can be served: ${(error as Error).message}` };
  }
}

function decoded(secret: Secret, name: string): string | undefined {
  const text = secret.data?.[name];
  return text === undefined || text === '' ? undefined : Buffer.from(text, 'base64').toString('utf8');
}

/** A host of a rule may itself begin with `*.`: then the certificate must have that very name. */
function covers(leaf: X509Certificate, host: string): boolean {
  const asked = host.startsWith('*.') ? `wildcard-of-one-label.${host.slice(2)}` : host;
  return leaf.checkHost(asked, { subject: 'default', partialWildcards: false }) !== undefined;
}
