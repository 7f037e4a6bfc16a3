// What a side of a TLS connection is told: its own certificate, whose others count, and what is asked of them beyond that.

export interface KeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface TlsSettings extends KeyPair {
  /** `--trusted-ca-file`: with it every client must have a certificate, as with `--client-cert-auth`. */
  readonly ca: Buffer | undefined;
  /** `--client-cert-auth`. */
  readonly clientCertAuth: boolean;
  /** Made by the member for itself, as the others' are: nobody's certificate is checked. */
  readonly selfSigned?: boolean;
  /** The certificate as it is now: it may be replaced while the member runs. `failed` is told of one that is of no use, once. */
  readonly current?: (failed: (error: Error) => void) => KeyPair;
  /** What this side shows where it is the one that connects, if that is another one (`--peer-client-cert-file`). */
  readonly currentAsClient?: (failed: (error: Error) => void) => KeyPair;
  readonly rules?: CertificateRules;
  /** OpenSSL's names. */
  readonly ciphers?: string;
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
}

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** What a certificate must be besides valid. */
export interface CertificateRules {
  /** `--client-crl-file`, read for every connection. */
  readonly revocationFile?: string;
  /** `--peer-cert-allowed-cn`: one of them, if there are any. */
  readonly commonNames: readonly string[];
  /** `--client-cert-allowed-hostname`: one of them, if there are any. */
  readonly hostNames: readonly string[];
}

export const noRules: CertificateRules = { commonNames: [], hostNames: [] };

/** The certificate that counts for a connection made now. */
export function keyPairOf(tls: TlsSettings, failed: (error: Error) => void = () => {}): KeyPair {
  return tls.current?.(failed) ?? { cert: tls.cert, key: tls.key };
}

/** The same of a connection that this side makes. */
export function clientKeyPairOf(tls: TlsSettings): KeyPair {
  return tls.currentAsClient?.(() => {}) ?? keyPairOf(tls);
}
