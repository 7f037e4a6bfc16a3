// The objects of a watch cache by key, sorted, and the keys whose values cannot be read.
import type { KubeObject } from '@drydock/api/resource.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { KeyValue } from '../storage/etcd-codec.ts';
import type { BrokenEntry, CacheEntry } from './entry.ts';

export class Entries {
  readonly #decode: (kv: KeyValue) => KubeObject;
  readonly #log: Log;
  #byKey = new Map<string, CacheEntry>();
  #broken = new Map<string, BrokenEntry>();
  #keys: string[] = [];
  readonly #snapshots = new Map<string, readonly CacheEntry[]>();

  constructor(decode: (kv: KeyValue) => KubeObject, log: Log) {
    this.#decode = decode;
    this.#log = log;
  }

  get size(): number {
    return this.#byKey.size;
  }

  get(key: string): CacheEntry | undefined {
    return this.#byKey.get(key);
  }

  *range(prefix: string): Generator<CacheEntry> {
    for (let at = lowerBound(this.#keys, prefix); at < this.#keys.length; at++) {
      const key = this.#keys[at];
      if (key === undefined || !key.startsWith(prefix)) return;
      const entry = this.#byKey.get(key);
      if (entry !== undefined) yield entry;
    }
  }

  snapshot(prefix: string): readonly CacheEntry[] {
    let snapshot = this.#snapshots.get(prefix);
    if (snapshot === undefined) {
      snapshot = [...this.range(prefix)];
      this.#snapshots.set(prefix, snapshot);
    }
    return snapshot;
  }

  /** Some key with that prefix whose value cannot be decoded. */
  broken(prefix: string): BrokenEntry | undefined {
    for (const entry of this.#broken.values()) if (entry.key.startsWith(prefix)) return entry;
    return undefined;
  }

  /** The state is `kvs`, and nothing else. */
  replace(kvs: readonly KeyValue[]): void {
    const broken = this.#broken;
    this.#byKey = new Map();
    this.#broken = new Map();
    this.#snapshots.clear();
    for (const kv of kvs) {
      const read = this.#read(kv);
      if ('object' in read) this.#byKey.set(kv.key, read);
      else this.#keepBroken(read, broken.get(kv.key));
    }
    this.#keys = [...this.#byKey.keys()].sort((a, b) => (a < b ? -1 : 1));
  }

  /** The new entry with the last one that could be read; undefined where this one cannot. */
  put(kv: KeyValue): { readonly entry: CacheEntry; readonly previous: CacheEntry | undefined } | undefined {
    const known = this.#byKey.get(kv.key);
    const broken = this.#broken.get(kv.key);
    const previous = known ?? broken?.last;
    this.#snapshots.clear();
    const read = this.#read(kv);
    if (!('object' in read)) {
      if (known !== undefined) this.#take(kv.key);
      this.#keepBroken({ ...read, last: previous }, broken);
      return undefined;
    }
    this.#broken.delete(kv.key);
    this.#byKey.set(kv.key, read);
    if (known === undefined) this.#keys.splice(lowerBound(this.#keys, kv.key), 0, kv.key);
    return { entry: read, previous };
  }

  /** The last state of a key that could be read; undefined where there was none. */
  remove(key: string): CacheEntry | undefined {
    const known = this.#byKey.get(key);
    const previous = known ?? this.#broken.get(key)?.last;
    this.#broken.delete(key);
    this.#snapshots.clear();
    if (known !== undefined) this.#take(key);
    return previous;
  }

  #take(key: string): void {
    this.#byKey.delete(key);
    this.#keys.splice(lowerBound(this.#keys, key), 1);
  }

  #read(kv: KeyValue): CacheEntry | BrokenEntry {
    try {
      return { key: kv.key, revision: kv.modRevision, object: this.#decode(kv), bytes: kv.value.length };
    } catch (error) {
      return { key: kv.key, revision: kv.modRevision, error: error as Error, last: undefined };
    }
  }

  #keepBroken(entry: BrokenEntry, before: BrokenEntry | undefined): void {
    this.#broken.set(entry.key, entry);
    if (before?.revision === entry.revision) return;
    this.#log.error({ err: entry.error, key: entry.key, revision: entry.revision }, 'a value in the store cannot be decoded');
  }
}

/** The first position in the sorted `keys` that is not before `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
