// What a lab remembers between commands. Written before an effect where it tells `down` what to look for.
import type { LabConfig } from './config.ts';
import type { ProcessId } from './machine/proc.ts';
import type { Partition } from './net/partition.ts';
import type { LabPaths } from './topology.ts';

export interface RecordedProcess extends ProcessId {
  readonly startedAtMs: number;
}

export interface LabState {
  readonly version: 1;
  readonly config: LabConfig;
  readonly paths: LabPaths;
  /** Value of net.ipv4.ip_forward before the lab switched it on. */
  readonly hostForwardBefore: string | undefined;
  readonly partitions: readonly Partition[];
  /** The revision at which the store began after it was last restored from a snapshot; absent where it never was. */
  readonly restoredRevision?: number;
  /** By process name; entries of processes that have ended stay until they are started again. */
  readonly processes: Readonly<Record<string, RecordedProcess>>;
}

export function emptyState(config: LabConfig, paths: LabPaths): LabState {
  return { version: 1, config, paths, hostForwardBefore: undefined, partitions: [], processes: {} };
}
