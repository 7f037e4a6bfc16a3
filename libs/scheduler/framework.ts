// The scheduling framework, reduced to its pure part: plugins answer questions about one pod and one node.
// https://kubernetes.io/docs/concepts/scheduling-eviction/scheduling-framework/
import type { Node } from '@drydock/api/generated/types.ts';
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

/** What can happen in the cluster that may make a pod schedulable that was not. */
export type ClusterEvent =
  | 'nodeAdded'
  | 'nodeAllocatable'
  | 'nodeLabels'
  | 'nodeTaints'
  | 'assignedPodDeleted'
  | 'assignedPodScaledDown'
  | 'podUpdated'
  | 'claimChanged'
  | 'volumeChanged'
  | 'storageClassChanged';

export interface FilterPlugin {
  readonly name: string;
  /** Undefined: the pod may go to the node. */
  filter(pod: PodInfo, node: NodeInfo): Rejection | undefined;
  /**
   * Called first in every cycle. Where only named nodes can match, their names: the others are rejected without being looked at.
   * Where no node can, why.
   */
  preFilter?(pod: PodInfo): ReadonlySet<string> | { readonly unschedulable: string } | undefined;
  /** Events after which a pod that this plugin rejected deserves another try. */
  readonly wakesOn: readonly ClusterEvent[];
}

export interface ScorePlugin {
  readonly name: string;
  readonly weight: number;
  /** False: this plugin has nothing to say about the pod and is left out. */
  applies?(pod: PodInfo): boolean;
  /** A whole number; 0 to 100 unless `normalize` brings it there. */
  score(pod: PodInfo, node: NodeInfo): number;
  normalize?(scores: number[]): number[];
}

/** Decides and keeps something for a pod that is about to be bound, until it is bound or is not to be. */
export interface VolumePlugin extends FilterPlugin {
  reserve(pod: PodInfo, node: Node): readonly ClaimChoice[];
  unreserve(uid: string): void;
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

export interface Profile {
  readonly schedulerName: string;
  /** Of a large cluster, the percentage of nodes that are found fit before the best is taken; 0: a share that adapts. */
  readonly percentageOfNodesToScore: number;
  readonly filters: readonly FilterPlugin[];
  /** One of the filters. */
  readonly volumes: VolumePlugin;
  readonly scores: readonly ScorePlugin[];
}
