// Merging lists: of objects by their merge key, of plain values as sets; then the order that the patch asks for.
import { cloneJson, isObject, type JsonObject } from '../json.ts';
import { goMapText } from './go-map-text.ts';
import { patchFailed } from './patch-error.ts';
import { mergeObject, strip } from './strategic-merge.ts';

export interface KeyedList {
  readonly model: string;
  readonly mergeKey: string;
}

/**
 * Merges `patch` into `current`, element by element. `order` is the value of `$setElementOrder`, if any; without it the
 * patch's own order counts, so that an element new to the server comes before those that the patch does not name.
 */
export function mergeKeyedList(
  list: KeyedList,
  current: readonly unknown[],
  patch: readonly unknown[],
  order: unknown,
): unknown[] {
  const elements = patch.filter(isObject);
  const directives: unknown[] = [undefined, 'merge', 'replace', 'delete'];
  const unknown = elements.find((element) => !directives.includes(element.$patch));
  if (unknown !== undefined) throw patchFailed(`unknown patch type: ${String(unknown.$patch)} in map: ${goMapText(unknown)}`);
  const kept = elements.filter((element) => element.$patch === undefined || element.$patch === 'merge');
  if (elements.some((element) => element.$patch === 'replace')) return kept.map(strip);
  let result = [...current];
  for (const element of elements) {
    if (element.$patch !== 'delete') continue;
    const key = keyOf(list, element);
    result = result.filter((item) => !isObject(item) || item[list.mergeKey] !== key);
  }
  const named: unknown[] = [];
  for (const element of kept) {
    const key = keyOf(list, element);
    named.push(key);
    const at = result.findIndex((item) => isObject(item) && item[list.mergeKey] === key);
    if (at < 0) result.push(mergeObject(list.model, {}, element));
    else result[at] = mergeObject(list.model, result[at] as JsonObject, element);
  }
  const wanted = Array.isArray(order) ? order.filter(isObject).map((item) => item[list.mergeKey]) : named;
  if (Array.isArray(order)) checkOrder(list, order, wanted, kept);
  return arrange(result, current, wanted, (item) => (isObject(item) ? item[list.mergeKey] : item));
}

/** Merges a list of plain values: deletions, then additions of what is not there. */
export function mergePrimitiveList(
  current: readonly unknown[],
  patch: readonly unknown[],
  deletions: unknown,
  order: unknown,
): unknown[] {
  const deleted = new Set(Array.isArray(deletions) ? deletions : []);
  const result = current.filter((item) => !deleted.has(item));
  for (const item of patch) if (!result.includes(item)) result.push(cloneJson(item));
  return arrange(result, current, Array.isArray(order) ? order : patch, (item) => item);
}

function keyOf(list: KeyedList, element: JsonObject): unknown {
  const key = element[list.mergeKey];
  if (key === undefined) {
    throw patchFailed(`map: ${goMapText(element)} does not contain declared merge key: ${list.mergeKey}`);
  }
  return key;
}

function checkOrder(list: KeyedList, order: readonly unknown[], wanted: readonly unknown[], kept: readonly JsonObject[]): void {
  let at = 0;
  for (const element of kept) {
    const found = wanted.indexOf(element[list.mergeKey], at);
    if (found < 0) {
      const texts = [goMapText(kept), goMapText(order)];
      throw patchFailed(`The order in patch list:\n${texts[0]}\n doesn't match $setElementOrder list:\n${texts[1]}\n`);
    }
    at = found + 1;
  }
}

/**
 * The items in the order of `wanted`; those that only the server has keep their place relative to the items before which
 * they stood.
 */
function arrange(
  items: readonly unknown[],
  original: readonly unknown[],
  wanted: readonly unknown[],
  keyOf: (item: unknown) => unknown,
): unknown[] {
  const byKey = new Map(items.map((item) => [keyOf(item), item]));
  const listed = new Set(wanted);
  const ordered = wanted.filter((key) => byKey.has(key));
  const serverOnly = items.map(keyOf).filter((key) => !listed.has(key));
  const place = new Map(original.map((item, index) => [keyOf(item), index]));
  const merged: unknown[] = [];
  let next = 0;
  for (const key of ordered) {
    const at = place.get(key);
    while (next < serverOnly.length && at !== undefined && (place.get(serverOnly[next]) ?? 0) < at) {
      merged.push(byKey.get(serverOnly[next]));
      next += 1;
    }
    merged.push(byKey.get(key));
  }
  for (; next < serverOnly.length; next++) merged.push(byKey.get(serverOnly[next]));
  return merged;
}
