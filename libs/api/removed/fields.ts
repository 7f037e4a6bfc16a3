// Fields of objects that nobody has validated: absent and of another type are alike here, for the apiserver says what is wrong.
import { isObject, type JsonObject } from '../json.ts';

/** The object at `key`, or an empty one that is not part of `of`. */
export function objectAt(of: JsonObject, key: string): JsonObject {
  const value = of[key];
  return isObject(value) ? value : {};
}

/** The objects of the list at `key`. */
export function objectsAt(of: JsonObject, key: string): JsonObject[] {
  const value = of[key];
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Sets what is absent. */
export function fillIn(of: JsonObject, defaults: JsonObject): void {
  for (const key in defaults) of[key] ??= defaults[key];
}

/** Calls a field otherwise; a value that the new name has already stays. */
export function renameField(of: JsonObject, from: string, to: string): void {
  if (of[from] !== undefined) of[to] ??= of[from];
  delete of[from];
}
