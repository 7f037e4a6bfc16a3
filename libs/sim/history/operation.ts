// What a client asked of the store and what it was told, as plain data. Nothing here comes from an implementation: a history of
// any etcd can be written in these terms.

/** Microseconds of the one monotonic clock of the history, a whole number. */
export type Micros = number;

/** A key-value as etcd shows it. Keys and values are text, one character per byte where they are not. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  /** Decimal; '0' without a lease. An int64 does not fit a number. */
  readonly lease: string;
}

/** Reads `key`, or all keys from `key` up to `end` where that is given ('\0': to the last). */
export interface RangeRequest {
  readonly kind: 'range';
  readonly key: string;
  readonly end?: string;
  readonly limit?: number;
  /** The state as of this revision; the newest without it. */
  readonly revision?: number;
  /** May be answered by any member from what it has. */
  readonly serializable?: boolean;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
}

export interface PutRequest {
  readonly kind: 'put';
  readonly key: string;
  readonly value: string;
  readonly lease?: string;
  readonly prevKv?: boolean;
  readonly ignoreValue?: boolean;
  readonly ignoreLease?: boolean;
}

export interface DeleteRequest {
  readonly kind: 'delete';
  readonly key: string;
  readonly end?: string;
  readonly prevKv?: boolean;
}

export type CompareTarget = 'value' | 'version' | 'createRevision' | 'modRevision' | 'lease';

/** Holds where every key of the range holds; a key that does not exist has version and revisions 0 and no value. */
export interface Compare {
  readonly key: string;
  readonly end?: string;
  readonly target: CompareTarget;
  readonly is: '=' | '!=' | '<' | '>';
  /** A whole number in decimal, except for `value`. */
  readonly to: string;
}

export type TxnOp = RangeRequest | PutRequest | DeleteRequest;

/** Transactions within transactions are not part of these histories. */
export interface TxnRequest {
  readonly kind: 'txn';
  readonly compare: readonly Compare[];
  readonly success: readonly TxnOp[];
  readonly failure: readonly TxnOp[];
}

export interface CompactRequest {
  readonly kind: 'compact';
  readonly revision: number;
  readonly physical?: boolean;
}

export interface LeaseGrantRequest {
  readonly kind: 'leaseGrant';
  /** '0' lets the store choose. */
  readonly lease: string;
  readonly ttlSeconds: number;
}

export interface LeaseRequest {
  readonly kind: 'leaseRevoke' | 'leaseKeepAlive' | 'leaseTimeToLive';
  readonly lease: string;
}

/** Waits for a lock, or with `election` to be the leader of one; its key is `keyOfLock`, and ends with the lease. */
export interface LockRequest {
  readonly kind: 'lock';
  readonly name: string;
  readonly lease: string;
  readonly election?: boolean;
}

export interface UnlockRequest {
  readonly kind: 'unlock';
  readonly key: string;
}

/** What everybody proclaims who campaigns. */
export const electionValue = 'leader';

export function keyOfLock({ name, lease }: LockRequest): string {
  return `${name}/${BigInt(lease).toString(16)}`;
}

export type Request = TxnOp | TxnRequest | CompactRequest | LeaseGrantRequest | LeaseRequest | LockRequest | UnlockRequest;

/** Every answer carries the revision of its header. */
export interface RangeResponse {
  readonly kind: 'range';
  readonly revision: number;
  readonly kvs: readonly KeyValue[];
  readonly count: number;
  readonly more: boolean;
}

export interface PutResponse {
  readonly kind: 'put';
  readonly revision: number;
  readonly previous?: KeyValue;
}

export interface DeleteResponse {
  readonly kind: 'delete';
  readonly revision: number;
  readonly deleted: number;
  readonly previous: readonly KeyValue[];
}

export interface TxnResponse {
  readonly kind: 'txn';
  readonly revision: number;
  readonly succeeded: boolean;
  readonly responses: readonly (RangeResponse | PutResponse | DeleteResponse)[];
}

export interface CompactResponse {
  readonly kind: 'compact';
  readonly revision: number;
}

/** `ttlSeconds` is what the store grants; 0 or less says that there is no such lease. */
export interface LeaseResponse {
  readonly kind: 'leaseGrant' | 'leaseKeepAlive' | 'leaseTimeToLive' | 'leaseRevoke';
  readonly revision: number;
  readonly lease: string;
  readonly ttlSeconds: number;
}

/** At `revision` the key was there, and it was the lock's holder. */
export interface LockResponse {
  readonly kind: 'lock';
  readonly revision: number;
  readonly key: string;
}

export interface UnlockResponse {
  readonly kind: 'unlock';
  readonly revision: number;
}

export type Response =
  | RangeResponse
  | PutResponse
  | DeleteResponse
  | TxnResponse
  | CompactResponse
  | LeaseResponse
  | LockResponse
  | UnlockResponse;

/**
 * - `ok`: the store has answered.
 * - `failed`: it was refused and had no effect.
 * - `unknown`: it may have taken effect, may take effect later, or never.
 */
export type Outcome =
  | { readonly kind: 'ok'; readonly response: Response }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'unknown'; readonly error: string };

export interface Operation {
  /** Unique in the history. */
  readonly id: number;
  /** Who asked. A client has one operation at a time. */
  readonly client: string;
  readonly invoke: Micros;
  /** When the outcome was known to the client. */
  readonly return: Micros;
  readonly request: Request;
  readonly outcome: Outcome;
}

/** Whether `key` is in the range that `from` and `end` of a request mean. */
export function inRange(key: string, from: string, end: string | undefined): boolean {
  if (end === undefined || end === '') return key === from;
  return key >= from && (end === '\0' || key < end);
}
