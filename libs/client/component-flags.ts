// The flags that components of the control plane share: upstream's names and defaults (k8s.io/component-base, and the secure serving
// of k8s.io/apiserver).
import { featureGatesFlag } from '@drydock/foundation/feature-gates.ts';
import { flag } from '@drydock/foundation/flags.ts';
import { accessFlags } from './access/flags.ts';

const seconds = 1000;

/** @param name the program's, which is also that of its Lease. */
export function componentFlags(name: string, securePort: number) {
  return {
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

/** What follows flags that are accepted without effect: a value, or nothing. */
export type IgnoredFlags = Readonly<Record<string, 'value' | 'bool'>>;

export function ignoredFlagsOf(values: readonly string[], bools: readonly string[]): IgnoredFlags {
  return Object.fromEntries([...values.map((name) => [name, 'value']), ...bools.map((name) => [name, 'bool'])]);
}

/** Those of upstream's flags that have no effect in any of these components. */
export const ignoredComponentFlags: IgnoredFlags = ignoredFlagsOf(
  [
    'allow-metric-labels',
    'allow-metric-labels-manifest',
    'cert-dir',
    'disabled-metrics',
    'emulated-version',
    'http2-max-streams-per-connection',
    'kube-api-content-type',
    'leader-elect-resource-lock',
    'log-flush-frequency',
    'log-json-info-buffer-size',
    'log-text-info-buffer-size',
    'logging-format',
    'master',
    'min-compatibility-version',
    'show-hidden-metrics-for-version',
    'tls-cipher-suites',
    'tls-curve-preferences',
    'tls-min-version',
    'tls-sni-cert-key',
    'vmodule',
  ],
  [
    'contention-profiling',
    'disable-http2-serving',
    'log-json-split-stream',
    'log-text-split-stream',
    'permit-address-sharing',
    'permit-port-sharing',
    'profiling',
  ],
);
