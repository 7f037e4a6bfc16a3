// What was measured, and what follows from two measurements (metrics-server: pkg/storage/types.go). Pure.

/** One container or node at one moment. */
export interface MetricsPoint {
  /** When it was started, since the Unix epoch; the processor time at that moment was 0. 0 where that is not known. */
  readonly startMs: number;
  /** When it was measured, since the Unix epoch. */
  readonly atMs: number;
  /** Of all processors, since the start. */
  readonly cpuNanoseconds: number;
  readonly workingSetBytes: number;
}

/** `namespace/name`: neither has a slash. */
export type PodId = string;

export function podId(namespace: string, name: string): PodId {
  return `${namespace}/${name}`;
}

/** What one round has found, or one kubelet said. */
export interface Batch {
  readonly nodes: ReadonlyMap<string, MetricsPoint>;
  /** Containers by their names. */
  readonly pods: ReadonlyMap<PodId, ReadonlyMap<string, MetricsPoint>>;
}

export interface Usage {
  /** Billionths of a processor, over the window. */
  readonly cpuNanocores: bigint;
  readonly workingSetBytes: bigint;
  readonly atMs: number;
  readonly windowMs: number;
}

/** Between two points, the earlier one first; a text that says why nothing follows from them. */
export function usageBetween(before: MetricsPoint, last: MetricsPoint): Usage | string {
  if (last.startMs < before.startMs) return 'unexpected decrease in startTime of node/container';
  if (last.cpuNanoseconds < before.cpuNanoseconds) return 'unexpected decrease in cumulative CPU usage value';
  const windowMs = last.atMs - before.atMs;
  if (windowMs <= 0) return 'the points are of one moment';
  return {
    cpuNanocores: BigInt(Math.trunc((last.cpuNanoseconds - before.cpuNanoseconds) / (windowMs / 1_000))),
    workingSetBytes: BigInt(last.workingSetBytes),
    atMs: last.atMs,
    windowMs,
  };
}
