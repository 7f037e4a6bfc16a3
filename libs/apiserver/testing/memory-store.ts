// The store port in memory, with revisions and watches as etcd has them: for tests of what stands on the store.
import type { KeyValue, RangeQuery, RangeResult, StoreEvent, TxnQuery, TxnResult } from '../storage/etcd-codec.ts';
import { prefixEnd } from '../storage/etcd-codec.ts';
import { type Store, StoreError, type StoreWatch, type WatchSignal } from '../storage/store.ts';

interface Watcher {
  readonly prefix: string;
  readonly startRevision: number;
  readonly onSignal: (signal: WatchSignal) => void;
}

/** A store that keeps every revision until `compact`. Events are delivered synchronously with the write. */
export class MemoryStore implements Store {
  revision = 1;
  clusterId = '1';
  /** Answers nothing while it is down. */
  down = false;
  #compacted = 0;
  #lastLease = 0;
  readonly #leases = new Set<string>();
  #history: StoreEvent[] = [];
  #now = new Map<string, KeyValue>();
  readonly #watchers = new Set<Watcher>();

  async range(query: RangeQuery): Promise<RangeResult> {
    this.#up();
    const at = query.revision || this.revision;
    if (at < this.#compacted) throw new StoreError('compacted', 'etcdserver: mvcc: required revision has been compacted');
    if (at > this.revision) throw new StoreError('future-revision', 'etcdserver: mvcc: required revision is a future revision');
    const end = query.rangeEnd ?? `${query.key}\0`;
    const all = [...this.#stateAt(at).values()]
      .filter((kv) => kv.key >= query.key && kv.key < end)
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    const kvs = query.limit ? all.slice(0, query.limit) : all;
    return { ...this.#header(), kvs: query.countOnly ? [] : kvs, more: kvs.length < all.length, count: all.length };
  }

  async txn(query: TxnQuery): Promise<TxnResult> {
    this.#up();
    const holds = query.guards.every(({ key, target, equals }) => {
      const kv = this.#now.get(key);
      return (target === 'mod' ? (kv?.modRevision ?? 0) : (kv?.version ?? 0)) === equals;
    });
    if (!holds) {
      const current = query.otherwise === undefined ? undefined : this.#now.get(query.otherwise);
      return { ...this.#header(), succeeded: false, current };
    }
    for (const write of query.writes) {
      if (write.op === 'put' && write.lease !== undefined && !this.#leases.has(write.lease))
        throw new StoreError('lease-not-found', 'etcdserver: requested lease not found');
    }
    if (query.writes.length > 0) this.revision++;
    const events = query.writes.flatMap((write) =>
      write.op === 'put' ? [this.#put(write.key, write.value)] : this.#delete(write.key),
    );
    this.#history.push(...events);
    for (const watcher of this.#watchers) this.#deliver(watcher, events);
    return { ...this.#header(), succeeded: true, current: undefined };
  }

  watch(prefix: string, startRevision: number, onSignal: (signal: WatchSignal) => void): StoreWatch {
    const watcher = { prefix, startRevision, onSignal };
    if (this.down) onSignal({ type: 'closed', compacted: false, reason: 'the store is down' });
    else if (startRevision < this.#compacted) onSignal({ type: 'closed', compacted: true, reason: 'compacted' });
    else {
      this.#watchers.add(watcher);
      onSignal({ type: 'created' });
      this.#deliver(watcher, this.#history);
    }
    return {
      requestProgress: () => {
        if (this.#watchers.has(watcher)) onSignal({ type: 'progress', revision: this.revision });
      },
      close: () => this.#watchers.delete(watcher),
    };
  }

  async compact(revision: number): Promise<void> {
    this.#up();
    this.#compacted = Math.max(this.#compacted, revision);
  }

  async grantLease(): Promise<string> {
    this.#up();
    const id = String(++this.#lastLease);
    this.#leases.add(id);
    return id;
  }

  close(): void {
    this.#watchers.clear();
  }

  /** Ends every watch, as a store that restarts does. */
  breakWatches(compacted: boolean): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const { onSignal } of watchers) onSignal({ type: 'closed', compacted, reason: 'test' });
  }

  /** The state of an earlier revision, as from a backup: later ones have never been, and the next write takes their numbers. */
  restore(revision: number): void {
    this.#now = new Map(this.#stateAt(revision));
    this.#history = this.#history.filter(({ kv }) => kv.modRevision <= revision);
    this.revision = revision;
    this.#leases.clear();
    this.breakWatches(false);
  }

  #up(): void {
    if (this.down) throw new StoreError('unavailable', 'the store is down');
  }

  #header(): { revision: number; clusterId: string } {
    return { revision: this.revision, clusterId: this.clusterId };
  }

  #put(key: string, value: Buffer): StoreEvent {
    const old = this.#now.get(key);
    const createRevision = old?.createRevision ?? this.revision;
    const kv = { key, value, createRevision, modRevision: this.revision, version: (old?.version ?? 0) + 1, lease: '0' };
    this.#now.set(key, kv);
    return { deleted: false, kv };
  }

  #delete(key: string): StoreEvent[] {
    if (!this.#now.delete(key)) return [];
    const kv = { key, value: Buffer.alloc(0), createRevision: 0, modRevision: this.revision, version: 0, lease: '0' };
    return [{ deleted: true, kv }];
  }

  #deliver({ prefix, startRevision, onSignal }: Watcher, events: readonly StoreEvent[]): void {
    const end = prefixEnd(prefix);
    const mine = events.filter(({ kv }) => kv.modRevision >= startRevision && kv.key >= prefix && kv.key < end);
    if (mine.length > 0) onSignal({ type: 'events', events: mine, revision: this.revision });
  }

  #stateAt(revision: number): Map<string, KeyValue> {
    if (revision >= this.revision) return this.#now;
    const state = new Map<string, KeyValue>();
    for (const { deleted, kv } of this.#history) {
      if (kv.modRevision > revision) break;
      if (deleted) state.delete(kv.key);
      else state.set(kv.key, kv);
    }
    return state;
  }
}
