// Adapter: a folder of certificates on disk. What is there and still valid is never made again, the authority least of all.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { Authority } from './authority.ts';
import { type CertificateRequest, type CertifiedKey, extendedUsage, renewBeforeMs, subjectText } from './certificate.ts';

/** An authority and what it signs. */
export interface AuthorityRequest {
  /** Common name of the authority, where it has to be made. */
  readonly commonName: string;
  /** File name without ending, beneath the folder, to what the certificate says. */
  readonly certificates: Readonly<Record<string, CertificateRequest>>;
}

export interface FolderRequest {
  readonly folder: string;
  /** By the authority's file name without ending: `ca`, `etcd/ca`. */
  readonly authorities: Readonly<Record<string, AuthorityRequest>>;
}

export interface FolderContent {
  /** PEM of each authority, by its file name. */
  readonly authorities: ReadonlyMap<string, string>;
  readonly certificates: ReadonlyMap<string, CertifiedKey>;
  /** Names that were made in this call; empty where all was there. */
  readonly made: readonly string[];
}

/** An authority file that exists but cannot be used; the message says which and why. */
export class PkiError extends Error {
  override readonly name = 'PkiError';
}

/**
 * Makes `sa` (service-account signing keys), the authorities and the certificates asked for, as NAME.crt and NAME.key (`sa.pub`).
 * A certificate is made again when it is missing, unreadable, of another authority, says something else, or ends soon.
 * Throws PkiError where an authority is there but damaged: replacing it would silently cut off everything that trusts it.
 */
export async function ensureFolder(request: FolderRequest, nowMs: number, random: RandomStream): Promise<FolderContent> {
  const { folder } = request;
  const made: string[] = [];
  const certificates = new Map<string, CertifiedKey>();
  const authorities = new Map<string, string>();
  const folders = Object.entries(request.authorities).flatMap(([name, { certificates: wanted }]) =>
    [name, ...Object.keys(wanted)].map((file) => dirname(join(folder, file))),
  );
  for (const each of new Set([folder, ...folders])) await mkdir(each, { recursive: true, mode: 0o700 });
  await ensureSigningKeys(folder, made);
  for (const [name, { commonName, certificates: wanted }] of Object.entries(request.authorities)) {
    const authority = await ensureAuthority(folder, name, commonName, nowMs, random, made);
    authorities.set(name, authority.certificatePem);
    const issuer = new X509Certificate(authority.certificatePem);
    let signer: Authority | undefined;
    for (const [file, says] of Object.entries(wanted)) {
      let pair = await readPair(folder, file);
      if (pair === undefined || !isGood(pair, says, issuer, nowMs)) {
        signer ??= await (await import('./authority.ts')).Authority.load(authority, random);
        pair = await signer.issue(says, nowMs);
        await writePair(folder, file, pair);
        made.push(file);
      }
      certificates.set(file, pair);
    }
  }
  return { authorities, certificates, made };
}

/** Whether the pair says what is wanted, belongs together, comes from `issuer` and lasts. */
export function isGood(pair: CertifiedKey, wanted: CertificateRequest, issuer: X509Certificate, nowMs: number): boolean {
  try {
    const certificate = new X509Certificate(pair.certificatePem);
    return (
      certificate.subject === subjectText(wanted) &&
      hasExactly(certificate, wanted) &&
      isFor(certificate, wanted) &&
      certificate.validToDate.getTime() - nowMs > renewBeforeMs &&
      certificate.validFromDate.getTime() <= nowMs &&
      certificate.checkIssued(issuer) &&
      certificate.verify(issuer.publicKey) &&
      certificate.checkPrivateKey(createPrivateKey(pair.keyPem))
    );
  } catch {
    return false;
  }
}

/** Addresses are compared by the library, because an IPv6 address has many spellings. */
function hasExactly(certificate: X509Certificate, wanted: CertificateRequest): boolean {
  const names = certificate.subjectAltName?.split(', ') ?? [];
  return (
    names.length === wanted.dnsNames.length + wanted.ips.length &&
    wanted.dnsNames.every((name) => names.includes(`DNS:${name}`)) &&
    wanted.ips.every((ip) => certificate.checkIP(ip) !== undefined)
  );
}

function isFor(certificate: X509Certificate, wanted: CertificateRequest): boolean {
  const usages = certificate.keyUsage;
  return usages.length === wanted.usages.length && wanted.usages.every((usage) => usages.includes(extendedUsage[usage]));
}

async function ensureAuthority(
  folder: string,
  name: string,
  commonName: string,
  nowMs: number,
  random: RandomStream,
  made: string[],
): Promise<CertifiedKey> {
  const file = join(folder, `${name}.crt`);
  const found = await readPair(folder, name);
  if (found === undefined) {
    // The key is written first: a certificate alone has lost it.
    if ((await readText(file)) !== undefined) throw new PkiError(`${file}: the key of the certificate authority is missing`);
    const { Authority } = await import('./authority.ts');
    const pair = await Authority.create(commonName, nowMs, random);
    await writePair(folder, name, pair);
    made.push(name);
    return pair;
  }
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(found.certificatePem);
    if (!certificate.checkPrivateKey(createPrivateKey(found.keyPem))) throw new Error('the key is not the certificate’s');
  } catch (error) {
    throw new PkiError(
      `${file}: not a usable certificate authority (${error instanceof Error ? error.message : String(error)})`,
    );
  }
  if (certificate.validToDate.getTime() <= nowMs)
    throw new PkiError(`${file}: the certificate authority ended on ${certificate.validTo}`);
  return found;
}

async function ensureSigningKeys(folder: string, made: string[]): Promise<void> {
  const present =
    (await readText(join(folder, 'sa.key'))) !== undefined && (await readText(join(folder, 'sa.pub'))) !== undefined;
  if (present) return;
  const { createSigningKeys } = await import('./authority.ts');
  const keys = await createSigningKeys();
  await writeAtomic(join(folder, 'sa.pub'), keys.publicPem, 0o644);
  await writeAtomic(join(folder, 'sa.key'), keys.privatePem, 0o600);
  made.push('sa');
}

async function readPair(folder: string, name: string): Promise<CertifiedKey | undefined> {
  const [certificatePem, keyPem] = await Promise.all([
    readText(join(folder, `${name}.crt`)),
    readText(join(folder, `${name}.key`)),
  ]);
  return certificatePem === undefined || keyPem === undefined ? undefined : { certificatePem, keyPem };
}

async function writePair(folder: string, name: string, pair: CertifiedKey): Promise<void> {
  await writeAtomic(join(folder, `${name}.key`), pair.keyPem, 0o600);
  await writeAtomic(join(folder, `${name}.crt`), pair.certificatePem, 0o644);
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeAtomic(path: string, text: string, mode: number): Promise<void> {
  await writeFile(`${path}.tmp`, text, { mode });
  await rename(`${path}.tmp`, path);
}
