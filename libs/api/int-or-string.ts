// Values that are a number or a string: ports, and counts that may be percentages.
import type { IntOrString } from './generated/types.ts';

const int32Pattern = /^-?\d+$/;

/** The number, or the string as a number; 0 for other strings. */
export function intValue(value: IntOrString): number {
  if (typeof value === 'number') return value;
  return int32Pattern.test(value) ? Number(value) : 0;
}

/** The percentage that `value` spells (`25%`), or undefined. */
export function percentOf(value: IntOrString): number | undefined {
  if (typeof value === 'number') return undefined;
  const match = /^(\d+)%$/.exec(value);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** A count: numbers as they are, percentages of `total` rounded as asked. Undefined for other strings. */
export function scaledCount(value: IntOrString, total: number, roundUp: boolean): number | undefined {
  if (typeof value === 'number') return value;
  const percent = percentOf(value);
  if (percent === undefined) return undefined;
  const exact = (percent * total) / 100;
  return roundUp ? Math.ceil(exact) : Math.floor(exact);
}
