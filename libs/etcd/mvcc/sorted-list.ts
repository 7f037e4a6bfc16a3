// Entries in the order of their keys: an array of sorted chunks. A two-level B-tree in effect, with little code and little
// memory per key: finding is two binary searches, inserting moves at most one chunk.

export interface Keyed {
  readonly key: string;
}

/** A chunk is split in two at this many entries. */
const chunkEntriesMax = 512;

export class SortedList<T extends Keyed> {
  #chunks: T[][] = [[]];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: string): T | undefined {
    const chunk = this.#chunks[this.#chunkOf(key)] ?? [];
    const entry = chunk[lowerBound(chunk, key)];
    return entry !== undefined && entry.key === key ? entry : undefined;
  }

  /** Adds an entry whose key is not there yet. */
  insert(entry: T): void {
    const at = this.#chunkOf(entry.key);
    const chunk = this.#chunks[at] ?? [];
    chunk.splice(lowerBound(chunk, entry.key), 0, entry);
    this.#size++;
    if (chunk.length <= chunkEntriesMax) return;
    // Keys that arrive in order leave full chunks behind; others are split in the middle.
    const appended = chunk.at(-1) === entry && at === this.#chunks.length - 1;
    const cut = appended ? chunkEntriesMax : chunkEntriesMax / 2;
    this.#chunks.splice(at + 1, 0, chunk.splice(cut));
  }

  remove(key: string): void {
    const at = this.#chunkOf(key);
    const chunk = this.#chunks[at] ?? [];
    const index = lowerBound(chunk, key);
    if (chunk[index]?.key !== key) return;
    chunk.splice(index, 1);
    this.#size--;
    if (chunk.length === 0 && this.#chunks.length > 1) this.#chunks.splice(at, 1);
  }

  /** Calls `visit` for keys in [from, to), in order, until it returns false; `to` undefined means no upper bound. No changes meanwhile. */
  scan(from: string, to: string | undefined, visit: (entry: T) => boolean): void {
    for (let c = this.#chunkOf(from); c < this.#chunks.length; c++) {
      const chunk = this.#chunks[c] ?? [];
      for (let i = lowerBound(chunk, from); i < chunk.length; i++) {
        const entry = chunk[i];
        if (entry === undefined || (to !== undefined && entry.key >= to)) return;
        if (!visit(entry)) return;
      }
    }
  }

  /** The last chunk whose first key is not above `key`. */
  #chunkOf(key: string): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const first = this.#chunks[middle]?.[0];
      if (first !== undefined && first.key <= key) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function lowerBound(chunk: readonly Keyed[], key: string): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = chunk[middle];
    if (entry !== undefined && entry.key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
