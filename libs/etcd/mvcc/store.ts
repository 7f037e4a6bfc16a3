// The revisioned key space. Synchronous: state changes only inside `write`, which the state machine calls for one log entry at
// a time. The index is in memory, values are in the backend as encoded mvccpb.KeyValue.
import { AssertionError } from '@drydock/foundation/assert.ts';
import { EtcdError } from '../errors.ts';
import { limits } from '../limits.ts';
import { KeyValue } from '../rpc/messages.ts';
import { decode, encode } from '../rpc/protobuf.ts';
import type { Backend } from './backend.ts';
import { Compaction } from './compaction.ts';
import { HashRun } from './hash-run.ts';
import { type CompactionHash, type HashResult, HistoryHasher } from './history-hash.ts';
import { type KeyEntry, KeyIndex } from './key-index.ts';
import { type KeyRange, keyRange } from './key-range.ts';
import { isTombstone, mainOf, subOf } from './revision.ts';

/** One change of one key. */
export interface StoreEvent {
  readonly key: string;
  readonly type: 'put' | 'delete';
  /** The encoded key-value as watchers see it. */
  readonly kv: Buffer;
  /** The value before, if it is still there; asked only by watchers that want it. */
  prevKv(): Buffer | undefined;
}

const compactScheduledMark = 'scheduledCompactRev';
const compactFinishedMark = 'finishedCompactRev';
const revisionMark = 'currentRev';

export class MvccStore {
  readonly backend: Backend;
  #index = new KeyIndex();
  #revision = 1;
  #compactRevision = -1;
  #compaction: Compaction | undefined;
  /** Of the last compactions, by their revisions. */
  #compactionHashes: CompactionHash[] = [];
  /** Told of every revision with changes, at its end. */
  onRevision: (revision: number, events: readonly StoreEvent[]) => void = () => {};
  /** The lease that a live key has, 0n is none; the lessor knows without reading values. */
  leaseOf: (key: string) => bigint = () => 0n;
  /** Told of the lease of a key whenever it changes: the old and the new one. */
  onLeaseChange: (key: string, before: bigint, after: bigint) => void = () => {};

  constructor(backend: Backend) {
    this.backend = backend;
  }

  get revision(): number {
    return this.#revision;
  }

  /** -1 where nothing was compacted. */
  get compactRevision(): number {
    return this.#compactRevision;
  }

  get keys(): number {
    return this.#index.liveKeys;
  }

  /** Builds the index from the backend. Calls `attach` for every live key with a lease. */
  restore(attach: (key: string, lease: bigint) => void): void {
    this.#index = new KeyIndex();
    this.#revision = 1;
    const marks = new Map<string, number>();
    for (const { key, value } of this.backend.records('meta')) {
      if (value.length === 8) marks.set(key.toString(), readMark(value));
    }
    this.#compactRevision = marks.get(compactScheduledMark) ?? -1;
    const finished = marks.get(compactFinishedMark) ?? -1;
    const leases = new Map<string, bigint>();
    for (const { key: revision, value } of this.backend.revisions(0, Number.MAX_SAFE_INTEGER - 1)) {
      const kv = decode(KeyValue, value);
      const tombstone = isTombstone(revision);
      const main = mainOf(revision);
      this.#index.restore(kv.key, { main, sub: subOf(revision), tombstone }, kv.create_revision, kv.version);
      if (!tombstone && kv.lease !== 0n) leases.set(kv.key, kv.lease);
      else leases.delete(kv.key);
      this.#revision = Math.max(this.#revision, main);
    }
    // A compaction may have removed the newest tombstones.
    this.#revision = Math.max(this.#revision, this.#compactRevision, marks.get(revisionMark) ?? 1);
    for (const [key, lease] of leases) attach(key, lease);
    this.#compaction = undefined;
    this.#compactionHashes = [];
    if (this.#compactRevision > finished) {
      this.#compaction = new Compaction(this.backend, this.#index, this.#compactRevision, undefined);
    }
  }

  /** Throws `compacted` or `futureRevision`. 0 and below mean now. */
  checkRevision(revision: number, current = this.#revision): number {
    if (revision > current) throw new EtcdError('futureRevision');
    if (revision <= 0) return current;
    if (revision < this.#compactRevision) throw new EtcdError('compacted');
    return revision;
  }

  entry(key: string): KeyEntry | undefined {
    const entry = this.#index.get(key);
    return entry?.live ? entry : undefined;
  }

  scan(range: KeyRange, revision: number, visit: (entry: KeyEntry, main: number, sub: number) => boolean): void {
    this.#index.scan(range, revision, visit);
  }

  /** As `scan`, for `max` keys at most; gives how many there are. */
  select(range: KeyRange, revision: number, max: number, visit: (main: number, sub: number) => void): number {
    return this.#index.select(range, revision, max, visit);
  }

  /** The encoded key-value at a place that a scan has given. */
  kvAt(main: number, sub: number): Buffer {
    return found(this.backend.get(main, sub), main, sub);
  }

  /** The same for a glance: see `Backend.peek`. */
  peekAt(main: number, sub: number): Buffer {
    return found(this.backend.peek(main, sub), main, sub);
  }

  /** The value that `key` had at `revision`; undefined where it had none or where it is compacted. */
  valueBefore(key: string, revision: number): Buffer | undefined {
    if (revision < this.#compactRevision) return undefined;
    let found: Buffer | undefined;
    this.#index.scan(keyRange(key, ''), revision, (_entry, main, sub) => {
      found = this.backend.get(main, sub);
      return false;
    });
    return found;
  }

  /** One transaction: all its changes have one main revision, and become events together. */
  write<T>(body: (txn: WriteTxn) => T): T {
    const txn = new WriteTxn(this, this.#index, this.#revision + 1);
    const result = body(txn);
    if (txn.events.length > 0) {
      this.#revision++;
      this.onRevision(this.#revision, txn.events);
    }
    return result;
  }

  /** History below `revision` is gone at once for readers, and removed from the backend step by step. */
  compact(revision: number): void {
    if (revision <= this.#compactRevision) throw new EtcdError('compacted');
    if (revision > this.#revision) throw new EtcdError('futureRevision');
    const previous = this.compacting ? undefined : this.#compactRevision;
    this.#compaction = new Compaction(this.backend, this.#index, revision, previous);
    this.#compactRevision = revision;
    this.backend.setRecord('meta', compactScheduledMark, writeMark(revision));
    this.backend.setRecord('meta', revisionMark, writeMark(this.#revision));
  }

  /** One step of the compaction under way; false where there is nothing left to do. */
  compactStep(): boolean {
    const compaction = this.#compaction;
    if (compaction === undefined) return false;
    if (compaction.step()) return true;
    this.#compaction = undefined;
    const hash = compaction.hash();
    if (hash !== undefined) this.#compactionHashes = [...this.#compactionHashes, hash].slice(-limits.compactionHashes);
    this.backend.setRecord('meta', compactFinishedMark, writeMark(compaction.revision));
    return false;
  }

  get compacting(): boolean {
    return this.#compaction !== undefined;
  }

  /** Ends a compaction under way; it goes on after the next `restore`. */
  stopCompaction(): void {
    this.#compaction = undefined;
  }

  /** Hashes of what was compacted since the start, oldest first, as far as they are remembered. */
  get compactionHashes(): readonly CompactionHash[] {
    return this.#compactionHashes;
  }

  /**
   * The hash of the history up to `revision` (0: now), equal on members with equal history, and etcd's as well. At a revision that
   * was compacted since the start it is the hash of what was there before the compaction, as etcd answers. Throws `compacted`,
   * `futureRevision`.
   */
  hash(revision: number): HashResult {
    const run = this.hashRun(revision);
    while (run.step());
    return run.result();
  }

  /** As `hash`, in steps. */
  hashRun(revision: number): HashRun {
    const known = this.#compactionHashes.find((hash) => hash.revision === revision);
    if (known !== undefined) {
      const { hash, compactRevision } = known;
      return HashRun.known({ hash, revision, compactRevision });
    }
    if (revision > 0 && revision < this.#compactRevision) throw new EtcdError('compacted');
    if (revision > this.#revision) throw new EtcdError('futureRevision');
    const upTo = revision > 0 ? revision : this.#revision;
    const hasher = new HistoryHasher(this.#index, upTo, this.#compactRevision, this.#index.hasValuesAt(upTo));
    return new HashRun(this.backend, hasher, upTo, () => this.#compactRevision);
  }

  /**
   * Calls `visit` for the changes with main revision in [from, to], one revision at a time, as watchers see them, until it returns
   * false.
   */
  replay(from: number, to: number, visit: (revision: number, events: readonly StoreEvent[]) => boolean): void {
    let current = 0;
    let events: StoreEvent[] = [];
    for (const { key: place, value } of this.backend.revisions(from, to)) {
      const main = mainOf(place);
      if (main !== current && events.length > 0) {
        if (!visit(current, events)) return;
        events = [];
      }
      current = main;
      events.push(this.#storedEvent(main, isTombstone(place), value));
    }
    if (events.length > 0) visit(current, events);
  }

  #storedEvent(main: number, tombstone: boolean, value: Buffer): StoreEvent {
    const key = decode(KeyValue, value).key;
    return {
      key,
      type: tombstone ? 'delete' : 'put',
      kv: tombstone ? encode(KeyValue, { key, mod_revision: main }) : value,
      prevKv: () => this.valueBefore(key, main - 1),
    };
  }
}

/** Changes of one transaction; reads of the store see them at once. */
export class WriteTxn {
  readonly #store: MvccStore;
  readonly #index: KeyIndex;
  /** The revision that the changes get. */
  readonly main: number;
  readonly events: StoreEvent[] = [];

  constructor(store: MvccStore, index: KeyIndex, main: number) {
    this.#store = store;
    this.#index = index;
    this.main = main;
  }

  /** The revision a read inside the transaction sees. */
  get readRevision(): number {
    return this.events.length > 0 ? this.main : this.main - 1;
  }

  put(key: string, value: Buffer, lease: bigint): void {
    const before = this.#index.get(key);
    const previous = before?.live ? { main: before.main, sub: before.sub } : undefined;
    const sub = this.events.length;
    const previousLease = previous === undefined ? 0n : this.#store.leaseOf(key);
    const entry = this.#index.put(key, this.main, sub);
    const kv = encode(KeyValue, {
      key,
      create_revision: entry.created,
      mod_revision: this.main,
      version: entry.version,
      value,
      lease,
    });
    this.#store.backend.put(this.main, sub, false, kv);
    if (previousLease !== lease) this.#store.onLeaseChange(key, previousLease, lease);
    this.#record('put', key, kv, previous);
  }

  /** Deletes live keys of the range; returns how many. */
  deleteRange(range: KeyRange): number {
    const found: KeyEntry[] = [];
    this.#index.scan(range, this.main, (entry) => {
      found.push(entry);
      return true;
    });
    for (const entry of found) {
      const previous = { main: entry.main, sub: entry.sub };
      const lease = this.#store.leaseOf(entry.key);
      const sub = this.events.length;
      this.#index.tombstone(entry, this.main, sub);
      this.#store.backend.put(this.main, sub, true, encode(KeyValue, { key: entry.key }));
      if (lease !== 0n) this.#store.onLeaseChange(entry.key, lease, 0n);
      this.#record('delete', entry.key, encode(KeyValue, { key: entry.key, mod_revision: this.main }), previous);
    }
    return found.length;
  }

  #record(type: StoreEvent['type'], key: string, kv: Buffer, previous: { main: number; sub: number } | undefined): void {
    const store = this.#store;
    const prevKv = () => {
      if (previous === undefined || this.main - 1 < store.compactRevision) return undefined;
      // Where a transaction changes a key twice, both events have what was there before the transaction.
      if (previous.main === this.main) return store.valueBefore(key, this.main - 1);
      return store.backend.get(previous.main, previous.sub);
    };
    this.events.push({ key, type, kv, prevKv });
  }
}

function found(kv: Buffer | undefined, main: number, sub: number): Buffer {
  if (kv === undefined) throw new AssertionError(`revision ${main}.${sub} is in the index but not in the backend`);
  return kv;
}

function writeMark(value: number): Buffer {
  const buffer = Buffer.allocUnsafeSlow(8);
  buffer.writeBigUInt64BE(BigInt(value));
  return buffer;
}

function readMark(value: Buffer): number {
  return Number(value.readBigUInt64BE());
}
