// Who is let in beyond a valid certificate, and how TLS is spoken.
import { flag } from '@drydock/foundation/flags.ts';

export const tlsFlags = {
  'client-cert-file': flag(
    'string',
    '',
    'Path to an explicit client TLS cert file, used where this member is a client of another; --cert-file otherwise.',
  ),
  'client-key-file': flag('string', '', 'Path to the key of --client-cert-file.'),
  'peer-client-cert-file': flag(
    'string',
    '',
    'Path to an explicit peer client TLS cert file, used where this member connects; --peer-cert-file otherwise.',
  ),
  'peer-client-key-file': flag('string', '', 'Path to the key of --peer-client-cert-file.'),
  'client-crl-file': flag('string', '', 'Path to the client certificate revocation list file.'),
  'client-cert-allowed-hostname': flag('string', '', 'Comma-separated list of SAN hostnames for client cert authentication.'),
  'peer-crl-file': flag('string', '', 'Path to the peer certificate revocation list file.'),
  'peer-cert-allowed-cn': flag('string', '', 'Comma-separated list of allowed CNs for inter-peer TLS authentication.'),
  'peer-cert-allowed-hostname': flag(
    'string',
    '',
    'Comma-separated list of allowed SAN hostnames for inter-peer TLS authentication.',
  ),
  'experimental-peer-skip-client-san-verification': flag(
    'bool',
    false,
    'Skip verification of SAN field in client certificate for peer connections.',
  ),
  'cipher-suites': flag('strings', [], 'Comma-separated list of supported TLS cipher suites between client/server and peers.'),
  'tls-min-version': flag('string', 'TLS1.2', 'Minimum TLS version supported by etcd. Possible values: TLS1.2, TLS1.3.'),
  'tls-max-version': flag('string', '', 'Maximum TLS version supported by etcd. Possible values: TLS1.2, TLS1.3.'),
};
