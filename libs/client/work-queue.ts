// The work queue of client-go: a key is never worked on twice at once, and an add during the work causes one more run.
import { type Clock, checkedDelay, type Timer } from '@drydock/foundation/clock.ts';
import { bucketBurst, bucketPerSecond, itemBackoffBaseMs, itemBackoffMaxMs } from './limits.ts';
import { TokenBucket } from './token-bucket.ts';

export interface WorkQueueOptions {
  readonly clock: Clock;
  /** Back-off per item: base doubling with every failure up to the maximum. */
  readonly backoffBaseMs?: number | undefined;
  readonly backoffMaxMs?: number | undefined;
}

/**
 * Keys in first-in-first-out order. `add` while a key waits does nothing; while it is worked on, it waits again after `done`.
 * Invariants: a key is at most once in the queue; a key in `processing` is not in the queue; the queue is a subset of dirty.
 */
export class WorkQueue {
  readonly #clock: Clock;
  readonly #baseMs: number;
  readonly #maxMs: number;
  readonly #bucket: TokenBucket;
  readonly #queue = new Set<string>();
  readonly #dirty = new Set<string>();
  readonly #processing = new Set<string>();
  readonly #failures = new Map<string, number>();
  readonly #later = new Map<string, { readonly dueMs: number; readonly timer: Timer }>();
  readonly #waiting: ((key: string | undefined) => void)[] = [];
  #shutDown = false;

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock;
    this.#baseMs = options.backoffBaseMs ?? itemBackoffBaseMs;
    this.#maxMs = options.backoffMaxMs ?? itemBackoffMaxMs;
    this.#bucket = new TokenBucket(options.clock, { perSecond: bucketPerSecond, burst: bucketBurst });
  }

  /** Keys that wait to be worked on. */
  get length(): number {
    return this.#queue.size;
  }

  add(key: string): void {
    if (this.#shutDown || this.#dirty.has(key)) return;
    this.#dirty.add(key);
    if (!this.#processing.has(key)) this.#enqueue(key);
  }

  /** Adds after `delayMs`; of several waiting additions of one key the earliest counts. Throws RangeError for NaN. */
  addAfter(key: string, delayMs: number): void {
    checkedDelay(delayMs);
    if (this.#shutDown) return;
    if (delayMs <= 0) {
      this.add(key);
      return;
    }
    const dueMs = this.#clock.monotonicMs() + delayMs;
    const waiting = this.#later.get(key);
    if (waiting !== undefined) {
      if (waiting.dueMs <= dueMs) return;
      waiting.timer.cancel();
    }
    const timer = this.#clock.timer(delayMs, () => {
      this.#later.delete(key);
      this.add(key);
    });
    this.#later.set(key, { dueMs, timer });
  }

  /** Adds after the longer of the key's back-off and the overall bucket; gives the delay. `forget` ends the back-off. */
  addRateLimited(key: string): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const backoffMs = Math.min(this.#baseMs * 2 ** Math.min(failures, 60), this.#maxMs);
    const delayMs = Math.max(backoffMs, this.#bucket.takeMs());
    this.addAfter(key, delayMs);
    return delayMs;
  }

  forget(key: string): void {
    this.#failures.delete(key);
  }

  /** How often `addRateLimited` was called for the key since `forget`. */
  failures(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next key, now marked as worked on until `done`; undefined once the queue is shut down and empty. */
  get(): Promise<string | undefined> {
    const [key] = this.#queue;
    if (key !== undefined) return Promise.resolve(this.#take(key));
    if (this.#shutDown) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  done(key: string): void {
    this.#processing.delete(key);
    if (this.#dirty.has(key)) this.#enqueue(key);
  }

  /** Takes nothing more; waiting additions are dropped, keys in the queue are still given out. */
  shutDown(): void {
    this.#shutDown = true;
    for (const { timer } of this.#later.values()) timer.cancel();
    this.#later.clear();
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  }

  #enqueue(key: string): void {
    this.#queue.add(key);
    const waiter = this.#waiting.shift();
    if (waiter !== undefined) waiter(this.#take(key));
  }

  #take(key: string): string {
    this.#queue.delete(key);
    this.#dirty.delete(key);
    this.#processing.add(key);
    return key;
  }
}
