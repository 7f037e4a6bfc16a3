// The placed pods by what terms ask of them: pods with the same labels, and terms that several pods have, are looked at once. So a
// cycle costs what is different in the cluster, not what is in it.
import type { Pod } from '@drydock/api/generated/types.ts';
import type { Labels } from '@drydock/api/selectors/label-selector.ts';
import type { PodInfo } from './node-info.ts';
import type { PodTerm, WeightedTerm } from './pod-terms.ts';

/** How many of something there are on each node, by the node's name. */
type PerNode = Map<string, number>;

/** Pods of one namespace that have the same labels. */
export interface PodGroup {
  readonly labels: Labels;
  /** Whether they are being deleted. */
  readonly terminating: boolean;
  readonly nodes: PerNode;
}

/** One term, and where the pods are that have it. */
export interface PlacedTerm<T extends PodTerm = PodTerm> {
  readonly term: T;
  readonly nodes: PerNode;
}

export class PodIndex {
  readonly #groups = new Map<string, Map<string, PodGroup>>();
  readonly #affinity = new Map<string, PlacedTerm>();
  readonly #antiAffinity = new Map<string, PlacedTerm>();
  readonly #preferred = new Map<string, PlacedTerm<WeightedTerm>>();
  /** Pods of any namespace that use a claim, by the claim's key. */
  readonly #claims = new Map<string, number>();

  /** @param sign -1 takes away what was added before. */
  count(info: PodInfo, node: string, sign: 1 | -1): void {
    this.#countGroup(info.pod, node, sign);
    for (const key of info.claims) addTo(this.#claims, key, sign);
    const { terms } = info;
    if (terms === undefined) return;
    for (const term of terms.affinity) countTerm(this.#affinity, term, node, sign);
    for (const term of terms.antiAffinity) countTerm(this.#antiAffinity, term, node, sign);
    for (const term of terms.preferred) countTerm(this.#preferred, term, node, sign);
  }

  namespaces(): Iterable<string> {
    return this.#groups.keys();
  }

  groups(namespace: string): Iterable<PodGroup> {
    return this.#groups.get(namespace)?.values() ?? [];
  }

  groupCount(namespace: string): number {
    return this.#groups.get(namespace)?.size ?? 0;
  }

  /** Required affinity of placed pods. */
  affinity(): Iterable<PlacedTerm> {
    return this.#affinity.values();
  }

  /** Required anti-affinity of placed pods. */
  antiAffinity(): Iterable<PlacedTerm> {
    return this.#antiAffinity.values();
  }

  preferred(): Iterable<PlacedTerm<WeightedTerm>> {
    return this.#preferred.values();
  }

  /** How many placed pods use the claim. */
  usersOf(claim: string): number {
    return this.#claims.get(claim) ?? 0;
  }

  #countGroup({ metadata }: Pod, node: string, sign: 1 | -1): void {
    const { namespace = '', labels = {}, deletionTimestamp } = metadata ?? {};
    const terminating = deletionTimestamp !== undefined;
    const key = `${terminating ? '-' : '+'}${JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))}`;
    const groups = this.#groups.get(namespace) ?? new Map<string, PodGroup>();
    this.#groups.set(namespace, groups);
    const group = groups.get(key) ?? { labels, terminating, nodes: new Map() };
    groups.set(key, group);
    addTo(group.nodes, node, sign);
    if (group.nodes.size > 0) return;
    groups.delete(key);
    if (groups.size === 0) this.#groups.delete(namespace);
  }
}

function countTerm<T extends PodTerm>(index: Map<string, PlacedTerm<T>>, term: T, node: string, sign: 1 | -1): void {
  const placed = index.get(term.key) ?? { term, nodes: new Map() };
  index.set(term.key, placed);
  addTo(placed.nodes, node, sign);
  if (placed.nodes.size === 0) index.delete(term.key);
}

function addTo(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
