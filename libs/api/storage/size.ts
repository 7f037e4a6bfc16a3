// How much storage an object speaks of.
import { type Quantity, quantityOf, tryParseQuantity } from '../quantity.ts';

/** The amount of storage in a list of requests or of capacity; nothing where it does not say, or what is no quantity. */
export function storageIn(amounts: Readonly<Record<string, string>> | undefined): Quantity {
  return tryParseQuantity(amounts?.['storage'] ?? '') ?? quantityOf(0);
}
