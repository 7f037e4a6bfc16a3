// The files and names that TLS is told by flags, the same for clients and for members.
import { readFileSync } from 'node:fs';
import { cipherList, TlsSettingError, tlsVersion } from '@drydock/etcd/tls/cipher-suites.ts';
import { KeyPairFiles } from '@drydock/etcd/tls/key-pair-files.ts';
import type { TlsSettings } from '@drydock/etcd/tls/settings.ts';
import type { Values } from '@drydock/foundation/flags.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import type { etcdFlags } from './flags.ts';

interface Side {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  /** For connections that this side makes; empty where it is the same pair. */
  readonly ownCert: string;
  readonly ownKey: string;
  readonly certAuth: boolean;
  readonly revoked: string;
  readonly commonNames: string;
  readonly hostNames: string;
}

/** What clients are served with. Throws StartupError. */
export function clientTls(flags: Values<typeof etcdFlags>): TlsSettings | undefined {
  const side: Side = {
    cert: flags['cert-file'],
    key: flags['key-file'],
    ca: flags['trusted-ca-file'],
    ownCert: flags['client-cert-file'],
    ownKey: flags['client-key-file'],
    certAuth: flags['client-cert-auth'],
    revoked: flags['client-crl-file'],
    commonNames: '',
    hostNames: flags['client-cert-allowed-hostname'],
  };
  return settingsOf(side, flags, '');
}

/** What members speak with. Throws StartupError. */
export function peerTls(flags: Values<typeof etcdFlags>): TlsSettings | undefined {
  const side: Side = {
    cert: flags['peer-cert-file'],
    key: flags['peer-key-file'],
    ca: flags['peer-trusted-ca-file'],
    ownCert: flags['peer-client-cert-file'],
    ownKey: flags['peer-client-key-file'],
    certAuth: flags['peer-client-cert-auth'],
    revoked: flags['peer-crl-file'],
    commonNames: flags['peer-cert-allowed-cn'],
    hostNames: flags['peer-cert-allowed-hostname'],
  };
  return settingsOf(side, flags, 'peer-');
}

function settingsOf(side: Side, flags: Values<typeof etcdFlags>, prefix: string): TlsSettings | undefined {
  const { cert, key, ca, ownCert, ownKey, commonNames, hostNames, revoked } = side;
  if (cert === '' && key === '') return undefined;
  if (cert === '' || key === '') throw new StartupError(`both --${prefix}cert-file and --${prefix}key-file must be given`);
  if (commonNames !== '' && hostNames !== '') {
    throw new StartupError(
      `AllowedCN and AllowedHostname are mutually exclusive (cn="${commonNames}", hostname="${hostNames}")`,
    );
  }
  if ((ownCert === '') !== (ownKey === '')) {
    throw new StartupError(`both --${prefix}client-cert-file and --${prefix}client-key-file must be given`);
  }
  const own = ownCert === '' ? undefined : opened(ownCert, () => new KeyPairFiles(ownCert, ownKey));
  const files = opened(cert, () => new KeyPairFiles(cert, key));
  return {
    ...files.current(),
    current: (failed) => files.current(failed),
    ...(own && { currentAsClient: (failed: (error: Error) => void) => own.current(failed) }),
    ca: ca === '' ? undefined : opened(ca, () => readFileSync(ca)),
    clientCertAuth: side.certAuth,
    rules: {
      commonNames: list(commonNames),
      hostNames: list(hostNames),
      ...(revoked === '' ? {} : { revocationFile: revoked }),
    },
    ...versions(flags),
  };
}

function versions(flags: Values<typeof etcdFlags>): Pick<TlsSettings, 'ciphers' | 'minVersion' | 'maxVersion'> {
  try {
    const ciphers = cipherList(flags['cipher-suites']);
    const minVersion = tlsVersion(flags['tls-min-version']);
    const maxVersion = tlsVersion(flags['tls-max-version']);
    if (minVersion !== undefined && maxVersion !== undefined && minVersion > maxVersion) {
      throw new StartupError(`min version (${minVersion}) is greater than max version (${maxVersion})`);
    }
    if (ciphers !== undefined && minVersion === 'TLSv1.3') {
      throw new StartupError('cipher suites cannot be configured when only TLS1.3 is enabled');
    }
    return { ...(ciphers && { ciphers }), ...(minVersion && { minVersion }), ...(maxVersion && { maxVersion }) };
  } catch (error) {
    throw error instanceof TlsSettingError ? new StartupError(error.message, { cause: error }) : error;
  }
}

function list(text: string): string[] {
  return text.split(',').filter((name) => name !== '');
}

function opened<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    const { path: failed = path, code = 'failed' } = cause as NodeJS.ErrnoException;
    throw new StartupError(`open ${failed}: ${code}`, { cause });
  }
}
