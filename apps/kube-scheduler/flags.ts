// The flags of kube-scheduler: upstream's names and defaults.
import { accessFlags } from '@drydock/client/access/flags.ts';
import { featureGatesFlag } from '@drydock/foundation/feature-gates.ts';
import { flag } from '@drydock/foundation/flags.ts';

const seconds = 1000;

export const flags = {
  kubeconfig: flag('string', '', 'Path to kubeconfig file with authorization and master location information.'),
  config: flag('string', '', 'The path to the configuration file (KubeSchedulerConfiguration).'),
  'kube-api-qps': flag('float', 50, 'QPS to use while talking with kubernetes apiserver. Ignored if --config is given.'),
  'kube-api-burst': flag('int', 100, 'Burst to use while talking with kubernetes apiserver. Ignored if --config is given.'),
  'secure-port': flag('int', 10259, 'The port on which to serve HTTPS. If 0, do not serve HTTPS at all.'),
  'bind-address': flag('string', '0.0.0.0', 'The IP address on which to listen for the --secure-port port.'),
  'tls-cert-file': flag('string', '', 'File containing the x509 certificate for HTTPS; self-signed if not given.'),
  'tls-private-key-file': flag('string', '', 'File containing the private key matching --tls-cert-file.'),
  'leader-elect': flag('bool', true, 'Start a leader election client and gain leadership before executing the main loop.'),
  'leader-elect-lease-duration': flag('duration', 15 * seconds, 'How long candidates wait after the last renewal.'),
  'leader-elect-renew-deadline': flag('duration', 10 * seconds, 'How long the leader tries to renew before it stops leading.'),
  'leader-elect-retry-period': flag('duration', 2 * seconds, 'The time between tries to acquire or renew.'),
  'leader-elect-resource-name': flag('string', 'kube-scheduler', 'The name of the Lease used for locking.'),
  'leader-elect-resource-namespace': flag('string', 'kube-system', 'The namespace of the Lease used for locking.'),
  ...accessFlags,
  'feature-gates': featureGatesFlag,
  v: flag('int', 0, 'Number for the log level verbosity.', 'v'),
} as const;

/** Upstream's other flags: accepted, without effect here. */
export const ignoredFlags: Readonly<Record<string, 'value' | 'bool'>> = {
  ...Object.fromEntries(
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
      'pod-max-in-unschedulable-pods-duration',
      'show-hidden-metrics-for-version',
      'tls-cipher-suites',
      'tls-curve-preferences',
      'tls-min-version',
      'tls-sni-cert-key',
      'vmodule',
      'write-config-to',
    ].map((name) => [name, 'value' as const]),
  ),
  ...Object.fromEntries(
    [
      'contention-profiling',
      'disable-http2-serving',
      'log-json-split-stream',
      'log-text-split-stream',
      'permit-address-sharing',
      'permit-port-sharing',
      'profiling',
      'unsupported-kube-api-over-localhost',
    ].map((name) => [name, 'bool' as const]),
  ),
};
