// The flags that the controller managers share: upstream's names and defaults.
import { accessFlags } from '@drydock/client/access/flags.ts';
import { featureGatesFlag } from '@drydock/foundation/feature-gates.ts';
import { flag } from '@drydock/foundation/flags.ts';

const seconds = 1000;

/** @param name the program's, which is also that of its Lease. */
export function managerFlags(name: string, securePort: number) {
  return {
    kubeconfig: flag('string', '', 'Path to kubeconfig file with authorization and master location information.'),
    controllers: flag(
      'strings',
      ['*'],
      "A list of controllers to enable. '*' enables all on-by-default controllers, 'foo' enables the controller named 'foo', '-foo' disables the controller named 'foo'.",
    ),
    'use-service-account-credentials': flag(
      'bool',
      false,
      'If true, use individual service account credentials for each controller.',
    ),
    'kube-api-qps': flag('float', 20, 'QPS to use while talking with kubernetes apiserver.'),
    'kube-api-burst': flag('int', 30, 'Burst to use while talking with kubernetes apiserver.'),
    'secure-port': flag('int', securePort, 'The port on which to serve HTTPS. If 0, do not serve HTTPS at all.'),
    'bind-address': flag('string', '0.0.0.0', 'The IP address on which to listen for the --secure-port port.'),
    'tls-cert-file': flag('string', '', 'File containing the x509 certificate for HTTPS; self-signed if not given.'),
    'tls-private-key-file': flag('string', '', 'File containing the private key matching --tls-cert-file.'),
    'leader-elect': flag('bool', true, 'Start a leader election client and gain leadership before executing the main loop.'),
    'leader-elect-lease-duration': flag(
      'duration',
      15 * seconds,
      'How long candidates wait after the last renewal before they take the lease.',
    ),
    'leader-elect-renew-deadline': flag(
      'duration',
      10 * seconds,
      'How long the leader tries to renew before it stops leading.',
    ),
    'leader-elect-retry-period': flag('duration', 2 * seconds, 'The time between tries to acquire or renew.'),
    'leader-elect-resource-name': flag('string', name, 'The name of the Lease used for locking.'),
    'leader-elect-resource-namespace': flag('string', 'kube-system', 'The namespace of the Lease used for locking.'),
    ...accessFlags,
    'feature-gates': featureGatesFlag,
    v: flag('int', 0, 'Number for the log level verbosity.', 'v'),
  } as const;
}
