// What is due when, the earliest first: a binary heap. Times may move to later without the queue being told: they are looked at again
// when their turn comes, so that a renewal costs nothing.

interface Entry<T> {
  /** The item is not due before. */
  readonly notBefore: number;
  /** Among those of one time the first to come is the first to go. */
  readonly order: number;
  readonly item: T;
}

/** Below it those that are gone are not worth a look. */
const sweepMin = 1024;

export class DueQueue<T> {
  readonly #heap: Entry<T>[] = [];
  readonly #dueOf: (item: T) => number | undefined;
  #added = 0;
  /** How many there are when those that are gone are looked for next. */
  #sweepAt = sweepMin;

  /** `dueOf`: when an item is due now, or undefined where it is gone. It never moves to earlier while the item is in the queue. */
  constructor(dueOf: (item: T) => number | undefined) {
    this.#dueOf = dueOf;
  }

  /** Those that are gone are among them for a while. */
  get size(): number {
    return this.#heap.length;
  }

  add(item: T): void {
    if (this.#heap.length >= this.#sweepAt) this.#sweep();
    const notBefore = this.#dueOf(item);
    if (notBefore !== undefined && notBefore < Infinity) this.#push({ notBefore, order: this.#added++, item });
  }

  /** When the first is due; Infinity where there is none. */
  nextDue(): number {
    return this.#settle()?.notBefore ?? Infinity;
  }

  /** Takes out the first where it is due by `now`. */
  take(now: number): T | undefined {
    const first = this.#settle();
    if (first === undefined || first.notBefore > now) return undefined;
    this.#pop();
    return first.item;
  }

  clear(): void {
    this.#heap.length = 0;
  }

  /** Puts those that have moved where they belong, until the first is right. */
  #settle(): Entry<T> | undefined {
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      const due = this.#dueOf(first.item);
      if (due === first.notBefore) return first;
      this.#pop();
      this.add(first.item);
    }
    return undefined;
  }

  /** Drops those that are gone: their time may be years away. */
  #sweep(): void {
    const there = this.#heap.filter(({ item }) => this.#dueOf(item) !== undefined);
    this.#heap.length = 0;
    for (const entry of there) this.#push(entry);
    this.#sweepAt = Math.max(sweepMin, 2 * there.length);
  }

  #push(entry: Entry<T>): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || isBefore(above, entry)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      const [left, right] = [heap[child], heap[child + 1]];
      const [below, place] =
        right !== undefined && left !== undefined && isBefore(right, left) ? [right, child + 1] : [left, child];
      if (below === undefined || isBefore(last, below)) break;
      heap[at] = below;
      at = place;
    }
    heap[at] = last;
  }
}

function isBefore<T>(a: Entry<T>, b: Entry<T>): boolean {
  return a.notBefore < b.notBefore || (a.notBefore === b.notBefore && a.order < b.order);
}
