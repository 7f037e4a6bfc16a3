// What clients ask for: drawn from a seed, and from what they have seen.
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { Compare, KeyValue, Request, Response, TxnOp } from '../history/operation.ts';
import { type OperationKind, operationKinds, pick, type SimOptions } from '../options.ts';

/** What the clients of a run know between them. */
export class Knowledge {
  /** The newest of each key that anybody has been shown. */
  readonly seen = new Map<string, KeyValue>();
  /** Leases that were granted, newest last. */
  readonly leases: string[] = [];
  revision = 1;

  learn(request: Request, response: Response): void {
    this.revision = Math.max(this.revision, response.revision);
    if (response.kind === 'range') for (const kv of response.kvs) this.seen.set(kv.key, kv);
    if (response.kind === 'leaseGrant') this.leases.push(response.lease);
    if (request.kind === 'leaseRevoke') this.#forget(request.lease);
    if (response.kind === 'leaseKeepAlive' && response.ttlSeconds <= 0) this.#forget(response.lease);
    if (this.leases.length > leasesMax) this.leases.shift();
  }

  #forget(lease: string): void {
    const at = this.leases.indexOf(lease);
    if (at >= 0) this.leases.splice(at, 1);
  }
}

const leasesMax = 6;

/** Keys k0, k1, ...; how often each kind comes, in proportion, whole numbers. */
export type RequestOptions = Pick<SimOptions, 'keys' | 'operations' | 'valueBytes'>;

export class RequestSource {
  readonly #options: RequestOptions;
  readonly #random: RandomStream;
  readonly #knowledge: Knowledge;
  readonly #client: string;
  readonly #kinds: readonly OperationKind[];
  #values = 0;

  constructor(client: string, options: RequestOptions, random: RandomStream, knowledge: Knowledge) {
    this.#client = client;
    this.#options = options;
    this.#random = random;
    this.#knowledge = knowledge;
    this.#kinds = operationKinds.flatMap((kind) => new Array<OperationKind>(options.operations[kind]).fill(kind));
  }

  next(): Request {
    const kind = this.#kinds[this.#random.int(this.#kinds.length)] ?? 'put';
    return this.#request(kind);
  }

  #request(kind: OperationKind): Request {
    switch (kind) {
      case 'put':
        return this.#put(this.#key());
      case 'get':
        return { kind: 'range', key: this.#key(), ...this.#howToRead() };
      case 'range':
        return {
          kind: 'range',
          ...this.#range(),
          ...this.#howToRead(),
          ...(this.#chance(0.2) ? { limit: 1 + this.#random.int(3) } : {}),
        };
      case 'delete':
        return this.#delete();
      case 'compareAndSwap':
        return this.#compareAndSwap();
      case 'multiTxn':
        return this.#multiTxn();
      case 'compact': {
        const revision = Math.max(1, this.#knowledge.revision - this.#random.int(15));
        return { kind: 'compact', revision, ...(this.#chance(0.3) ? { physical: true } : {}) };
      }
      case 'leaseGrant':
        return { kind: 'leaseGrant', lease: '0', ttlSeconds: 2 + this.#random.int(8) };
      case 'leaseKeepAlive':
      case 'leaseRevoke':
      case 'leaseTimeToLive':
        return this.#lease(kind);
    }
  }

  #put(key: string): TxnOp & { kind: 'put' } {
    const lease = this.#chance(0.3) ? this.#knownLease() : undefined;
    return {
      kind: 'put',
      key,
      value: `${this.#client}-${++this.#values}`.padEnd(this.#options.valueBytes, '.'),
      ...(lease === undefined ? {} : { lease }),
      ...(this.#chance(0.2) ? { prevKv: true } : {}),
    };
  }

  #delete(): TxnOp & { kind: 'delete' } {
    const prev = this.#chance(0.3) ? { prevKv: true } : {};
    if (this.#chance(0.3)) return { kind: 'delete', ...this.#range(), ...prev };
    return { kind: 'delete', key: this.#key(), ...prev };
  }

  /** As the apiserver updates an object: only if nobody else has, otherwise show what there is. */
  #compareAndSwap(): Request {
    const key = this.#key();
    const to = String(this.#knowledge.seen.get(key)?.modRevision ?? 0);
    const deletes = this.#chance(0.2);
    const change: TxnOp = deletes ? { kind: 'delete', key } : this.#put(key);
    return {
      kind: 'txn',
      compare: [{ key, target: 'modRevision', is: '=', to }],
      success: [change],
      failure: [{ kind: 'range', key }],
    };
  }

  #multiTxn(): Request {
    const compare = this.#chance(0.5) ? [this.#compare()] : [];
    const free = this.#keys();
    const ops = (): TxnOp[] => {
      // A transaction may not write a key twice.
      const left = [...free];
      return Array.from({ length: 1 + this.#random.int(3) }, (): TxnOp => {
        const key = left.splice(this.#random.int(Math.max(1, left.length)), 1)[0];
        if (key === undefined || this.#chance(0.3)) return { kind: 'range', ...this.#range() };
        return this.#chance(0.3) ? { kind: 'delete', key, prevKv: true } : this.#put(key);
      });
    };
    return { kind: 'txn', compare, success: ops(), failure: compare.length === 0 ? [] : ops() };
  }

  #compare(): Compare {
    const key = this.#key();
    const seen = this.#knowledge.seen.get(key);
    const is = pick<Compare['is']>(this.#random, ['=', '!=', '<', '>']);
    switch (this.#random.int(4)) {
      case 0:
        return { key, target: 'version', is, to: String(seen?.version ?? 0) };
      case 1:
        return { key, target: 'createRevision', is, to: String(seen?.createRevision ?? 0) };
      case 2:
        return { key, target: 'value', is, to: seen?.value ?? 'x' };
      default:
        return { key, target: 'modRevision', is, to: String(seen?.modRevision ?? 0) };
    }
  }

  #lease(kind: 'leaseKeepAlive' | 'leaseRevoke' | 'leaseTimeToLive'): Request {
    const lease = this.#knownLease();
    return lease === undefined ? this.#request('leaseGrant') : { kind, lease };
  }

  #howToRead(): { serializable?: boolean; revision?: number } {
    return {
      ...(this.#chance(0.15) ? { serializable: true } : {}),
      ...(this.#chance(0.1) ? { revision: Math.max(1, this.#knowledge.revision - this.#random.int(10)) } : {}),
    };
  }

  #range(): { key: string; end: string } {
    if (this.#chance(0.5)) return { key: 'k', end: 'l' };
    return { key: this.#key(), end: '\0' };
  }

  #keys(): string[] {
    return Array.from({ length: this.#options.keys }, (_, i) => `k${i}`);
  }

  #key(): string {
    return `k${this.#random.int(this.#options.keys)}`;
  }

  #knownLease(): string | undefined {
    const { leases } = this.#knowledge;
    return leases[this.#random.int(leases.length)];
  }

  #chance(probability: number): boolean {
    return this.#random.next() < probability;
  }
}
