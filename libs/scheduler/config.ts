// KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1): the part that has an effect here.
import { parseDuration } from '@drydock/foundation/duration.ts';
import { parseYaml } from '@drydock/foundation/lazy-yaml.ts';

export interface SchedulerConfig {
  readonly schedulerName: string;
  readonly podInitialBackoffMs: number;
  readonly podMaxBackoffMs: number;
  /** Bindings under way at once, at most. */
  readonly parallelism: number;
  /** Of a large cluster, the share of nodes that are found fit before the best of them is taken; 0 is a share that adapts. */
  readonly percentageOfNodesToScore: number;
  readonly leaderElection: LeaderElectionConfig;
  readonly clientConnection: ClientConnectionConfig;
  /** Fields of the file that have no effect here. */
  readonly withoutEffect: readonly string[];
}

/** undefined: not in the file. */
export interface LeaderElectionConfig {
  readonly leaderElect: boolean | undefined;
  readonly leaseDurationMs: number | undefined;
  readonly renewDeadlineMs: number | undefined;
  readonly retryPeriodMs: number | undefined;
  readonly resourceName: string | undefined;
  readonly resourceNamespace: string | undefined;
}

export interface ClientConnectionConfig {
  readonly kubeconfig: string | undefined;
  readonly qps: number;
  readonly burst: number;
}

export const defaultSchedulerConfig: SchedulerConfig = {
  schedulerName: 'default-scheduler',
  podInitialBackoffMs: 1_000,
  podMaxBackoffMs: 10_000,
  parallelism: 16,
  percentageOfNodesToScore: 0,
  leaderElection: {
    leaderElect: undefined,
    leaseDurationMs: undefined,
    renewDeadlineMs: undefined,
    retryPeriodMs: undefined,
    resourceName: undefined,
    resourceNamespace: undefined,
  },
  clientConnection: { kubeconfig: undefined, qps: 50, burst: 100 },
  withoutEffect: [],
};

/** A configuration file that cannot be used; the message names the field. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const apiVersion = 'kubescheduler.config.k8s.io/v1';
const fieldsWithoutEffect = ['enableProfiling', 'enableContentionProfiling'];
const knownFields = new Set([
  ...fieldsWithoutEffect,
  'apiVersion',
  'kind',
  'parallelism',
  'leaderElection',
  'clientConnection',
  'percentageOfNodesToScore',
  'podInitialBackoffSeconds',
  'podMaxBackoffSeconds',
  'profiles',
]);

/** Reads the text of a `--config` file. */
export function parseSchedulerConfig(text: string): SchedulerConfig {
  const document: unknown = parseYaml(text);
  if (!isMap(document)) throw new ConfigError(`expected a KubeSchedulerConfiguration (${apiVersion})`);
  if (document.apiVersion !== apiVersion)
    throw new ConfigError(`apiVersion: expected ${apiVersion}, got ${String(document.apiVersion)}`);
  if (document.kind !== 'KubeSchedulerConfiguration') {
    throw new ConfigError(`kind: expected KubeSchedulerConfiguration, got ${String(document.kind)}`);
  }
  for (const field of Object.keys(document)) {
    if (!knownFields.has(field)) throw new ConfigError(`unknown field "${field}"`);
  }
  return {
    ...profile(document.profiles, percentage(document, 'percentageOfNodesToScore') ?? 0),
    podInitialBackoffMs: seconds(document, 'podInitialBackoffSeconds', defaultSchedulerConfig.podInitialBackoffMs),
    podMaxBackoffMs: seconds(document, 'podMaxBackoffSeconds', defaultSchedulerConfig.podMaxBackoffMs),
    parallelism: whole(document, 'parallelism', defaultSchedulerConfig.parallelism),
    leaderElection: leaderElection(isMap(document.leaderElection) ? document.leaderElection : {}),
    clientConnection: clientConnection(isMap(document.clientConnection) ? document.clientConnection : {}),
    withoutEffect: fieldsWithoutEffect.filter((field) => document[field] !== undefined),
  };
}

function leaderElection(section: Record<string, unknown>): LeaderElectionConfig {
  const duration = (field: string): number | undefined => {
    const value = section[field];
    if (value === undefined) return undefined;
    const ms = parseDuration(String(value));
    if (ms === undefined) {
      throw new ConfigError(`leaderElection.${field}: expected a duration such as 15s, got ${String(value)}`);
    }
    return ms;
  };
  const { leaderElect, resourceName, resourceNamespace, resourceLock = 'leases' } = section;
  if (resourceLock !== 'leases') {
    throw new ConfigError(
      `leaderElection.resourceLock: Invalid value: ${JSON.stringify(resourceLock)}: resourceLock value must be "leases"`,
    );
  }
  return {
    leaderElect: typeof leaderElect === 'boolean' ? leaderElect : undefined,
    leaseDurationMs: duration('leaseDuration'),
    renewDeadlineMs: duration('renewDeadline'),
    retryPeriodMs: duration('retryPeriod'),
    resourceName: typeof resourceName === 'string' ? resourceName : undefined,
    resourceNamespace: typeof resourceNamespace === 'string' ? resourceNamespace : undefined,
  };
}

function clientConnection(section: Record<string, unknown>): ClientConnectionConfig {
  const number = (field: 'qps' | 'burst'): number => {
    const value = section[field];
    if (value === undefined || value === 0) return defaultSchedulerConfig.clientConnection[field];
    if (typeof value === 'number' && (field === 'qps' || (Number.isInteger(value) && value > 0))) return value;
    throw new ConfigError(`clientConnection.${field}: expected a number of at least 0, got ${JSON.stringify(value)}`);
  };
  const { kubeconfig } = section;
  return { kubeconfig: typeof kubeconfig === 'string' ? kubeconfig : undefined, qps: number('qps'), burst: number('burst') };
}

function percentage(section: Record<string, unknown>, field: string): number | undefined {
  const value = section[field];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > 100) {
    throw new ConfigError(`${field}: Invalid value: ${JSON.stringify(value)}: not in valid range [0-100]`);
  }
  return value;
}

/** The one profile's name, and its own share of nodes or else that of all. */
function profile(profiles: unknown, ofAll: number): Pick<SchedulerConfig, 'schedulerName' | 'percentageOfNodesToScore'> {
  const schedulerName = profileName(profiles);
  const first: unknown = Array.isArray(profiles) ? profiles[0] : undefined;
  const own = isMap(first) ? percentage(first, 'percentageOfNodesToScore') : undefined;
  return { schedulerName, percentageOfNodesToScore: own ?? ofAll };
}

function profileName(profiles: unknown): string {
  if (profiles === undefined) return defaultSchedulerConfig.schedulerName;
  const first: unknown = Array.isArray(profiles) ? profiles[0] : undefined;
  if (!Array.isArray(profiles) || profiles.length !== 1 || !isMap(first)) {
    throw new ConfigError('profiles: expected a list of one profile');
  }
  if (first.plugins !== undefined || first.pluginConfig !== undefined) {
    throw new ConfigError('profiles[0]: plugins and pluginConfig cannot be set, the default plugins are used');
  }
  return typeof first.schedulerName === 'string' ? first.schedulerName : defaultSchedulerConfig.schedulerName;
}

function seconds(document: Record<string, unknown>, field: string, fallbackMs: number): number {
  return whole(document, field, fallbackMs / 1000) * 1000;
}

function whole(document: Record<string, unknown>, field: string, fallback: number): number {
  const value = document[field];
  if (value === undefined) return fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1) {
    throw new ConfigError(`${field}: expected a whole number of at least 1, got ${JSON.stringify(value)}`);
  }
  return value;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
