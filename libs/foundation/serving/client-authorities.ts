// Which authority vouches for a client: the one of users (--client-ca-file) or the one of proxies that speak for users
// (--requestheader-client-ca-file). A connection may bring a certificate of either; what it may be used for depends on which.
import { X509Certificate } from 'node:crypto';
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls';

/** PEM bundles. */
export interface AuthorityBundles {
  readonly client: string | undefined;
  readonly proxy: string | undefined;
}

export interface Signers {
  readonly client: boolean;
  readonly proxy: boolean;
}

/** As long as chains get that are looked at. */
const chainMax = 8;
const anyUsage = '2.5.29.37.0';
const clientUsage = '1.3.6.1.5.5.7.3.2';

export class ClientAuthorities {
  readonly #client: readonly X509Certificate[];
  readonly #proxy: readonly X509Certificate[];
  /** Of the TLS server: asks for a certificate of any of the authorities, and lets through who has none. */
  readonly tlsOptions: { readonly ca?: string[]; readonly requestCert?: true; readonly rejectUnauthorized: false };

  /** Fails where a bundle has no certificate. */
  constructor({ client, proxy }: AuthorityBundles) {
    this.#client = client === undefined ? [] : certificatesOf(client);
    this.#proxy = proxy === undefined ? [] : certificatesOf(proxy);
    const ca = [client, proxy].filter((each) => each !== undefined);
    this.tlsOptions = { ...(ca.length === 0 ? {} : { ca, requestCert: true }), rejectUnauthorized: false };
  }

  /**
   * The authorities that signed the peer's certificate. TLS has checked that it is good for one of them, times and purpose
   * included; each is asked again here alone, by the signatures, for a chain that the peer sent proves nothing by its names.
   */
  signersOf(socket: TLSSocket): Signers {
    const leaf = socket.getPeerX509Certificate();
    if (leaf === undefined || !isForClients(leaf)) return { client: false, proxy: false };
    const sent = sentBy(socket);
    const signed = (roots: readonly X509Certificate[]) => leadsTo(leaf, roots, sent, chainMax);
    return { client: signed(this.#client), proxy: signed(this.#proxy) };
  }
}

function isForClients(leaf: X509Certificate): boolean {
  // The declaration misses that certificates may have no extended usages.
  const usages = leaf.keyUsage as string[] | undefined;
  return usages === undefined || usages.includes(clientUsage) || usages.includes(anyUsage);
}

function sentBy(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true).issuerCertificate;
  while (next?.raw !== undefined && chain.length < chainMax) {
    chain.push(new X509Certificate(next.raw));
    next = next.issuerCertificate === next ? undefined : next.issuerCertificate;
  }
  return chain;
}

function leadsTo(
  certificate: X509Certificate,
  roots: readonly X509Certificate[],
  between: readonly X509Certificate[],
  left: number,
): boolean {
  if (left === 0) return false;
  if (roots.some((root) => signs(root, certificate))) return true;
  return between.some(
    (issuer, index) => signs(issuer, certificate) && leadsTo(issuer, roots, between.toSpliced(index, 1), left - 1),
  );
}

function signs(issuer: X509Certificate, subject: X509Certificate): boolean {
  return issuer.ca && subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
}

function certificatesOf(pem: string): X509Certificate[] {
  const found = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (found.length === 0) throw new Error('expected PEM certificates, found none');
  return found.map((each) => new X509Certificate(each));
}
