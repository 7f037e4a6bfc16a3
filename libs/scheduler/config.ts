// KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1): the part that has an effect here.
import { parseDuration } from '@drydock/foundation/duration.ts';
import { parseYaml } from '@drydock/foundation/lazy-yaml.ts';

export interface SchedulerConfig {
  readonly schedulerName: string;
  readonly podInitialBackoffMs: number;
  readonly podMaxBackoffMs: number;
  /** Bindings under way at once, at most. */
  readonly parallelism: number;
  readonly leaderElect: boolean | undefined;
  readonly kubeconfig: string | undefined;
}

export const defaultSchedulerConfig: SchedulerConfig = {
  schedulerName: 'default-scheduler',
  podInitialBackoffMs: 1_000,
  podMaxBackoffMs: 10_000,
  parallelism: 16,
  leaderElect: undefined,
  kubeconfig: undefined,
};

/** A configuration file that cannot be used; the message names the field. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const apiVersion = 'kubescheduler.config.k8s.io/v1';
const knownFields = new Set([
  'apiVersion',
  'kind',
  'parallelism',
  'leaderElection',
  'clientConnection',
  'percentageOfNodesToScore',
  'podInitialBackoffSeconds',
  'podMaxBackoffSeconds',
  'profiles',
  'enableProfiling',
  'enableContentionProfiling',
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
  const election = isMap(document.leaderElection) ? document.leaderElection : {};
  for (const field of ['leaseDuration', 'renewDeadline', 'retryPeriod']) {
    const value = election[field];
    if (value !== undefined && parseDuration(String(value)) === undefined) {
      throw new ConfigError(`leaderElection.${field}: expected a duration such as 15s, got ${String(value)}`);
    }
  }
  const connection = isMap(document.clientConnection) ? document.clientConnection : {};
  return {
    schedulerName: profileName(document.profiles),
    podInitialBackoffMs: seconds(document, 'podInitialBackoffSeconds', defaultSchedulerConfig.podInitialBackoffMs),
    podMaxBackoffMs: seconds(document, 'podMaxBackoffSeconds', defaultSchedulerConfig.podMaxBackoffMs),
    parallelism: whole(document, 'parallelism', defaultSchedulerConfig.parallelism),
    leaderElect: typeof election.leaderElect === 'boolean' ? election.leaderElect : undefined,
    kubeconfig: typeof connection.kubeconfig === 'string' ? connection.kubeconfig : undefined,
  };
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
