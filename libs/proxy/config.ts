// Upstream's flags, or a KubeProxyConfiguration, as one set of settings that have been checked. Pure.
import { isIP } from 'node:net';
import { rateOf } from '@drydock/client/rate-limit.ts';
import type { Rate } from '@drydock/client/token-bucket.ts';
import { readGateFlag } from '@drydock/foundation/feature-gates.ts';
import type { Values } from '@drydock/foundation/flags.ts';
import { DecodeError, readConfigFile } from './config-file.ts';
import type { ConntrackSettings } from './conntrack-settings.ts';
import { flags } from './flags.ts';
import { type LocalMode, type LocalSettings, localModes } from './local-traffic.ts';
import { isCidr } from './node-addresses.ts';

export interface ProxyConfig {
  readonly kubeconfig: string;
  /** Requests to the apiserver; undefined is no limit. */
  readonly apiRate: Rate | undefined;
  readonly nodeName: string;
  /** The node's primary address, where it is not the one of its Node object. */
  readonly nodeIP: string | undefined;
  readonly local: LocalSettings;
  readonly nodePortAddresses: readonly string[];
  readonly masqueradeAll: boolean;
  readonly masqueradeBit: number;
  readonly minSyncPeriodMs: number;
  readonly syncPeriodMs: number;
  readonly healthzBindAddress: string;
  readonly metricsBindAddress: string;
  readonly bindAddressHardFail: boolean;
  readonly conntrack: ConntrackSettings;
  readonly oomScoreAdj: number;
  readonly featureGates: ReadonlyMap<string, boolean>;
  /** What is to be said once: fields that are not known, or have no effect. */
  readonly warnings: readonly string[];
}

/** A configuration that cannot be used; the message is upstream's. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** What flags and files say, before it is checked. */
interface Settings extends Omit<ProxyConfig, 'apiRate' | 'nodeIP' | 'local'> {
  readonly mode: string;
  readonly qps: number;
  readonly burst: number;
  readonly bindAddress: string;
  readonly local: Omit<LocalSettings, 'mode'> & { readonly mode: string };
}

type FlagValues = Values<typeof flags>;

/** Flags, or the file where one is given. Throws ConfigError and FlagError. `hostname` is the machine's own name. */
export function readConfig(values: FlagValues, file: unknown, hostname: string): ProxyConfig {
  const settings = file === undefined ? fromFlags(values) : fromFile(file);
  const problems = [...problemsOf(settings)].map((text) => `KubeProxyConfiguration.${text}`);
  if (problems.length > 0)
    throw new ConfigError(`failed validate: ${problems.length === 1 ? problems[0] : `[${problems.join(', ')}]`}`);
  if (settings.mode === 'iptables' || settings.mode === 'ipvs')
    throw new ConfigError(`proxy mode ${JSON.stringify(settings.mode)} is not served here, only "nftables" is`);
  if (settings.kubeconfig === '')
    throw new ConfigError('kubeconfig: Required value: --kubeconfig or clientConnection.kubeconfig');
  const nodeName = (values['hostname-override'] || settings.nodeName || hostname).trim().toLowerCase();
  const { bindAddress, local } = settings;
  return {
    ...settings,
    nodeName,
    nodeIP: isIP(bindAddress) === 4 && bindAddress !== '0.0.0.0' ? bindAddress : undefined,
    apiRate: rateOf(settings.qps, settings.burst),
    local: {
      ...local,
      mode: (local.mode || 'ClusterCIDR') as LocalMode,
      clusterCIDR: local.clusterCIDR.split(',').find(isCidr) ?? '',
    },
    healthzBindAddress: withPort(settings.healthzBindAddress, 10_256),
    metricsBindAddress: withPort(settings.metricsBindAddress, 10_249),
  };
}

function fromFlags(v: FlagValues): Settings {
  return {
    mode: v['proxy-mode'],
    kubeconfig: v.kubeconfig,
    qps: v['kube-api-qps'],
    burst: v['kube-api-burst'],
    nodeName: '',
    bindAddress: v['bind-address'],
    local: {
      mode: v['detect-local-mode'],
      clusterCIDR: v['cluster-cidr'],
      bridgeInterface: v['pod-bridge-interface'],
      interfaceNamePrefix: v['pod-interface-name-prefix'],
    },
    nodePortAddresses: v['nodeport-addresses'],
    masqueradeAll: v['masquerade-all'],
    masqueradeBit: masqueradeBitDefault,
    minSyncPeriodMs: v['iptables-min-sync-period'],
    syncPeriodMs: v['iptables-sync-period'],
    healthzBindAddress: v['healthz-bind-address'],
    metricsBindAddress: v['metrics-bind-address'],
    bindAddressHardFail: v['bind-address-hard-fail'],
    conntrack: {
      maxPerCore: v['conntrack-max-per-core'],
      min: v['conntrack-min'],
      tcpBeLiberal: v['conntrack-tcp-be-liberal'],
      tcpCloseWaitMs: v['conntrack-tcp-timeout-close-wait'],
      tcpEstablishedMs: v['conntrack-tcp-timeout-established'],
      udpMs: v['conntrack-udp-timeout'],
      udpStreamMs: v['conntrack-udp-timeout-stream'],
    },
    oomScoreAdj: v['oom-score-adj'],
    featureGates: readGateFlag(v['feature-gates'], 'pairs'),
    warnings: [],
  };
}

const masqueradeBitDefault = 14;

function fromFile(file: unknown): Settings {
  const { values, warnings } = decode(file);
  // A value of nothing is the default, as upstream's defaulting takes it, where `empty` says so.
  const get = <T>(path: string, fallback: T, empty: 'is the default' | 'counts' = 'counts'): T => {
    const value = values.get(path) as T | undefined;
    return value === undefined || (empty === 'is the default' && !value) ? fallback : value;
  };
  const given = <N extends keyof typeof flags>(path: string, name: N) =>
    get(path, flags[name].default, 'is the default') as FlagValues[N];
  return {
    mode: get('mode', 'nftables', 'is the default'),
    kubeconfig: get('clientConnection.kubeconfig', ''),
    qps: given('clientConnection.qps', 'kube-api-qps'),
    burst: given('clientConnection.burst', 'kube-api-burst'),
    nodeName: get('hostnameOverride', ''),
    bindAddress: given('bindAddress', 'bind-address'),
    local: {
      mode: get('detectLocalMode', ''),
      clusterCIDR: get('clusterCIDR', ''),
      bridgeInterface: get('detectLocal.bridgeInterface', ''),
      interfaceNamePrefix: get('detectLocal.interfaceNamePrefix', ''),
    },
    nodePortAddresses: get('nodePortAddresses', []),
    masqueradeAll: get('nftables.masqueradeAll', false),
    masqueradeBit: get('nftables.masqueradeBit', masqueradeBitDefault),
    minSyncPeriodMs: given('nftables.minSyncPeriod', 'iptables-min-sync-period'),
    syncPeriodMs: given('nftables.syncPeriod', 'iptables-sync-period'),
    healthzBindAddress: given('healthzBindAddress', 'healthz-bind-address'),
    metricsBindAddress: given('metricsBindAddress', 'metrics-bind-address'),
    bindAddressHardFail: get('bindAddressHardFail', false),
    conntrack: {
      maxPerCore: get('conntrack.maxPerCore', flags['conntrack-max-per-core'].default),
      min: get('conntrack.min', flags['conntrack-min'].default),
      tcpBeLiberal: get('conntrack.tcpBeLiberal', false),
      tcpCloseWaitMs: get('conntrack.tcpCloseWaitTimeout', flags['conntrack-tcp-timeout-close-wait'].default),
      tcpEstablishedMs: get('conntrack.tcpEstablishedTimeout', flags['conntrack-tcp-timeout-established'].default),
      udpMs: get('conntrack.udpTimeout', 0),
      udpStreamMs: get('conntrack.udpStreamTimeout', 0),
    },
    oomScoreAdj: get('oomScoreAdj', flags['oom-score-adj'].default),
    featureGates: new Map(Object.entries(get<Record<string, boolean>>('featureGates', {}))),
    warnings,
  };
}

function decode(file: unknown) {
  try {
    return readConfigFile(file);
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause;
    throw new ConfigError(`failed complete: failed to decode: ${cause.message}`, { cause });
  }
}

/** Each as upstream's validation says it (pkg/proxy/apis/config/validation), without the name of the kind. */
function* problemsOf(s: Settings): Generator<string> {
  const { conntrack, local } = s;
  if (!['', 'nftables', 'iptables', 'ipvs'].includes(s.mode))
    yield `Mode.ProxyMode: Invalid value: ${JSON.stringify(s.mode)}: must be iptables, ipvs, nftables or blank (blank means the best-available proxy [currently iptables])`;
  if (s.masqueradeBit < 0 || s.masqueradeBit > 31)
    yield `KubeProxyNFTablesConfiguration.MasqueradeBit: Invalid value: ${s.masqueradeBit}: must be within the range [0, 31]`;
  if (s.oomScoreAdj < -1000 || s.oomScoreAdj > 1000)
    yield `KubeProxyLinuxConfiguration.OOMScoreAdj: Invalid value: ${s.oomScoreAdj}: must be within the range [-1000, 1000]`;
  for (const [name, value] of Object.entries({
    MaxPerCore: conntrack.maxPerCore,
    Min: conntrack.min,
    TCPEstablishedTimeout: conntrack.tcpEstablishedMs,
    TCPCloseWaitTimeout: conntrack.tcpCloseWaitMs,
    UDPTimeout: conntrack.udpMs,
    UDPStreamTimeout: conntrack.udpStreamMs,
  })) {
    if (value < 0)
      yield `KubeProxyLinuxConfiguration.KubeProxyConntrackConfiguration.${name}: Invalid value: ${value}: must be greater than or equal to 0`;
  }
  if (s.minSyncPeriodMs < 0) yield `MinSyncPeriod: Invalid value: ${s.minSyncPeriodMs}: must be greater than or equal to 0`;
  if (s.syncPeriodMs <= 0) yield `SyncPeriod: Invalid value: ${s.syncPeriodMs}: must be greater than 0`;
  else if (s.minSyncPeriodMs > s.syncPeriodMs)
    yield `SyncPeriod: Invalid value: ${s.minSyncPeriodMs}: must be greater than or equal to KubeProxyConfiguration.MinSyncPeriod`;
  if (isIP(s.bindAddress) === 0)
    yield `BindAddress: Invalid value: ${JSON.stringify(s.bindAddress)}: not a valid textual representation of an IP address`;
  for (const [name, value] of [
    ['HealthzBindAddress', s.healthzBindAddress],
    ['MetricsBindAddress', s.metricsBindAddress],
  ] as const) {
    if (value !== '' && isIP(value) === 0 && !isHostPort(value))
      yield `${name}: Invalid value: ${JSON.stringify(value)}: must be IP:port`;
  }
  if (s.burst < 0) yield `ClientConnection.Burst: Invalid value: ${s.burst}: must be non-negative`;
  yield* localProblems(local);
  yield* addressProblems(s.nodePortAddresses);
}

/** An interface's name as Linux has it: no blank, no slash; and nothing that would end the word in a rule. */
const interfaceName = /^[^\s/"*\\]{1,15}$/;

function* localProblems({ mode, clusterCIDR, bridgeInterface, interfaceNamePrefix }: Settings['local']): Generator<string> {
  if (mode !== '' && !localModes.some((known) => known === mode)) {
    const supported = [...localModes, ''].map((known) => JSON.stringify(known)).join(', ');
    yield `DetectLocalMode: Unsupported value: ${JSON.stringify(mode)}: supported values: ${supported}`;
  }
  for (const [index, cidr] of (clusterCIDR === '' ? [] : clusterCIDR.split(',')).entries()) {
    if (isCidr(cidr) || (isIP(cidr.split('/')[0] ?? '') === 6 && /\/\d{1,3}$/.test(cidr))) continue;
    yield `DetectLocalConfiguration.ClusterCIDRs[${index}]: Invalid value: ${JSON.stringify(cidr)}: must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)`;
  }
  const named = { BridgeInterface: bridgeInterface, InterfaceNamePrefix: interfaceNamePrefix };
  for (const [each, value] of Object.entries(named)) {
    if (mode !== each || interfaceName.test(value)) continue;
    const field = each === 'BridgeInterface' ? 'InterfaceName' : 'InterfacePrefix';
    const reason = value === '' ? 'must not be empty' : 'must be the name of an interface';
    yield `DetectLocalConfiguration.${field}: Invalid value: ${JSON.stringify(value)}: ${reason}`;
  }
}

function* addressProblems(addresses: readonly string[]): Generator<string> {
  for (const [index, cidr] of addresses.entries()) {
    if (cidr === 'primary' && addresses.length > 1)
      yield `NodePortAddresses[${index}]: Invalid value: "primary": can't use both 'primary' and CIDRs`;
    else if (cidr !== 'primary' && !isCidr(cidr) && !/^[0-9a-fA-F:]+\/\d{1,3}$/.test(cidr))
      yield `NodePortAddresses[${index}]: Invalid value: ${JSON.stringify(cidr)}: must be a valid CIDR`;
  }
}

function isHostPort(text: string): boolean {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  return match !== null && Number(match[3]) <= 65_535 && (host === '' || isIP(host) !== 0);
}

/** An address alone takes the default port, as upstream's `ipport` flags do. */
function withPort(text: string, port: number): string {
  const family = isIP(text);
  return family === 0 ? text : family === 6 ? `[${text}]:${port}` : `${text}:${port}`;
}
