// Counts that users may give as a share of the total (intstr.GetScaledValueFromIntOrPercent).
import type { IntOrString } from '@drydock/api/generated/types.ts';

/** `3` is 3; `"25%"` of `total`, rounded up or down. Anything else counts as 0. */
export function scaledValue(value: IntOrString | undefined, total: number, round: 'up' | 'down'): number {
  if (value === undefined) return 0;
  if (typeof value === 'number') return value;
  const match = /^(-?\d+)%$/.exec(value);
  if (match === null) return 0;
  const exact = (Number(match[1]) * total) / 100;
  return round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}
