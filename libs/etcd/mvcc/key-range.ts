// etcd's way to say a range: (key, '') is one key, (key, '\0') is all from key on, ('\0', '\0') is everything.

export interface KeyRange {
  readonly from: string;
  /** Exclusive; undefined: no end. */
  readonly to: string | undefined;
  /** Exactly the key `from`. */
  readonly single: boolean;
}

export function keyRange(key: string, rangeEnd: string): KeyRange {
  if (rangeEnd === '') return { from: key, to: `${key}\0`, single: true };
  return { from: key, to: rangeEnd === '\0' ? undefined : rangeEnd, single: false };
}

export function rangeContains(range: KeyRange, key: string): boolean {
  return range.single ? key === range.from : key >= range.from && (range.to === undefined || key < range.to);
}

export function rangesOverlap(a: KeyRange, b: KeyRange): boolean {
  return (b.to === undefined || a.from < b.to) && (a.to === undefined || b.from < a.to);
}
