// Entries in the order of their keys: an array of sorted chunks. A two-level B-tree in effect, with little code and little
// memory per key: finding is two binary searches, inserting moves at most one chunk, counting looks at chunks.

export interface Keyed {
  readonly key: string;
}

/** A chunk is split in two at this many entries. */
const chunkEntriesMax = 512;

interface Chunk<T> {
  entries: T[];
  /** How many of them are counted. */
  counted: number;
}

export class SortedList<T extends Keyed> {
  readonly #isCounted: (entry: T) => boolean;
  readonly #chunks: Chunk<T>[] = [{ entries: [], counted: 0 }];
  #size = 0;

  /** @param isCounted which entries `count` counts; where that changes, the list is to be told by `toggled`. */
  constructor(isCounted: (entry: T) => boolean) {
    this.#isCounted = isCounted;
  }

  get size(): number {
    return this.#size;
  }

  get(key: string): T | undefined {
    const { entries } = this.#chunkOf(key);
    const entry = entries[lowerBound(entries, key)];
    return entry !== undefined && entry.key === key ? entry : undefined;
  }

  /** Adds an entry whose key is not there yet. */
  insert(entry: T): void {
    const at = this.#chunkAt(entry.key);
    const chunk = this.#chunks[at] as Chunk<T>;
    const { entries } = chunk;
    entries.splice(lowerBound(entries, entry.key), 0, entry);
    if (this.#isCounted(entry)) chunk.counted++;
    this.#size++;
    if (entries.length <= chunkEntriesMax) return;
    // Keys that arrive in order leave full chunks behind; others are split in the middle.
    const appended = entries.at(-1) === entry && at === this.#chunks.length - 1;
    const cut = appended ? chunkEntriesMax : chunkEntriesMax / 2;
    const upper = entries.splice(cut);
    const counted = this.#countIn(upper, 0, upper.length);
    chunk.counted -= counted;
    this.#chunks.splice(at + 1, 0, { entries: upper, counted });
  }

  remove(key: string): void {
    const at = this.#chunkAt(key);
    const chunk = this.#chunks[at] as Chunk<T>;
    const { entries } = chunk;
    const index = lowerBound(entries, key);
    const entry = entries[index];
    if (entry?.key !== key) return;
    entries.splice(index, 1);
    if (this.#isCounted(entry)) chunk.counted--;
    this.#size--;
    if (entries.length === 0 && this.#chunks.length > 1) this.#chunks.splice(at, 1);
  }

  /** The entry of this key is counted now and was not before, or the other way round. */
  toggled(entry: T): void {
    this.#chunkOf(entry.key).counted += this.#isCounted(entry) ? 1 : -1;
  }

  /** How many keys in [from, to) are counted, without a look at each of them. */
  count(from: string, to: string | undefined): number {
    let count = 0;
    this.#pieces(from, to, (chunk, first, end) => {
      const isWhole = first === 0 && end === chunk.entries.length;
      count += isWhole ? chunk.counted : this.#countIn(chunk.entries, first, end);
      return true;
    });
    return count;
  }

  /** Calls `visit` for keys in [from, to), in order, until it returns false; `to` undefined means no upper bound. No changes meanwhile. */
  scan(from: string, to: string | undefined, visit: (entry: T) => boolean): void {
    this.#pieces(from, to, ({ entries }, first, end) => {
      for (let i = first; i < end; i++) if (!visit(entries[i] as T)) return false;
      return true;
    });
  }

  /** What [from, to) is in each chunk, as indexes; until `visit` returns false. */
  #pieces(from: string, to: string | undefined, visit: (chunk: Chunk<T>, first: number, end: number) => boolean): void {
    let first: number | undefined;
    for (let c = this.#chunkAt(from); c < this.#chunks.length; c++) {
      const chunk = this.#chunks[c] as Chunk<T>;
      const { entries } = chunk;
      first = first === undefined ? lowerBound(entries, from) : 0;
      const last = entries.at(-1);
      const isLast = to !== undefined && last !== undefined && last.key >= to;
      const end = isLast ? lowerBound(entries, to) : entries.length;
      if (first < end && !visit(chunk, first, end)) return;
      if (isLast) return;
    }
  }

  #countIn(entries: readonly T[], first: number, end: number): number {
    let count = 0;
    for (let i = first; i < end; i++) if (this.#isCounted(entries[i] as T)) count++;
    return count;
  }

  #chunkOf(key: string): Chunk<T> {
    return this.#chunks[this.#chunkAt(key)] as Chunk<T>;
  }

  /** The last chunk whose first key is not above `key`. */
  #chunkAt(key: string): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const first = this.#chunks[middle]?.entries[0];
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
