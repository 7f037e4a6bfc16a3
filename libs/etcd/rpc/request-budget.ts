// What the requests of all connections of a listener may take of this member's memory. Nobody has to be known to send one.

/** Requests of which a part is still to come. Bytes. */
export const partialBytesMax = 256 << 20;
/** Whole requests that are being worked on. Bytes. */
export const workingBytesMax = 512 << 20;
/** Streams of all connections. */
export const streamsTotalMax = 1 << 18;

/** A request that is not complete. */
export interface Incomplete {
  /** Bytes that are kept for it. */
  readonly keptBytes: number;
  /** It is to make room: it was begun before all others. */
  evict(): void;
}

export class RequestBudget {
  readonly #partialBytesMax: number;
  readonly #workingBytesMax: number;
  readonly #streamsMax: number;
  /** In the order in which they were begun, with what was counted of each. */
  readonly #incomplete = new Map<Incomplete, number>();
  #partialBytes = 0;
  #workingBytes = 0;
  #streams = 0;

  constructor(limits: { partialBytesMax?: number; workingBytesMax?: number; streamsMax?: number } = {}) {
    this.#partialBytesMax = limits.partialBytesMax ?? partialBytesMax;
    this.#workingBytesMax = limits.workingBytesMax ?? workingBytesMax;
    this.#streamsMax = limits.streamsMax ?? streamsTotalMax;
  }

  mayOpen(): boolean {
    return this.#streams < this.#streamsMax;
  }

  opened(): void {
    this.#streams++;
  }

  closed(): void {
    this.#streams--;
  }

  /** The request keeps more than before, or less. Where all of them keep too much, those that have been waiting longest end. */
  grown(request: Incomplete): void {
    const { keptBytes } = request;
    this.#partialBytes += keptBytes - (this.#incomplete.get(request) ?? 0);
    // A stream that has said something whole begins anew with what it says next.
    if (keptBytes === 0) this.#incomplete.delete(request);
    else this.#incomplete.set(request, keptBytes);
    while (this.#partialBytes > this.#partialBytesMax) {
      const oldest = this.#incomplete.keys().next().value;
      if (oldest === undefined) return;
      this.completed(oldest);
      oldest.evict();
    }
  }

  /** The request is complete, or over. */
  completed(request: Incomplete): void {
    this.#partialBytes -= this.#incomplete.get(request) ?? 0;
    this.#incomplete.delete(request);
  }

  /** Whether a whole request may be worked on; `worked` must follow. */
  mayWork(bytes: number): boolean {
    if (this.#workingBytes + bytes > this.#workingBytesMax) return false;
    this.#workingBytes += bytes;
    return true;
  }

  worked(bytes: number): void {
    this.#workingBytes -= bytes;
  }
}
