// The watch caches of all resource types, each started when it is first used.
import type { KubeObject } from '@drydock/api/resource.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { CacheEntry } from '../cache/entry.ts';
import { WatchCache } from '../cache/watch-cache.ts';
import { listPrefix, objectKey, resourcePrefix, type StoredResource } from '../storage/keys.ts';
import { decodeStored } from '../storage/object-store.ts';
import type { Store } from '../storage/store.ts';

export class Caches {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #byPrefix = new Map<string, WatchCache>();

  constructor(store: Store, clock: Clock, log: Log) {
    this.#store = store;
    this.#clock = clock;
    this.#log = log;
  }

  /** The cache of a resource, started or not. Versions of one resource share it; it holds the storage version. */
  of(resource: StoredResource): WatchCache {
    const prefix = resourcePrefix(resource);
    let cache = this.#byPrefix.get(prefix);
    if (cache === undefined) {
      cache = new WatchCache({
        store: this.#store,
        prefix,
        decode: decodeStored,
        clock: this.#clock,
        log: this.#log,
      });
      this.#byPrefix.set(prefix, cache);
    }
    return cache;
  }

  /** An object as the cache has it; undefined where it is missing or the cache has not started. */
  peek<T extends KubeObject>(
    resource: StoredResource & { objectType?: T | undefined },
    namespace: string,
    name: string,
  ): T | undefined {
    return this.of(resource).get(objectKey(resource, namespace, name))?.object as T | undefined;
  }

  /** All objects of a namespace (of all for an empty one) as the cache has them. */
  *list<T extends KubeObject>(resource: StoredResource & { objectType?: T | undefined }, namespace = ''): Generator<T> {
    for (const entry of this.entries(resource, namespace)) yield entry.object as T;
  }

  entries(resource: StoredResource, namespace = ''): Generator<CacheEntry> {
    return this.of(resource).range(listPrefix(resource, namespace));
  }

  /** Caches that run, with their sizes, for metrics. */
  *started(): Generator<{ readonly prefix: string; readonly cache: WatchCache }> {
    for (const [prefix, cache] of this.#byPrefix) if (cache.started) yield { prefix, cache };
  }

  stop(): void {
    for (const cache of this.#byPrefix.values()) cache.stop();
  }
}
