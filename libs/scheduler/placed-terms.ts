// Terms of placed pods, those that say the same as one, by the namespaces that they name: what the pods of one namespace say of their own
// costs nobody anything in another.
import type { PodTerm } from './pod-terms.ts';

/** How many of something there are on each node, by the node's name. */
export type PerNode = Map<string, number>;

/** One term, and where the pods are that have it. */
export interface PlacedTerm<T extends PodTerm = PodTerm> {
  readonly term: T;
  readonly nodes: PerNode;
}

export class PlacedTerms<T extends PodTerm = PodTerm> {
  readonly #byKey = new Map<string, PlacedTerm<T>>();
  readonly #byNamespace = new Map<string, Set<PlacedTerm<T>>>();
  /** Those that select namespaces by their labels. */
  readonly #selecting = new Set<PlacedTerm<T>>();

  /** @param sign -1 takes away what was added before. */
  count(term: T, node: string, sign: 1 | -1): void {
    let placed = this.#byKey.get(term.key);
    if (placed === undefined) {
      placed = { term, nodes: new Map() };
      this.#byKey.set(term.key, placed);
      this.#enter(placed);
    }
    addTo(placed.nodes, node, sign);
    if (placed.nodes.size > 0) return;
    this.#byKey.delete(term.key);
    this.#leave(placed);
  }

  /** Those that may cover the namespace: they name it, or select namespaces. */
  *covering(namespace: string): Iterable<PlacedTerm<T>> {
    yield* this.#byNamespace.get(namespace) ?? [];
    yield* this.#selecting;
  }

  #enter(placed: PlacedTerm<T>): void {
    if (placed.term.namespaceSelector !== undefined) this.#selecting.add(placed);
    else for (const name of placed.term.namespaces) this.#byNamespace.set(name, this.#named(name).add(placed));
  }

  #leave(placed: PlacedTerm<T>): void {
    this.#selecting.delete(placed);
    for (const name of placed.term.namespaces) {
      const there = this.#named(name);
      there.delete(placed);
      if (there.size === 0) this.#byNamespace.delete(name);
    }
  }

  #named(namespace: string): Set<PlacedTerm<T>> {
    return this.#byNamespace.get(namespace) ?? new Set();
  }
}

export function addTo(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
