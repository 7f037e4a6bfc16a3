// The read-only local copy of a resource's objects, with indexes by namespace and by whatever a reader needs.
import type { KubeObject } from '@drydock/api/resource.ts';
import type { ObjectKey } from './api-client.ts';

/** `namespace/name`, or `name` for cluster-scoped objects: the form of work-queue keys. */
export function keyOf(object: KubeObject): string {
  const { namespace, name } = object.metadata ?? {};
  return namespace ? `${namespace}/${name ?? ''}` : (name ?? '');
}

/** The reverse of `keyOf`. */
export function splitKey(key: string): ObjectKey {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** The text of an ObjectKey. */
export function keyText(key: ObjectKey): string {
  return key.namespace ? `${key.namespace}/${key.name}` : key.name;
}

type IndexFunction<T> = (object: T) => readonly string[];

interface Index<T> {
  readonly values: IndexFunction<T>;
  readonly entries: Map<string, Map<string, T>>;
}

export class ObjectStore<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): Iterable<T> {
    return this.#objects.values();
  }

  keys(): Iterable<string> {
    return this.#objects.keys();
  }

  lookup(name: string, value: string): Iterable<T> {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new RangeError(`no index "${name}"`);
    return index.entries.get(value)?.values() ?? [];
  }

  /** Adds an index, over what is there too. A name that exists keeps its function. */
  index(name: string, values: IndexFunction<T>): void {
    if (this.#indexes.has(name)) return;
    const index: Index<T> = { values, entries: new Map() };
    this.#indexes.set(name, index);
    for (const [key, object] of this.#objects) insert(index, key, object);
  }

  /** The object that was there before. */
  set(key: string, object: T): T | undefined {
    const before = this.#objects.get(key);
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) {
      if (before !== undefined) remove(index, key, before);
      insert(index, key, object);
    }
    return before;
  }

  delete(key: string): T | undefined {
    const before = this.#objects.get(key);
    if (before === undefined) return undefined;
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) remove(index, key, before);
    return before;
  }
}

function insert<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.values(object)) {
    const bucket = index.entries.get(value);
    if (bucket === undefined) index.entries.set(value, new Map([[key, object]]));
    else bucket.set(key, object);
  }
}

function remove<T>(index: Index<T>, key: string, object: T): void {
  for (const value of index.values(object)) {
    const bucket = index.entries.get(value);
    bucket?.delete(key);
    if (bucket?.size === 0) index.entries.delete(value);
  }
}
