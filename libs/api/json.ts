// Plain JSON values: the few operations on them that the rest of the library shares.

/** A JSON object whose fields have not been looked at. */
export type JsonObject = { [key: string]: unknown };

/** Whether `value` is an object (neither null nor an array). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object's own value of `key`: names that users choose may be `constructor` or `__proto__`. */
export function ownField<T>(object: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return object !== undefined && Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Sets a key that a user chose. Plain assignment to `__proto__` would set no key at all. */
export function setField(object: JsonObject, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
}

/** Deep equality of JSON values; the order of object keys does not count, `undefined` fields count as absent. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => jsonEqual(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  for (const key in a) if (!jsonEqual(a[key], ownField(b, key))) return false;
  for (const key in b) if (b[key] !== undefined && ownField(a, key) === undefined) return false;
  return true;
}

/** Equality in the API's sense: absent, null, `{}`, `[]` are the same (Go's nil and empty). */
export function semanticEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (isEmpty(a) && isEmpty(b)) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => semanticEqual(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  for (const key in a) if (!semanticEqual(a[key], ownField(b, key))) return false;
  for (const key in b) if (!Object.hasOwn(a, key) && !isEmpty(b[key])) return false;
  return true;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  if (typeof value !== 'object') return false;
  for (const key in value) if (!isEmpty((value as JsonObject)[key])) return false;
  return true;
}

/** A copy that shares nothing with `value`. */
export function cloneJson<T>(value: T): T {
  if (Array.isArray(value)) return value.map(cloneJson) as T;
  if (typeof value !== 'object' || value === null) return value;
  const copy: JsonObject = {};
  for (const key in value) setField(copy, key, cloneJson((value as JsonObject)[key]));
  return copy as T;
}

/** Makes `to` have what `from` has of `key`, which may be nothing. */
export function copyField(to: JsonObject, from: JsonObject, key: string): void {
  const value = ownField(from, key);
  if (value === undefined) delete to[key];
  else setField(to, key, value);
}
