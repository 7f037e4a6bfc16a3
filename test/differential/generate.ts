// Random operations: few keys, few leases and small revisions, so that they meet each other; and every sort of bad request.
import {
  type Compare,
  type DeleteRangeRequest,
  type PutRequest,
  type RangeRequest,
  type RequestOp,
  TxnRequest,
  type WatchCreateRequest,
} from '@drydock/etcd/rpc/messages.ts';
import { encode } from '@drydock/etcd/rpc/protobuf.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import { keepAlive, type Operation, unary } from './operation.ts';

/** With `\0` they are twelve: more of them Go sorts in an order that does not keep equal ones as they were. */
const keys = ['a', 'a\0', 'aa', 'b', 'b/1', 'b/2', 'b/2/x', 'c', 'c\xff', '\xff', '\xff\xff'];
const rangeEnds = ['', '', '', '\0', 'b', 'b0', 'c', 'd', 'zz', 'a', '\xff\xff'];
const leases = [1n, 2n, 3n, 77n, 2n ** 62n];
/** None of these ends while a run goes on. */
const longTtls = [3600, 5000, 100_000, 9_000_000_000];
const oddTtls = [0, -1, -5000, 1, 2, 3, 9_000_000_001, 2 ** 40];
/** How deep transactions nest, and how many watch streams there are. */
const depthMax = 3;
const streams = 3;
/** A transaction has at most so many operations of a kind, but for a few that pass the store's limit of 128. */
const fewOps = 4;
const manyOps = 140;

/** `revision` is what the store had when it was last asked: near it things happen. */
export class Generator {
  readonly #random: RandomStream;
  revision = 1;

  constructor(random: RandomStream) {
    this.#random = random;
  }

  next(): Operation {
    const { pick, chance } = this;
    const kinds: readonly [number, () => Operation][] = [
      [25, () => unary('range', this.#range())],
      [22, () => unary('put', this.#put())],
      [8, () => unary('deleteRange', this.#delete())],
      [18, () => unary('txn', this.#txn(depthMax))],
      [1, () => unary('compact', { revision: this.#revision(), physical: true })],
      [3, () => unary('leaseGrant', { ID: pick(leases), TTL: pick(longTtls) })],
      [1, () => unary('leaseGrant', { ID: pick([-1n, 1n, 2n]), TTL: pick([9_000_000_001, 3600]) })],
      [3, () => unary('leaseRevoke', { ID: pick([...leases, 0n, -1n]) })],
      [2, () => unary('leaseTimeToLive', { ID: pick([...leases, 0n]), keys: chance(0.7) })],
      [1, () => unary('leaseLeases', {})],
      [1, () => keepAlive(pick([...leases, 0n, 5n]))],
      [1, () => ({ kind: 'shortLease', ttl: pick(oddTtls) })],
      [1, () => unary('hashKv', { revision: 0 })],
      [3, () => ({ kind: 'watch', stream: this.#int(streams), create: this.#watch() })],
      [1, () => ({ kind: 'cancel', stream: this.#int(streams), id: this.#int(8) - 1 })],
      [2, () => ({ kind: 'compareWatchers' })],
    ];
    let at = this.#int(kinds.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, make] of kinds) {
      at -= weight;
      if (at < 0) return make();
    }
    return { kind: 'compareWatchers' };
  }

  readonly chance = (probability: number): boolean => this.#random.next() < probability;

  readonly pick = <T>(values: readonly T[]): T => {
    const value = values[this.#int(values.length)];
    if (value === undefined) throw new Error('nothing to pick from');
    return value;
  };

  #int(bound: number): number {
    return this.#random.int(bound);
  }

  #key(): string {
    return this.chance(0.02) ? '' : this.chance(0.02) ? '\0' : this.pick(keys);
  }

  /** Around now, seldom far off. */
  #revision(): number {
    if (this.chance(0.03)) return this.pick([-1, -(2 ** 40), 2 ** 40, this.revision + 1, this.revision + 1000, 1]);
    return Math.max(0, this.revision - this.#int(30));
  }

  #value(): Buffer {
    return Buffer.from(this.pick(['', 'v', 'w', 'value', 'x'.repeat(100), '\0\xff']), 'latin1');
  }

  #range(): Partial<RangeRequest> {
    const { chance, pick } = this;
    const bound = (): number => (chance(0.15) ? this.#revision() : 0);
    return {
      key: this.#key(),
      range_end: pick(rangeEnds),
      limit: chance(0.3) ? pick([1, 2, 3, 100, -1, 0]) : 0,
      revision: chance(0.3) ? this.#revision() : 0,
      // Others are refused since 3.6; they end the process of 3.5.
      sort_order: chance(0.4) ? pick([0, 1, 2]) : 0,
      sort_target: chance(0.4) ? pick([0, 1, 2, 3, 4]) : 0,
      serializable: chance(0.3),
      keys_only: chance(0.15),
      count_only: chance(0.1),
      min_mod_revision: bound(),
      max_mod_revision: bound(),
      min_create_revision: bound(),
      max_create_revision: bound(),
    };
  }

  #put(): Partial<PutRequest> {
    const { chance, pick } = this;
    const ignoreValue = chance(0.1);
    const ignoreLease = chance(0.1);
    return {
      key: this.#key(),
      value: ignoreValue && chance(0.8) ? Buffer.alloc(0) : this.#value(),
      lease: chance(ignoreLease ? 0.1 : 0.25) ? pick([...leases, 5n, -1n]) : 0n,
      prev_kv: chance(0.3),
      ignore_value: ignoreValue,
      ignore_lease: ignoreLease,
    };
  }

  #delete(): Partial<DeleteRangeRequest> {
    return { key: this.#key(), range_end: this.pick(rangeEnds), prev_kv: this.chance(0.4) };
  }

  /** Without `\0` as an end: a put with ignore_lease of what such a delete has removed before it ends the process of 3.5. */
  #deleteInTxn(): Partial<DeleteRangeRequest> {
    const request = this.#delete();
    return request.range_end === '\0' ? { ...request, range_end: 'd' } : request;
  }

  #compare(): Partial<Compare> {
    const { chance, pick } = this;
    const target = pick([0, 1, 2, 3, 4, 4, 5]);
    const union: Partial<Compare> = [
      { version: this.#int(4) - 1 },
      { create_revision: this.#revision() },
      { mod_revision: this.#revision() },
      { value: this.#value() },
      { lease: pick([...leases, 0n, -1n]) },
    ][chance(0.05) ? this.#int(5) : Math.min(target, 4)] as Partial<Compare>;
    const range = chance(0.2) ? { range_end: pick(rangeEnds) } : {};
    return { result: pick([0, 0, 1, 2, 3, 3, 4]), target, key: this.#key(), ...range, ...union };
  }

  #op(depth: number): RequestOp {
    const empty = { request_range: undefined, request_put: undefined, request_delete_range: undefined } as const;
    const none: RequestOp = { ...empty, request_txn: undefined };
    if (this.chance(0.01)) return none;
    const what = this.#int(depth > 0 ? 20 : 16);
    if (what < 5) return { ...none, request_range: this.#range() as RangeRequest };
    if (what < 12) return { ...none, request_put: this.#put() as PutRequest };
    if (what < 15) return { ...none, request_delete_range: this.#deleteInTxn() as DeleteRangeRequest };
    if (what === 15 && this.chance(0.9)) return { ...none, request_put: this.#put() as PutRequest };
    return { ...none, request_txn: encode(TxnRequest, this.#txn(depth - 1)) };
  }

  #txn(depth: number): Partial<TxnRequest> {
    const ops = () => Array.from({ length: this.#count(depth) }, () => this.#op(depth) as RequestOp);
    const compare = Array.from({ length: this.#int(3) }, () => this.#compare() as Compare);
    return { compare, success: ops(), failure: ops() };
  }

  #count(depth: number): number {
    return depth === depthMax && this.chance(0.005) ? manyOps : this.#int(fewOps);
  }

  #watch(): Partial<WatchCreateRequest> {
    const { chance, pick } = this;
    return {
      key: this.#key(),
      range_end: pick(rangeEnds),
      // Far in the future it would hold back the progress reports that a comparison waits for.
      start_revision: chance(0.4) ? Math.min(this.#revision(), this.revision + 1) : chance(0.005) ? this.revision + 2 : 0,
      progress_notify: chance(0.1),
      filters: chance(0.2) ? pick([[0], [1], [0, 1], [2]]) : [],
      prev_kv: chance(0.4),
      watch_id: chance(0.3) ? this.#int(8) : 0,
      fragment: chance(0.2),
    };
  }
}
