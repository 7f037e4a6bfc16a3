// Exponential back-off with jitter that is forgotten after a quiet time, as client-go's reflectors use it.
import type { Clock } from '@drydock/foundation/clock.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import { reflectorBackoffMaxMs, reflectorBackoffMinMs, reflectorBackoffResetMs } from './limits.ts';

export class Backoff {
  readonly #clock: Clock;
  readonly #random: RandomStream;
  #nextMs = reflectorBackoffMinMs;
  #lastAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, random: RandomStream) {
    this.#clock = clock;
    this.#random = random;
  }

  /** The next delay: between one and two times the present step. */
  nextMs(): number {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#lastAtMs > reflectorBackoffResetMs) this.#nextMs = reflectorBackoffMinMs;
    this.#lastAtMs = nowMs;
    const delayMs = this.#nextMs * (1 + this.#random.next());
    this.#nextMs = Math.min(this.#nextMs * 2, reflectorBackoffMaxMs);
    return Math.min(delayMs, reflectorBackoffMaxMs);
  }
}
