// Strategic merge patches: lists merge by key, with the directives of apimachinery's pkg/util/strategicpatch.
import { cloneJson, isObject, type JsonObject, ownField, setField } from '../json.ts';
import { type FieldSchema, modelSchema } from '../schema.ts';
import { goMapText } from './go-map-text.ts';
import { parsePatch } from './json-patch.ts';
import { mergeKeyedList, mergePrimitiveList } from './merge-lists.ts';
import { patchFailed, patchUndecodable } from './patch-error.ts';

const patchDirective = '$patch';
const retainKeysDirective = '$retainKeys';
const deletePrefix = '$deleteFromPrimitiveList/';
const orderPrefix = '$setElementOrder/';

/**
 * A new object: `original` with `patch` (JSON text) merged in by the strategies of the model. Shares untouched parts with
 * `original`. Throws ApiError.
 */
export function applyStrategicMergePatch(modelName: string, original: JsonObject, patch: string): JsonObject {
  const value = parsePatch(patch, '');
  if (!isObject(value)) {
    const kind = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    throw patchUndecodable(`json: cannot unmarshal ${kind} into Go value of type map[string]interface {}`);
  }
  return mergeObject(modelName, original, value);
}

/** Merges one object. `modelName` is undefined for maps and free-form values, where lists are replaced. */
export function mergeObject(modelName: string | undefined, original: JsonObject, patch: JsonObject): JsonObject {
  const directive = patch[patchDirective];
  if (directive !== undefined) {
    if (directive === 'replace') return strip(patch);
    if (directive === 'delete') return {};
    if (directive !== 'merge') throw unknownDirective(directive, patch);
  }
  const retained = patch[retainKeysDirective];
  const result = retained === undefined ? { ...original } : retain(original, retained);
  const orders = new Map<string, unknown>();
  const deletions = new Map<string, unknown>();
  for (const [key, value] of Object.entries(patch)) {
    if (key === patchDirective || key === retainKeysDirective) continue;
    if (key.startsWith(deletePrefix)) deletions.set(key.slice(deletePrefix.length), value);
    else if (key.startsWith(orderPrefix)) orders.set(key.slice(orderPrefix.length), value);
    else if (value === null) delete result[key];
  }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null || key.startsWith('$')) continue;
    const field = modelName === undefined ? undefined : modelSchema(modelName).fields.get(key);
    const context = { order: orders.get(key), deletions: deletions.get(key) };
    orders.delete(key);
    deletions.delete(key);
    setField(result, key, mergeField(field, ownField(result, key), value, context));
  }
  for (const key of new Set([...orders.keys(), ...deletions.keys()])) {
    const current = ownField(result, key);
    if (!Array.isArray(current)) continue;
    const field = modelName === undefined ? undefined : modelSchema(modelName).fields.get(key);
    result[key] = mergeField(field, current, [], { order: orders.get(key), deletions: deletions.get(key) });
  }
  return result;
}

interface ListContext {
  readonly order: unknown;
  readonly deletions: unknown;
}

function mergeField(field: FieldSchema | undefined, current: unknown, patch: unknown, context: ListContext): unknown {
  if (isObject(patch)) {
    if (field === undefined && isObject(current)) throw notInStructure();
    const model = field?.type.kind === 'model' ? field.type.model : undefined;
    const replaces = field?.patchStrategies.includes('replace') === true;
    return mergeObject(model, isObject(current) && !replaces ? current : {}, patch);
  }
  if (!Array.isArray(patch)) return patch;
  if (field === undefined && Array.isArray(current)) throw notInStructure();
  if (field?.patchStrategies.includes('merge') !== true || field.type.kind !== 'list') return cloneJson(patch);
  const list = Array.isArray(current) ? current : undefined;
  const of = field.type.of;
  if (of.kind === 'model' && field.patchMergeKey !== undefined) {
    return mergeKeyedList({ model: of.model, mergeKey: field.patchMergeKey }, list, patch, context.order);
  }
  return mergePrimitiveList(list ?? [], patch, context.deletions, context.order);
}

/** Upstream looks up how to merge an object or a list among the fields of a structure, also where it stands in a map. */
function notInStructure(): Error {
  return patchFailed('merging an object in json but data type is not struct, instead is: map');
}

function retain(original: JsonObject, keys: unknown): JsonObject {
  const wanted = new Set(Array.isArray(keys) ? keys : []);
  return Object.fromEntries(Object.entries(original).filter(([key]) => wanted.has(key)));
}

/** A patch as a plain value: without directives and nulls. */
export function strip(patch: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(patch)) {
    if (key === patchDirective || key === retainKeysDirective || key.startsWith(deletePrefix) || key.startsWith(orderPrefix))
      continue;
    if (value === null) continue;
    setField(result, key, isObject(value) ? strip(value) : cloneJson(value));
  }
  return result;
}

function unknownDirective(directive: unknown, patch: JsonObject): Error {
  return patchFailed(`unknown patch type: ${String(directive)} in map: ${goMapText(patch)}`);
}
