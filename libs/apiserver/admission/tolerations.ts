// Two lists of tolerations as one (pkg/util/tolerations).
import type { Toleration } from '@drydock/api/generated/types.ts';
import { jsonEqual } from '@drydock/api/json.ts';

/** All of `first`, then all of `second`, without those that another one takes in; of equal ones the first stays. */
export function mergeTolerations(first: readonly Toleration[], second: readonly Toleration[]): Toleration[] {
  const all = [...first, ...second];
  const merged: Toleration[] = [];
  for (const [index, each] of all.entries()) {
    const isLater = all.slice(index + 1).some((later) => !jsonEqual(later, each) && takesIn(later, each));
    if (!isLater && !merged.some((kept) => takesIn(kept, each))) merged.push(each);
  }
  return merged;
}

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
