// Numbers by the value that nodes have under a label: how many pods there are in each zone, on each host.
import { ownField } from '@drydock/api/json.ts';
import type { Labels } from '@drydock/api/selectors/label-selector.ts';

export class TopologyCounts {
  readonly #byKey: Map<string, Map<string, number>>;

  constructor(byKey: Map<string, Map<string, number>> = new Map()) {
    this.#byKey = byKey;
  }

  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }

  /** Nothing where the node has no such label. What comes to 0 is no longer counted. */
  add(key: string, labels: Labels, by: number): void {
    const value = ownField(labels, key);
    if (value === undefined) return;
    const values = this.#byKey.get(key) ?? new Map<string, number>();
    const count = (values.get(value) ?? 0) + by;
    if (count === 0) values.delete(value);
    else values.set(value, count);
    if (values.size === 0) this.#byKey.delete(key);
    else this.#byKey.set(key, values);
  }

  /** The number where the node is; 0 where it has no such label. */
  at(key: string, labels: Labels): number {
    const value = ownField(labels, key);
    return value === undefined ? 0 : (this.#byKey.get(key)?.get(value) ?? 0);
  }

  keys(): Iterable<string> {
    return this.#byKey.keys();
  }

  clone(): TopologyCounts {
    return new TopologyCounts(new Map(Array.from(this.#byKey, ([key, values]) => [key, new Map(values)])));
  }
}
