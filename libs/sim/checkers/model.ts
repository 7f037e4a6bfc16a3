// What etcd's key-value API means, on one machine, one request after the other: the model that histories are held against.
// Written from the API's description alone. Requests are applied and taken back again, for a search tries many orders.

import type {
  DeleteResponse,
  PutResponse,
  RangeRequest,
  RangeResponse,
  Response,
  TxnOp,
  TxnRequest,
} from '../history/operation.ts';
import { type Compare, type DeleteRequest, inRange, type KeyValue, type PutRequest } from '../history/operation.ts';
import type { WatchEvent } from '../history/watch.ts';
import { Fingerprint } from './fingerprint.ts';

/** What the model can be asked to do. */
export type ModelRequest = TxnOp | TxnRequest | { readonly kind: 'leaseRevoke'; readonly lease: string };

/** All changes of one revision, in order; each with the key-value before it where there was one. */
export type Change = readonly WatchEvent[];

export interface Applied {
  /** Undefined where the answer says nothing about keys. */
  readonly response: Response | undefined;
  /** Empty where nothing was changed; the revision is the same then. */
  readonly change: Change;
}

export class Model {
  revision: number;
  readonly fingerprint = new Fingerprint();
  readonly #kvs = new Map<string, KeyValue>();
  /** The keys in their order. */
  readonly #keys: string[] = [];

  constructor(base: { readonly revision: number; readonly kvs: readonly KeyValue[] }) {
    this.revision = base.revision;
    for (const kv of base.kvs) this.#set(kv.key, kv);
  }

  get kvs(): ReadonlyMap<string, KeyValue> {
    return this.#kvs;
  }

  /** Answers a read at the newest revision. */
  range(request: RangeRequest): RangeResponse {
    const found: KeyValue[] = [];
    if (request.end === undefined || request.end === '') {
      const kv = this.#kvs.get(request.key);
      if (kv !== undefined) found.push(kv);
    } else {
      for (let i = this.#position(request.key); i < this.#keys.length; i++) {
        const key = this.#keys[i] ?? '';
        if (!inRange(key, request.key, request.end)) break;
        const kv = this.#kvs.get(key);
        if (kv !== undefined) found.push(kv);
      }
    }
    const limit = request.limit ?? 0;
    const more = limit > 0 && found.length > limit;
    const shown = more ? found.slice(0, limit) : found;
    const kvs = request.countOnly ? [] : request.keysOnly ? shown.map((kv) => ({ ...kv, value: '' })) : shown;
    return { kind: 'range', revision: this.revision, kvs, count: found.length, more: !request.countOnly && more };
  }

  /** Does it, at the next revision if it changes anything. Undefined where the request would be refused. */
  apply(request: ModelRequest): Applied | undefined {
    const change: WatchEvent[] = [];
    const response = this.#run(request, change);
    if (response === undefined && request.kind !== 'leaseRevoke') {
      this.#takeBack(change);
      return undefined;
    }
    if (change.length > 0) this.revision++;
    return { response: response && { ...response, revision: this.revision }, change };
  }

  /** Takes back the newest change. */
  undo(change: Change): void {
    if (change.length === 0) return;
    this.#takeBack(change);
    this.revision--;
  }

  #takeBack(change: Change): void {
    for (const event of change.toReversed()) this.#set(event.kv.key, event.previous);
  }

  #run(request: ModelRequest, change: WatchEvent[]): Response | undefined {
    switch (request.kind) {
      case 'range':
        return this.range(request);
      case 'put':
        return this.#put(request, change);
      case 'delete':
        return this.#delete(request, change);
      case 'txn':
        return this.#txn(request, change);
      case 'leaseRevoke':
        for (const kv of [...this.#attached(request.lease)]) this.#deleteKey(kv, change);
        return undefined;
    }
  }

  #txn(request: TxnRequest, change: WatchEvent[]): Response | undefined {
    const succeeded = request.compare.every((compare) => this.#holds(compare));
    const responses: (RangeResponse | PutResponse | DeleteResponse)[] = [];
    for (const op of succeeded ? request.success : request.failure) {
      const response = this.#run(op, change);
      if (response === undefined) return undefined;
      responses.push(response as RangeResponse | PutResponse | DeleteResponse);
    }
    return { kind: 'txn', revision: this.revision, succeeded, responses };
  }

  #put(request: PutRequest, change: WatchEvent[]): PutResponse | undefined {
    const previous = this.#kvs.get(request.key);
    if ((request.ignoreValue || request.ignoreLease) && previous === undefined) return undefined;
    const revision = this.revision + 1;
    const kv: KeyValue = {
      key: request.key,
      value: request.ignoreValue ? (previous?.value ?? '') : request.value,
      createRevision: previous?.createRevision ?? revision,
      modRevision: revision,
      version: (previous?.version ?? 0) + 1,
      lease: request.ignoreLease ? (previous?.lease ?? '0') : (request.lease ?? '0'),
    };
    this.#set(kv.key, kv);
    change.push({ kind: 'put', kv, ...(previous && { previous }) });
    return { kind: 'put', revision, ...(request.prevKv && previous && { previous }) };
  }

  #delete(request: DeleteRequest, change: WatchEvent[]): DeleteResponse {
    const { kvs } = this.range({ kind: 'range', key: request.key, ...(request.end && { end: request.end }) });
    for (const kv of kvs) this.#deleteKey(kv, change);
    return { kind: 'delete', revision: this.revision, deleted: kvs.length, previous: request.prevKv ? kvs : [] };
  }

  #deleteKey(previous: KeyValue, change: WatchEvent[]): void {
    const { key } = previous;
    this.#set(key, undefined);
    const kv = { key, value: '', createRevision: 0, modRevision: this.revision + 1, version: 0, lease: '0' };
    change.push({ kind: 'delete', kv, previous });
  }

  *#attached(lease: string): Generator<KeyValue> {
    for (const key of this.#keys) {
      const kv = this.#kvs.get(key);
      if (kv?.lease === lease) yield kv;
    }
  }

  #holds(compare: Compare): boolean {
    const { kvs } = this.range({ kind: 'range', key: compare.key, ...(compare.end && { end: compare.end }) });
    if (kvs.length === 0) return compare.target !== 'value' && compareOne(compare, undefined);
    return kvs.every((kv) => compareOne(compare, kv));
  }

  #set(key: string, kv: KeyValue | undefined): void {
    const before = this.#kvs.get(key);
    if (before !== undefined) this.fingerprint.toggle(before);
    if (kv === undefined) {
      this.#kvs.delete(key);
      if (before !== undefined) this.#keys.splice(this.#position(key), 1);
      return;
    }
    this.fingerprint.toggle(kv);
    this.#kvs.set(key, kv);
    if (before === undefined) this.#keys.splice(this.#position(key), 0, key);
  }

  /** Of the first key that is not before `key`. */
  #position(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#keys[middle] ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function compareOne({ target, is, to }: Compare, kv: KeyValue | undefined): boolean {
  if (target === 'value') return decide(is, order(kv?.value ?? '', to));
  if (target === 'lease') return decide(is, order(BigInt(kv?.lease ?? '0'), BigInt(to)));
  return decide(is, order(kv?.[target] ?? 0, Number(to)));
}

function order<T extends string | number | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function decide(is: Compare['is'], sign: number): boolean {
  switch (is) {
    case '=':
      return sign === 0;
    case '!=':
      return sign !== 0;
    case '<':
      return sign < 0;
    case '>':
      return sign > 0;
  }
}
