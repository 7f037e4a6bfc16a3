// How fast nodes may be given up, by how much of their zone is unhealthy (upstream's ComputeZoneState and zone tainters).
import type { Node } from '@drydock/api/generated/types.ts';
import { isNodeReady } from './health.ts';

export type ZoneState = 'Normal' | 'PartialDisruption' | 'FullDisruption';

export interface EvictionRates {
  /** --node-eviction-rate: nodes per second while a zone is healthy. */
  readonly primary: number;
  /** --secondary-node-eviction-rate: while it is not, in clusters above the size threshold. */
  readonly secondary: number;
  /** --unhealthy-zone-threshold: the share of unhealthy nodes from which a zone counts as disrupted. */
  readonly unhealthyZoneThreshold: number;
  /** --large-cluster-size-threshold, in nodes. */
  readonly largeClusterNodes: number;
}

/** Below this number of unhealthy nodes a zone is never partially disrupted. */
const disruptedNodesMin = 3;

/** Region and zone of a node, as one name. */
export function zoneOf(node: Node): string {
  const labels = node.metadata?.labels ?? {};
  return `${labels['topology.kubernetes.io/region'] ?? ''}:${labels['topology.kubernetes.io/zone'] ?? ''}`;
}

export function zoneState(nodes: readonly Node[], threshold: number): ZoneState {
  const ready = nodes.filter(isNodeReady).length;
  const unhealthy = nodes.length - ready;
  if (unhealthy > 0 && ready === 0) return 'FullDisruption';
  if (unhealthy >= disruptedNodesMin && unhealthy / nodes.length >= threshold) return 'PartialDisruption';
  return 'Normal';
}

/** Nodes per second that may get the evicting taint in a zone. */
export function evictionRate(state: ZoneState, zoneNodes: number, rates: EvictionRates): number {
  if (state !== 'PartialDisruption') return rates.primary;
  return zoneNodes > rates.largeClusterNodes ? rates.secondary : 0;
}

/** A token bucket of one token: the first goes at once, the next when the rate allows. */
export interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

export function refill(bucket: Bucket | undefined, rate: number, nowMs: number): Bucket {
  if (bucket === undefined) return { tokens: 1, atMs: nowMs };
  return { tokens: Math.min(1, bucket.tokens + (rate * (nowMs - bucket.atMs)) / 1000), atMs: nowMs };
}
