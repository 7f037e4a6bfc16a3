// A store that is right by construction, and clients that use it at the same time: gives histories that must pass every checker,
// and that tests break on purpose. Time is counted, not measured.
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { History } from '../../history/history.ts';
import type { Compare, KeyValue, Operation, Outcome, Request, Response, TxnOp } from '../../history/operation.ts';
import type { Watch, WatchEvent, WatchResponse } from '../../history/watch.ts';
import { type Change, Model, type ModelRequest } from '../model.ts';

export interface ReferenceOptions {
  readonly operations: number;
  readonly clients: number;
  readonly keys: number;
  /** Of 1: operations whose client hears nothing. */
  readonly unknown: number;
  readonly watches: number;
  readonly leases: boolean;
}

interface Call {
  readonly operation: Omit<Operation, 'return' | 'outcome'>;
  answered: Outcome | undefined;
}

/** Longest time between two steps of the run, in microseconds. */
const stepMicros = 1000;
const secondMicros = 1_000_000;

export class Reference {
  readonly model = new Model({ revision: 1, kvs: [] });
  readonly log: Change[] = [];
  readonly #states: Map<string, KeyValue>[] = [new Map()];
  readonly #times: number[] = [0];
  readonly #random: RandomStream;
  readonly #options: ReferenceOptions;
  readonly #operations: Operation[] = [];
  readonly #open: (Call | undefined)[];
  readonly #late: Call[] = [];
  readonly #leases = new Map<string, { until: number; ttlSeconds: number }>();
  #now = 1;
  #id = 0;

  constructor(random: RandomStream, options: ReferenceOptions) {
    this.#random = random;
    this.#options = options;
    this.#open = new Array<Call | undefined>(options.clients).fill(undefined);
  }

  run(): History {
    while (this.#id < this.#options.operations || this.#open.some((call) => call !== undefined)) this.#step();
    const watches = Array.from({ length: this.#options.watches }, (_, id) => this.#watch(id));
    const operations = this.#operations.toSorted((a, b) => a.invoke - b.invoke);
    const base = { revision: 1, compactRevision: 0, kvs: [], leases: [] };
    return { base, operations, watches, hashes: [], leaders: [], faults: [], space: [] };
  }

  #step(): void {
    this.#now += 1 + this.#random.int(stepMicros);
    this.#expire();
    const lost = this.#late.length > 0 && this.#random.int(8) === 0 ? this.#late.pop() : undefined;
    if (lost !== undefined) this.#execute(lost.operation.request);
    const slot = this.#random.int(this.#open.length);
    const call = this.#open[slot];
    if (call === undefined) {
      if (this.#id < this.#options.operations) this.#open[slot] = this.#begin(slot);
    } else if (call.answered === undefined) this.#take(slot, call);
    else {
      this.#finish(call, call.answered);
      this.#open[slot] = undefined;
    }
  }

  #begin(slot: number): Call {
    const id = this.#id++;
    const invoke = this.#now;
    return { operation: { id, client: `c${slot}`, invoke, request: this.#request(id) }, answered: undefined };
  }

  /** The call reaches the store, or is lost before or after. */
  #take(slot: number, call: Call): void {
    if (this.#random.next() < this.#options.unknown) {
      const fate = this.#random.int(3);
      if (fate === 0) this.#execute(call.operation.request);
      if (fate === 1) this.#late.push(call);
      call.answered = { kind: 'unknown', error: 'deadline exceeded' };
      // A client that lost its answer is another one afterwards.
      this.#finish(call, call.answered);
      this.#open[slot] = undefined;
      return;
    }
    const response = this.#execute(call.operation.request);
    call.answered = response === undefined ? { kind: 'failed', error: 'refused' } : { kind: 'ok', response };
  }

  #finish({ operation }: Call, outcome: Outcome): void {
    this.#now++;
    this.#operations.push({ ...operation, return: this.#now, outcome });
  }

  #execute(request: Request): Response | undefined {
    switch (request.kind) {
      case 'leaseGrant': {
        this.#leases.set(request.lease, {
          until: this.#now + request.ttlSeconds * secondMicros,
          ttlSeconds: request.ttlSeconds,
        });
        return this.#leaseAnswer('leaseGrant', request.lease, request.ttlSeconds);
      }
      case 'leaseKeepAlive': {
        const lease = this.#leases.get(request.lease);
        if (lease === undefined) return this.#leaseAnswer('leaseKeepAlive', request.lease, 0);
        lease.until = this.#now + lease.ttlSeconds * secondMicros;
        return this.#leaseAnswer('leaseKeepAlive', request.lease, lease.ttlSeconds);
      }
      case 'leaseRevoke':
        if (!this.#leases.delete(request.lease)) return undefined;
        this.#apply({ kind: 'leaseRevoke', lease: request.lease });
        return this.#leaseAnswer('leaseRevoke', request.lease, 0);
      case 'compact':
      case 'lock':
      case 'unlock':
      case 'leaseTimeToLive':
        return undefined;
      case 'range':
        return this.#read(request);
      default: {
        const leases = request.kind === 'put' ? [request.lease ?? '0'] : [];
        if (leases.some((lease) => lease !== '0' && !this.#leases.has(lease))) return undefined;
        return this.#apply(request);
      }
    }
  }

  #leaseAnswer(kind: 'leaseGrant' | 'leaseKeepAlive' | 'leaseRevoke', lease: string, ttlSeconds: number): Response {
    return { kind, revision: this.model.revision, lease, ttlSeconds };
  }

  #read(request: Extract<Request, { kind: 'range' }>): Response {
    const newest = this.model.revision;
    // A stale read is answered by a member that is some revisions behind.
    const stale = request.serializable ? Math.max(1, newest - this.#random.int(4)) : newest;
    const at = request.revision ? Math.min(request.revision, stale) : stale;
    if (at === newest) return this.model.range({ ...request, revision: 0 });
    const kvs = [...(this.#states[at - 1]?.values() ?? [])];
    return { ...new Model({ revision: at, kvs }).range(request), revision: stale };
  }

  #apply(request: ModelRequest): Response | undefined {
    const applied = this.model.apply(request);
    if (applied === undefined) return undefined;
    if (applied.change.length > 0) {
      this.log.push(applied.change);
      this.#states.push(new Map(this.model.kvs));
      this.#times.push(this.#now);
    }
    return applied.response;
  }

  #expire(): void {
    for (const [lease, { until }] of this.#leases) {
      if (until >= this.#now) continue;
      this.#leases.delete(lease);
      this.#apply({ kind: 'leaseRevoke', lease });
    }
  }

  #key(): string {
    return `k${this.#random.int(this.#options.keys)}`;
  }

  #lease(): string {
    return this.#options.leases && this.#random.int(3) === 0 ? String(1 + this.#random.int(4)) : '0';
  }

  #request(id: number): Request {
    const roll = this.#random.int(this.#options.leases ? 13 : 10);
    const key = this.#key();
    if (roll < 3) return { kind: 'put', key, value: `v${id}`, lease: this.#lease(), prevKv: this.#random.int(2) === 0 };
    if (roll === 3) return { kind: 'delete', key, prevKv: true };
    if (roll === 4) return { kind: 'delete', key, end: `${key}z` };
    if (roll === 5) return { kind: 'range', key: 'k', end: 'l', limit: this.#random.int(4) };
    if (roll === 6) return { kind: 'range', key, serializable: true };
    if (roll === 7) return this.#txn(id);
    if (roll === 8) return { kind: 'range', key: 'k', end: '\0', revision: 1 + this.#random.int(this.model.revision) };
    if (roll === 9) return { kind: 'range', key };
    const lease = String(1 + this.#random.int(4));
    // Every second grant is of a lease that has been revoked or has expired.
    if (roll === 10 && !this.#leases.has(lease)) return { kind: 'leaseGrant', lease, ttlSeconds: 1 };
    return roll === 11 ? { kind: 'leaseRevoke', lease } : { kind: 'leaseKeepAlive', lease };
  }

  #txn(id: number): Request {
    const key = this.#key();
    const known = this.model.kvs.get(key);
    const compare: Compare[] = [
      { key, target: 'modRevision', is: '=', to: String(known?.modRevision ?? 0) },
      ...(this.#random.int(3) === 0 ? [{ key, target: 'value', is: '!=', to: `v${id - 5}` } as const] : []),
    ];
    const other = this.#key();
    const put: TxnOp = { kind: 'put', key, value: `v${id}`, prevKv: true };
    const second: TxnOp = other === key ? { kind: 'range', key } : { kind: 'delete', key: other, prevKv: true };
    return { kind: 'txn', compare, success: [put, second], failure: [{ kind: 'range', key, end: 'l' }] };
  }

  /** A watch that was told everything, in batches, with bookmarks between. */
  #watch(id: number): Watch {
    const start = 2 + this.#random.int(3);
    const one = this.#random.int(2) === 0;
    const range = one ? { key: this.#key() } : { key: 'k', end: 'l' };
    const request = {
      ...range,
      startRevision: start,
      prevKv: true,
      noPut: false,
      noDelete: id % 3 === 2,
      progressNotify: true,
    };
    const responses: WatchResponse[] = [{ time: 0, kind: 'created', revision: 1, events: [] }];
    let events: WatchEvent[] = [];
    for (const [i, change] of this.log.entries()) {
      const revision = i + 2;
      const wanted = change.filter(
        ({ kind, kv }) => (one ? kv.key === range.key : true) && !(request.noDelete && kind === 'delete'),
      );
      if (revision >= start) events.push(...wanted);
      const time = (this.#times[i + 1] ?? 0) + 1;
      if (this.#random.int(3) > 0 && i < this.log.length - 1) continue;
      if (events.length > 0) responses.push({ time, kind: 'events', revision, events });
      events = [];
      if (this.#random.int(4) === 0) responses.push({ time, kind: 'progress', revision, events: [] });
    }
    return { id, client: `w${id}`, invoke: 0, request, responses };
  }
}
