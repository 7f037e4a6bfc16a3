// How long to wait before trying the same thing again, per key, doubling from try to try.

interface Entry {
  readonly delayMs: number;
  readonly atMs: number;
}

/** Doubles a key's delay with every `next`; a key that was left alone for twice the longest delay starts over. */
export class KeyBackoff {
  readonly #entries = new Map<string, Entry>();
  readonly #firstMs: number;
  readonly #maxMs: number;

  constructor(limits: { readonly firstMs: number; readonly maxMs: number }) {
    this.#firstMs = limits.firstMs;
    this.#maxMs = limits.maxMs;
  }

  /** Milliseconds until the key may be tried again; 0 means now. @param nowMs monotonic. */
  waitMs(key: string, nowMs: number): number {
    const entry = this.#entries.get(key);
    return entry === undefined ? 0 : Math.max(0, entry.atMs + entry.delayMs - nowMs);
  }

  /** The key is tried now. */
  next(key: string, nowMs: number): void {
    const entry = this.#entries.get(key);
    const fresh = entry === undefined || nowMs - entry.atMs > 2 * this.#maxMs;
    this.#entries.set(key, { delayMs: fresh ? this.#firstMs : Math.min(entry.delayMs * 2, this.#maxMs), atMs: nowMs });
  }

  /** Forgets every key that begins with `prefix`. */
  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }
}
