// Get, list and watch, with upstream's rules for what `resourceVersion` asks for.

import type { KubeObject } from '@drydock/api/resource.ts';
import type { ResourceInfo } from '@drydock/api/scheme.ts';
import { ApiError, apiError } from '@drydock/api/status.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { type CacheEvent, type WatchCache, withRevision } from '../cache/watch-cache.ts';
import { Frame, WatchStream } from '../cache/watch-stream.ts';
import { bookmarkIntervalMs } from '../limits.ts';
import type { ListResult, RequestOptions } from '../request.ts';
import { prefixEnd } from '../storage/etcd-codec.ts';
import { listPrefix, objectKey } from '../storage/keys.ts';
import { decodeStored, guarded, type ObjectStore } from '../storage/object-store.ts';
import type { Store } from '../storage/store.ts';
import type { Caches } from './caches.ts';
import { decodeContinue, encodeContinue } from './continue-token.ts';
import { notFound } from './errors.ts';
import { parseVersion, type Selection, selectionOf } from './selection.ts';

/** Turns an object of the storage version into what the client asked for. `key` tells forms apart that encode differently. */
export interface Rendering {
  readonly key: string;
  render(object: KubeObject): unknown;
  /** For a watcher's first event, where that one differs. */
  readonly first?: Rendering;
}

export class Reader {
  readonly #store: Store;
  readonly #objects: ObjectStore;
  readonly #caches: Caches;
  readonly #clock: Clock;

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
    await guarded(() => cache.start());
    if (await cache.waitFresh(revision)) return cache;
    if (revision > (await this.#objects.revision())) {
      throw apiError('Timeout', `Timeout: Too large resource version: ${revision}, current: ${cache.revision}`, {
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        retryAfterSeconds: 1,
      });
    }
    return undefined;
  }

  /** Objects of a namespace, or of all, in the storage version with the list's metadata. */
  async list(info: ResourceInfo, namespace: string, options: RequestOptions): Promise<ListResult> {
    const selection = selectionOf(info, options);
    const { resourceVersion: version = '', continue: token = '', limit = 0, resourceVersionMatch: match = '' } = options;
    checkListOptions(version, match, token);
    const exact = match === 'Exact';
    const paged = token !== '' || (limit > 0 && version !== '0') || exact;
    if (paged)
      return this.#listStore(info, namespace, selection, { limit, token, revision: exact ? parseVersion(version) : 0 });
    const wanted = version === '' ? await this.#objects.revision() : parseVersion(version);
    const cache = await this.#cachedAtLeast(info, wanted);
    if (cache === undefined) return this.#listStore(info, namespace, selection, { limit: 0, token: '', revision: 0 });
    const items: KubeObject[] = [];
    const revision = cache.revision;
    for (const entry of cache.range(listPrefix(info, namespace))) {
      if (selection.matches(entry.object)) items.push(entry.object);
    }
    return { header: listHeader(info, { resourceVersion: String(revision) }), items };
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
    const { resourceVersion: version = '', sendInitialEvents, allowWatchBookmarks = false } = options;
    const cache = this.#caches.of(info);
    await guarded(() => cache.start());
    const synthetic = sendInitialEvents ?? (version === '' || version === '0');
    let from = parseVersion(version);
    if (synthetic) {
      const wanted = version === '' ? await this.#objects.revision() : from;
      if (!(await cache.waitFresh(wanted)))
        throw apiError('Timeout', `Timeout: Too large resource version: ${wanted}, current: ${cache.revision}`);
    }
    const stream = new WatchStream();
    let form = rendering.first ?? rendering;
    const push = (frame: Frame) => {
      form = rendering;
      stream.push(frame);
    };
    const prefix = listPrefix(info, namespace);
    if (synthetic) {
      from = cache.revision;
      for (const entry of cache.range(prefix)) {
        if (selection.matches(entry.object)) push(new Frame('ADDED', form.render(entry.object)));
      }
      if (sendInitialEvents === true && allowWatchBookmarks) {
        stream.push(bookmark(info, cache.revision, { 'k8s.io/initial-events-end': 'true' }, rendering));
      }
    }
    const listener = {
      onEvent: (event: CacheEvent) => {
        const frame = frameFor(event, prefix, selection, form);
        if (frame !== undefined) push(frame);
      },
      ended: () => stream.end(),
    };
    try {
      stream.onEnd(cache.subscribe(from || cache.revision, listener));
    } catch (error) {
      // As upstream: the watch begins and says at once that its version is gone.
      if (!(error instanceof ApiError)) throw error;
      stream.push(new Frame('ERROR', error.status));
      stream.end();
    }
    const timer = this.#clock.timer(timeoutMs, () => stream.end());
    stream.onEnd(() => timer.cancel());
    if (allowWatchBookmarks) this.#bookmarks(info, cache, stream, rendering, timeoutMs);
    return stream;
  }

  /** A bookmark every minute, and one shortly before the end, so that a client resumes from a fresh version. */
  #bookmarks(info: ResourceInfo, cache: WatchCache, stream: WatchStream, rendering: Rendering, timeoutMs: number): void {
    const lastCallMs = 2_000;
    const end = this.#clock.monotonicMs() + timeoutMs - lastCallMs;
    const send = () => {
      stream.push(bookmark(info, cache.revision, undefined, rendering));
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

const frames = new WeakMap<CacheEvent, Map<string, Frame>>();

/** Encodes an event once per form and kind of transition, for all watchers. */
function sharedFrame(
  event: CacheEvent,
  type: 'ADDED' | 'MODIFIED' | 'DELETED',
  object: KubeObject,
  rendering: Rendering,
): Frame {
  let known = frames.get(event);
  if (known === undefined) {
    known = new Map();
    frames.set(event, known);
  }
  const key = `${type} ${rendering.key}`;
  let frame = known.get(key);
  if (frame === undefined) {
    frame = new Frame(type, rendering.render(object));
    known.set(key, frame);
  }
  return frame;
}

/** What a watcher gets of an event: leaving its selection is a deletion, entering it an addition. */
function frameFor(event: CacheEvent, prefix: string, selection: Selection, rendering: Rendering): Frame | undefined {
  if (!event.entry.key.startsWith(prefix)) return undefined;
  const is = event.type !== 'DELETED' && selection.matches(event.entry.object);
  const was = event.previous !== undefined && selection.matches(event.previous.object);
  if (is) return sharedFrame(event, was ? 'MODIFIED' : 'ADDED', event.entry.object, rendering);
  if (!was) return undefined;
  const last = event.type === 'DELETED' ? event.entry.object : withRevision(event.previous?.object ?? {}, event.revision);
  return sharedFrame(event, 'DELETED', last, rendering);
}

function bookmark(
  info: ResourceInfo,
  revision: number,
  annotations: Record<string, string> | undefined,
  rendering: Rendering,
): Frame {
  const apiVersion = info.group === '' ? info.version : `${info.group}/${info.version}`;
  const metadata = { resourceVersion: String(revision), ...(annotations === undefined ? {} : { annotations }) };
  const object = { kind: info.kind, apiVersion, metadata };
  return new Frame('BOOKMARK', rendering.key.includes('table') ? rendering.render(object) : object);
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
