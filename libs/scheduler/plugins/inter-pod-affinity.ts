// InterPodAffinity, the filter: beside the pods that a pod's required affinity names, away from those that its anti-affinity names, and
// away from pods whose anti-affinity names it. Upstream: pkg/scheduler/framework/plugins/interpodaffinity
import { ownField } from '@drydock/api/json.ts';
import type { Cluster } from '../cluster.ts';
import type { ClusterEvent } from '../cluster-event.ts';
import type { FilterPlugin, NodeFilter, Rejection } from '../framework.ts';
import { groupsMatching, hintComparisonsMax, isAffordable, nodesOf, tooManyComparisons } from '../matching.ts';
import type { NodeInfo, PodInfo } from '../node-info.ts';
import type { PodGroup } from '../pod-index.ts';
import { matchesPod, type NamespaceLabels, type PodTerm } from '../pod-terms.ts';
import { TopologyCounts } from '../topology-counts.ts';

const name = 'InterPodAffinity';

export const interPodAffinity: FilterPlugin = {
  name,
  begin(pod, cluster) {
    const { affinity = [], antiAffinity = [] } = pod.terms ?? {};
    if (!isAffordable([...affinity, ...antiAffinity], cluster)) return { unschedulable: tooManyComparisons };
    const filter = new PodAffinityFilter(pod, cluster.namespaceLabels, {
      affinity: countAll(affinity, cluster),
      antiAffinity: countEach(antiAffinity, cluster),
      existing: countExisting(pod, cluster),
    });
    return filter.saysNothing ? undefined : filter;
  },
  helps,
};

function helps(event: ClusterEvent, pod: PodInfo): boolean {
  if (event.kind.startsWith('pod') && (pod.terms?.requiredSize ?? 0) > hintComparisonsMax) return false;
  switch (event.kind) {
    case 'nodeAdded':
    case 'nodeLabels':
    case 'namespaceLabels':
      return true;
    case 'podPlaced':
      return pod.terms?.affinity.some((term) => mayMatch(term, event.pod)) ?? false;
    case 'podGone':
      return mayKeepApart(pod, event.pod);
    case 'podLabels':
      return mayKeepApart(pod, event.before) || (pod.terms?.affinity.some((term) => mayMatch(term, event.pod)) ?? false);
    default:
      return false;
  }
}

/** Whether one of them may not be where the other is; also where the other says too much about that to be asked. */
function mayKeepApart(pod: PodInfo, other: PodInfo): boolean {
  return (
    (other.terms?.requiredSize ?? 0) > hintComparisonsMax ||
    (pod.terms?.antiAffinity.some((term) => mayMatch(term, other)) ?? false) ||
    (other.terms?.antiAffinity.some((term) => mayMatch(term, pod)) ?? false)
  );
}

/** Whether the term matches, or would for some labels of the namespace. */
function mayMatch(term: PodTerm, { pod }: PodInfo): boolean {
  if (term.namespaceSelector === undefined) return matchesPod(term, pod, () => undefined);
  const everywhere = { ...term, namespaceSelector: {} };
  return matchesPod(everywhere, pod, () => undefined);
}

interface Counts {
  /** Placed pods that match every term of the pod's affinity, under each term's key. */
  readonly affinity: TopologyCounts;
  /** Placed pods that match a term of its anti-affinity. */
  readonly antiAffinity: TopologyCounts;
  /** Placed pods whose anti-affinity matches it. */
  readonly existing: TopologyCounts;
}

class PodAffinityFilter implements NodeFilter {
  readonly #pod: PodInfo;
  readonly #labelsOf: NamespaceLabels;
  readonly #counts: Counts;
  readonly #affinity: readonly PodTerm[];
  readonly #antiAffinity: readonly PodTerm[];
  readonly #matchesItself: boolean;
  readonly counting = {
    count: (other: PodInfo, node: NodeInfo, sign: 1 | -1) => this.#count(other, node, sign),
    clone: () => this.#clone(),
    cost: (other: PodInfo) => (this.#pod.terms?.requiredSize ?? 0) + (other.terms?.requiredSize ?? 0),
  };

  constructor(pod: PodInfo, labelsOf: NamespaceLabels, counts: Counts, matchesItself?: boolean) {
    this.#pod = pod;
    this.#labelsOf = labelsOf;
    this.#counts = counts;
    this.#affinity = pod.terms?.affinity ?? [];
    this.#antiAffinity = pod.terms?.antiAffinity ?? [];
    this.#matchesItself = matchesItself ?? this.#matchesAll(pod);
  }

  get saysNothing(): boolean {
    return this.#affinity.length === 0 && this.#antiAffinity.length === 0 && this.#counts.existing.isEmpty;
  }

  filter({ labels }: NodeInfo): Rejection | undefined {
    if (!this.#isNearAll(labels)) return reject("node(s) didn't match pod affinity rules", true);
    if (this.#antiAffinity.some(({ topologyKey }) => this.#counts.antiAffinity.at(topologyKey, labels) > 0))
      return reject("node(s) didn't match pod anti-affinity rules", false);
    for (const key of this.#counts.existing.keys())
      if (this.#counts.existing.at(key, labels) > 0)
        return reject("node(s) didn't satisfy existing pods anti-affinity rules", false);
    return undefined;
  }

  /** The first of pods that want to be together is near none of them: it may go where the others can follow. */
  #isNearAll(labels: NodeInfo['labels']): boolean {
    if (this.#affinity.some(({ topologyKey }) => ownField(labels, topologyKey) === undefined)) return false;
    if (this.#affinity.every(({ topologyKey }) => this.#counts.affinity.at(topologyKey, labels) > 0)) return true;
    return this.#counts.affinity.isEmpty && this.#matchesItself;
  }

  #matchesAll({ pod }: PodInfo): boolean {
    return this.#affinity.length > 0 && this.#affinity.every((term) => matchesPod(term, pod, this.#labelsOf));
  }

  #count(other: PodInfo, { labels }: NodeInfo, sign: 1 | -1): void {
    for (const term of other.terms?.antiAffinity ?? [])
      if (matchesPod(term, this.#pod.pod, this.#labelsOf)) this.#counts.existing.add(term.topologyKey, labels, sign);
    if (this.#matchesAll(other)) for (const term of this.#affinity) this.#counts.affinity.add(term.topologyKey, labels, sign);
    for (const term of this.#antiAffinity)
      if (matchesPod(term, other.pod, this.#labelsOf)) this.#counts.antiAffinity.add(term.topologyKey, labels, sign);
  }

  #clone(): PodAffinityFilter {
    const { affinity, antiAffinity, existing } = this.#counts;
    const counts = { affinity: affinity.clone(), antiAffinity: antiAffinity.clone(), existing: existing.clone() };
    return new PodAffinityFilter(this.#pod, this.#labelsOf, counts, this.#matchesItself);
  }
}

function reject(reason: string, unresolvable: boolean): Rejection {
  return { plugin: name, reasons: [reason], unresolvable };
}

/** Pods that match all of the terms. */
function countAll(terms: readonly PodTerm[], cluster: Cluster): TopologyCounts {
  const counts = new TopologyCounts();
  const [first, ...rest] = terms;
  if (first === undefined) return counts;
  let groups = new Set(groupsMatching(first, cluster));
  for (const term of rest) {
    const also: Set<PodGroup> = new Set();
    for (const group of groupsMatching(term, cluster)) if (groups.has(group)) also.add(group);
    groups = also;
  }
  for (const group of groups)
    for (const [node, count] of nodesOf(group.nodes, cluster))
      for (const { topologyKey } of terms) counts.add(topologyKey, node.labels, count);
  return counts;
}

/** Pods that match one of the terms, once for each. */
function countEach(terms: readonly PodTerm[], cluster: Cluster): TopologyCounts {
  const counts = new TopologyCounts();
  for (const term of terms)
    for (const group of groupsMatching(term, cluster))
      for (const [node, count] of nodesOf(group.nodes, cluster)) counts.add(term.topologyKey, node.labels, count);
  return counts;
}

/** Pods with a term of anti-affinity that matches the pod, once for each term. */
function countExisting({ pod }: PodInfo, cluster: Cluster): TopologyCounts {
  const counts = new TopologyCounts();
  for (const { term, nodes } of cluster.pods.antiAffinity(pod.metadata?.namespace ?? '')) {
    if (!matchesPod(term, pod, cluster.namespaceLabels)) continue;
    for (const [node, count] of nodesOf(nodes, cluster)) counts.add(term.topologyKey, node.labels, count);
  }
  return counts;
}
