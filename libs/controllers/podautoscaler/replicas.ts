// From measurements to a number of pods (pkg/controller/podautoscaler/replica_calculator.go). Amounts are in thousandths.
import type { Pod } from '@drydock/api/generated/types.ts';
import type { PodMetrics } from './metrics.ts';
import { countedMetrics, type GroupedPods, groupPods, readyPods, requestsOf, someOf } from './pods.ts';
import type { AutoscalerSettings } from './settings.ts';

export interface Tolerances {
  readonly down: number;
  readonly up: number;
}

/** What the numbers below are computed from, beside the measurements. */
export interface Basis {
  /** What the target is scaled to. */
  readonly specReplicas: number;
  /** How many pods the target says it has. */
  readonly statusReplicas: number;
  /** Those that the target selects. */
  readonly pods: readonly Pod[];
  readonly tolerances: Tolerances;
  readonly settings: AutoscalerSettings;
  readonly nowMs: number;
}

/** The largest number that a scale, or a percentage in the status, can carry. */
const int32Max = 2 ** 31 - 1;

export interface Wanted {
  readonly replicas: number;
  /** What is shown: per pod, or in all where the target is a value. */
  readonly usage: number;
}

/** Throws in upstream's words where nothing can be said. */
export function replicasForUtilization(
  metrics: PodMetrics,
  resource: string,
  container: string,
  targetPercent: number,
  basis: Basis,
): Wanted & { readonly percent: number } {
  const grouped = grouping(metrics, resource, basis);
  const values = countedOf(metrics, grouped);
  const requests = requestsOf(basis.pods, resource, container);
  const { ratio, percent, usage } = utilization(values, requests, targetPercent);
  // Of pods without a metric the worst is thought: going down, that they use all they asked for, or what is aimed at if that is more.
  const most = (name: string) => Math.trunc(((requests.get(name) ?? 0) * Math.max(100, targetPercent)) / 100);
  const again = (filled: ReadonlyMap<string, number>) => utilization(filled, requests, targetPercent).ratio;
  return { replicas: replicasFor(values, grouped, ratio, most, again, basis), usage, percent };
}

/** Throws in upstream's words where nothing can be said. `resource` is empty for metrics that are of no resource. */
export function replicasForAverage(metrics: PodMetrics, resource: string, target: number, basis: Basis): Wanted {
  someOf(basis.pods);
  const grouped = grouping(metrics, resource, basis);
  const values = countedOf(metrics, grouped);
  const average = (of: ReadonlyMap<string, number>) => Math.trunc(total(of) / of.size);
  const again = (filled: ReadonlyMap<string, number>) => average(filled) / target;
  const usage = average(values);
  return { replicas: replicasFor(values, grouped, usage / target, () => target, again, basis), usage };
}

/** Of one number for all pods, that is aimed at as a whole. Throws in upstream's words. */
export function replicasForValue(usage: number, target: number, basis: Basis): Wanted {
  const ratio = usage / target;
  if (basis.specReplicas === 0) return { replicas: bounded(ratio), usage };
  if (isWithin(ratio, basis.tolerances)) return { replicas: basis.specReplicas, usage };
  return { replicas: bounded(ratio * readyOf(basis.pods)), usage };
}

/** Of one number for all pods, of which each pod should have its share. */
export function replicasForShare(usage: number, target: number, basis: Basis): Wanted {
  const { statusReplicas, tolerances } = basis;
  const replicas = isWithin(usage / (target * statusReplicas), tolerances) ? statusReplicas : bounded(usage / target);
  // Without a pod there is no share; upstream divides all the same and shows the smallest of its numbers.
  return { replicas, usage: statusReplicas === 0 ? usage : Math.ceil(usage / statusReplicas) };
}

function readyOf(pods: readonly Pod[]): number {
  try {
    return readyPods(pods);
  } catch (error) {
    throw new Error(`unable to calculate ready pods: ${(error as Error).message}`, { cause: error });
  }
}

function isWithin(ratio: number, { down, up }: Tolerances): boolean {
  return 1 - down <= ratio && ratio <= 1 + up;
}

function bounded(replicas: number): number {
  return Math.min(Math.ceil(replicas), int32Max);
}

function grouping(metrics: PodMetrics, resource: string, { pods, settings, nowMs }: Basis): GroupedPods {
  return groupPods(someOf(pods), metrics, resource, settings, nowMs);
}

function countedOf(metrics: PodMetrics, grouped: GroupedPods): Map<string, number> {
  const values = countedMetrics(metrics, grouped);
  if (values.size === 0) throw new Error('did not receive metrics for targeted pods (pods might be unready)');
  return values;
}

/**
 * The common part: with every pod measured, as many as the ratio says. Otherwise the ratio is computed once more with the worst
 * assumed of those that were not: `most` of each when going down, nothing when going up. Where that reverses the direction, or comes
 * close enough, nothing changes.
 */
function replicasFor(
  values: ReadonlyMap<string, number>,
  { readyCount, unready, missing }: GroupedPods,
  ratio: number,
  most: (name: string) => number,
  again: (filled: ReadonlyMap<string, number>) => number,
  { specReplicas, tolerances }: Basis,
): number {
  const upWithUnready = unready.size > 0 && ratio > 1;
  if (!upWithUnready && missing.size === 0) return isWithin(ratio, tolerances) ? specReplicas : bounded(ratio * readyCount);
  const filled = new Map(values);
  for (const name of missing) {
    if (ratio < 1) filled.set(name, most(name));
    else if (ratio > 1) filled.set(name, 0);
  }
  if (upWithUnready) for (const name of unready) filled.set(name, 0);
  const next = again(filled);
  if (isWithin(next, tolerances) || (ratio < 1 && next > 1) || (ratio > 1 && next < 1)) return specReplicas;
  const replicas = bounded(next * filled.size);
  const reversed = (next < 1 && replicas > specReplicas) || (next > 1 && replicas < specReplicas);
  return reversed ? specReplicas : replicas;
}

function utilization(
  values: ReadonlyMap<string, number>,
  requests: ReadonlyMap<string, number>,
  targetPercent: number,
): { ratio: number; percent: number; usage: number } {
  const known = new Map([...values].filter(([name]) => requests.has(name)));
  let requested = 0;
  for (const name of known.keys()) requested += requests.get(name) ?? 0;
  if (requested === 0) throw new Error('no metrics returned matched known pods');
  const used = total(known);
  const percent = Math.trunc((used * 100) / requested);
  // What is shown is kept within what can be: a status that cannot be written would hide the change of the target.
  const shown = Math.min(Math.max(percent, -int32Max), int32Max);
  return { ratio: percent / targetPercent, percent: shown, usage: Math.trunc(used / known.size) };
}

function total(values: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const value of values.values()) sum += value;
  return sum;
}
