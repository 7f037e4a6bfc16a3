// Answers that are good for a while, and not more of them than a bound.
import type { Clock } from '@drydock/foundation/clock.ts';

const answersMax = 1000;

export class AnswerCache<T> {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #answers = new Map<string, { readonly value: T; readonly untilMs: number }>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Undefined where there is none that is still good. */
  get(key: string): { readonly value: T } | undefined {
    const found = this.#answers.get(key);
    if (found === undefined || found.untilMs > this.#clock.monotonicMs()) return found;
    this.#answers.delete(key);
    return undefined;
  }

  /** The oldest one makes room. */
  set(key: string, value: T, forMs: number): void {
    this.#answers.delete(key);
    this.#answers.set(key, { value, untilMs: this.#clock.monotonicMs() + forMs });
    const oldest = this.#answers.keys().next().value;
    if (this.#answers.size > answersMax && oldest !== undefined) this.#answers.delete(oldest);
  }
}
