// Flags and KubeletConfiguration (kubelet.config.k8s.io/v1beta1). Flags win over the file, as upstream has it.
import type { SecureContextOptions } from 'node:tls';
import { tryParseQuantity } from '@drydock/api/quantity.ts';
import { rateOf } from '@drydock/client/rate-limit.ts';
import type { Rate } from '@drydock/client/token-bucket.ts';
import { parseDuration } from '@drydock/foundation/duration.ts';
import { tlsPolicy } from '@drydock/foundation/serving/tls-policy.ts';
import { ConfigError } from './config/config-error.ts';
import { decodeConfiguration, type Fields } from './config/decode.ts';
import { type FlagValues, withFlags } from './config/flags.ts';
import { unservedFields } from './config/unserved.ts';
import { invalidFields } from './config/validate.ts';
import { defaultEvictionHard, isThreshold, type Reserved, type Signal, signals, type Thresholds } from './node/thresholds.ts';

export { ConfigError, DecodeError } from './config/config-error.ts';
export { flags } from './config/flags.ts';
export { ignoredFlags, refusedFlags } from './config/unserved.ts';

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
  /** Undefined: the defaults of the platform. */
  readonly tls?: SecureContextOptions;
  /** `authorization.mode: Webhook`; otherwise whoever is known may do everything. */
  readonly webhook: boolean;
  /** Whoever does not say who they are is system:anonymous. */
  readonly anonymous?: boolean;
  /** Bearer tokens are reviewed. */
  readonly tokenWebhook?: boolean;
  /** How long answers of the API server are good. */
  readonly answerTimes?: AnswerTimes;
  /** Nothing is served but health. */
  readonly serves?: boolean;
  /** Logs, exec, attach and port-forward are served. */
  readonly debuggingHandlers?: boolean;
  /** Where pods come from beside the API server; undefined: from nowhere. */
  readonly manifests?: Manifests;
  readonly seccompDefault: boolean;
  readonly machine: MachineDemands;
  /** Processes of one pod; undefined: no limit. */
  readonly podPidsLimit: number | undefined;
  /** 0: only `maxPods` limits them. */
  readonly podsPerCore: number;
  /** All pods together get no more than the node gives to pods. */
  readonly enforcePods: boolean;
  /** Of the file; the flag has its own. */
  readonly featureGates: Readonly<Record<string, boolean>>;
  /** Fields that are set and have no effect here. */
  readonly withoutEffect: readonly string[];
  /** What strict decoding says of the file. */
  readonly strictWarning: string | undefined;
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

/** Milliseconds. */
export interface AnswerTimes {
  readonly tokenMs: number;
  readonly allowedMs: number;
  readonly deniedMs: number;
}

/** Empty where there is none. */
export interface Manifests {
  readonly path: string;
  /** Milliseconds. */
  readonly filePeriodMs: number;
  readonly url: string;
  readonly urlHeaders: Readonly<Record<string, readonly string[]>>;
  readonly urlPeriodMs: number;
}

/** Without what it does not start. */
export interface MachineDemands {
  readonly noSwap: boolean;
  readonly noCgroupV1: boolean;
  readonly kernelDefaults: boolean;
}

/** Throws ConfigError. `document`: the parsed file, undefined where there is none. `given`: the flags of the command line. */
export function readConfig(
  values: FlagValues,
  document: unknown,
  hostname: string,
  given: ReadonlySet<string> = new Set(),
): KubeletConfig {
  const decoded = document === undefined ? { fields: {}, warning: undefined } : decodeConfiguration(document);
  const file = withFlags(decoded.fields, values, given);
  const withoutEffect = unservedFields(decoded.fields);
  const invalid = invalidFields(file);
  if (invalid !== undefined) throw new ConfigError(invalid);
  const field = <T>(name: string, fallback: T): T => (file[name] as T | undefined) ?? fallback;
  const duration = (value: unknown, fallback: string): number =>
    parseDuration(typeof value === 'string' ? value : fallback) || (parseDuration(fallback) ?? 0);
  // 0 is the default, as for every field of the file.
  const rate = (qps: number, burst: number, fallback: number): Rate | undefined =>
    rateOf(qps || fallback, burst || 2 * fallback);
  const endpoint = field('containerRuntimeEndpoint', '') || 'unix:///run/containerd/containerd.sock';
  if (!/^(unix:\/\/\/|hollow:\/\/)/.test(endpoint))
    throw new ConfigError(`containerRuntimeEndpoint: expected unix:///path or hollow://, got ${JSON.stringify(endpoint)}`);
  if (values.kubeconfig === '') throw new ConfigError('--kubeconfig: expected the path of a kubeconfig file');
  const pids = field('podPidsLimit', -1);
  const taints = given.has('register-with-taints') ? values['register-with-taints'].map(parseTaint) : undefined;
  return {
    kubeconfig: values.kubeconfig,
    nodeName: values['hostname-override'] || hostname.toLowerCase(),
    nodeIp: values['node-ip'],
    rootDir: values['root-dir'],
    endpoint,
    address: field('address', '') || '0.0.0.0',
    port: field('port', 0) || 10_250,
    agentPort: values['node-agent-port'],
    healthzAddress: field('healthzBindAddress', '') || '127.0.0.1',
    healthzPort: field('healthzPort', 10_248),
    certFile: field('tlsCertFile', ''),
    keyFile: field('tlsPrivateKeyFile', ''),
    tls: tlsOf(file),
    ...accessOf(file, duration),
    serves: field('enableServer', true),
    debuggingHandlers: field('enableDebuggingHandlers', true),
    manifests: {
      path: field('staticPodPath', ''),
      filePeriodMs: duration(file.fileCheckFrequency, '20s'),
      url: field('staticPodURL', ''),
      urlHeaders: field('staticPodURLHeader', {}),
      urlPeriodMs: duration(file.httpCheckFrequency, '20s'),
    },
    seccompDefault: field('seccompDefault', false),
    machine: {
      noSwap: field('failSwapOn', true),
      noCgroupV1: field('failCgroupV1', true),
      kernelDefaults: field('protectKernelDefaults', false),
    },
    podPidsLimit: pids > 0 ? pids : undefined,
    podsPerCore: field('podsPerCore', 0),
    enforcePods: field('enforceNodeAllocatable', ['pods']).includes('pods'),
    featureGates: field('featureGates', {}),
    cgroupRoot: field('cgroupRoot', '') || '/',
    clusterDomain: field('clusterDomain', ''),
    clusterDns: field('clusterDNS', []),
    resolvConf: field('resolvConf', '/etc/resolv.conf'),
    podLogsDir: field('podLogsDir', '') || '/var/log/pods',
    maxPods: field('maxPods', 0) || 110,
    evictionHard: thresholds(values['eviction-hard'], file.evictionHard, field('mergeDefaultEvictionSettings', false)),
    pressureTransitionMs: duration(file.evictionPressureTransitionPeriod, '5m'),
    reserved: {
      system: amounts('systemReserved', field('systemReserved', {})),
      kube: amounts('kubeReserved', field('kubeReserved', {})),
    },
    allowedSysctls: field('allowedUnsafeSysctls', []),
    logBytesMax: logBytes(field('containerLogMaxSize', '') || '10Mi'),
    logFilesMax: field('containerLogMaxFiles', 5),
    apiRate: rate(field('kubeAPIQPS', 50), field('kubeAPIBurst', 100), 50),
    eventRate: rate(field('eventRecordQPS', 50), field('eventBurst', 100), 5),
    statusPeriodMs: duration(file.nodeStatusUpdateFrequency, '10s'),
    leaseSeconds: field('nodeLeaseDurationSeconds', 0) || 40,
    labels: values['node-labels'],
    taints: taints ?? field('registerWithTaints', []),
    withoutEffect,
    strictWarning: decoded.warning,
  };
}

function tlsOf(file: Fields): SecureContextOptions {
  try {
    return tlsPolicy({
      minVersion: (file.tlsMinVersion as string | undefined) ?? '',
      cipherSuites: (file.tlsCipherSuites as string[] | undefined) ?? [],
      curves: ((file.tlsCurvePreferences as number[] | undefined) ?? []).map(String),
    });
  } catch (cause) {
    throw new ConfigError((cause as Error).message, { cause });
  }
}

/** Without a file too, nobody is anonymous and everybody is asked after: upstream lets all in then, for the sake of old command lines. */
function accessOf(file: Fields, duration: (value: unknown, fallback: string) => number) {
  const { x509, webhook, anonymous } = (file.authentication ?? {}) as Record<string, Fields | undefined>;
  const { mode = 'Webhook', webhook: answers } = (file.authorization ?? {}) as { mode?: string; webhook?: Fields };
  if (mode !== 'Webhook' && mode !== 'AlwaysAllow' && mode !== '') throw new ConfigError(`unknown authorization mode ${mode}`);
  return {
    clientCaFile: (x509?.clientCAFile as string | undefined) ?? '',
    webhook: mode !== 'AlwaysAllow',
    anonymous: anonymous?.enabled === true,
    tokenWebhook: webhook?.enabled !== false,
    answerTimes: {
      tokenMs: duration(webhook?.cacheTTL, '2m'),
      allowedMs: duration(answers?.cacheAuthorizedTTL, '5m'),
      deniedMs: duration(answers?.cacheUnauthorizedTTL, '30s'),
    },
  };
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

/** The flag's thresholds, or the file's, or upstream's defaults: never a mixture of them, but where the file asks for it. */
function thresholds(flagText: string, fromFile: unknown, merged: boolean): Thresholds {
  const fromFlag = flagText.split(',').filter((each) => each !== '');
  const pairs =
    fromFlag.length > 0
      ? fromFlag.map((each) => each.split('<') as [string, string?])
      : Object.entries({
          ...(fromFile === undefined || merged ? defaultEvictionHard : {}),
          ...(fromFile as Record<string, string> | undefined),
        });
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

function parseTaint(text: string): { key: string; value?: string; effect: string } {
  const match = /^([^=:]+)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(text);
  if (match === null) throw new ConfigError(`--register-with-taints: expected key=value:effect, got ${JSON.stringify(text)}`);
  return { key: match[1] ?? '', ...(match[2] === undefined ? {} : { value: match[2] }), effect: match[3] ?? '' };
}
