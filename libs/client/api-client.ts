// The port through which every component but the store reaches the cluster's state. Two transports implement it: gRPC
// (our own wire) and REST (so that our components also run on an upstream apiserver).
import type { ListMeta } from '@drydock/api/generated/types.ts';
import type { KubeObject, Resource } from '@drydock/api/resource.ts';

/** Where an object lives. `namespace` is left out for cluster-scoped resources. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Fails the call with reason Timeout; default `requestTimeoutMs` of limits.ts. Not for watches. */
  readonly timeoutMs?: number | undefined;
  /**
   * Called when a connection stands, right before the request is handed to it. What it throws is the failure of the call; nothing
   * has been sent then. For what must still hold after any wait for a connection or a turn.
   */
  readonly beforeSend?: (() => void) | undefined;
}

export interface GetOptions extends CallOptions {
  /** `''` (default) reads the most recent state through the store, `'0'` whatever the server's cache has. */
  readonly resourceVersion?: string | undefined;
  readonly subresource?: string | undefined;
}

export interface ListOptions extends CallOptions {
  /** Left out: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan' | undefined;
  /** Objects per page; 0 or left out is no limit. */
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
}

export interface ObjectList<T> {
  readonly metadata: ListMeta;
  readonly items: T[];
}

export interface WatchOptions {
  readonly signal?: AbortSignal | undefined;
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
  /** Events strictly after this version. Left out: starts with synthetic ADDED events of the present state. */
  readonly resourceVersion?: string | undefined;
  readonly allowWatchBookmarks?: boolean | undefined;
  readonly timeoutSeconds?: number | undefined;
  /** The present state as ADDED events first, then (with bookmarks) one with the annotation `k8s.io/initial-events-end`. */
  readonly sendInitialEvents?: boolean | undefined;
  /** Called once, when the connection stands and the watch has been sent (gRPC) or accepted (REST). */
  readonly onOpen?: (() => void) | undefined;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  | { readonly type: 'BOOKMARK'; readonly object: T };

export interface WriteOptions extends CallOptions {
  readonly subresource?: string | undefined;
  readonly dryRun?: boolean | undefined;
  readonly fieldManager?: string | undefined;
}

/** The bodies of PATCH. `strategic` and `merge` take an object, `json` the list of RFC 6902 operations, `apply` an object. */
export type Patch =
  | { readonly type: 'strategic' | 'merge' | 'apply'; readonly body: object }
  | { readonly type: 'json'; readonly body: readonly object[] };

export interface PatchOptions extends WriteOptions {
  readonly force?: boolean | undefined;
}

export interface DeleteOptions extends CallOptions {
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground' | undefined;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } | undefined;
  readonly dryRun?: boolean | undefined;
}

/** Query parameters; those that are undefined or empty are left out. */
export type RawQuery = Readonly<Record<string, string | undefined>>;

/**
 * Typed access to the apiserver. Every method fails with `ApiError` (@drydock/api/status.ts): the server's Status, or reason
 * `ServiceUnavailable` where no server could be reached and `Timeout` where none answered in time. Nothing is retried here:
 * after `Timeout` or `ServiceUnavailable` a write may or may not have happened.
 */
export interface ApiClient {
  get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options?: GetOptions): Promise<T>;
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<ObjectList<T>>;
  /** Ends (without error) when the server ends it; throws ApiError, with reason Expired where the version is too old (HTTP 410). */
  watch<T extends KubeObject>(resource: Resource<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** Creates at `metadata.namespace`; with `subresource` posts to `NAME/subresource` (binding, eviction, token). */
  create<T extends KubeObject, R extends KubeObject = T>(resource: Resource<T>, object: R, options?: WriteOptions): Promise<R>;
  /** Replaces the object; where it carries a resourceVersion, only if that is current (reason Conflict otherwise). */
  update<T extends KubeObject, R extends KubeObject = T>(resource: Resource<T>, object: R, options?: WriteOptions): Promise<R>;
  patch<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, patch: Patch, options?: PatchOptions): Promise<T>;
  delete<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options?: DeleteOptions): Promise<void>;
  deleteCollection<T extends KubeObject>(resource: Resource<T>, list?: ListOptions, options?: DeleteOptions): Promise<void>;
  /**
   * GET of a path, for what no table lists: resources of servers behind the apiserver (metrics.k8s.io) and discovery documents.
   * `path` is as in a URL, its segments escaped, without a query. The answer is as the server sends it: items of a list may carry
   * no kind.
   */
  getRaw<T>(path: string, query?: RawQuery, options?: CallOptions): Promise<T>;
  /** Releases connections; calls under way fail with ServiceUnavailable. */
  close(): void;
}
