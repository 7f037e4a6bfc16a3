// A set of keys as the union of intervals: what the permissions of one user's roles grant together.
import { type KeyRange, keyRange } from '../mvcc/key-range.ts';

interface Interval {
  readonly from: string;
  /** Exclusive; undefined: no end. */
  to: string | undefined;
}

export class KeyIntervals {
  /** Disjoint, not even touching, in order. */
  readonly #intervals: readonly Interval[];

  /** Each range as a request says it: (key, '') is one key, (key, '\0') all from key on. */
  constructor(ranges: readonly (readonly [key: string, rangeEnd: string])[]) {
    const sorted = ranges.map(([key, rangeEnd]) => keyRange(key, rangeEnd)).sort((a, b) => (a.from < b.from ? -1 : 1));
    const intervals: Interval[] = [];
    for (const { from, to } of sorted) {
      const last = intervals.at(-1);
      if (last !== undefined && (last.to === undefined || from <= last.to)) last.to = later(last.to, to);
      else intervals.push({ from, to });
    }
    this.#intervals = intervals;
  }

  /**
   * Whether every key of the range is in the set. Of a range without keys (its end before its start): whether what it spans is;
   * there the original's answer depends on the shape of a tree, and this is the strictest it has.
   */
  covers(range: KeyRange): boolean {
    const { from, to } = range;
    const interval = this.#lastFrom(from);
    if (interval === undefined) return false;
    if (to !== undefined && to <= from) return interval.from < to && isBefore(from, interval.to);
    return interval.to === undefined || (to !== undefined && to <= interval.to);
  }

  /** The last interval that begins at or before `key`. */
  #lastFrom(key: string): Interval | undefined {
    let low = 0;
    let high = this.#intervals.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#intervals[middle]?.from ?? '') <= key) low = middle + 1;
      else high = middle;
    }
    return this.#intervals[low - 1];
  }
}

function later(a: string | undefined, b: string | undefined): string | undefined {
  if (a === undefined || b === undefined) return undefined;
  return a > b ? a : b;
}

function isBefore(key: string, end: string | undefined): boolean {
  return end === undefined || key < end;
}
