// Counting the placed pods that terms and constraints match, and what that may cost: the scheduler has one thread, and whoever may
// create a pod may write thousands of terms into it.
import type { NodeSelectorTerm, PodSpec } from '@drydock/api/generated/types.ts';
import { matchesSelector } from '@drydock/api/selectors/label-selector.ts';
import type { Cluster } from './cluster.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodGroup } from './pod-index.ts';
import { coversNamespace, type PodTerm } from './pod-terms.ts';

/** Comparisons that what one pod says may ask for in one cycle: some tenths of a second. No limit upstream. */
export const comparisonsMax = 4_000_000;

/** What is said of a pod that asks for more. */
export const tooManyComparisons =
  'pod has too many affinity terms, topology spread constraints, tolerations or resources for this cluster';

/** Comparisons that one event may ask for on account of one waiting pod: beyond, the pod waits for its time, or for a node. */
export const hintComparisonsMax = 1_000;

/** Whether matching every term with every group of pods that it covers, and asking about every node, is within bounds. */
export function isAffordable(terms: readonly PodTerm[], { nodes, pods, namespaceLabels }: Cluster): boolean {
  let cost = 0;
  for (const term of terms) {
    cost += nodes.length;
    for (const namespace of namespacesOf(term, pods.namespaces())) {
      cost += term.size;
      if (coversNamespace(term, namespace, namespaceLabels)) cost += term.size * pods.groupCount(namespace);
    }
    if (cost > comparisonsMax) return false;
  }
  return true;
}

/**
 * Whether as many constraints, on pods of one namespace, are within bounds.
 * @param perNode what one constraint asks about each node.
 */
export function areAffordable(sizes: readonly number[], perNode: number, namespace: string, { nodes, pods }: Cluster): boolean {
  const groups = pods.groupCount(namespace);
  return sizes.reduce((cost, size) => cost + nodes.length * perNode + size * groups, 0) <= comparisonsMax;
}

/** How many comparisons it takes at most to match a node with what the pod requires of it. */
export function nodeAffinitySize({ nodeSelector = {}, affinity }: PodSpec): number {
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return Object.keys(nodeSelector).length + terms.reduce((sum, term) => sum + sizeOfNodeTerm(term), 0);
}

export function sizeOfNodeTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm): number {
  return [...matchExpressions, ...matchFields].reduce((sum, { values = [] }) => sum + 1 + values.length, 1);
}

/** The namespaces in which the term may match something. */
function namespacesOf(term: PodTerm, all: Iterable<string>): Iterable<string> {
  return term.namespaceSelector === undefined ? term.namespaces : all;
}

/** Groups of placed pods that the term matches. */
export function* groupsMatching(term: PodTerm, { pods, namespaceLabels }: Cluster): Iterable<PodGroup> {
  for (const namespace of namespacesOf(term, pods.namespaces())) {
    if (!coversNamespace(term, namespace, namespaceLabels)) continue;
    for (const group of pods.groups(namespace)) if (matchesSelector(term.selector, group.labels)) yield group;
  }
}

/** The nodes that are known of those on which something is, with how many there are. */
export function* nodesOf(perNode: ReadonlyMap<string, number>, cluster: Cluster): Iterable<readonly [NodeInfo, number]> {
  for (const [name, count] of perNode) {
    const node = cluster.node(name);
    if (node !== undefined) yield [node, count];
  }
}
