// A local copy of a resource that follows the apiserver by list and watch (client-go's reflector and shared informer).
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import { groupResourceOf } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Random, RandomStream } from '@drydock/foundation/random.ts';
import type { ApiClient, ObjectKey, ObjectList } from './api-client.ts';
import { Backoff } from './backoff.ts';
import { isTooLargeVersion } from './errors.ts';
import { listPageObjects, watchTimeoutMinSeconds } from './limits.ts';
import { keyOf, keyText, ObjectStore } from './object-store.ts';
import { atLeast } from './resource-version.ts';

/** A change of one object: `before` is missing when it was added, `after` when it was deleted. */
export interface Change<T> {
  readonly before: T | undefined;
  readonly after: T | undefined;
}

export interface InformerPorts {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Freezes every object of the cache: tests use it to catch code that changes what it must only read. */
  readonly freeze?: boolean | undefined;
  /**
   * `consistent` (default): the first list shows everything that was committed before it was asked for; it waits where the server
   * cannot reach the store. `cached`: whatever that server has, however old: for readers to whom an old state is better than none.
   */
  readonly firstList?: 'consistent' | 'cached' | undefined;
}

export interface InformerOptions<T extends KubeObject> {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Applied to every object before it is stored, to keep less of it. Must keep metadata's identity and version. */
  readonly transform?: ((object: T) => T) | undefined;
}

/**
 * The cache of one resource. Promises: every object's last state arrives; the states of one object arrive in order;
 * handlers run synchronously after the cache has changed. Does NOT promise that every state in between is seen, nor any
 * order between objects, nor that the cache is current. Objects in it are shared and must not be modified.
 */
export class Informer<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly #ports: InformerPorts;
  readonly #options: InformerOptions<T>;
  readonly #random: RandomStream;
  readonly #store = new ObjectStore<T>();
  readonly #handlers: ((change: Change<T>) => void)[] = [];
  #resourceVersion: string | undefined;
  #following = false;
  /** Lists begun, and the number of the latest one that is in. */
  #lists = 0;
  #listed = 0;
  #mustList = true;
  #mustBeCurrent = false;
  #interrupt: AbortController | undefined;
  /** Where another informer of the same objects does the listing and watching. */
  #source: Informer<T> | undefined;
  readonly #fed: Informer<T>[] = [];
  #waiting: { readonly ready: () => boolean; readonly resolve: () => void }[] = [];

  constructor(resource: Resource<T>, ports: InformerPorts, options: InformerOptions<T> = {}) {
    this.resource = resource;
    this.#ports = ports;
    this.#options = options;
    this.#random = ports.random.stream(`informer/${groupResourceOf(resource)}`);
  }

  /** The version up to which the cache has followed the apiserver; undefined before the first list. */
  get resourceVersion(): string | undefined {
    return this.#resourceVersion;
  }

  get hasSynced(): boolean {
    return this.#resourceVersion !== undefined;
  }

  /** Whether the watch is connected. */
  get following(): boolean {
    return this.#source?.following ?? this.#following;
  }

  get size(): number {
    return this.#store.size;
  }

  get(key: ObjectKey): T | undefined {
    return this.#store.get(keyText(key));
  }

  list(): Iterable<T> {
    return this.#store.list();
  }

  /** The objects for which the index function `name` gives `value`. Throws RangeError where there is no such index. */
  lookup(name: string, value: string): Iterable<T> {
    return this.#store.lookup(name, value);
  }

  /** Adds an index; a name that exists keeps its function. */
  index(name: string, values: (object: T) => readonly string[]): void {
    this.#store.index(name, values);
  }

  /** Calls `handler` for every object there is, as added, and for every change from then on. */
  subscribe(handler: (change: Change<T>) => void): void {
    this.#handlers.push(handler);
    for (const object of [...this.#store.list()]) handler({ before: undefined, after: object });
  }

  /** Resolves when the first list is in. */
  synced(): Promise<void> {
    return this.when(() => this.hasSynced);
  }

  /** Resolves when the cache has followed the apiserver up to `resourceVersion`: a write of one's own is then visible. */
  seen(resourceVersion: string): Promise<void> {
    return this.when(() => atLeast(this.#resourceVersion, resourceVersion));
  }

  /** Resolves when `ready` says so; it is asked now and after every change. */
  when(ready: () => boolean): Promise<void> {
    if (ready()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ ready, resolve }));
  }

  /** Lists anew; resolves when the cache shows everything that was committed before this call. For who takes over from another. */
  refresh(): Promise<void> {
    if (this.#source !== undefined) return this.#source.refresh();
    const wanted = this.#lists + 1;
    this.#mustList = true;
    this.#mustBeCurrent = true;
    this.#interrupt?.abort();
    return this.when(() => this.#listed >= wanted);
  }

  /**
   * From now on `source` is listened to instead of the apiserver: one watch is enough for both. It must hold the same objects, and
   * must not have been started yet: its first list is then not older than what is here.
   */
  feedFrom(source: Informer<T>): void {
    this.#source = source;
    source.#fed.push(this);
    this.#interrupt?.abort();
  }

  /** Follows the apiserver until the signal aborts. Failures are logged and retried with back-off; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(this.#ports.clock, this.#random);
    const log = this.#ports.log.child({ resource: groupResourceOf(this.resource) });
    while (!signal.aborted && this.#source === undefined) {
      let failure: unknown;
      try {
        while (this.#mustList) await this.#relist(signal);
        const startedAtMs = this.#ports.clock.monotonicMs();
        const count = await this.#follow(signal);
        if (count === 0 && !this.#mustList && this.#ports.clock.monotonicMs() - startedAtMs < 1000)
          failure = 'very short watch';
      } catch (error) {
        failure = error;
        // The version is too old or unknown to the server: start over from a list. Anything else: go on where we were.
        if (hasReason(error, 'Expired') || hasReason(error, 'Gone') || isTooLargeVersion(error)) this.#mustList = true;
      }
      this.#following = false;
      if (failure === undefined || signal.aborted || this.#source !== undefined) continue;
      const delayMs = backoff.nextMs();
      log.warn({ err: failure, retryInMs: Math.round(delayMs), relist: this.#mustList }, 'list or watch failed');
      await this.#ports.clock.sleep(delayMs, signal).catch(() => {});
    }
  }

  async #relist(signal: AbortSignal): Promise<void> {
    const items: T[] = [];
    let page: ObjectList<T>;
    let token: string | undefined;
    const number = ++this.#lists;
    // In pages, a server reads the store itself. A list that many ask for at once (when they start, or take over) it can answer from
    // its cache, as soon as it knows that to be current; after a failure the cache is what is doubted.
    const calm = this.#resourceVersion === undefined || this.#mustBeCurrent;
    const cached = calm && !this.#mustBeCurrent && this.#ports.firstList === 'cached' ? { resourceVersion: '0' } : {};
    this.#mustList = false;
    do {
      const query = calm ? cached : { limit: listPageObjects, continue: token };
      page = await this.#ports.client.list(this.resource, { ...this.#scope(), signal, ...query }).catch((error) => {
        this.#mustList = true;
        throw error;
      });
      items.push(...page.items);
      token = page.metadata.continue;
    } while (token);
    // What takes over meanwhile lists for itself.
    if (this.#source !== undefined) return;
    const listed = new Map(items.map((item) => [keyOf(item), item]));
    for (const informer of [this, ...this.#fed]) informer.#keepOnly(listed);
    // Where the store was restored, a version may name another state than the one that is kept under it.
    for (const [key, item] of listed) this.#put(key, item, isDeepStrictEqual);
    this.#listed = number;
    if (!this.#mustList) this.#mustBeCurrent = false;
    this.#advance(page.metadata.resourceVersion ?? '');
  }

  /** Follows one watch to its end; gives the number of events. */
  async #follow(signal: AbortSignal): Promise<number> {
    let count = 0;
    const started = new AbortController();
    const stop = () => started.abort();
    this.#interrupt = started;
    signal.addEventListener('abort', stop, { once: true });
    const timeoutSeconds = Math.round(watchTimeoutMinSeconds * (1 + this.#random.next()));
    // A server that neither sends nor ends the watch in time has lost it.
    const overdue: Timer = this.#ports.clock.timer((timeoutSeconds + 30) * 1000, stop);
    try {
      const events = this.#ports.client.watch(this.resource, {
        ...this.#scope(),
        signal: started.signal,
        resourceVersion: this.#resourceVersion,
        allowWatchBookmarks: true,
        timeoutSeconds,
        onOpen: () => {
          this.#following = true;
        },
      });
      for await (const { type, object } of events) {
        count++;
        if (type === 'DELETED') this.#remove(keyOf(object), object);
        else if (type !== 'BOOKMARK') this.#put(keyOf(object), object);
        this.#advance(object.metadata?.resourceVersion ?? '');
      }
    } finally {
      overdue.cancel();
      this.#interrupt = undefined;
      signal.removeEventListener('abort', stop);
    }
    return count;
  }

  #scope(): { namespace?: string | undefined; labelSelector?: string | undefined; fieldSelector?: string | undefined } {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    return { namespace, labelSelector, fieldSelector };
  }

  #keepOnly(listed: ReadonlyMap<string, T>): void {
    for (const key of [...this.#store.keys()]) if (!listed.has(key)) this.#remove(key);
  }

  #put(key: string, object: T, isSame: (before: T, after: T) => boolean = () => true): void {
    for (const informer of this.#fed) informer.#put(key, object, isSame);
    const before = this.#store.get(key);
    const after = this.#keep(object);
    if (
      before !== undefined &&
      before.metadata?.resourceVersion === object.metadata?.resourceVersion &&
      before.metadata?.uid === object.metadata?.uid &&
      isSame(before, after)
    )
      return;
    this.#store.set(key, after);
    // An object that was deleted and made again under its name is two changes, not one.
    if (before !== undefined && before.metadata?.uid !== after.metadata?.uid) {
      this.#notify({ before, after: undefined });
      this.#notify({ before: undefined, after });
      return;
    }
    this.#notify({ before, after });
  }

  #remove(key: string, last?: T): void {
    for (const informer of this.#fed) informer.#remove(key, last);
    const before = this.#store.delete(key);
    if (before !== undefined) this.#notify({ before: last === undefined ? before : this.#keep(last), after: undefined });
  }

  #keep(object: T): T {
    const kept = this.#options.transform?.(object) ?? object;
    return this.#ports.freeze ? deepFreeze(kept) : kept;
  }

  #notify(change: Change<T>): void {
    for (const handler of this.#handlers) {
      try {
        handler(change);
      } catch (err) {
        this.#ports.log.error({ err, resource: groupResourceOf(this.resource) }, 'a handler failed');
      }
    }
  }

  #advance(resourceVersion: string): void {
    if (resourceVersion !== '') this.#resourceVersion = resourceVersion;
    for (const informer of this.#fed) informer.#advance(resourceVersion);
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const entry of waiting) {
      if (entry.ready()) entry.resolve();
      else this.#waiting.push(entry);
    }
  }
}

function deepFreeze<V>(value: V): V {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
