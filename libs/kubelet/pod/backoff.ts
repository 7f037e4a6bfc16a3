// Back-off of what fails again and again: containers that end, images that cannot be pulled (client-go's flowcontrol.Backoff).

export const crashBackoffInitialMs = 10_000;
export const crashBackoffMaxMs = 300_000;

interface Entry {
  delayMs: number;
  updatedAtMs: number;
}

/** Per key: 10 s doubling to 5 minutes, forgotten after twice the longest delay without failure. Times are the caller's. */
export class BackoffTable {
  readonly #entries = new Map<string, Entry>();
  readonly #initialMs: number;
  readonly #maxMs: number;

  constructor(initialMs = crashBackoffInitialMs, maxMs = crashBackoffMaxMs) {
    this.#initialMs = initialMs;
    this.#maxMs = maxMs;
  }

  /** Milliseconds left until `key`, which failed at `failedAtMs`, may be tried again. */
  remainingMs(key: string, failedAtMs: number, nowMs: number): number {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#isOver(entry, failedAtMs)) return 0;
    return Math.max(0, failedAtMs + entry.delayMs - nowMs);
  }

  delayMs(key: string): number {
    return this.#entries.get(key)?.delayMs ?? 0;
  }

  /** `key` is tried (again): the next failure waits longer. */
  next(key: string, failedAtMs: number, nowMs: number): void {
    const entry = this.#entries.get(key);
    const expired = entry === undefined || this.#isOver(entry, failedAtMs);
    const delayMs = expired ? this.#initialMs : Math.min(entry.delayMs * 2, this.#maxMs);
    this.#entries.set(key, { delayMs, updatedAtMs: nowMs });
  }

  /** It was well for so long that it counts as new. */
  #isOver(entry: Entry, failedAtMs: number): boolean {
    return failedAtMs - entry.updatedAtMs > 2 * this.#maxMs;
  }

  forget(prefix: string): void {
    for (const key of [...this.#entries.keys()]) if (key.startsWith(prefix)) this.#entries.delete(key);
  }
}
