// Adapter: a certificate authority on WebCrypto, EC P-256 throughout (a key pair takes 1 ms, RSA 2048 about 100).
// Loading the X.509 library takes 60 ms, so callers import this file only when something has to be signed.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import type { RandomStream } from '@drydock/foundation/random.ts';
import * as x509 from '@peculiar/x509';
import {
  authorityValidityMs,
  backdateMs,
  type CertificateRequest,
  type CertifiedKey,
  extendedUsage,
  leafValidityMs,
} from './certificate.ts';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** RFC 5280: at most 20; 8 random bytes are what kubeadm uses. */
const serialBytes = 8;

type AuthorityKey = Awaited<ReturnType<typeof webcrypto.subtle.importKey>>;

/** Signs certificates. `random` gives the serial numbers; keys come from the operating system. */
export class Authority {
  readonly certificatePem: string;
  readonly #certificate: x509.X509Certificate;
  readonly #key: AuthorityKey;
  readonly #random: RandomStream;

  private constructor(certificatePem: string, key: AuthorityKey, random: RandomStream) {
    this.certificatePem = certificatePem;
    this.#certificate = new x509.X509Certificate(certificatePem);
    this.#key = key;
    this.#random = random;
  }

  /** Makes a self-signed authority. */
  static async create(commonName: string, nowMs: number, random: RandomStream): Promise<CertifiedKey> {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: [{ CN: [commonName] }],
      keys,
      signingAlgorithm: algorithm,
      serialNumber: serial(random),
      notBefore: new Date(nowMs - backdateMs),
      notAfter: new Date(nowMs + authorityValidityMs),
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(
          x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment | x509.KeyUsageFlags.keyCertSign,
          true,
        ),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    return { certificatePem: pem(certificate), keyPem: await privateKeyPem(keys.privateKey) };
  }

  /** Takes up an authority that was made before. Rejects where the PEM texts are no P-256 key and certificate. */
  static async load(pair: CertifiedKey, random: RandomStream): Promise<Authority> {
    const der = x509.PemConverter.decodeFirst(pair.keyPem);
    const key = await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
    return new Authority(pair.certificatePem, key, random);
  }

  /** A fresh key with a certificate for it. */
  async issue(request: CertificateRequest, nowMs: number): Promise<CertifiedKey> {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const names: x509.JsonGeneralNames = [
      ...request.dnsNames.map((value) => ({ type: 'dns' as const, value })),
      ...request.ips.map((value) => ({ type: 'ip' as const, value })),
    ];
    const usages = request.usages.map((usage) => extendedUsage[usage]);
    const certificate = await x509.X509CertificateGenerator.create({
      subject: [...request.organizations.map((name) => ({ O: [name] })), { CN: [request.commonName] }],
      issuer: this.#certificate.subjectName.toJSON(),
      publicKey: keys.publicKey,
      signingKey: this.#key,
      signingAlgorithm: algorithm,
      serialNumber: serial(this.#random),
      notBefore: new Date(nowMs - backdateMs),
      notAfter: new Date(nowMs + (request.validMs ?? leafValidityMs)),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
        new x509.ExtendedKeyUsageExtension(usages),
        await x509.AuthorityKeyIdentifierExtension.create(this.#certificate.publicKey),
        ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
      ],
    });
    return { certificatePem: pem(certificate), keyPem: await privateKeyPem(keys.privateKey) };
  }
}

/** The key pair that signs service-account tokens (ES256), both halves as PEM. */
export async function createSigningKeys(): Promise<{ publicPem: string; privatePem: string }> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const spki = await webcrypto.subtle.exportKey('spki', keys.publicKey);
  return { publicPem: `${x509.PemConverter.encode(spki, 'PUBLIC KEY')}\n`, privatePem: await privateKeyPem(keys.privateKey) };
}

function serial(random: RandomStream): string {
  const bytes = random.bytes(serialBytes);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}

function pem(certificate: x509.X509Certificate): string {
  return `${certificate.toString('pem')}\n`;
}

async function privateKeyPem(key: AuthorityKey): Promise<string> {
  return `${x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;
}
