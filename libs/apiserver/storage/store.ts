// The store as the apiserver sees it: a port, so that the registry and the caches can be tested without sockets.
import type { RangeQuery, RangeResult, StoreEvent, TxnQuery, TxnResult } from './etcd-codec.ts';

/** What a watch of the store delivers, in order. `progress` says that everything up to `revision` has been delivered. */
export type WatchSignal =
  /** The store has taken the watch. The first signal, unless the watch is refused. */
  | { readonly type: 'created' }
  | { readonly type: 'events'; readonly events: readonly StoreEvent[]; readonly revision: number }
  | { readonly type: 'progress'; readonly revision: number }
  /** The watch ended; `compacted` when its position no longer exists and the state must be read anew. */
  | { readonly type: 'closed'; readonly compacted: boolean; readonly reason: string };

export interface StoreWatch {
  /** Asks the store to say how far this watch has come; the answer is a `progress` signal. */
  requestProgress(): void;
  close(): void;
}

/** The etcd v3 operations in use. Every method fails with StoreError. */
export interface Store {
  range(query: RangeQuery): Promise<RangeResult>;
  /**
   * Atomic: `writes` happen only if all guards hold. A lost answer is retried and recognised by the value written; the result
   * then tells the revision of that write. (Of a deletion found done, it tells a revision at which the key was gone.)
   */
  txn(query: TxnQuery): Promise<TxnResult>;
  watch(prefix: string, startRevision: number, onSignal: (signal: WatchSignal) => void): StoreWatch;
  compact(revision: number): Promise<void>;
  /** A lease of `ttlSeconds`; its id. */
  grantLease(ttlSeconds: number): Promise<string>;
  close(): void;
}

export type StoreErrorCode = 'unavailable' | 'compacted' | 'future-revision' | 'lease-not-found' | 'other';

/** A store request that failed. `unavailable` may be tried again; the others will fail the same way. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
