// RFC 7386 patches.
import { cloneJson, isObject, type JsonObject, ownField, setField } from '../json.ts';
import { parsePatch } from './json-patch.ts';
import { patchUndecodable } from './patch-error.ts';

/** A new object: `original` with `patch` (JSON text) merged in. Throws ApiError BadRequest for a text that is no object. */
export function applyMergePatch(original: JsonObject, patch: string): JsonObject {
  const value = parsePatch(patch, 'error decoding patch: ');
  if (!isObject(value)) {
    const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    throw patchUndecodable(
      `error decoding patch: json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`,
    );
  }
  return merge(original, value);
}

function merge(original: unknown, patch: JsonObject): JsonObject {
  const result: JsonObject = isObject(original) ? { ...original } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else if (isObject(value)) setField(result, key, merge(ownField(result, key), value));
    else setField(result, key, cloneJson(value));
  }
  return result;
}
