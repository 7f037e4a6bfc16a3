// Merging lists: of objects by their merge key, of plain values as sets; then the order that the patch asks for. Merge keys
// may repeat (a Service's port 53 by UDP and by TCP): all such items stay, and a patch means the first of them.
import { cloneJson, isObject, type JsonObject } from '../json.ts';
import { goMapText } from './go-map-text.ts';
import { patchFailed } from './patch-error.ts';
import { mergeObject, strip } from './strategic-merge.ts';

export interface KeyedList {
  readonly model: string;
  readonly mergeKey: string;
}

type KeyOf = (item: unknown) => unknown;

const itself: KeyOf = (item) => item;

/**
 * Merges `patch` into `current`, element by element. `order` is the value of `$setElementOrder`, if any; without it the
 * patch's own order counts, so that an element new to the server comes before those that the patch does not name.
 * `current` is undefined where the object has no such list: then the patch is taken as it is.
 */
export function mergeKeyedList(
  list: KeyedList,
  current: readonly unknown[] | undefined,
  patch: readonly unknown[],
  order: unknown,
): unknown[] {
  const wanted = Array.isArray(order) ? order : undefined;
  if (wanted !== undefined) checkOrder(list, wanted, patch.filter(isObject));
  const keyOf: KeyOf = (item) => keyIn(list, item);
  if (current === undefined) {
    const taken = patch
      .filter(isObject)
      .filter((item) => item.$patch !== 'delete' && item.$patch !== 'replace')
      .map(strip);
    return wanted === undefined ? taken : arrange(taken, [], wanted, keyOf);
  }
  const { base, elements } = withoutSpecial(list, current, patch.filter(isObject));
  const merged = mergeElements(list, base, elements);
  const ordered = arrange(merged, base, elements, keyOf);
  return wanted === undefined ? ordered : arrange(ordered, current, wanted, keyOf);
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
  const known = new Set(result);
  for (const item of patch) {
    if (known.has(item)) continue;
    known.add(item);
    result.push(cloneJson(item));
  }
  return arrange(result, current, Array.isArray(order) ? order : patch, itself);
}

/** Carries out `$patch` elements: what is left of the list, and of the patch. */
function withoutSpecial(
  list: KeyedList,
  current: readonly unknown[],
  patch: readonly JsonObject[],
): { readonly base: readonly unknown[]; readonly elements: readonly JsonObject[] } {
  const elements = patch.filter((element) => element.$patch === undefined);
  const deleted = new Set<unknown>();
  let replaces = false;
  for (const element of patch) {
    switch (element.$patch) {
      case undefined:
        break;
      case 'delete':
        deleted.add(keyIn(list, element));
        break;
      case 'replace':
        replaces = true;
        break;
      case 'merge':
        throw patchFailed('merging lists cannot yet be specified in the patch');
      default:
        throw patchFailed(`unknown patch type: ${String(element.$patch)} in map: ${goMapText(element)}`);
    }
  }
  if (replaces) return { base: elements.map(strip), elements: [] };
  return { base: current.filter((item) => !isObject(item) || !deleted.has(item[list.mergeKey])), elements };
}

function mergeElements(list: KeyedList, base: readonly unknown[], elements: readonly JsonObject[]): unknown[] {
  const result = [...base];
  const places = firstPlaces(base, (item) => (isObject(item) ? item[list.mergeKey] : undefined));
  for (const element of elements) {
    const key = keyIn(list, element);
    const at = places.get(key);
    if (at === undefined) {
      places.set(key, result.length);
      result.push(strip(element));
    } else result[at] = mergeObject(list.model, result[at] as JsonObject, element);
  }
  return result;
}

function keyIn(list: KeyedList, element: unknown): unknown {
  const key = isObject(element) ? element[list.mergeKey] : undefined;
  if (key === undefined) {
    throw patchFailed(`map: ${goMapText(element)} does not contain declared merge key: ${list.mergeKey}`);
  }
  return key;
}

function checkOrder(list: KeyedList, order: readonly unknown[], patch: readonly JsonObject[]): void {
  const elements = patch.filter((element) => element.$patch === undefined || element.$patch === 'merge');
  const keys = order.map((item) => (isObject(item) ? item[list.mergeKey] : undefined));
  let at = 0;
  for (const element of elements) {
    const found = keys.indexOf(element[list.mergeKey], at);
    if (found < 0) {
      const texts = [goMapText(elements), goMapText(order)];
      throw patchFailed(`The order in patch list:\n${texts[0]}\n doesn't match $setElementOrder list:\n${texts[1]}\n`);
    }
    at = found + 1;
  }
}

/**
 * The items that `wanted` names in its order, and those that only the server has (in the order of `original`) before the
 * first named item behind which they did not stand.
 */
function arrange(items: readonly unknown[], original: readonly unknown[], wanted: readonly unknown[], keyOf: KeyOf): unknown[] {
  const rank = firstPlaces(wanted, keyOf);
  const place = firstPlaces(original, keyOf);
  const byPlace = (places: ReadonlyMap<unknown, number>) => (a: unknown, b: unknown) =>
    (places.get(keyOf(a)) ?? 0) - (places.get(keyOf(b)) ?? 0);
  const named = items.filter((item) => rank.has(keyOf(item))).sort(byPlace(rank));
  const serverOnly = items.filter((item) => !rank.has(keyOf(item))).sort(byPlace(place));
  const merged: unknown[] = [];
  let next = 0;
  for (const item of named) {
    const at = place.get(keyOf(item));
    for (; next < serverOnly.length; next++) {
      const before = place.get(keyOf(serverOnly[next]));
      if (at === undefined || before === undefined || before >= at) break;
      merged.push(serverOnly[next]);
    }
    merged.push(item);
  }
  return [...merged, ...serverOnly.slice(next)];
}

function firstPlaces(list: readonly unknown[], keyOf: KeyOf): Map<unknown, number> {
  const places = new Map<unknown, number>();
  list.forEach((item, index) => {
    const key = keyOf(item);
    if (!places.has(key)) places.set(key, index);
  });
  return places;
}
