// --tls-min-version, --tls-cipher-suites and --tls-curve-preferences in Go's words, as node's TLS takes them
// (k8s.io/component-base/cli/flag).
import type { SecureContextOptions } from 'node:tls';

/** TLS 1.2 suites: Go's names (IANA's) to OpenSSL's. */
const suites12: Readonly<Record<string, string>> = {
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256: 'ECDHE-ECDSA-AES128-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256: 'ECDHE-RSA-AES128-SHA256',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_RSA_WITH_AES_128_CBC_SHA: 'AES128-SHA',
  TLS_RSA_WITH_AES_128_CBC_SHA256: 'AES128-SHA256',
  TLS_RSA_WITH_AES_128_GCM_SHA256: 'AES128-GCM-SHA256',
  TLS_RSA_WITH_AES_256_CBC_SHA: 'AES256-SHA',
  TLS_RSA_WITH_AES_256_GCM_SHA384: 'AES256-GCM-SHA384',
};

/** In Go a list of suites does not touch those of TLS 1.3; they may be named and are always on. */
const suites13: readonly string[] = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'];

const versions: Readonly<Record<string, SecureContextOptions['minVersion']>> = {
  VersionTLS10: 'TLSv1',
  VersionTLS11: 'TLSv1.1',
  VersionTLS12: 'TLSv1.2',
  VersionTLS13: 'TLSv1.3',
};

/** Go's CurveID to OpenSSL's group. */
const curves: Readonly<Record<string, string>> = {
  23: 'P-256',
  24: 'P-384',
  25: 'P-521',
  29: 'X25519',
  4588: 'X25519MLKEM768',
};

export interface TlsFlags {
  /** '' for Go's default, TLS 1.2. */
  readonly minVersion: string;
  readonly cipherSuites: readonly string[];
  readonly curves: readonly string[];
}

/** What to create a server with. Throws an Error with upstream's words for a name that it does not know, or that is not served. */
export function tlsPolicy({ minVersion, cipherSuites, curves: asked }: TlsFlags): SecureContextOptions {
  const version = versions[minVersion === '' ? 'VersionTLS12' : minVersion];
  if (version === undefined) throw new Error(`unknown tls version ${JSON.stringify(minVersion)}`);
  const ciphers = cipherSuites.map((name) => {
    const found = suites12[name];
    if (found !== undefined) return found;
    if (!suites13.includes(name)) throw new Error(`Cipher suite ${name} not supported or doesn't exist`);
    return undefined;
  });
  const groups = asked.map((id) => {
    const found = curves[id.trim()];
    if (found === undefined) throw new Error(`curve preference ${id} is not supported`);
    return found;
  });
  const listed = [...suites13, ...ciphers.filter((each) => each !== undefined)];
  return {
    minVersion: version,
    ...(cipherSuites.length === 0 ? {} : { ciphers: listed.join(':') }),
    ...(groups.length === 0 ? {} : { ecdhCurve: groups.join(':') }),
  };
}
