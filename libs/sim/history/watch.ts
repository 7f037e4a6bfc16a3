// What one watch of a stream was told, in order.
import type { KeyValue, Micros } from './operation.ts';

export interface WatchEvent {
  readonly kind: 'put' | 'delete';
  /** Of a delete only key and modRevision are set, the rest is 0 or empty. */
  readonly kv: KeyValue;
  readonly previous?: KeyValue;
}

export interface WatchRequest {
  readonly key: string;
  readonly end?: string;
  /** The first revision wanted; 0: what comes after the creation. */
  readonly startRevision: number;
  readonly prevKv: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  readonly progressNotify: boolean;
}

/**
 * - `created`: first of all, once.
 * - `events`: `fragment` says that more of the same revisions follow in the next response.
 * - `progress`: a response without events, a bookmark: all events up to its revision have been sent.
 * - `canceled`: the last one, by the store; `compactRevision` is set where the events wanted are gone.
 */
export interface WatchResponse {
  readonly time: Micros;
  readonly kind: 'created' | 'events' | 'progress' | 'canceled';
  /** Of the header. */
  readonly revision: number;
  readonly events: readonly WatchEvent[];
  readonly fragment?: boolean;
  readonly compactRevision?: number;
  readonly reason?: string;
}

/** One watch; one that is resumed after a lost connection is another watch, from a start revision of its own. */
export interface Watch {
  readonly id: number;
  readonly client: string;
  readonly invoke: Micros;
  readonly request: WatchRequest;
  readonly responses: readonly WatchResponse[];
}
