// A store port whose watches can be held back: the server behind it lags, as one with a slow or cut-off member does.
import type { RangeQuery, TxnQuery } from '../storage/etcd-codec.ts';
import type { Store, StoreWatch, WatchSignal } from '../storage/store.ts';

export class HeldStore implements Store {
  readonly #store: Store;
  #held: (() => void)[] | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** From now on nothing of a watch arrives. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const deliver of held) deliver();
  }

  range(query: RangeQuery) {
    return this.#store.range(query);
  }

  txn(query: TxnQuery) {
    return this.#store.txn(query);
  }

  watch(prefix: string, startRevision: number, onSignal: (signal: WatchSignal) => void): StoreWatch {
    return this.#store.watch(prefix, startRevision, (signal) => {
      if (this.#held === undefined) onSignal(signal);
      else this.#held.push(() => onSignal(signal));
    });
  }

  compact(revision: number) {
    return this.#store.compact(revision);
  }

  grantLease(ttlSeconds: number) {
    return this.#store.grantLease(ttlSeconds);
  }

  close(): void {
    this.#store.close();
  }
}
