// How long to wait after a failure of one operation, by key (goroutinemap/exponentialbackoff).
import type { Clock } from '@drydock/foundation/clock.ts';

const firstMs = 500;
/** Two minutes and two seconds. */
const lastMs = 122_000;

export class RetryDelays {
  readonly #clock: Clock;
  readonly #failed = new Map<string, { delayMs: number; untilMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** 0: it may be tried now. */
  remainingMs(key: string): number {
    const failed = this.#failed.get(key);
    return failed === undefined ? 0 : Math.max(0, failed.untilMs - this.#clock.monotonicMs());
  }

  failed(key: string): void {
    const before = this.#failed.get(key)?.delayMs;
    const delayMs = before === undefined ? firstMs : Math.min(2 * before, lastMs);
    this.#failed.set(key, { delayMs, untilMs: this.#clock.monotonicMs() + delayMs });
  }

  succeeded(key: string): void {
    this.#failed.delete(key);
  }

  /** Forgets all keys that begin so. */
  forget(prefix: string): void {
    for (const key of [...this.#failed.keys()]) if (key.startsWith(prefix)) this.#failed.delete(key);
  }
}
