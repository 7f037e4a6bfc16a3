// Adapter: a folder of certificates on disk. What is there and still valid is never made again, the authority least of all.
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RandomStream } from '@drydock/foundation/random.ts';
import { type CertificateRequest, type CertifiedKey, renewBeforeMs, subjectText } from './certificate.ts';

export interface FolderRequest {
  readonly folder: string;
  /** Common name of the authority, where it has to be made. */
  readonly authorityName: string;
  /** File name without ending, to what the certificate says. */
  readonly certificates: Readonly<Record<string, CertificateRequest>>;
}

export interface FolderContent {
  readonly authorityPem: string;
  readonly certificates: ReadonlyMap<string, CertifiedKey>;
  /** Names that were made in this call; empty where all was there. */
  readonly made: readonly string[];
}

/** An authority file that exists but cannot be used; the message says which and why. */
export class PkiError extends Error {
  override readonly name = 'PkiError';
}

/**
 * Makes `ca`, `sa` (service-account signing keys) and every certificate asked for, as NAME.crt and NAME.key (`sa.pub`).
 * A certificate is made again when it is missing, unreadable, of another authority, says something else, or ends soon.
 * Throws PkiError where the authority is there but damaged: replacing it would silently cut off everything that trusts it.
 */
export async function ensureFolder(request: FolderRequest, nowMs: number, random: RandomStream): Promise<FolderContent> {
  const { folder } = request;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const made: string[] = [];
  const authority = await ensureAuthority(request, nowMs, random, made);
  await ensureSigningKeys(folder, made);

  const issuer = new X509Certificate(authority.certificatePem);
  const certificates = new Map<string, CertifiedKey>();
  const missing: [string, CertificateRequest][] = [];
  for (const [name, wanted] of Object.entries(request.certificates)) {
    const pair = await readPair(folder, name);
    if (pair !== undefined && isGood(pair, wanted, issuer, nowMs)) certificates.set(name, pair);
    else missing.push([name, wanted]);
  }
  if (missing.length > 0) {
    const { Authority } = await import('./authority.ts');
    const signer = await Authority.load(authority, random);
    for (const [name, wanted] of missing) {
      const pair = await signer.issue(wanted, nowMs);
      await writePair(folder, name, pair);
      certificates.set(name, pair);
      made.push(name);
    }
  }
  return { authorityPem: authority.certificatePem, certificates, made };
}

/** Whether the pair says what is wanted, belongs together, comes from `issuer` and lasts. */
export function isGood(pair: CertifiedKey, wanted: CertificateRequest, issuer: X509Certificate, nowMs: number): boolean {
  try {
    const certificate = new X509Certificate(pair.certificatePem);
    return (
      certificate.subject === subjectText(wanted) &&
      hasExactly(certificate, wanted) &&
      certificate.validToDate.getTime() - nowMs > renewBeforeMs &&
      certificate.validFromDate.getTime() <= nowMs &&
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

async function ensureAuthority(
  request: FolderRequest,
  nowMs: number,
  random: RandomStream,
  made: string[],
): Promise<CertifiedKey> {
  const found = await readPair(request.folder, 'ca');
  if (found === undefined) {
    const { Authority } = await import('./authority.ts');
    const pair = await Authority.create(request.authorityName, nowMs, random);
    await writePair(request.folder, 'ca', pair);
    made.push('ca');
    return pair;
  }
  const file = join(request.folder, 'ca.crt');
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
