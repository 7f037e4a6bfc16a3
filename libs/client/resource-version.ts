// Resource versions of one resource are ordered: decimal numbers of any length (KEP-5504).

/** Whether version `a` is at or after `b`; an unknown version is before everything. */
export function atLeast(a: string | undefined, b: string): boolean {
  if (a === undefined) return false;
  return a.length === b.length ? a >= b : a.length > b.length;
}
