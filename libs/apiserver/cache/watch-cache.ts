// The state of one resource type in memory, fed by one watch of the store: what lists, watches and the server's own decisions
// read. Follows upstream's Cacher (k8s.io/apiserver/pkg/storage/cacher).
import type { KubeObject } from '@drydock/api/resource.ts';
import { type ApiError, apiError } from '@drydock/api/status.ts';
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { cacheFillAttemptsMax, cacheFreshWaitMs, cacheRetryPauseMs, progressRequestIntervalMs } from '../limits.ts';
import type { KeyValue } from '../storage/etcd-codec.ts';
import { type Store, StoreError, type StoreWatch, type WatchSignal } from '../storage/store.ts';
import { Entries } from './entries.ts';
import { type CacheEntry, type CacheEvent, withRevision } from './entry.ts';
import { EventLog } from './event-log.ts';
import { readState } from './read-state.ts';

/** Called synchronously. */
export interface CacheListener {
  /** The log has one event more. */
  onEvent(event: CacheEvent): void;
  /** Nothing more comes; where there is an error, the position is lost with it. */
  ended(error?: ApiError): void;
}

export interface WatchCacheOptions {
  readonly store: Store;
  /** Ends with a slash: `/registry/pods/`. */
  readonly prefix: string;
  readonly decode: (kv: KeyValue) => KubeObject;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * A watch cache. It starts on first use and then follows the store until `stop`.
 *
 * `empty`: nothing is known. `filling`: what is known is of no use to readers, for the state is being read anew. `following`:
 * the watch stands. `resuming`: it does not stand yet, or broke; the state is a true one, and goes on from where it is.
 */
export class WatchCache {
  /** What has happened; watchers read it by number. */
  readonly log = new EventLog();
  readonly #options: WatchCacheOptions;
  readonly #entries: Entries;
  #state: 'empty' | 'filling' | 'following' | 'resuming' = 'empty';
  #revision = 0;
  #listeners = new Set<CacheListener>();
  #waiters: { readonly revision: number; readonly resolve: () => void }[] = [];
  #watch: StoreWatch | undefined;
  #progressTimer: Timer | undefined;
  #starting: Promise<void> | undefined;
  #stopped = false;

  constructor(options: WatchCacheOptions) {
    this.#options = options;
    this.#entries = new Entries(options.decode, options.log);
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

  /** Whether what it holds is a state of the store that clients may be given. */
  get ready(): boolean {
    return this.#state === 'following' || this.#state === 'resuming';
  }

  /** Resolves when the cache holds a state; fails with StoreError where the store cannot be read. */
  start(): Promise<void> {
    this.#starting ??= this.#fillFirst().catch((error) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /** As `start`; fails with TooManyRequests where a state that was lost is not back within cacheFreshWaitMs. */
  async whenReady(): Promise<void> {
    const started = this.start();
    if (this.ready) return;
    const patience = new AbortController();
    const late = this.#options.clock.sleep(cacheFreshWaitMs, patience.signal).then(
      () => {},
      () => {},
    );
    try {
      await Promise.race([started, late]);
    } finally {
      patience.abort();
    }
    if (!this.ready) throw initializing();
  }

  stop(): void {
    this.#stopped = true;
    this.#watch?.close();
    this.#progressTimer?.cancel();
    this.#endListeners();
  }

  get(key: string): CacheEntry | undefined {
    return this.#entries.get(key);
  }

  /** As `get`, where it is likely to be the present state; undefined while the cache does not follow the store. */
  hint(key: string): CacheEntry | undefined {
    return this.#state === 'following' ? this.#entries.get(key) : undefined;
  }

  /** All entries whose key starts with `prefix`, in the order of their keys. Values that cannot be decoded are left out. */
  range(prefix: string): Generator<CacheEntry> {
    return this.#entries.range(prefix);
  }

  /** As `range`, as it is now; readers that ask before the next change share it. */
  snapshot(prefix: string): readonly CacheEntry[] {
    return this.#entries.snapshot(prefix);
  }

  /** Why the value of some key with that prefix cannot be decoded; undefined where all can. */
  broken(prefix: string): Error | undefined {
    return this.#entries.broken(prefix)?.error;
  }

  /** Resolves true as soon as everything up to `revision` is here, false when that takes longer than cacheFreshWaitMs. */
  waitFresh(revision: number): Promise<boolean> {
    if (this.ready && this.#revision >= revision) return Promise.resolve(true);
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
        resolve(this.ready && this.#revision >= revision);
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
   * Tells `listener` of every event from now on; returns the number of the first event in the log after `fromRevision`, and
   * how to stop. Fails with Expired where the log no longer reaches back so far, TooManyRequests where the state is being read.
   */
  subscribe(fromRevision: number, listener: CacheListener): { readonly next: number; readonly stop: () => void } {
    if (!this.ready) throw initializing();
    const { startRevision } = this.log;
    if (fromRevision < startRevision) {
      throw apiError('Expired', `too old resource version: ${fromRevision} (${startRevision})`);
    }
    this.#listeners.add(listener);
    return { next: this.log.after(fromRevision), stop: () => this.#listeners.delete(listener) };
  }

  async #fillFirst(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#fill();
      } catch (error) {
        // The pages are read at one revision, which may be compacted meanwhile.
        if (!(error instanceof StoreError) || error.code !== 'compacted' || attempt >= cacheFillAttemptsMax) throw error;
      }
    }
  }

  async #fill(): Promise<void> {
    const { store, prefix } = this.#options;
    const { kvs, revision } = await readState(store, prefix);
    this.#entries.replace(kvs);
    this.log.reset(revision);
    // Also back, where the state of a restored store is read.
    this.#revision = revision;
    this.#state = 'resuming';
    this.#follow();
    this.#releaseWaiters();
  }

  #follow(): void {
    if (this.#stopped) return;
    const watch = this.#options.store.watch(this.#options.prefix, this.#revision + 1, (signal) => this.#receive(signal));
    // It may have ended already.
    if (!this.ready) return;
    this.#watch = watch;
    if (this.#waiters.length > 0) watch.requestProgress();
  }

  #receive(signal: WatchSignal): void {
    if (this.#stopped) return;
    switch (signal.type) {
      case 'created':
        this.#state = 'following';
        return;
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
        this.#options.log.warn(
          { prefix: this.#options.prefix, reason: signal.reason, compacted: signal.compacted },
          'the watch of the store ended',
        );
        if (signal.compacted) this.#startOver();
        else void this.#resume();
    }
  }

  async #resume(): Promise<void> {
    this.#state = 'resuming';
    this.#watch = undefined;
    await this.#options.clock.sleep(cacheRetryPauseMs);
    if (this.#state === 'resuming') this.#follow();
  }

  /** The position is lost: nobody is let on, or goes on, with it; who comes back waits for the new state. */
  #startOver(): void {
    this.#state = 'filling';
    this.#watch = undefined;
    this.#starting = this.#refill();
    this.#endListeners(apiError('Expired', 'The resourceVersion for the provided watch is too old.'));
  }

  async #refill(): Promise<void> {
    const { clock, log, prefix } = this.#options;
    while (!this.#stopped) {
      await clock.sleep(cacheRetryPauseMs);
      try {
        await this.#fill();
        return;
      } catch (err) {
        log.warn({ prefix, err }, 'the state could not be read anew');
      }
    }
  }

  #endListeners(error?: ApiError): void {
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener.ended(error);
  }

  #apply(deleted: boolean, kv: KeyValue): void {
    if (kv.modRevision <= this.#revision) return;
    if (deleted) {
      const previous = this.#entries.remove(kv.key);
      if (previous === undefined) return;
      const object = withRevision(previous.object, kv.modRevision);
      this.#emit('DELETED', kv, { ...previous, object }, previous);
      return;
    }
    const changed = this.#entries.put(kv);
    if (changed === undefined) return;
    this.#emit(changed.previous === undefined ? 'ADDED' : 'MODIFIED', kv, changed.entry, changed.previous);
  }

  #emit(type: CacheEvent['type'], kv: KeyValue, entry: CacheEntry, previous: CacheEntry | undefined): void {
    const atMs = this.#options.clock.monotonicMs();
    const event = { type, revision: kv.modRevision, entry, previous, bytes: entry.bytes, atMs };
    this.log.append(event);
    for (const listener of this.#listeners) listener.onEvent(event);
  }

  #advance(revision: number): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    this.#releaseWaiters();
  }

  #releaseWaiters(): void {
    if (!this.ready || !this.#waiters.some((waiter) => waiter.revision <= this.#revision)) return;
    const due = this.#waiters.filter((waiter) => waiter.revision <= this.#revision);
    this.#waiters = this.#waiters.filter((waiter) => waiter.revision > this.#revision);
    for (const waiter of due) waiter.resolve();
  }
}

/** Upstream's answer while a cache has no state (cacher.go). */
function initializing(): ApiError {
  return apiError('TooManyRequests', 'storage is (re)initializing', { retryAfterSeconds: 1 });
}
