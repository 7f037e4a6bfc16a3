// Exact amounts by name, and what a pod asks for and is limited to as a whole (component-helpers, resource.PodRequests).
import type { Container, PodSpec } from '../generated/types.ts';
import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  type Quantity,
  quantityOf,
  subtractQuantities,
  tryParseQuantity,
} from '../quantity.ts';

export type Amounts = Map<string, Quantity>;
export type AmountTexts = Readonly<Record<string, string>>;

/** Texts that are no quantities are left out: validation refuses them. */
export function amountsFrom(list: AmountTexts | undefined): Amounts {
  const amounts: Amounts = new Map();
  for (const [name, text] of Object.entries(list ?? {})) {
    const quantity = tryParseQuantity(text);
    if (quantity !== undefined) amounts.set(name, quantity);
  }
  return amounts;
}

export function textsOf(amounts: ReadonlyMap<string, Quantity>): Record<string, string> {
  return Object.fromEntries([...amounts].map(([name, quantity]) => [name, formatQuantity(quantity)]));
}

/** Adds in place. */
export function addTo(into: Amounts, more: ReadonlyMap<string, Quantity>): void {
  for (const [name, quantity] of more) {
    const before = into.get(name);
    into.set(name, before === undefined ? quantity : addQuantities(before, quantity));
  }
}

/** What of `a` goes beyond `b`, never below zero; of the names of both. */
export function excessOf(a: ReadonlyMap<string, Quantity>, b: ReadonlyMap<string, Quantity>): Amounts {
  const zero = quantityOf(0);
  return new Map(
    [...new Set([...a.keys(), ...b.keys()])].map((name) => {
      const more = subtractQuantities(a.get(name) ?? zero, b.get(name) ?? zero);
      return [name, more.unscaled < 0n ? zero : more];
    }),
  );
}

function raiseTo(into: Amounts, other: ReadonlyMap<string, Quantity>): void {
  for (const [name, quantity] of other) {
    const before = into.get(name);
    if (before === undefined || compareQuantities(quantity, before) > 0) into.set(name, quantity);
  }
}

/**
 * The pod's own requests or limits: of its containers and sidecars together, or what one init container takes beside the
 * sidecars before it, whichever is more; the overhead on top.
 */
export function podAmounts(spec: PodSpec, kind: 'requests' | 'limits'): Amounts {
  const of = (container: Container): Amounts => amountsFrom(container.resources?.[kind]);
  const total: Amounts = new Map();
  for (const container of spec.containers ?? []) addTo(total, of(container));
  const sidecars: Amounts = new Map();
  const startUp: Amounts = new Map();
  for (const container of spec.initContainers ?? []) {
    const own = of(container);
    if (container.restartPolicy === 'Always') {
      addTo(total, own);
      addTo(sidecars, own);
      raiseTo(startUp, sidecars);
    } else {
      addTo(own, sidecars);
      raiseTo(startUp, own);
    }
  }
  raiseTo(total, startUp);
  for (const [name, quantity] of amountsFrom(spec.resources?.[kind])) total.set(name, quantity);
  const overhead = amountsFrom(spec.overhead);
  // A pod without a limit does not get one by its overhead.
  addTo(total, kind === 'requests' ? overhead : new Map([...overhead].filter(([name]) => total.has(name))));
  return total;
}
