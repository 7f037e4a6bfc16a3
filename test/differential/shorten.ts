// Delta debugging: leaves out pieces of a sequence, large ones first, as long as what remains still fails.

/** The shortest sequence found that `fails`; empty where the whole does not. `triesMax` bounds the calls. */
export async function shorten<T>(
  whole: readonly T[],
  fails: (part: readonly T[]) => Promise<boolean>,
  triesMax: number,
): Promise<readonly T[]> {
  let tries = 1;
  if (!(await fails(whole))) return [];
  let kept = whole;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < kept.length && tries < triesMax; ) {
      const part = [...kept.slice(0, from), ...kept.slice(from + size)];
      tries++;
      if (await fails(part)) kept = part;
      else from += size;
    }
  }
  return kept;
}
