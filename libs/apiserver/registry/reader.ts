// Get, list and watch, with upstream's rules for what `resourceVersion` asks for.

import type { KubeObject } from '@drydock/api/resource.ts';
import type { ResourceInfo } from '@drydock/api/scheme.ts';
import { ApiError, apiError } from '@drydock/api/status.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { SharedFrames } from '../cache/frame.ts';
import type { WatchCache } from '../cache/watch-cache.ts';
import { WatchStream } from '../cache/watch-stream.ts';
import { bookmarkIntervalMs } from '../limits.ts';
import type { ListResult, RequestOptions } from '../request.ts';
import { prefixEnd } from '../storage/etcd-codec.ts';
import { listPrefix, objectKey } from '../storage/keys.ts';
import { decodeStored, guarded, type ObjectStore } from '../storage/object-store.ts';
import type { Store } from '../storage/store.ts';
import type { Caches } from './caches.ts';
import { decodeContinue, encodeContinue } from './continue-token.ts';
import { notFound, tooLarge } from './errors.ts';
import { parseVersion, type Selection, selectionOf } from './selection.ts';
import { type Rendering, WatchView } from './watch-view.ts';

export class Reader {
  readonly #store: Store;
  readonly #objects: ObjectStore;
  readonly #caches: Caches;
  readonly #clock: Clock;
  readonly #frames = new SharedFrames();

  constructor(store: Store, objects: ObjectStore, caches: Caches, clock: Clock) {
    this.#store = store;
    this.#objects = objects;
    this.#caches = caches;
    this.#clock = clock;
  }

  /** One object in the storage version; fails with NotFound. */
  async get(info: ResourceInfo, namespace: string, name: string, resourceVersion = ''): Promise<KubeObject> {
    const key = objectKey(info, namespace, name);
    const cached = resourceVersion === '' ? undefined : await this.#cachedAtLeast(info, parseVersion(resourceVersion));
    const object = cached === undefined ? (await this.#objects.read(key))?.object : cached.get(key)?.object;
    if (object === undefined) throw notFound(info, name);
    return object;
  }

  /** The cache, once it has reached `revision`; undefined where it does not in time. */
  async #cachedAtLeast(info: ResourceInfo, revision: number): Promise<WatchCache | undefined> {
    const cache = this.#caches.of(info);
    await guarded(() => cache.whenReady());
    if (await cache.waitFresh(revision)) return cache;
    await this.#known(revision);
    return undefined;
  }

  /** Objects of a namespace, or of all, in the storage version with the list's metadata. */
  async list(info: ResourceInfo, namespace: string, options: RequestOptions): Promise<ListResult> {
    const selection = selectionOf(info, options);
    const { resourceVersion: version = '', continue: token = '', limit = 0, resourceVersionMatch: match = '' } = options;
    checkListOptions(version, match, token);
    // With a limit, a version that says nothing else means exactly that one.
    const exact = match === 'Exact' || (match === '' && limit > 0 && token === '' && version !== '' && version !== '0');
    if (token !== '' || (limit > 0 && version !== '0') || exact) {
      const wanted = parseVersion(version);
      if (wanted > 0) await this.#known(wanted);
      return this.#listStore(info, namespace, selection, { limit, token, revision: exact ? wanted : 0 });
    }
    const wanted = version === '' ? await this.#objects.revision() : parseVersion(version);
    const cache = await this.#cachedAtLeast(info, wanted);
    if (cache === undefined) return this.#listStore(info, namespace, selection, { limit: 0, token: '', revision: 0 });
    const prefix = listPrefix(info, namespace);
    const broken = cache.broken(prefix);
    if (broken !== undefined) throw broken;
    const revision = cache.revision;
    const items: KubeObject[] = [];
    for (const entry of cache.range(prefix)) if (selection.matches(entry.object)) items.push(entry.object);
    return { header: listHeader(info, { resourceVersion: String(revision) }), items };
  }

  /** Fails where the store has not come to `revision`. */
  async #known(revision: number): Promise<void> {
    const current = await this.#objects.revision();
    if (revision > current) throw tooLarge(revision, current);
  }

  /** A list straight from the store: pages, exact versions, and where the cache lags. */
  async #listStore(
    info: ResourceInfo,
    namespace: string,
    selection: Selection,
    query: { readonly limit: number; readonly token: string; readonly revision: number },
  ): Promise<ListResult> {
    const prefix = listPrefix(info, namespace);
    const continuation = query.token === '' ? undefined : decodeContinue(query.token);
    let revision = continuation === undefined ? query.revision : Math.max(0, continuation.revision);
    let key = prefix + (continuation?.start ?? '');
    const items: KubeObject[] = [];
    for (;;) {
      const page = await guarded(() => this.#store.range({ key, rangeEnd: prefixEnd(prefix), limit: query.limit, revision }));
      revision ||= page.revision;
      let taken = 0;
      for (const kv of page.kvs) {
        if (query.limit > 0 && items.length >= query.limit) break;
        taken++;
        const object = decodeStored(kv);
        if (selection.matches(object)) items.push(object);
        key = `${kv.key}\0`;
      }
      const more = page.more || taken < page.kvs.length;
      if (!more || (query.limit > 0 && items.length >= query.limit)) {
        const next = more ? encodeContinue({ revision, start: key.slice(prefix.length) }) : undefined;
        const remaining = next !== undefined && selection.empty ? page.count - taken : undefined;
        const metadata = {
          resourceVersion: String(revision),
          ...(next === undefined ? {} : { continue: next }),
          ...(remaining === undefined ? {} : { remainingItemCount: remaining }),
        };
        return { header: listHeader(info, metadata), items };
      }
    }
  }

  /** Events of a namespace, or of all. The stream ends by itself after `timeoutMs`. */
  async watch(
    info: ResourceInfo,
    namespace: string,
    options: RequestOptions,
    rendering: Rendering,
    timeoutMs: number,
  ): Promise<WatchStream> {
    const selection = selectionOf(info, options);
    const from = parseVersion(options.resourceVersion ?? '');
    const stream = new WatchStream();
    const view = new WatchView(info, listPrefix(info, namespace), selection, rendering, this.#frames);
    try {
      await this.#begin(stream, view, options, from);
    } catch (error) {
      // As upstream: the watch begins, and says at once why it cannot go on.
      if (!(error instanceof ApiError) || !endsWatch(error)) throw error;
      stream.end(error);
      return stream;
    }
    const timer = this.#clock.timer(timeoutMs, () => stream.end());
    stream.onEnd(() => timer.cancel());
    if (options.allowWatchBookmarks) this.#bookmarks(this.#caches.of(info), stream, view, timeoutMs);
    return stream;
  }

  async #begin(stream: WatchStream, view: WatchView, options: RequestOptions, from: number): Promise<void> {
    const cache = this.#caches.of(view.info);
    await guarded(() => cache.whenReady());
    const { resourceVersion: version = '', sendInitialEvents, allowWatchBookmarks = false } = options;
    const synthetic = sendInitialEvents ?? (version === '' || version === '0');
    if (synthetic) {
      const wanted = version === '' ? await this.#objects.revision() : from;
      if (!(await cache.waitFresh(wanted))) throw tooLarge(wanted, cache.revision);
    } else if (from > cache.revision) {
      // A version that nobody can have been given in this history of the store: the client knows another one.
      await this.#known(from);
    }
    const position = synthetic || from === 0 ? cache.revision : from;
    const { next, stop } = cache.subscribe(position, {
      onEvent: (event) => stream.notify(event),
      ended: (error) => stream.end(error),
    });
    stream.onEnd(stop);
    view.position = position;
    const withEnd = sendInitialEvents === true && allowWatchBookmarks;
    const initial = synthetic ? view.initial(cache.snapshot(view.prefix), position, withEnd) : undefined;
    stream.read({
      log: cache.log,
      next,
      initial,
      concerns: (event) => view.concerns(event),
      frame: (event) => view.frame(event),
    });
  }

  /** A bookmark every minute, and one shortly before the end, so that a client resumes from a fresh version. */
  #bookmarks(cache: WatchCache, stream: WatchStream, view: WatchView, timeoutMs: number): void {
    const lastCallMs = 2_000;
    const end = this.#clock.monotonicMs() + timeoutMs - lastCallMs;
    const send = () => {
      stream.bookmark(() => view.bookmark(cache.revision));
      plan();
    };
    const plan = () => {
      const left = end - this.#clock.monotonicMs();
      if (left <= 0 || stream.ended) return;
      timer = this.#clock.timer(Math.min(bookmarkIntervalMs, left), () => {
        void this.#objects
          .revision()
          .then((revision) => cache.waitFresh(revision))
          .then(send, send);
      });
    };
    let timer = this.#clock.timer(0, () => {});
    plan();
    stream.onEnd(() => timer.cancel());
  }
}

/** Errors that upstream sends as an event of a watch that has begun. */
function endsWatch(error: ApiError): boolean {
  return error.reason === 'Expired' || error.reason === 'Timeout';
}

function listHeader(info: ResourceInfo, metadata: object): ListResult['header'] {
  const apiVersion = info.group === '' ? info.version : `${info.group}/${info.version}`;
  return { kind: info.listKind, apiVersion, metadata };
}

/** The combinations that ValidateListOptions refuses. */
function checkListOptions(version: string, match: string, token: string): void {
  const invalid = (message: string) =>
    apiError('Invalid', `ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: ${message}`, {
      group: 'meta.k8s.io',
      kind: 'ListOptions',
      causes: [{ reason: 'FieldValueForbidden', message, field: 'resourceVersionMatch' }],
    });
  if (token !== '' && version !== '' && version !== '0') {
    throw apiError('BadRequest', 'specifying resource version is not allowed when using continue');
  }
  if (match === '') return;
  if (token !== '') throw invalid('Forbidden: resourceVersionMatch is forbidden when continue is provided');
  if (version === '') throw invalid('Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided');
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    throw invalid(`Unsupported value: ${JSON.stringify(match)}: supported values: "Exact", "NotOlderThan"`);
  }
  if (match === 'Exact' && version === '0') {
    throw invalid('Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
}
