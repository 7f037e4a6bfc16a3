// Which history of the store this server follows. A store that was restored from a backup, or that lost what it had said was
// durable, has another history than the one that clients know: its revisions go back, and then name other states. etcd cannot
// tell a watcher so (its documentation asks for `--bump-revision --mark-compacted` at the restore); this port finds out.
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { historyTrustMs, passRevisionRetryMs, storeRequestMs, storeRetryPauseMs } from '../limits.ts';
import type { KeyValue, RangeQuery, RangeResult, StoreHeader, TxnQuery, TxnResult, WriteOp } from './etcd-codec.ts';
import { passRevision } from './pass-revision.ts';
import { type Store, StoreError, type StoreWatch, type WatchSignal } from './store.ts';
import { VerifiedWatch } from './verified-watch.ts';

/** A value that this server has seen in the store: where it is missing at its revision, the history is another one. */
type Anchor = Pick<KeyValue, 'key' | 'modRevision' | 'value'>;

export interface TrackedStoreOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * A store in which time never runs backwards. Promises: a watch delivers nothing before it is known that the store still has
 * the history that this server has seen; where it has another one, every watch ends as if its position were compacted, and all
 * requests wait until the store's revision is beyond every revision of the lost history that this server has seen. So no
 * revision that a client was given means anything else later. Where the store refuses to be brought there, requests wait for
 * storeRequestMs and are answered then; until it does (it is asked again and again), only lost revisions that the store has not
 * come to are told from new ones. It does not see a loss that happens while the server is down.
 */
export class TrackedStore implements Store {
  readonly #options: TrackedStoreOptions;
  readonly #store: Store;
  readonly #log: Log;
  readonly #watches = new Set<VerifiedWatch>();
  #known: StoreHeader = { clusterId: '', revision: 0 };
  #anchor: Anchor | undefined;
  /** When the store last answered out of the history that is followed. */
  #heardMs = Number.NEGATIVE_INFINITY;
  /** Revisions up to this one mean what they meant in a lost history, or nothing. */
  #lostUpTo = 0;
  /** The store could not be brought beyond them: those that it has come to may also be of the history that is followed. */
  #ambiguous = false;
  #epoch = 0;
  #settling: Promise<void> | undefined;
  #closed = false;

  constructor(options: TrackedStoreOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#log = options.log.child({ component: 'store-history' });
  }

  /** Counts the histories that this server has followed, from 0. */
  get epoch(): number {
    return this.#epoch;
  }

  async range(query: RangeQuery): Promise<RangeResult> {
    for (;;) {
      await this.#settled();
      if (query.revision && this.#isLost(query.revision)) {
        throw new StoreError('compacted', `revision ${query.revision} is lost: the store was restored`);
      }
      const epoch = this.#epoch;
      const result = await this.#range(query);
      // An answer from between two histories is read again: its revision may mean nothing later.
      if (epoch === this.#epoch) return result;
    }
  }

  async txn(query: TxnQuery): Promise<TxnResult> {
    await this.#settled();
    const asked = this.#asked();
    const result = await this.#store.txn(query);
    if (!this.#observe(asked, result)) return result;
    if (result.current !== undefined) this.#learn(result.current);
    if (result.succeeded) this.#learnWritten(query.writes, result.revision);
    return result;
  }

  watch(prefix: string, startRevision: number, onSignal: (signal: WatchSignal) => void): StoreWatch {
    const epoch = this.#epoch;
    const forward = (signal: WatchSignal) => {
      if (signal.type === 'closed') this.#watches.delete(watch);
      else if (epoch === this.#epoch) this.#followed(signal);
      onSignal(signal);
    };
    const open = (receive: (signal: WatchSignal) => void) => {
      if (!this.#isLost(startRevision - 1)) return this.#store.watch(prefix, startRevision, receive);
      receive({ type: 'closed', compacted: true, reason: `revision ${startRevision - 1} is lost: the store was restored` });
      return noWatch;
    };
    const watch = new VerifiedWatch(open, () => this.#sameHistory(), forward);
    this.#watches.add(watch);
    watch.start();
    return {
      requestProgress: () => watch.requestProgress(),
      close: () => {
        this.#watches.delete(watch);
        watch.close();
      },
    };
  }

  async compact(revision: number): Promise<void> {
    await this.#settled();
    await this.#store.compact(revision);
  }

  async grantLease(ttlSeconds: number): Promise<string> {
    await this.#settled();
    return this.#store.grantLease(ttlSeconds);
  }

  close(): void {
    this.#closed = true;
    this.#store.close();
  }

  async #range(query: RangeQuery): Promise<RangeResult> {
    const asked = this.#asked();
    const result = await this.#store.range(query);
    if (query.serializable !== true && this.#observe(asked, result) && !query.keysOnly)
      for (const kv of result.kvs) this.#learn(kv);
    return result;
  }

  #asked(): { readonly epoch: number; readonly floor: StoreHeader } {
    return { epoch: this.#epoch, floor: this.#known };
  }

  /**
   * Compares the header of a linearizable answer with what was known when it was asked for. False where the answer does not
   * belong to the history that is followed now.
   */
  #observe(asked: { readonly epoch: number; readonly floor: StoreHeader }, header: StoreHeader): boolean {
    if (asked.epoch !== this.#epoch) return false;
    const reason = contradiction(asked.floor, header);
    if (reason !== undefined) {
      this.#lose(reason);
      return false;
    }
    this.#heardMs = this.#options.clock.monotonicMs();
    this.#known = {
      clusterId: header.clusterId || this.#known.clusterId,
      revision: Math.max(header.revision, this.#known.revision),
    };
    return true;
  }

  #learn(kv: KeyValue): void {
    if (kv.modRevision > (this.#anchor?.modRevision ?? 0)) this.#anchor = kv;
  }

  #learnWritten(writes: readonly WriteOp[], revision: number): void {
    for (const write of writes) {
      if (write.op === 'put' && revision > (this.#anchor?.modRevision ?? 0)) {
        this.#anchor = { key: write.key, value: write.value, modRevision: revision };
      }
    }
  }

  #followed(signal: Exclude<WatchSignal, { type: 'closed' }>): void {
    if (signal.type === 'created') return;
    if (signal.revision > this.#known.revision) this.#known = { ...this.#known, revision: signal.revision };
    if (signal.type === 'events') for (const { deleted, kv } of signal.events) if (!deleted) this.#learn(kv);
  }

  /** Whether the store still has what this server has seen last. Fails with StoreError where it cannot be asked. */
  async #sameHistory(): Promise<boolean> {
    const epoch = this.#epoch;
    const anchor = this.#anchor;
    const reason = anchor === undefined ? undefined : await this.#missing(anchor);
    if (epoch !== this.#epoch) return false;
    if (reason === undefined) return true;
    this.#lose(reason);
    return false;
  }

  /** Why the store cannot have the history of `anchor`; undefined where it has it. */
  async #missing(anchor: Anchor): Promise<string | undefined> {
    const same = (kv: KeyValue | undefined) => kv?.modRevision === anchor.modRevision && kv.value.equals(anchor.value);
    const { key, modRevision: revision } = anchor;
    const silentMs = this.#options.clock.monotonicMs() - this.#heardMs;
    try {
      const { kvs } = await this.#range({ key, revision });
      return same(kvs[0]) ? undefined : `${key} is not what it was at revision ${revision}`;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (error.code === 'future-revision') return `revision ${revision} is no longer known`;
      if (error.code !== 'compacted') throw error;
      // Where it has changed since, nothing can be proven: no store is exchanged in a moment, otherwise starting over is safe.
      const { kvs } = await this.#range({ key });
      return silentMs < historyTrustMs || same(kvs[0]) ? undefined : `revision ${revision} is compacted`;
    }
  }

  #lose(reason: string): void {
    this.#lostUpTo = Math.max(this.#lostUpTo, this.#known.revision);
    this.#ambiguous = false;
    this.#epoch++;
    this.#known = { clusterId: '', revision: 0 };
    this.#anchor = undefined;
    this.#log.warn({ reason, lostUpTo: this.#lostUpTo }, 'the store has another history than before: everything is read anew');
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#settling = promise;
    const serve = () => {
      if (this.#settling === promise) this.#settling = undefined;
      resolve();
    };
    void this.#settle(serve);
    for (const watch of [...this.#watches]) watch.lose(reason);
  }

  /** Whether the state at `revision` can only be one of a lost history. */
  #isLost(revision: number): boolean {
    if (this.#lostUpTo === 0 || revision > this.#lostUpTo) return false;
    return !this.#ambiguous || revision > this.#known.revision;
  }

  async #settled(): Promise<void> {
    while (this.#settling !== undefined) await this.#settling;
  }

  /** Makes the store's revision pass the lost ones; calls `serve` when that is done, impossible, refused for long, or not wanted. */
  async #settle(serve: () => void): Promise<void> {
    const { clock } = this.#options;
    const epoch = this.#epoch;
    const lostUpTo = this.#lostUpTo;
    let refusedSinceMs: number | undefined;
    while (!this.#closed && epoch === this.#epoch) {
      const answer = await this.#pass(lostUpTo, refusedSinceMs === undefined);
      if (epoch !== this.#epoch) break;
      if (answer === 'refused') refusedSinceMs ??= clock.monotonicMs();
      const ambiguous = answer === 'impossible' || clock.monotonicMs() - (refusedSinceMs ?? Infinity) >= storeRequestMs;
      this.#ambiguous = ambiguous && answer !== 'passed';
      if (answer === 'passed' || answer === 'impossible') break;
      if (ambiguous) serve();
      await clock.sleep(ambiguous ? passRevisionRetryMs : storeRetryPauseMs);
    }
    serve();
  }

  /** One attempt; a refusal is logged where `tell` says so. */
  async #pass(lostUpTo: number, tell: boolean): Promise<'passed' | 'impossible' | 'refused' | 'unavailable'> {
    try {
      const passed = await passRevision(this.#store, lostUpTo);
      if ('missing' in passed) {
        const advice = 'too many revisions are lost to be passed: restore with --bump-revision and --mark-compacted';
        this.#log.error({ lostUpTo, ...passed }, advice);
        return 'impossible';
      }
      this.#log.info({ lostUpTo, ...passed }, 'the revision of the store is beyond the lost history');
      return 'passed';
    } catch (error) {
      if (error instanceof StoreError && error.code === 'unavailable') return 'unavailable';
      if (tell)
        this.#log.error({ err: error, lostUpTo }, 'the store refuses to pass the lost history; it is asked again and again');
      return 'refused';
    }
  }
}

const noWatch: StoreWatch = { requestProgress: () => {}, close: () => {} };

/** Why `header` cannot follow `floor` in one history; undefined where it can. */
export function contradiction(floor: StoreHeader, header: StoreHeader): string | undefined {
  if (floor.clusterId !== '' && header.clusterId !== '' && floor.clusterId !== header.clusterId)
    return `the cluster id is ${header.clusterId} instead of ${floor.clusterId}`;
  if (header.revision < floor.revision) return `the revision went back from ${floor.revision} to ${header.revision}`;
  return undefined;
}
