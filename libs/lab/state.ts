// What a lab remembers between commands. Written before an effect where it tells `down` what to look for.
import { checkConfig, defaultConfig, type LabConfig } from './config.ts';
import type { ProcessId } from './machine/proc.ts';
import type { Partition } from './net/partition.ts';
import type { LabPaths } from './topology.ts';

export interface RecordedProcess extends ProcessId {
  readonly startedAtMs: number;
}

export interface LabState {
  readonly version: 1;
  /** Which run of the machine the processes are of: their pids mean nothing after it. */
  readonly boot: string;
  readonly config: LabConfig;
  readonly paths: LabPaths;
  readonly partitions: readonly Partition[];
  /** The revision at which the store began after it was last restored from a snapshot; absent where it never was. */
  readonly restoredRevision?: number;
  /** Digests of the manifests that the lab has written, by process name. */
  readonly manifests?: Readonly<Record<string, string>>;
  /** By process name; entries of processes that have ended stay until they are started again. */
  readonly processes: Readonly<Record<string, RecordedProcess>>;
}

export function emptyState(config: LabConfig, paths: LabPaths, boot: string): LabState {
  return { version: 1, boot, config, paths, partitions: [], processes: {} };
}

/**
 * Reads a state, as far as others rely on it; processes of another run of the machine are left out. Throws Error with what is
 * wrong.
 */
export function parseState(text: string, boot: string): LabState {
  const state = JSON.parse(text) as LabState | null;
  if (typeof state !== 'object' || state === null) throw new Error('expected an object');
  if (state.version !== 1) throw new Error(`version ${JSON.stringify(state.version)}`);
  if (typeof state.config !== 'object' || state.config === null) throw new Error('config is missing');
  // Labs of before there were Ingresses, load balancers, metrics or provisioned volumes have none.
  const none = { ingress: 0, cloudControllerManagers: 0, metrics: 0, storage: 'none' as const };
  const config = { ...defaultConfig, ...none, ...(state.config as Partial<LabConfig>) };
  const [problem] = checkConfig(config);
  if (problem !== undefined) throw new Error(`config.${problem.field}: ${problem.message}`);
  for (const field of ['repo', 'dir', 'run'] as const)
    if (typeof state.paths?.[field] !== 'string') throw new Error(`paths.${field} is missing`);
  if (!Array.isArray(state.partitions)) throw new Error('partitions are missing');
  if (typeof state.processes !== 'object' || state.processes === null) throw new Error('processes are missing');
  for (const [name, id] of Object.entries(state.processes))
    if (!Number.isInteger(id?.pid) || id.pid < 2 || !Number.isInteger(id.startTime))
      throw new Error(`processes.${name}: no process`);
  const past = state.boot !== undefined && state.boot !== boot;
  return { ...state, config, boot, ...(past ? { processes: {} } : {}) };
}
