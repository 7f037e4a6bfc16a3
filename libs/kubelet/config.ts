// Flags and KubeletConfiguration (kubelet.config.k8s.io/v1beta1). Flags win over the file, as upstream has it.

import { tryParseQuantity } from '@drydock/api/quantity.ts';
import { rateOf } from '@drydock/client/rate-limit.ts';
import type { Rate } from '@drydock/client/token-bucket.ts';
import { parseDuration } from '@drydock/foundation/duration.ts';
import { featureGatesFlag } from '@drydock/foundation/feature-gates.ts';
import { flag, type Values } from '@drydock/foundation/flags.ts';
import { defaultEvictionHard, isThreshold, type Reserved, type Signal, signals, type Thresholds } from './node/thresholds.ts';

export const flags = {
  config: flag('string', '', 'file with a KubeletConfiguration'),
  kubeconfig: flag('string', '', 'how to connect to the API server'),
  'hostname-override': flag('string', '', 'name of the node instead of the hostname'),
  'node-ip': flag('string', '', 'address of the node'),
  'root-dir': flag('string', '/var/lib/kubelet', 'folder of the pods and volumes'),
  'cert-dir': flag('string', '/var/lib/kubelet/pki', 'folder of certificates'),
  'container-runtime-endpoint': flag('string', '', 'unix:///path/to/socket, or hollow://'),
  address: flag('string', '', 'address to serve on'),
  port: flag('int', 0, 'port of the HTTPS API'),
  'node-agent-port': flag('int', 10_251, 'port of the gRPC NodeAgent; 0 is off'),
  'node-labels': flag('map', {}, 'labels of the node when it registers'),
  'register-with-taints': flag('strings', [], 'taints of the node when it registers: key=value:effect'),
  'eviction-hard': flag('string', '', 'when the node is short: memory.available<100Mi,nodefs.available<10%'),
  'system-reserved': flag('map', {}, 'what the system keeps from pods: cpu=200m,memory=500Mi'),
  'kube-reserved': flag('map', {}, 'what Kubernetes itself keeps from pods'),
  'allowed-unsafe-sysctls': flag('strings', [], 'unsafe sysctls that pods may set; a final * stands for anything'),
  'kube-api-qps': flag('int', 50, 'requests to the API server a second, at most; not of events and of the node lease'),
  'kube-api-burst': flag('int', 100, 'requests to the API server at once, at most'),
  'event-qps': flag('int', 50, 'events written a second, at most'),
  'event-burst': flag('int', 100, 'events written at once, at most'),
  'max-pods': flag('int', 0, 'pods that may run here'),
  'feature-gates': featureGatesFlag,
  v: flag('int', 0, 'log verbosity', 'v'),
};

export const ignoredFlags = {
  'kube-api-content-type': 'value',
  'bootstrap-kubeconfig': 'value',
  'cgroup-driver': 'value',
  'pod-manifest-path': 'value',
  'fail-swap-on': 'bool',
  'pod-infra-container-image': 'value',
  'runtime-cgroups': 'value',
  'kubelet-cgroups': 'value',
  'system-cgroups': 'value',
  'rotate-certificates': 'bool',
  'register-node': 'bool',
  'seccomp-default': 'bool',
  'image-gc-high-threshold': 'value',
  'image-gc-low-threshold': 'value',
  'cloud-provider': 'value',
} as const;

/** A setting that cannot be used; the message names the field and what was expected. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export interface KubeletConfig {
  readonly kubeconfig: string;
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly rootDir: string;
  readonly endpoint: string;
  readonly address: string;
  readonly port: number;
  readonly agentPort: number;
  readonly healthzAddress: string;
  readonly healthzPort: number;
  readonly clientCaFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly webhook: boolean;
  readonly cgroupRoot: string;
  readonly clusterDomain: string;
  readonly clusterDns: readonly string[];
  readonly resolvConf: string;
  readonly podLogsDir: string;
  readonly maxPods: number;
  readonly evictionHard: Thresholds;
  readonly pressureTransitionMs: number;
  readonly reserved: Reserved;
  readonly allowedSysctls: readonly string[];
  /** A log is begun anew from this size on; 0: never. */
  readonly logBytesMax: number;
  /** Files that are kept of one container's log, the current one among them. */
  readonly logFilesMax: number;
  /** undefined is no limit. */
  readonly apiRate: Rate | undefined;
  readonly eventRate: Rate | undefined;
  readonly statusPeriodMs: number;
  readonly leaseSeconds: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly { key: string; value?: string; effect: string }[];
}

type Fields = Record<string, unknown>;

/** Throws ConfigError. `document`: the parsed file, undefined where there is none. `given`: the flags of the command line. */
export function readConfig(
  values: Values<typeof flags>,
  document: unknown,
  hostname: string,
  given: ReadonlySet<string> = new Set(),
): KubeletConfig {
  const file = (document ?? {}) as Fields;
  if (document !== undefined && file.kind !== 'KubeletConfiguration')
    throw new ConfigError(`kind: expected KubeletConfiguration, got ${JSON.stringify(file.kind)}`);
  const text = (name: string, fallback = ''): string => typed(file, name, 'string', fallback);
  const number = (name: string, fallback: number): number => typed(file, name, 'number', fallback);
  const duration = (name: string, fallback: string): number => {
    const ms = parseDuration(text(name, fallback));
    if (ms === undefined) throw new ConfigError(`${name}: expected a duration such as 10s, got ${JSON.stringify(file[name])}`);
    return ms === 0 ? (parseDuration(fallback) ?? 0) : ms;
  };
  const whole = (name: string, flagName: 'kube-api-qps' | 'kube-api-burst' | 'event-qps' | 'event-burst'): number => {
    const value = given.has(flagName) ? values[flagName] : number(name, flags[flagName].default);
    if (value < 0) {
      throw new ConfigError(`invalid configuration: ${name} (--${flagName}) ${value} must not be a negative number`);
    }
    return value;
  };
  // 0 is the default, as for every field of the file.
  const rate = (qps: number, burst: number, fallback: number): Rate | undefined =>
    rateOf(qps || fallback, burst || 2 * fallback);
  const authentication = (file.authentication ?? {}) as { x509?: { clientCAFile?: string } };
  const authorization = (file.authorization ?? {}) as { mode?: string };
  const endpoint =
    values['container-runtime-endpoint'] || text('containerRuntimeEndpoint', 'unix:///run/containerd/containerd.sock');
  if (!/^(unix:\/\/\/|hollow:\/\/)/.test(endpoint))
    throw new ConfigError(`containerRuntimeEndpoint: expected unix:///path or hollow://, got ${JSON.stringify(endpoint)}`);
  if (values.kubeconfig === '') throw new ConfigError('--kubeconfig: expected the path of a kubeconfig file');
  const address = values.address || text('address', '0.0.0.0');
  return {
    kubeconfig: values.kubeconfig,
    nodeName: values['hostname-override'] || hostname.toLowerCase(),
    nodeIp: values['node-ip'],
    rootDir: values['root-dir'],
    endpoint,
    address,
    port: values.port || number('port', 10_250),
    agentPort: values['node-agent-port'],
    healthzAddress: text('healthzBindAddress', '127.0.0.1'),
    healthzPort: number('healthzPort', 10_248),
    clientCaFile: authentication.x509?.clientCAFile ?? '',
    certFile: text('tlsCertFile'),
    keyFile: text('tlsPrivateKeyFile'),
    webhook: authorization.mode !== 'AlwaysAllow',
    cgroupRoot: text('cgroupRoot', '/'),
    clusterDomain: text('clusterDomain'),
    clusterDns: (file.clusterDNS as string[] | undefined) ?? [],
    resolvConf: text('resolvConf', '/etc/resolv.conf'),
    podLogsDir: text('podLogsDir', '/var/log/pods'),
    maxPods: values['max-pods'] || number('maxPods', 110),
    evictionHard: thresholds(values['eviction-hard'], file.evictionHard),
    pressureTransitionMs: duration('evictionPressureTransitionPeriod', '5m'),
    reserved: {
      system: amounts('systemReserved', { ...record(file, 'systemReserved'), ...values['system-reserved'] }),
      kube: amounts('kubeReserved', { ...record(file, 'kubeReserved'), ...values['kube-reserved'] }),
    },
    allowedSysctls: [...((file.allowedUnsafeSysctls as string[] | undefined) ?? []), ...values['allowed-unsafe-sysctls']],
    logBytesMax: logBytes(text('containerLogMaxSize', '10Mi')),
    logFilesMax: logFiles(number('containerLogMaxFiles', 5)),
    apiRate: rate(whole('kubeAPIQPS', 'kube-api-qps'), whole('kubeAPIBurst', 'kube-api-burst'), 50),
    eventRate: rate(whole('eventRecordQPS', 'event-qps'), whole('eventBurst', 'event-burst'), 5),
    statusPeriodMs: duration('nodeStatusUpdateFrequency', '10s'),
    leaseSeconds: number('nodeLeaseDurationSeconds', 40) || 40,
    labels: values['node-labels'],
    taints: values['register-with-taints'].map(parseTaint),
  };
}

function typed<T extends string | number>(file: Fields, name: string, type: 'string' | 'number', fallback: T): T {
  const value = file[name];
  if (value === undefined || value === null) return fallback;
  if (typeof value !== type) throw new ConfigError(`${name}: expected a ${type}, got ${JSON.stringify(value)}`);
  return value as T;
}

function record(file: Fields, name: string): Record<string, string> {
  const value = file[name] ?? {};
  const isMap = typeof value === 'object' && Object.values(value).every((each) => typeof each === 'string');
  if (!isMap) throw new ConfigError(`${name}: expected names with texts, got ${JSON.stringify(value)}`);
  return value as Record<string, string>;
}

function amounts(name: string, given: Record<string, string>): Record<string, string> {
  for (const [resource, text] of Object.entries(given)) {
    if (!['cpu', 'memory', 'ephemeral-storage', 'pid'].includes(resource))
      throw new ConfigError(
        `${name}: cannot reserve ${JSON.stringify(resource)}; expected cpu, memory, ephemeral-storage or pid`,
      );
    if (tryParseQuantity(text) === undefined)
      throw new ConfigError(`${name}.${resource}: expected a quantity such as 500Mi, got ${JSON.stringify(text)}`);
  }
  return given;
}

/** The flag's thresholds, or the file's, or upstream's defaults: never a mixture of them. */
function thresholds(flagText: string, fromFile: unknown): Thresholds {
  const fromFlag = flagText.split(',').filter((each) => each !== '');
  const pairs =
    fromFlag.length > 0
      ? fromFlag.map((each) => each.split('<') as [string, string?])
      : Object.entries((fromFile as Record<string, string> | undefined) ?? defaultEvictionHard);
  const result: Partial<Record<Signal, string>> = {};
  for (const [name, text = ''] of pairs) {
    const signal = signals.find((each) => each === name);
    if (signal === undefined)
      throw new ConfigError(
        `evictionHard: unknown eviction signal ${JSON.stringify(name)}; expected one of ${signals.join(', ')}`,
      );
    if (!isThreshold(text))
      throw new ConfigError(`evictionHard.${name}: expected a quantity or a percentage, got ${JSON.stringify(text)}`);
    result[signal] = text;
  }
  return result;
}

function logBytes(text: string): number {
  const bytes = tryParseQuantity(text);
  if (bytes === undefined)
    throw new ConfigError(`containerLogMaxSize: expected a quantity such as 10Mi, got ${JSON.stringify(text)}`);
  return Number(bytes.value());
}

function logFiles(count: number): number {
  if (count <= 1) throw new ConfigError(`containerLogMaxFiles: expected a number greater than 1, got ${count}`);
  return count;
}

function parseTaint(text: string): { key: string; value?: string; effect: string } {
  const match = /^([^=:]+)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(text);
  if (match === null) throw new ConfigError(`--register-with-taints: expected key=value:effect, got ${JSON.stringify(text)}`);
  return { key: match[1] ?? '', ...(match[2] === undefined ? {} : { value: match[2] }), effect: match[3] ?? '' };
}
