// KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1): the part that has an effect here.
import { parseDuration } from '@drydock/foundation/duration.ts';
import { parseYaml } from '@drydock/foundation/lazy-yaml.ts';
import { ConfigError, isMap } from './config-error.ts';
import { defaultProfileConfig, type ProfileConfig } from './profile.ts';
import { parseProfiles, percentage } from './profile-config.ts';

export interface SchedulerConfig {
  /** At least one; each of its own name. */
  readonly profiles: readonly ProfileConfig[];
  readonly podInitialBackoffMs: number;
  readonly podMaxBackoffMs: number;
  /** Bindings under way at once, at most. */
  readonly parallelism: number;
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
  profiles: [defaultProfileConfig],
  podInitialBackoffMs: 1_000,
  podMaxBackoffMs: 10_000,
  parallelism: 16,
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
    profiles: parseProfiles(document.profiles, percentage(document, '', 'percentageOfNodesToScore') ?? 0),
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
