// The flags of metrics-server: upstream's names and defaults (kubernetes-sigs/metrics-server 0.8: cmd/metrics-server/app/options).
import { accessFlags } from '@drydock/client/access/flags.ts';
import { type IgnoredFlags, ignoredComponentFlags, ignoredFlagsOf } from '@drydock/client/component-flags.ts';
import { flag, type RefusedFlag } from '@drydock/foundation/flags.ts';

const seconds = 1_000;

export const flags = {
  kubeconfig: flag('string', '', 'The path to the kubeconfig used to connect to the Kubernetes API server and the Kubelets.'),
  'metric-resolution': flag('duration', 60 * seconds, 'The time between two rounds, at least 10s.'),
  'kubelet-insecure-tls': flag('bool', false, 'Do not verify who vouches for the certificates of Kubelets. For tests only.'),
  'kubelet-use-node-status-port': flag('bool', false, 'Use the port in the node status, where there is one.'),
  'kubelet-port': flag('int', 10_250, 'The port to use to connect to Kubelets.'),
  'kubelet-preferred-address-types': flag(
    'strings',
    ['Hostname', 'InternalDNS', 'InternalIP', 'ExternalDNS', 'ExternalIP'],
    'The types of node addresses by which Kubelets are reached, the preferred one first.',
  ),
  'kubelet-certificate-authority': flag(
    'string',
    '',
    'File with the authorities of Kubelets; those of --kubeconfig if not given.',
  ),
  'kubelet-client-certificate': flag('string', '', 'File with the client certificate for Kubelets.'),
  'kubelet-client-key': flag('string', '', 'File with the key of --kubelet-client-certificate.'),
  'kubelet-request-timeout': flag('duration', 10 * seconds, 'How long a Kubelet may take to answer.'),
  'node-selector': flag('string', '', 'Selector (label query) of the nodes that are measured.', 'l'),
  'secure-port': flag('int', 443, 'The port on which to serve HTTPS.'),
  'bind-address': flag('string', '0.0.0.0', 'The IP address on which to listen for the --secure-port port.'),
  'tls-cert-file': flag('string', '', 'File containing the x509 certificate for HTTPS; self-signed if not given.'),
  'tls-private-key-file': flag('string', '', 'File containing the private key matching --tls-cert-file.'),
  ...accessFlags,
  'authentication-tolerate-lookup-failure': flag(
    'bool',
    false,
    'If false, the program does not start where authorities of clients cannot be looked up in the cluster.',
  ),
  v: flag('int', 0, 'Number for the log level verbosity.', 'v'),
} as const;

/** Upstream's other flags: accepted, without effect here. */
export const ignoredFlags: IgnoredFlags = {
  ...ignoredComponentFlags,
  ...ignoredFlagsOf(['feature-gates'], ['enable-priority-and-fairness']),
};

const off = (text: string) => text === 'false';

export const refusedFlags: Readonly<Record<string, RefusedFlag>> = {
  'deprecated-kubelet-completely-insecure': {
    takes: 'bool',
    because: 'Kubelets serve HTTPS only: --kubelet-insecure-tls leaves out who vouches for them',
    unless: off,
  },
  'audit-log-path': { takes: 'value', because: 'no audit log is written' },
  'audit-policy-file': { takes: 'value', because: 'no audit log is written' },
  'audit-webhook-config-file': { takes: 'value', because: 'no audit log is written' },
};
