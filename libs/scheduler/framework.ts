// The scheduling framework, reduced to its pure part: plugins answer questions about one pod and one node.
// https://kubernetes.io/docs/concepts/scheduling-eviction/scheduling-framework/
import type { Node } from '@drydock/api/generated/types.ts';
import type { Cluster } from './cluster.ts';
import type { ClusterEvent } from './cluster-event.ts';
import type { NodeInfo, PodInfo } from './node-info.ts';
import type { ClaimChoice } from './volumes-known.ts';

/**
 * Why a node is not for the pod. `unresolvable`: removing other pods from the node would not help, so preemption does not
 * look at it.
 */
export interface Rejection {
  readonly plugin: string;
  readonly reasons: readonly string[];
  readonly unresolvable: boolean;
}

/** What a filter has to say about one pod, for one cycle. */
export interface NodeFilter {
  /** Undefined: the pod may go to the node. */
  filter(node: NodeInfo): Rejection | undefined;
  /** The names of the only nodes that can match: the others are rejected without being looked at. */
  readonly only?: ReadonlySet<string>;
  /**
   * Where the answer depends on pods of other nodes: from now on as if one more pod were on the node (1), or one less (-1).
   * `clone` gives a filter that counts for itself.
   */
  readonly counting?: {
    count(other: PodInfo, node: NodeInfo, sign: 1 | -1): void;
    clone(): NodeFilter;
    /** How many comparisons counting the pod takes, at most. */
    cost(other: PodInfo): number;
  };
}

/** No node can help. */
export interface Hopeless {
  readonly unschedulable: string;
}

export interface FilterPlugin {
  readonly name: string;
  /** Called once in every cycle, in the profile's order. Undefined: the plugin has nothing to say about the pod. */
  begin(pod: PodInfo, cluster: Cluster): NodeFilter | Hopeless | undefined;
  /** Whether a pod that this plugin rejected deserves another try after the event (upstream: queueing hints). */
  helps(event: ClusterEvent, pod: PodInfo): boolean;
}

/** What a score has to say about one pod, for one cycle. */
export interface NodeScore {
  /** A whole number; 0 to 100 unless `normalize` brings it there. */
  score(node: NodeInfo): number;
  /** @param nodes those of the scores, in their order. */
  normalize?(scores: readonly number[], nodes: readonly NodeInfo[]): number[];
}

export interface ScorePlugin {
  readonly name: string;
  /** Undefined: the plugin has nothing to say about the pod and is left out. */
  begin(pod: PodInfo, cluster: Cluster, feasible: readonly NodeInfo[]): NodeScore | undefined;
}

export interface VolumePlugin extends FilterPlugin {
  /** What is to be done about the pod's claims before it is bound; kept for it until it is bound, or is not to be. */
  reserve(pod: PodInfo, node: Node): readonly ClaimChoice[];
  /** How long a pod waits for its volumes at most. */
  readonly bindTimeoutMs: number;
}

export const maxNodeScore = 100;

/** Scales scores so that the greatest becomes 100 (or, reversed, the smallest does). */
export function normalizeScores(scores: readonly number[], reverse: boolean): number[] {
  const max = Math.max(0, ...scores);
  if (max === 0) return scores.map(() => (reverse ? maxNodeScore : 0));
  return scores.map((score) => {
    const scaled = Math.floor((score * maxNodeScore) / max);
    return reverse ? maxNodeScore - scaled : scaled;
  });
}

export interface WeightedScore {
  readonly plugin: ScorePlugin;
  readonly weight: number;
}

export interface Profile {
  readonly schedulerName: string;
  /** Of a large cluster, the percentage of nodes that are found fit before the best is taken; 0: a share that adapts. */
  readonly percentageOfNodesToScore: number;
  /** In the order in which a node's first rejection is reported. */
  readonly filters: readonly FilterPlugin[];
  /** One of the filters; undefined where the profile leaves volumes alone. */
  readonly volumes: VolumePlugin | undefined;
  readonly scores: readonly WeightedScore[];
  /** Whether pods with scheduling gates wait for these to go. */
  readonly gates: boolean;
  /** Whether pods of lower priority may be evicted. */
  readonly preempts: boolean;
}
