// What a certificate of the cluster says: identity, names, use, validity. Values only; authority.ts signs them.

/** A certificate to be made. Kubernetes reads the user from `commonName` and the groups from `organizations`. */
export interface CertificateRequest {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  /** IPv4 or IPv6 addresses, without a prefix length. */
  readonly ips: readonly string[];
  readonly usages: readonly ('client' | 'server')[];
  /** How long it is valid; `leafValidityMs` unless given. */
  readonly validMs?: number;
}

/** A certificate with its private key, both as PEM (the key as PKCS #8). */
export interface CertifiedKey {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** Object identifiers of the extended key usages (RFC 5280, 4.2.1.12). */
export const extendedUsage = { client: '1.3.6.1.5.5.7.3.2', server: '1.3.6.1.5.5.7.3.1' } as const;

/** As kubeadm: ten years for the authority. */
export const authorityValidityMs = 3650 * 24 * 3_600_000;
/** As kubeadm: one year for everything it signs. */
export const leafValidityMs = 365 * 24 * 3_600_000;
/** A certificate with less than this left is made anew. */
export const renewBeforeMs = 30 * 24 * 3_600_000;
/** Certificates are valid from this long before they were made, for machines whose clocks lag. */
export const backdateMs = 5 * 60_000;

/** A certificate by which a component identifies itself to the apiserver or the store. */
export function clientCertificate(commonName: string, ...organizations: string[]): CertificateRequest {
  return { commonName, organizations, dnsNames: [], ips: [], usages: ['client'] };
}

/** A certificate to serve with, under `names`: addresses and DNS names mixed. */
export function servingCertificate(
  commonName: string,
  names: readonly string[],
  organizations: readonly string[] = [],
): CertificateRequest {
  const isIp = (name: string) => /^[0-9.]+$/.test(name) || name.includes(':');
  const unique = [...new Set(names)];
  return {
    commonName,
    organizations,
    dnsNames: unique.filter((name) => !isIp(name)),
    ips: unique.filter(isIp),
    usages: ['server'],
  };
}

/** The same certificate, good for both sides of a connection, as peers of the store need it. */
export function forBothSides(request: CertificateRequest): CertificateRequest {
  return { ...request, usages: ['client', 'server'] };
}

/** The subject in the notation of node's X509Certificate: one attribute per line. */
export function subjectText(request: CertificateRequest): string {
  return [...request.organizations.map((name) => `O=${name}`), `CN=${request.commonName}`].join('\n');
}
