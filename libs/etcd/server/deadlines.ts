// Deadlines of requests that all have the same patience: they end in the order they began, so one timer serves them all.
import type { Clock, Timer } from '@drydock/foundation/clock.ts';

export class Deadlines {
  readonly #clock: Clock;
  readonly #afterMs: number;
  /** In order of their end. */
  readonly #waiting = new Map<object, { dueMs: number; expire: () => void }>();
  #timer: Timer | undefined;

  constructor(clock: Clock, afterMs: number) {
    this.#clock = clock;
    this.#afterMs = afterMs;
  }

  /** Calls `expire` once, unless `end` with the same token comes before. */
  begin(token: object, expire: () => void): void {
    this.#waiting.set(token, { dueMs: this.#clock.monotonicMs() + this.#afterMs, expire });
    this.#timer ??= this.#clock.timer(this.#afterMs, () => this.#fire());
  }

  end(token: object): void {
    this.#waiting.delete(token);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #fire(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonicMs();
    for (const [token, { dueMs, expire }] of this.#waiting) {
      if (dueMs > now) {
        this.#timer = this.#clock.timer(dueMs - now, () => this.#fire());
        return;
      }
      this.#waiting.delete(token);
      expire();
    }
  }
}
