// What a profile's filters say about one pod, for one scheduling cycle.
import type { Cluster } from './cluster.ts';
import type { NodeFilter, Profile, Rejection } from './framework.ts';
import type { NodeInfo, PodInfo } from './node-info.ts';

interface NamedFilter {
  readonly plugin: string;
  readonly filter: NodeFilter;
}

export class Cycle {
  readonly #filters: readonly NamedFilter[];

  private constructor(filters: readonly NamedFilter[]) {
    this.#filters = filters;
  }

  /** Asks every filter once; a rejection where one of them finds that no node can help. */
  static begin(pod: PodInfo, cluster: Cluster, profile: Pick<Profile, 'filters'>): Cycle | Rejection {
    const filters: NamedFilter[] = [];
    for (const plugin of profile.filters) {
      const begun = plugin.begin(pod, cluster);
      if (begun === undefined) continue;
      if ('unschedulable' in begun) return { plugin: plugin.name, reasons: [begun.unschedulable], unresolvable: true };
      filters.push({ plugin: plugin.name, filter: begun });
    }
    return new Cycle(filters);
  }

  /** The first filter that names the only nodes that can match, and does not name this one. */
  excludes(node: NodeInfo): Rejection | undefined {
    const by = this.#filters.find(({ filter }) => filter.only?.has(node.name) === false)?.plugin;
    return by === undefined
      ? undefined
      : { plugin: by, reasons: [`node(s) didn't satisfy plugin(s) [${by}]`], unresolvable: true };
  }

  /**
   * The first filter that rejects the node, in the profile's order. With the pods that are nominated for it, and without them too:
   * the pod may not need what is not there yet.
   */
  rejection(node: NodeInfo, nominated: readonly PodInfo[]): Rejection | undefined {
    if (nominated.length > 0) {
      const [trial, copy] = [this.clone(), node.clone()];
      for (const other of nominated) trial.add(other, copy);
      const rejection = trial.rejection(copy, []);
      if (rejection !== undefined) return rejection;
    }
    for (const { filter } of this.#filters) {
      const rejection = filter.filter(node);
      if (rejection !== undefined) return rejection;
    }
    return undefined;
  }

  /** Puts a pod on the node, here and there. */
  add(other: PodInfo, node: NodeInfo): void {
    node.addPod(other);
    for (const { filter } of this.#filters) filter.counting?.count(other, node, 1);
  }

  /** Takes a pod from the node, here and there. */
  remove(other: PodInfo, node: NodeInfo): void {
    node.removePod(other.uid);
    for (const { filter } of this.#filters) filter.counting?.count(other, node, -1);
  }

  /** How many comparisons it takes to put a pod on a node, or to take it from there, and to ask the filters again, at most. */
  cost(other: PodInfo): number {
    return this.#filters.reduce((sum, { filter }) => sum + 2 * (filter.counting?.cost(other) ?? 0), 1);
  }

  /** A copy that can be changed without touching this one. */
  clone(): Cycle {
    return new Cycle(this.#filters.map(({ plugin, filter }) => ({ plugin, filter: filter.counting?.clone() ?? filter })));
  }
}
