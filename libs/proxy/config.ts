// KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1) and upstream's flags, as one set of options.

import { rateOf } from '@drydock/client/rate-limit.ts';
import type { Rate } from '@drydock/client/token-bucket.ts';
import { parseDuration } from '@drydock/foundation/duration.ts';
import { featureGatesFlag } from '@drydock/foundation/feature-gates.ts';
import { type FlagSet, flag, type Values } from '@drydock/foundation/flags.ts';
import { isCidr } from './node-addresses.ts';

export const flags = {
  config: flag(
    'string',
    '',
    'The path to the configuration file. Flags of the command line are then ignored, except --hostname-override.',
  ),
  kubeconfig: flag('string', '', 'Path to kubeconfig file with authorization information.'),
  'hostname-override': flag('string', '', 'The name of the node, instead of the host name.'),
  'proxy-mode': flag('string', 'nftables', 'Which proxy mode to use: nftables.'),
  'cluster-cidr': flag('string', '', 'The CIDR range of the pods in the cluster.'),
  'nodeport-addresses': flag('strings', [], 'CIDRs of the node addresses at which node ports answer, or primary.'),
  'masquerade-all': flag('bool', false, 'SNAT all traffic sent via Service cluster IPs.'),
  'iptables-masquerade-bit': flag('int', 14, 'Bit of the packet mark that asks for SNAT, in [0, 31].'),
  'min-sync-period': flag('duration', 1000, 'The minimum interval between syncs of the rules.'),
  'kube-api-qps': flag('float', 5, 'QPS to use while talking with kubernetes apiserver.'),
  'kube-api-burst': flag('int', 10, 'Burst to use while talking with kubernetes apiserver.'),
  'healthz-bind-address': flag('string', '0.0.0.0:10256', 'IP address and port of the health check server. Empty to disable.'),
  'metrics-bind-address': flag('string', '127.0.0.1:10249', 'IP address and port of the metrics server. Empty to disable.'),
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
  'bind-address-hard-fail': flag('bool', false, 'Treat a failure to bind to a port as fatal.'),
  cleanup: flag('bool', false, 'Remove the rules of the proxy and exit.'),
  'feature-gates': featureGatesFlag,
  v: flag('int', 0, 'Number for the log level verbosity.', 'v'),
} satisfies FlagSet;

/** Upstream's flags that have no effect here. */
export const ignoredFlags = {
  'sync-period': 'value',
  'iptables-sync-period': 'value',
  'iptables-min-sync-period': 'value',
  'bind-address': 'value',
  'kube-api-content-type': 'value',
  'conntrack-tcp-timeout-established': 'value',
  'conntrack-tcp-timeout-close-wait': 'value',
  'detect-local-mode': 'value',
  'oom-score-adj': 'value',
  'config-sync-period': 'value',
  'show-hidden-metrics-for-version': 'value',
  'logging-format': 'value',
  profiling: 'bool',
} as const;

export interface ProxyConfig {
  readonly kubeconfig: string;
  /** Requests to the apiserver; undefined is no limit. */
  readonly apiRate: Rate | undefined;
  readonly nodeName: string;
  readonly clusterCIDR: string;
  readonly nodePortAddresses: readonly string[];
  readonly masqueradeAll: boolean;
  readonly masqueradeBit: number;
  readonly minSyncPeriodMs: number;
  readonly healthzBindAddress: string;
  readonly metricsBindAddress: string;
  readonly bindAddressHardFail: boolean;
  readonly conntrackMaxPerCore: number;
  readonly conntrackMin: number;
}

/** A configuration that cannot be used; the message names the field. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Flags, or the file where one is given. Throws ConfigError. `hostname` is the machine's own name. */
export function readConfig(values: Values<typeof flags>, file: unknown, hostname: string): ProxyConfig {
  const config = file === undefined ? fromFlags(values) : fromFile(file);
  const mode =
    file === undefined ? values['proxy-mode'] : (asText((file as Record<string, unknown>).mode, 'mode') ?? 'nftables');
  if (mode !== 'nftables' && mode !== '')
    throw new ConfigError(`proxy-mode: Unsupported value: "${mode}": supported values: "nftables"`);
  if (config.kubeconfig === '')
    throw new ConfigError('kubeconfig: Required value: --kubeconfig or clientConnection.kubeconfig');
  if (config.clusterCIDR !== '' && !isCidr(config.clusterCIDR))
    throw new ConfigError(`clusterCIDR: Invalid value: "${config.clusterCIDR}": expected an IPv4 CIDR such as 10.244.0.0/16`);
  for (const cidr of config.nodePortAddresses) {
    if (cidr !== 'primary' && !isCidr(cidr))
      throw new ConfigError(`nodePortAddresses: Invalid value: "${cidr}": expected an IPv4 CIDR or primary`);
  }
  if (config.masqueradeBit < 0 || config.masqueradeBit > 31)
    throw new ConfigError('masqueradeBit: must be within the range [0, 31]');
  const nodeName = (values['hostname-override'] || config.nodeName || hostname).trim().toLowerCase();
  return { ...config, nodeName };
}

function fromFlags(v: Values<typeof flags>): ProxyConfig {
  return {
    kubeconfig: v.kubeconfig,
    apiRate: apiRate(v['kube-api-qps'], v['kube-api-burst']),
    nodeName: '',
    clusterCIDR: v['cluster-cidr'],
    nodePortAddresses: v['nodeport-addresses'],
    masqueradeAll: v['masquerade-all'],
    masqueradeBit: v['iptables-masquerade-bit'],
    minSyncPeriodMs: v['min-sync-period'],
    healthzBindAddress: v['healthz-bind-address'],
    metricsBindAddress: v['metrics-bind-address'],
    bindAddressHardFail: v['bind-address-hard-fail'],
    conntrackMaxPerCore: v['conntrack-max-per-core'],
    conntrackMin: v['conntrack-min'],
  };
}

function fromFile(file: unknown): ProxyConfig {
  const top = asMap(file, 'configuration') ?? {};
  if (top.kind !== 'KubeProxyConfiguration')
    throw new ConfigError(`kind: expected KubeProxyConfiguration, got ${JSON.stringify(top.kind)}`);
  if (top.apiVersion !== 'kubeproxy.config.k8s.io/v1alpha1')
    throw new ConfigError('apiVersion: expected kubeproxy.config.k8s.io/v1alpha1');
  const nft = asMap(top.nftables, 'nftables') ?? {};
  const conntrack = asMap(top.conntrack, 'conntrack') ?? {};
  const addresses = top.nodePortAddresses ?? [];
  if (!Array.isArray(addresses)) throw new ConfigError('nodePortAddresses: expected a list');
  const minSync = asText(nft.minSyncPeriod, 'nftables.minSyncPeriod') ?? '1s';
  const minSyncPeriodMs = parseDuration(minSync);
  if (minSyncPeriodMs === undefined) throw new ConfigError(`nftables.minSyncPeriod: expected a duration, got "${minSync}"`);
  const connection = asMap(top.clientConnection, 'clientConnection') ?? {};
  return {
    kubeconfig: asText(connection.kubeconfig, 'clientConnection.kubeconfig') ?? '',
    apiRate: apiRate(connection.qps || flags['kube-api-qps'].default, connection.burst || flags['kube-api-burst'].default),
    nodeName: asText(top.hostnameOverride, 'hostnameOverride') ?? '',
    clusterCIDR: asText(top.clusterCIDR, 'clusterCIDR') ?? '',
    nodePortAddresses: addresses.map((entry, index) => asText(entry, `nodePortAddresses[${index}]`) ?? ''),
    masqueradeAll: nft.masqueradeAll === true,
    masqueradeBit: typeof nft.masqueradeBit === 'number' ? nft.masqueradeBit : 14,
    minSyncPeriodMs: minSyncPeriodMs === 0 ? 1000 : minSyncPeriodMs,
    healthzBindAddress: asText(top.healthzBindAddress, 'healthzBindAddress') || '0.0.0.0:10256',
    metricsBindAddress: asText(top.metricsBindAddress, 'metricsBindAddress') || '127.0.0.1:10249',
    bindAddressHardFail: top.bindAddressHardFail === true,
    conntrackMaxPerCore: typeof conntrack.maxPerCore === 'number' ? conntrack.maxPerCore : 32_768,
    conntrackMin: typeof conntrack.min === 'number' ? conntrack.min : 131_072,
  };
}

function apiRate(qps: unknown, burst: unknown): Rate | undefined {
  if (typeof qps !== 'number') throw new ConfigError(`clientConnection.qps: expected a number, got ${JSON.stringify(qps)}`);
  if (typeof burst !== 'number' || !Number.isInteger(burst) || burst < 0)
    throw new ConfigError(`clientConnection.burst: Invalid value: ${JSON.stringify(burst)}: must be non-negative`);
  return rateOf(qps, burst);
}

function asText(value: unknown, field: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new ConfigError(`${field}: expected text, got ${JSON.stringify(value)}`);
  return value;
}

function asMap(value: unknown, field: string): Record<string, unknown> | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) throw new ConfigError(`${field}: expected a mapping`);
  return value as Record<string, unknown>;
}
