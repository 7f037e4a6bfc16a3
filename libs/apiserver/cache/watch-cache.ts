// The state of one resource type in memory, fed by one watch of the store: what lists, watches and the server's own decisions
// read. Follows upstream's Cacher (k8s.io/apiserver/pkg/storage/cacher).
import type { KubeObject } from '@drydock/api/resource.ts';
import { apiError } from '@drydock/api/status.ts';
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { cacheFreshWaitMs, cachePageMaxItems, progressRequestIntervalMs, watchHistoryMaxEvents } from '../limits.ts';
import { type KeyValue, prefixEnd } from '../storage/etcd-codec.ts';
import { type Store, StoreError, type StoreWatch, type WatchSignal } from '../storage/store.ts';

/** One object as the store has it. It is shared: never change it. */
export interface CacheEntry {
  readonly key: string;
  /** The revision at which the store last changed the key. */
  readonly revision: number;
  readonly object: KubeObject;
}

/** A change of one key; `entry` of DELETED is the last state, carrying the revision of the deletion. */
export interface CacheEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  readonly entry: CacheEntry;
  readonly previous: CacheEntry | undefined;
}

/** Called synchronously, in order. `ended` says that the position of every listener is lost. */
export interface CacheListener {
  onEvent(event: CacheEvent): void;
  ended(): void;
}

export interface WatchCacheOptions {
  readonly store: Store;
  /** Ends with a slash: `/registry/pods/`. */
  readonly prefix: string;
  readonly decode: (kv: KeyValue) => KubeObject;
  readonly clock: Clock;
  readonly log: Log;
}

const retryPauseMs = 200;

/** A watch cache. It starts on first use and then follows the store until `stop`. */
export class WatchCache {
  readonly #options: WatchCacheOptions;
  readonly #entries = new Map<string, CacheEntry>();
  #keys: string[] = [];
  #history: CacheEvent[] = [];
  /** Events up to this revision are no longer in the history. */
  #historyStart = 0;
  #revision = 0;
  #listeners = new Set<CacheListener>();
  #waiters: { readonly revision: number; readonly resolve: () => void }[] = [];
  #watch: StoreWatch | undefined;
  #progressTimer: Timer | undefined;
  #starting: Promise<void> | undefined;
  #stopped = false;

  constructor(options: WatchCacheOptions) {
    this.#options = options;
  }

  /** The revision up to which this cache has seen everything. */
  get revision(): number {
    return this.#revision;
  }

  get size(): number {
    return this.#entries.size;
  }

  get started(): boolean {
    return this.#starting !== undefined;
  }

  /** Resolves when the cache holds a state; fails with StoreError where the store cannot be read. */
  start(): Promise<void> {
    this.#starting ??= this.#fill().catch((error) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  stop(): void {
    this.#stopped = true;
    this.#watch?.close();
    this.#progressTimer?.cancel();
    for (const listener of this.#listeners) listener.ended();
    this.#listeners.clear();
  }

  get(key: string): CacheEntry | undefined {
    return this.#entries.get(key);
  }

  /** All entries whose key starts with `prefix`, in the order of their keys. */
  *range(prefix: string): Generator<CacheEntry> {
    for (let at = lowerBound(this.#keys, prefix); at < this.#keys.length; at++) {
      const key = this.#keys[at];
      if (key === undefined || !key.startsWith(prefix)) return;
      const entry = this.#entries.get(key);
      if (entry !== undefined) yield entry;
    }
  }

  /** Resolves true as soon as everything up to `revision` is here, false when that takes longer than cacheFreshWaitMs. */
  waitFresh(revision: number): Promise<boolean> {
    if (this.#revision >= revision) return Promise.resolve(true);
    return new Promise((resolve) => {
      const waiter = {
        revision,
        resolve: () => {
          timer.cancel();
          resolve(true);
        },
      };
      const timer = this.#options.clock.timer(cacheFreshWaitMs, () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        resolve(this.#revision >= revision);
      });
      this.#waiters.push(waiter);
      this.requestProgress();
    });
  }

  /** Asks the store how far the watch is, again and again while a reader waits. */
  requestProgress(): void {
    this.#watch?.requestProgress();
    this.#progressTimer ??= this.#options.clock.timer(progressRequestIntervalMs, () => {
      this.#progressTimer = undefined;
      if (this.#waiters.length > 0 && !this.#stopped) this.requestProgress();
    });
  }

  /**
   * Delivers what happened after `fromRevision` to `listener` at once and everything later as it comes; returns how to stop it.
   * Throws Expired where the history no longer reaches back so far.
   */
  subscribe(fromRevision: number, listener: CacheListener): () => void {
    if (fromRevision < this.#historyStart) {
      throw apiError('Expired', `too old resource version: ${fromRevision} (${this.#historyStart})`);
    }
    if (fromRevision < this.#revision) {
      for (const event of this.#history) if (event.revision > fromRevision) listener.onEvent(event);
    }
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async #fill(): Promise<void> {
    const { store, prefix, decode } = this.#options;
    const fresh = new Map<string, CacheEntry>();
    const keys: string[] = [];
    let revision = 0;
    for (let key = prefix, more = true; more; ) {
      const page = await store.range({ key, rangeEnd: prefixEnd(prefix), limit: cachePageMaxItems, revision });
      revision ||= page.revision;
      for (const kv of page.kvs) {
        const object = decode(kv);
        fresh.set(kv.key, { key: kv.key, revision: kv.modRevision, object });
        keys.push(kv.key);
      }
      more = page.more;
      key = `${page.kvs.at(-1)?.key ?? ''}\0`;
    }
    this.#entries.clear();
    for (const [key, entry] of fresh) this.#entries.set(key, entry);
    this.#keys = keys.sort((a, b) => (a < b ? -1 : 1));
    this.#history = [];
    this.#historyStart = revision;
    this.#advance(revision);
    this.#follow();
  }

  #follow(): void {
    if (this.#stopped) return;
    this.#watch = this.#options.store.watch(this.#options.prefix, this.#revision + 1, (signal) => this.#receive(signal));
    if (this.#waiters.length > 0) this.#watch.requestProgress();
  }

  #receive(signal: WatchSignal): void {
    if (this.#stopped) return;
    switch (signal.type) {
      case 'events': {
        let last = 0;
        for (const { deleted, kv } of signal.events) {
          this.#apply(deleted, kv);
          last = kv.modRevision;
        }
        this.#advance(last);
        return;
      }
      case 'progress':
        this.#advance(signal.revision);
        return;
      case 'closed':
        void this.#recover(signal.compacted, signal.reason);
    }
  }

  async #recover(compacted: boolean, reason: string): Promise<void> {
    const { clock, log, prefix } = this.#options;
    log.warn({ prefix, reason, compacted }, 'the watch of the store ended');
    await clock.sleep(retryPauseMs);
    if (!compacted) {
      this.#follow();
      return;
    }
    for (const listener of this.#listeners) listener.ended();
    this.#listeners.clear();
    while (!this.#stopped) {
      try {
        await this.#fill();
        return;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        await clock.sleep(retryPauseMs);
      }
    }
  }

  #apply(deleted: boolean, kv: KeyValue): void {
    if (kv.modRevision <= this.#revision) return;
    const previous = this.#entries.get(kv.key);
    if (deleted) {
      if (previous === undefined) return;
      this.#entries.delete(kv.key);
      this.#keys.splice(lowerBound(this.#keys, kv.key), 1);
      const object = withRevision(previous.object, kv.modRevision);
      this.#emit({ type: 'DELETED', revision: kv.modRevision, entry: { ...previous, object }, previous });
      return;
    }
    const entry = { key: kv.key, revision: kv.modRevision, object: this.#options.decode(kv) };
    this.#entries.set(kv.key, entry);
    if (previous === undefined) this.#keys.splice(lowerBound(this.#keys, kv.key), 0, kv.key);
    this.#emit({ type: previous === undefined ? 'ADDED' : 'MODIFIED', revision: kv.modRevision, entry, previous });
  }

  #emit(event: CacheEvent): void {
    this.#history.push(event);
    if (this.#history.length > watchHistoryMaxEvents) {
      const dropped = this.#history.splice(0, watchHistoryMaxEvents / 4);
      this.#historyStart = dropped.at(-1)?.revision ?? this.#historyStart;
    }
    for (const listener of this.#listeners) listener.onEvent(event);
  }

  #advance(revision: number): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    const due = this.#waiters.filter((waiter) => waiter.revision <= revision);
    if (due.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > revision);
    for (const waiter of due) waiter.resolve();
  }
}

/** A copy of `object` with another resourceVersion. */
export function withRevision(object: KubeObject, revision: number): KubeObject {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
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
