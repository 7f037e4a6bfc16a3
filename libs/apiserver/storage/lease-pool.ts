// Leases for objects with a time to live (events): one lease serves many objects, as upstream's lease manager does.
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Store } from './store.ts';

/** How long one lease is handed out. */
const reuseMs = 60_000;
/** Objects on one lease. */
const reuseMaxObjects = 1_000;

export class LeasePool {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #current = new Map<number, { readonly id: Promise<string>; readonly untilMs: number; objects: number }>();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The store does not have `id` (it was restored, or stood still for long): it is handed out no more. */
  async forget(ttlSeconds: number, id: string): Promise<void> {
    const entry = this.#current.get(ttlSeconds);
    if (entry !== undefined && (await entry.id) === id && this.#current.get(ttlSeconds) === entry)
      this.#current.delete(ttlSeconds);
  }

  /** A lease that lasts at least `ttlSeconds` from now. */
  async lease(ttlSeconds: number): Promise<string> {
    const now = this.#clock.monotonicMs();
    let entry = this.#current.get(ttlSeconds);
    if (entry === undefined || entry.untilMs <= now || entry.objects >= reuseMaxObjects) {
      const id = this.#store.grantLease(ttlSeconds + reuseMs / 1000);
      entry = { id, untilMs: now + reuseMs, objects: 0 };
      this.#current.set(ttlSeconds, entry);
      id.catch(() => this.#current.delete(ttlSeconds));
    }
    entry.objects++;
    return entry.id;
  }
}
