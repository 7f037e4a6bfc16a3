// Quantities of resource lists are kept in thousandths at the finest.
import { milliScale, roundUpQuantity, tryParseQuantity } from '../quantity.ts';

/** Rounds every quantity up to a whole number of thousandths and spells it canonically, in place. */
export function roundQuantities(list: Record<string, string> | undefined): void {
  for (const name in list) {
    const parsed = tryParseQuantity(list[name] ?? '');
    if (parsed !== undefined) list[name] = roundUpQuantity(parsed, milliScale).toString();
  }
}
