// The flags of kube-proxy: upstream's names and defaults.
import { featureGatesFlag } from '@drydock/foundation/feature-gates.ts';
import { type FlagSet, flag, type RefusedFlag } from '@drydock/foundation/flags.ts';

const hours = 3_600_000;

export const flags = {
  config: flag(
    'string',
    '',
    'The path to the configuration file. Flags of the command line are then ignored, except --hostname-override.',
  ),
  kubeconfig: flag('string', '', 'Path to kubeconfig file with authorization information.'),
  'hostname-override': flag('string', '', 'The name of the node, instead of the host name.'),
  'proxy-mode': flag('string', 'nftables', 'Which proxy mode to use: nftables.'),
  'bind-address': flag('string', '0.0.0.0', "Overrides the node's primary IP. No socket is bound to it."),
  'cluster-cidr': flag('string', '', 'The CIDR range of the pods in the cluster; for dual stack a comma-separated pair.'),
  'detect-local-mode': flag(
    'string',
    'ClusterCIDR',
    'How local traffic is told: ClusterCIDR, NodeCIDR, BridgeInterface or InterfaceNamePrefix.',
  ),
  'pod-bridge-interface': flag('string', '', 'With BridgeInterface: the bridge that local traffic comes from.'),
  'pod-interface-name-prefix': flag(
    'string',
    '',
    'With InterfaceNamePrefix: how the interfaces begin that local traffic comes from.',
  ),
  'nodeport-addresses': flag('strings', [], 'CIDRs of the node addresses at which node ports answer, or primary.'),
  'masquerade-all': flag('bool', false, 'SNAT all traffic sent via Service cluster IPs.'),
  'iptables-min-sync-period': flag('duration', 1000, 'The minimum interval between syncs of the rules; 0 for none.'),
  'iptables-sync-period': flag('duration', 30_000, 'How often the rules of the kernel are compared with what they should be.'),
  'kube-api-qps': flag('float', 5, 'QPS to use while talking with kubernetes apiserver.'),
  'kube-api-burst': flag('int', 10, 'Burst to use while talking with kubernetes apiserver.'),
  'healthz-bind-address': flag('string', '0.0.0.0:10256', 'IP address and port of the health check server. Empty to disable.'),
  'metrics-bind-address': flag('string', '127.0.0.1:10249', 'IP address and port of the metrics server. Empty to disable.'),
  'bind-address-hard-fail': flag('bool', false, 'Treat a failure to bind to a port as fatal.'),
  'conntrack-max-per-core': flag(
    'int',
    32_768,
    'Maximum number of NAT connections to track per CPU core (0 to leave the limit as it is).',
  ),
  'conntrack-min': flag(
    'int',
    131_072,
    'Minimum number of conntrack entries to allocate, regardless of conntrack-max-per-core.',
  ),
  'conntrack-tcp-be-liberal': flag('bool', false, 'Track TCP packets that are out of window too.'),
  'conntrack-tcp-timeout-close-wait': flag('duration', hours, 'NAT timeout of TCP connections in CLOSE_WAIT.'),
  'conntrack-tcp-timeout-established': flag(
    'duration',
    24 * hours,
    'Idle timeout of established TCP connections (0 to leave it as it is).',
  ),
  'conntrack-udp-timeout': flag('duration', 0, 'Idle timeout of UDP flows without replies (0 to leave it as it is).'),
  'conntrack-udp-timeout-stream': flag('duration', 0, 'Idle timeout of UDP flows with replies (0 to leave it as it is).'),
  'oom-score-adj': flag('int', -999, 'The oom-score-adj value of this process, in [-1000, 1000].'),
  cleanup: flag('bool', false, 'Remove the rules of the proxy and exit.'),
  'init-only': flag('bool', false, 'Do what takes full root privileges (limits of connection tracking) and exit.'),
  'feature-gates': featureGatesFlag,
  v: flag('int', 0, 'Number for the log level verbosity.', 'v'),
} satisfies FlagSet;

/** Upstream's flags that would change which server, or which data, is used. */
export const refusedFlags: Readonly<Record<string, RefusedFlag>> = {
  master: { takes: 'value', because: 'the server is the one of --kubeconfig' },
  'write-config-to': { takes: 'value', because: 'the configuration is not written to files' },
};

/** Upstream's flags that have no effect here: those of other proxy modes, and what only Go programs have. */
export const ignoredFlags: Readonly<Record<string, 'value' | 'bool'>> = Object.fromEntries([
  ...[
    'boot-id-file',
    'config-sync-period',
    'iptables-masquerade-bit',
    'ipvs-exclude-cidrs',
    'ipvs-min-sync-period',
    'ipvs-scheduler',
    'ipvs-sync-period',
    'ipvs-tcp-timeout',
    'ipvs-tcpfin-timeout',
    'ipvs-udp-timeout',
    'kube-api-content-type',
    'log-flush-frequency',
    'log-json-info-buffer-size',
    'log-text-info-buffer-size',
    'logging-format',
    'machine-id-file',
    'show-hidden-metrics-for-version',
    'vmodule',
  ].map((name) => [name, 'value']),
  ...['iptables-localhost-nodeports', 'ipvs-strict-arp', 'log-json-split-stream', 'log-text-split-stream', 'profiling'].map(
    (name) => [name, 'bool'],
  ),
]);
