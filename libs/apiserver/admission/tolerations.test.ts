// Merging as upstream defines it, pair by pair, and what it costs.

import type { Toleration } from '@drydock/api/generated/types.ts';
import { jsonEqual } from '@drydock/api/json.ts';
import { processorMs } from '@drydock/foundation/testing/processor-time.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeTolerations } from './tolerations.ts';

/** Whether `wide` tolerates all that `narrow` does, and for as long. */
function takesIn(wide: Toleration, narrow: Toleration): boolean {
  if (jsonEqual(wide, narrow)) return true;
  const anyKey = !wide.key && wide.operator === 'Exists';
  if (!anyKey && (wide.key ?? '') !== (narrow.key ?? '')) return false;
  if (wide.effect && wide.effect !== narrow.effect) return false;
  if (wide.effect === 'NoExecute' && wide.tolerationSeconds !== undefined) {
    if (narrow.tolerationSeconds === undefined || narrow.tolerationSeconds > wide.tolerationSeconds) return false;
  }
  if (wide.operator === 'Exists') return true;
  const equal = (wide.operator ?? '') === '' || wide.operator === 'Equal';
  return equal && narrow.operator === 'Equal' && (narrow.value ?? '') === (wide.value ?? '');
}

function byPairs(all: readonly Toleration[]): Toleration[] {
  const merged: Toleration[] = [];
  for (const [index, each] of all.entries()) {
    const isLater = all.slice(index + 1).some((later) => !jsonEqual(later, each) && takesIn(later, each));
    if (!isLater && !merged.some((kept) => takesIn(kept, each))) merged.push(each);
  }
  return merged;
}

const toleration: fc.Arbitrary<Toleration> = fc.record(
  {
    key: fc.constantFrom('', 'a', 'b'),
    operator: fc.constantFrom('', 'Exists', 'Equal', 'Lt'),
    value: fc.constantFrom('', '1', '2'),
    effect: fc.constantFrom('', 'NoExecute', 'NoSchedule'),
    tolerationSeconds: fc.constantFrom(-1, 0, 10, 20),
  },
  { requiredKeys: [] },
);

test('of two that say the same the wider one stays', () => {
  const list = fc.array(toleration, { maxLength: 8 });
  fc.assert(
    fc.property(list, list, (first, second) => {
      expect(mergeTolerations(first, second)).toEqual(byPairs([...first, ...second]));
    }),
    { numRuns: 2_000 },
  );
});

test('as many as a body may have cost time by their number only', () => {
  const shapes: readonly ((at: number) => Toleration)[] = [
    (at) => ({ key: `k${at}`, operator: 'Exists' }),
    (at) => ({ key: 'k', operator: 'Equal', value: `${at}`, effect: 'NoSchedule' }),
    (at) => ({ key: 'k', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: at }),
  ];
  for (const shape of shapes) {
    const many = Array.from({ length: 20_000 }, (_, at) => shape(at));
    const begun = processorMs();
    expect(mergeTolerations(many, many).length).toBeLessThanOrEqual(many.length);
    // Pair by pair it takes minutes.
    expect(processorMs() - begun).toBeLessThan(60_000);
  }
}, 200_000);
