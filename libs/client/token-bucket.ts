// A token bucket that lends: every take is granted, for a later time (golang.org/x/time/rate's reservations).
import type { Clock } from '@drydock/foundation/clock.ts';

export interface Rate {
  readonly perSecond: number;
  /** How many may be taken at once after a quiet time. */
  readonly burst: number;
}

export class TokenBucket {
  readonly #clock: Clock;
  readonly #rate: Rate;
  #tokens: number;
  #atMs: number;

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#atMs = clock.monotonicMs();
  }

  /** Takes one token; milliseconds until it is there. */
  takeMs(): number {
    const nowMs = this.#clock.monotonicMs();
    const { perSecond, burst } = this.#rate;
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#atMs) / 1000) * perSecond) - 1;
    this.#atMs = nowMs;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / perSecond) * 1000;
  }

  /** A token that was taken is not needed after all. */
  giveBack(): void {
    this.#tokens = Math.min(this.#rate.burst, this.#tokens + 1);
  }
}
