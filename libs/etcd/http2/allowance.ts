// How often the other side may do what costs it less than it costs here: a bucket of tokens that fills up again with time.

export interface AllowanceLimit {
  /** How many at once. */
  readonly burst: number;
  /** How many more in a second, in the long run. */
  readonly perSecond: number;
}

export class Allowance {
  readonly #limit: AllowanceLimit;
  #left: number;
  #atMs: number;

  constructor(limit: AllowanceLimit, nowMs: number) {
    this.#limit = limit;
    this.#left = limit.burst;
    this.#atMs = nowMs;
  }

  /** Takes one; whether there was none left. */
  isSpent(nowMs: number): boolean {
    const { burst, perSecond } = this.#limit;
    this.#left = Math.min(burst, this.#left + ((nowMs - this.#atMs) * perSecond) / 1000);
    this.#atMs = nowMs;
    if (this.#left < 1) return true;
    this.#left--;
    return false;
  }
}
