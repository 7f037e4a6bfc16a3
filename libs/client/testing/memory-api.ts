// An apiserver in memory, behind the ApiClient port, for fast tests of what uses the API: versions and conflicts, watches
// with bookmarks and 410, generated names, finalizers and graceful deletion, the status subresource, selectors, patches.
// It passes the same compliance suite as the transports on a real apiserver. It knows no users, quota or admission, and
// validates nothing.

import { applyDefaults } from '@drydock/api/defaults.ts';
import type { Pod } from '@drydock/api/generated/types.ts';
import { cloneJson, type JsonObject } from '@drydock/api/json.ts';
import { applyJsonPatch } from '@drydock/api/patch/json-patch.ts';
import { applyMergePatch } from '@drydock/api/patch/merge-patch.ts';
import { applyStrategicMergePatch } from '@drydock/api/patch/strategic-merge.ts';
import { apiVersionOf, groupResourceOf, type KubeObject, type Resource } from '@drydock/api/resource.ts';
import { matchesFields, parseFieldSelector } from '@drydock/api/selectors/field.ts';
import { matchesLabels, parseLabelSelector } from '@drydock/api/selectors/label.ts';
import { ApiError, apiError, notServed } from '@drydock/api/status.ts';
import { isUnchanged, prepareForCreate, prepareForUpdate } from '@drydock/api/strategy.ts';
import { type Clock, formatTime } from '@drydock/foundation/clock.ts';
import type { Random, RandomStream } from '@drydock/foundation/random.ts';
import type {
  ApiClient,
  CallOptions,
  DeleteOptions,
  GetOptions,
  ListOptions,
  ObjectKey,
  ObjectList,
  Patch,
  PatchOptions,
  RawQuery,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from '../api-client.ts';
import { noResource } from '../client-layer.ts';
import { unavailable } from '../errors.ts';
import { keyOf, keyText } from '../object-store.ts';
import { Pages } from './memory-pages.ts';
import { MemoryStore, type StoreView } from './memory-store.ts';
import { infoOf, shown } from './memory-views.ts';

/** Called before every request; what it throws is the request's failure. */
export type Fault = (verb: string, resource: Resource, name: string) => void;

/** Answers getRaw. */
export type RawHandler = (path: string, query: RawQuery) => unknown;

/** Construct one per test. `store` may be shared by several clients. */
export class MemoryApi implements ApiClient {
  readonly store: MemoryStore;
  readonly #clock: Clock;
  readonly #random: RandomStream;
  #fault: Fault = () => {};
  #raw: RawHandler | undefined;
  readonly #behind = new Set<string>();
  #closed = false;
  #breaks = 0;
  readonly #pages = new Pages();
  /** What is served where any version will do. */
  #cache: StoreView;

  constructor(ports: { readonly clock: Clock; readonly random: Random }, store = new MemoryStore()) {
    this.store = store;
    this.#cache = store;
    this.#clock = ports.clock;
    this.#random = ports.random.stream('memory-api');
  }

  /** From now on every request passes `fault` first. */
  injectFault(fault: Fault): void {
    this.#fault = fault;
  }

  /** From now on `handler` answers getRaw. */
  serveRaw(handler: RawHandler): void {
    this.#raw = handler;
  }

  /** Objects of that type, which is no built-in one, are put into the store by tests. */
  serveBehind(resource: Resource): void {
    this.#behind.add(groupResourceOf(resource));
  }

  /** From now on this server's cache lags: lists that take any version, and watches, do not see what happens, until `follow`. */
  lag(): void {
    this.#cache = this.store.snapshot();
  }

  /** The cache is the store again. */
  follow(): void {
    this.#cache = this.store;
    this.store.wake();
  }

  /** Every watch under way fails, as when its connection breaks. */
  breakWatches(): void {
    this.#breaks++;
    this.store.wake();
  }

  async get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options: GetOptions = {}): Promise<T> {
    await this.#enter('get', resource, key.name, options);
    return cloneJson(shown(resource, this.#existing(resource, key), options.subresource)) as T;
  }

  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
    await this.#enter('list', resource, '', options);
    if (options.continue) return this.#pages.next(options.continue, options.limit) as ObjectList<T>;
    const view = options.resourceVersion === '0' ? this.#cache : this.store;
    const wanted = Number(options.resourceVersion ?? 0);
    if (wanted > view.revision) {
      throw apiError('Timeout', `Timeout: Too large resource version: ${wanted}, current: ${view.revision}`);
    }
    const items = view.list(groupResourceOf(resource)).filter(this.#selector(resource, options));
    return this.#pages.first(items, view.revision, options.limit) as ObjectList<T>;
  }

  async *watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions = {}): AsyncIterable<WatchEvent<T>> {
    const breaks = this.#breaks;
    await this.#enter('watch', resource, '', {});
    options.onOpen?.();
    const over = new AbortController();
    const timer = this.#clock.timer((options.timeoutSeconds ?? Number.POSITIVE_INFINITY) * 1000, () => over.abort());
    const stop = (): void => over.abort();
    options.signal?.addEventListener('abort', stop, { once: true });
    try {
      yield* this.#events(resource, options, over.signal, breaks);
    } finally {
      timer.cancel();
      options.signal?.removeEventListener('abort', stop);
    }
  }

  async *#events<T extends KubeObject>(
    resource: Resource<T>,
    options: WatchOptions,
    over: AbortSignal,
    breaks: number,
  ): AsyncIterable<WatchEvent<T>> {
    const selected = this.#selector(resource, options);
    const name = groupResourceOf(resource);
    let revision = Number(options.resourceVersion ?? 0);
    if (options.resourceVersion === undefined || options.resourceVersion === '0' || options.resourceVersion === '') {
      revision = this.#cache.revision;
      for (const object of this.#cache.list(name).filter(selected)) yield { type: 'ADDED', object: cloneJson(object) as T };
    }
    for (;;) {
      if (options.signal?.aborted) return;
      if (over.aborted) {
        if (options.allowWatchBookmarks) yield this.#bookmark(resource, Math.max(revision, this.#cache.revision));
        return;
      }
      if (this.#breaks !== breaks) throw unavailable('the connection broke');
      if (this.#closed) throw unavailable('the client is closed');
      const changes = this.store.since(revision);
      if (changes === undefined) throw apiError('Expired', `too old resource version: ${revision} (${this.store.revision})`);
      for (const change of changes) {
        if (change.revision > this.#cache.revision) break;
        revision = change.revision;
        if (change.resource !== name) continue;
        const was = change.before !== undefined && selected(change.before);
        const is = change.after !== undefined && selected(change.after);
        if (!was && !is) continue;
        const object = cloneJson(change.last) as T;
        yield { type: is ? (was ? 'MODIFIED' : 'ADDED') : 'DELETED', object };
        if (options.signal?.aborted) return;
      }
      if (Math.min(this.store.revision, this.#cache.revision) <= revision) await this.#changed(over);
    }
  }

  async create<T extends KubeObject, R extends KubeObject = T>(
    resource: Resource<T>,
    object: R,
    options: WriteOptions = {},
  ): Promise<R> {
    await this.#enter('create', resource, object.metadata?.name ?? '', options);
    if (options.subresource !== undefined) return this.#createSubresource(resource, object, options.subresource) as R;
    const fresh = cloneJson(object) as KubeObject;
    const metadata = { ...fresh.metadata };
    fresh.metadata = metadata;
    if (!resource.namespaced) delete metadata.namespace;
    if (!metadata.name && metadata.generateName) metadata.name = metadata.generateName + this.#random.suffix(5);
    if (!metadata.name)
      throw apiError(
        'Invalid',
        `${resource.kind} "" is invalid: metadata.name: Required value: name or generateName is required`,
      );
    // No Status of its own on the original either: a plain error, which its front end makes 500 of.
    if (metadata.resourceVersion)
      throw new ApiError({ code: 500, message: 'resourceVersion should not be set on objects to be created' });
    Object.assign(fresh, { apiVersion: apiVersionOf(resource), kind: resource.kind });
    const info = infoOf(resource);
    applyDefaults(info, fresh);
    prepareForCreate(info, fresh);
    metadata.uid = this.#random.uuid();
    metadata.creationTimestamp = formatTime(this.#clock.wallMs());
    const key = keyOf(fresh);
    if (this.store.get(groupResourceOf(resource), key) !== undefined) {
      const text = `${groupResourceOf(resource)} "${metadata.name}" already exists`;
      throw apiError('AlreadyExists', text, { name: metadata.name, group: resource.group, kind: resource.resource });
    }
    return cloneJson(options.dryRun ? fresh : this.store.put(groupResourceOf(resource), key, fresh)) as R;
  }

  async update<T extends KubeObject, R extends KubeObject = T>(
    resource: Resource<T>,
    object: R,
    options: WriteOptions = {},
  ): Promise<R> {
    await this.#enter('update', resource, object.metadata?.name ?? '', options);
    const key = { namespace: object.metadata?.namespace, name: object.metadata?.name ?? '' };
    return shown(resource, this.#write(resource, key, cloneJson(object), options), options.subresource) as R;
  }

  async patch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: Patch,
    options: PatchOptions = {},
  ): Promise<T> {
    await this.#enter('patch', resource, key.name, options);
    const old = cloneJson(this.#existing(resource, key)) as JsonObject;
    const text = JSON.stringify(patch.body);
    switch (patch.type) {
      case 'json':
        return this.#write(resource, key, applyJsonPatch(old, text) as KubeObject, options) as T;
      case 'merge':
        return this.#write(resource, key, applyMergePatch(old, text) as KubeObject, options) as T;
      case 'strategic':
        return this.#write(
          resource,
          key,
          applyStrategicMergePatch(infoOf(resource).modelName, old, text) as KubeObject,
          options,
        ) as T;
      case 'apply':
        throw apiError('UnsupportedMediaType', 'server-side apply is not served here');
    }
  }

  async delete<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options: DeleteOptions = {}): Promise<void> {
    await this.#enter('delete', resource, key.name, options);
    const object = cloneJson(this.#existing(resource, key));
    const metadata = object.metadata ?? {};
    const { uid, resourceVersion } = options.preconditions ?? {};
    if (uid !== undefined && uid !== metadata.uid) throw this.#precondition(resource, key, 'UID', uid, metadata.uid);
    if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) {
      throw this.#precondition(resource, key, 'ResourceVersion', resourceVersion, metadata.resourceVersion);
    }
    if (options.dryRun) return;
    const finalizers = new Set(metadata.finalizers ?? []);
    if (options.propagationPolicy === 'Foreground') finalizers.add('foregroundDeletion');
    if (options.propagationPolicy === 'Orphan') finalizers.add('orphan');
    const graceSeconds = this.#graceSeconds(resource, object, options);
    if (finalizers.size === 0 && graceSeconds === 0) {
      this.store.put(groupResourceOf(resource), keyText(key), undefined);
      return;
    }
    if (metadata.deletionTimestamp !== undefined && graceSeconds >= (metadata.deletionGracePeriodSeconds ?? 0)) return;
    metadata.deletionTimestamp = formatTime(this.#clock.wallMs() + graceSeconds * 1000);
    metadata.deletionGracePeriodSeconds = graceSeconds;
    if (finalizers.size > 0) metadata.finalizers = [...finalizers];
    if (metadata.generation !== undefined) metadata.generation++;
    this.store.put(groupResourceOf(resource), keyText(key), object);
  }

  async deleteCollection<T extends KubeObject>(
    resource: Resource<T>,
    list: ListOptions = {},
    options: DeleteOptions = {},
  ): Promise<void> {
    const { items } = await this.list(resource, list);
    for (const { metadata } of items) {
      await this.delete(resource, { namespace: metadata?.namespace, name: metadata?.name ?? '' }, options);
    }
  }

  async getRaw<T>(path: string, query: RawQuery = {}, options: CallOptions = {}): Promise<T> {
    await this.#enter('getRaw', noResource, path, options);
    if (this.#raw === undefined) throw notServed();
    return cloneJson(this.#raw(path, query)) as T;
  }

  close(): void {
    this.#closed = true;
    this.store.wake();
  }

  /** Pods on a node end gracefully: the kubelet deletes them with 0 at last. */
  #graceSeconds(resource: Resource, object: KubeObject, options: DeleteOptions): number {
    if (groupResourceOf(resource) !== 'pods') return 0;
    const pod = object as { spec?: { nodeName?: string; terminationGracePeriodSeconds?: number }; status?: { phase?: string } };
    if (!pod.spec?.nodeName || pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed') return 0;
    return options.gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
  }

  #createSubresource(resource: Resource, object: KubeObject, subresource: string): KubeObject {
    const key = { namespace: object.metadata?.namespace, name: object.metadata?.name ?? '' };
    if (subresource === 'binding' && groupResourceOf(resource) === 'pods') {
      const pod = cloneJson(this.#existing(resource, key)) as Pod;
      const target = (object as { target?: { name?: string } }).target?.name ?? '';
      const { uid } = object.metadata ?? {};
      if (uid && uid !== pod.metadata?.uid) throw this.#precondition(resource, key, 'UID', uid, pod.metadata?.uid);
      if (pod.spec?.nodeName) {
        throw apiError(
          'Conflict',
          `Operation cannot be fulfilled on pods/binding "${key.name}": pod ${key.name} is already assigned to node "${pod.spec.nodeName}"`,
        );
      }
      pod.spec = { ...pod.spec, containers: pod.spec?.containers ?? [], nodeName: target };
      const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: formatTime(this.#clock.wallMs()) };
      const others = (pod.status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
      pod.status = { ...pod.status, conditions: [...others, scheduled] };
      this.store.put('pods', keyText(key), pod);
      return { apiVersion: 'v1', kind: 'Status' };
    }
    throw notServed();
  }

  #write(resource: Resource, key: ObjectKey, object: KubeObject, options: WriteOptions): KubeObject {
    const old = this.#existing(resource, key);
    const given = object.metadata?.resourceVersion;
    if (given && given !== old.metadata?.resourceVersion) {
      const text = `Operation cannot be fulfilled on ${groupResourceOf(resource)} "${key.name}": the object has been modified; please apply your changes to the latest version and try again`;
      throw apiError('Conflict', text, { name: key.name, group: resource.group, kind: resource.resource });
    }
    if (object.metadata?.uid && object.metadata.uid !== old.metadata?.uid)
      throw this.#precondition(resource, key, 'UID', object.metadata.uid, old.metadata?.uid);
    Object.assign(object, { apiVersion: apiVersionOf(resource), kind: resource.kind });
    applyDefaults(infoOf(resource), object);
    prepareForUpdate(infoOf(resource), object, old, options.subresource ?? '');
    object.metadata = { ...object.metadata, resourceVersion: old.metadata?.resourceVersion };
    if (options.dryRun || isUnchanged(object, old)) return cloneJson(object);
    const { deletionTimestamp, finalizers = [], deletionGracePeriodSeconds = 0 } = object.metadata;
    if (deletionTimestamp !== undefined) this.#checkFinalizers(resource, key, finalizers, old.metadata?.finalizers ?? []);
    const gone = deletionTimestamp !== undefined && finalizers.length === 0 && deletionGracePeriodSeconds === 0;
    // What goes with its last finalizer is never stored without it.
    if (gone) this.store.put(groupResourceOf(resource), keyText(key), undefined);
    return cloneJson(gone ? object : this.store.put(groupResourceOf(resource), keyText(key), object));
  }

  #checkFinalizers(resource: Resource, key: ObjectKey, now: readonly string[], before: readonly string[]): void {
    const added = now.filter((finalizer) => !before.includes(finalizer));
    if (added.length === 0) return;
    const found = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`;
    throw apiError(
      'Invalid',
      `${resource.kind} "${key.name}" is invalid: metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${found}`,
    );
  }

  #existing(resource: Resource, key: ObjectKey): KubeObject {
    const object = this.store.get(groupResourceOf(resource), keyText(resource.namespaced ? key : { name: key.name }));
    if (object !== undefined) return object;
    const details = { name: key.name, group: resource.group, kind: resource.resource };
    throw apiError('NotFound', `${groupResourceOf(resource)} "${key.name}" not found`, details);
  }

  #precondition(resource: Resource, key: ObjectKey, field: string, wanted: string, found: string | undefined) {
    const text = `Precondition failed: ${field} in precondition: ${wanted}, ${field} in object meta: ${found ?? ''}`;
    return apiError('Conflict', `Operation cannot be fulfilled on ${groupResourceOf(resource)} "${key.name}": ${text}`);
  }

  #selector(resource: Resource, options: ListOptions | WatchOptions): (object: KubeObject) => boolean {
    const labels = parseLabelSelector(options.labelSelector ?? '');
    const isNamed = (object: KubeObject) =>
      (!options.namespace || object.metadata?.namespace === options.namespace) &&
      matchesLabels(labels, object.metadata?.labels);
    if (this.#behind.has(groupResourceOf(resource))) return isNamed;
    const fields = parseFieldSelector(infoOf(resource), options.fieldSelector ?? '');
    return (object) => isNamed(object) && matchesFields(infoOf(resource), fields, object);
  }

  /** Every call is answered in a later turn, as over a network. */
  async #enter(verb: string, resource: Resource, name: string, options: CallOptions): Promise<void> {
    await Promise.resolve();
    options.signal?.throwIfAborted();
    if (this.#closed) throw unavailable('the client is closed');
    this.#fault(verb, resource, name);
    options.beforeSend?.();
  }

  #bookmark<T extends KubeObject>(resource: Resource<T>, revision: number): WatchEvent<T> {
    const object = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata: { resourceVersion: String(revision) } };
    return { type: 'BOOKMARK', object: object as unknown as T };
  }

  #changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = () => {
        stop();
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const stop = this.store.onChange(finish);
      signal.addEventListener('abort', finish, { once: true });
    });
  }
}
