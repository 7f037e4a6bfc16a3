// The placed pods by what terms ask of them: pods with the same labels, and terms that several pods have, are looked at once. So a
// cycle costs what is different in the cluster, not what is in it.
import type { Pod } from '@drydock/api/generated/types.ts';
import type { Labels } from '@drydock/api/selectors/label-selector.ts';
import type { PodInfo } from './node-info.ts';
import { addTo, type PerNode, type PlacedTerm, PlacedTerms } from './placed-terms.ts';
import type { WeightedTerm } from './pod-terms.ts';

/** Pods of one namespace that have the same labels. */
export interface PodGroup {
  readonly labels: Labels;
  /** Whether they are being deleted. */
  readonly terminating: boolean;
  readonly nodes: PerNode;
}

export class PodIndex {
  readonly #groups = new Map<string, Map<string, PodGroup>>();
  readonly #affinity = new PlacedTerms();
  readonly #antiAffinity = new PlacedTerms();
  readonly #preferred = new PlacedTerms<WeightedTerm>();
  /** Pods of any namespace that use a claim, by the claim's key. */
  readonly #claims = new Map<string, number>();

  /** @param sign -1 takes away what was added before. */
  count(info: PodInfo, node: string, sign: 1 | -1): void {
    this.#countGroup(info.pod, node, sign);
    for (const key of info.claims) addTo(this.#claims, key, sign);
    const { terms } = info;
    if (terms === undefined) return;
    for (const term of terms.affinity) this.#affinity.count(term, node, sign);
    for (const term of terms.antiAffinity) this.#antiAffinity.count(term, node, sign);
    for (const term of terms.preferred) this.#preferred.count(term, node, sign);
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

  /** Required affinity of placed pods that may mean pods of the namespace. */
  affinity(namespace: string): Iterable<PlacedTerm> {
    return this.#affinity.covering(namespace);
  }

  /** Required anti-affinity, as above. */
  antiAffinity(namespace: string): Iterable<PlacedTerm> {
    return this.#antiAffinity.covering(namespace);
  }

  preferred(namespace: string): Iterable<PlacedTerm<WeightedTerm>> {
    return this.#preferred.covering(namespace);
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
