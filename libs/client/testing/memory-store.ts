// The state behind memory-api.ts: objects by resource, a single revision, and a log of changes for watches.

import { cloneJson } from '@drydock/api/json.ts';
import type { KubeObject } from '@drydock/api/resource.ts';

export interface StoredChange {
  readonly revision: number;
  readonly resource: string;
  readonly key: string;
  readonly before: KubeObject | undefined;
  readonly after: KubeObject | undefined;
  /** The object of a DELETED event: its last state, at the version of the deletion. */
  readonly last: KubeObject;
}

/** A state of the whole store. */
export interface StoreView {
  readonly revision: number;
  /** In the order of their keys. */
  list(resource: string): KubeObject[];
}

function sorted(objects: ReadonlyMap<string, KubeObject> = new Map()): KubeObject[] {
  return [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
}

export class MemoryStore implements StoreView {
  readonly #objects = new Map<string, Map<string, KubeObject>>();
  readonly #log: StoredChange[] = [];
  readonly #wake = new Set<() => void>();
  #revision = 1;
  #compacted = 0;

  get revision(): number {
    return this.#revision;
  }

  /** The state as it is now, which does not move: what a server has that is cut off from the store. */
  snapshot(): StoreView {
    const objects = new Map([...this.#objects].map(([resource, of]) => [resource, new Map(of)]));
    return { revision: this.#revision, list: (resource) => sorted(objects.get(resource)) };
  }

  get(resource: string, key: string): KubeObject | undefined {
    return this.#objects.get(resource)?.get(key);
  }

  list(resource: string): KubeObject[] {
    return sorted(this.#objects.get(resource));
  }

  /** Stores a state, or removes the object; the stored state carries the new version. */
  put(resource: string, key: string, object: KubeObject | undefined): KubeObject {
    const objects = this.#objects.get(resource) ?? new Map<string, KubeObject>();
    this.#objects.set(resource, objects);
    const before = objects.get(key);
    const revision = ++this.#revision;
    const last = cloneJson(object ?? before ?? {});
    last.metadata = { ...last.metadata, resourceVersion: String(revision) };
    if (object === undefined) objects.delete(key);
    else objects.set(key, last);
    this.#log.push({ revision, resource, key, before, after: object === undefined ? undefined : last, last });
    this.wake();
    return last;
  }

  /** Changes after `revision`; undefined where they are compacted. */
  since(revision: number): readonly StoredChange[] | undefined {
    if (revision < this.#compacted) return undefined;
    let at = this.#log.length;
    while (at > 0 && (this.#log[at - 1]?.revision ?? 0) > revision) at--;
    return this.#log.slice(at);
  }

  /** Forgets the changes so far, as etcd's compaction does: watches from before get 410. */
  compact(): void {
    this.#compacted = this.#revision;
    this.#log.length = 0;
    this.wake();
  }

  /** Lets every watch look again. */
  wake(): void {
    for (const wake of [...this.#wake]) wake();
  }

  /** Calls `wake` with every change; gives the way to end that. */
  onChange(wake: () => void): () => void {
    this.#wake.add(wake);
    return () => this.#wake.delete(wake);
  }
}
