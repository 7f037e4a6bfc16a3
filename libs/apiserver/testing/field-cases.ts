// For every field of an object, by its schema: a write through a subresource that changes or removes it, and what came of it.
import { isObject, type JsonObject, semanticEqual } from '@drydock/api/json.ts';
import { type FieldSchema, modelSchema, type TypeSchema } from '@drydock/api/schema.ts';

export const methods = ['PUT', 'json', 'merge', 'strategic'] as const;
export type Method = (typeof methods)[number];

export interface FieldCase {
  /** `spec.nodeName` is set to something else; `-spec.nodeName` is removed. */
  readonly name: string;
  readonly path: readonly string[];
  readonly value: unknown;
}

const depthMax = 4;

/** Served by later work (managedFields), or of requests only: the store keeps no selfLink. */
const skipped = new Set(['managedFields', 'selfLink']);

/** Texts that validation takes, for fields whose type alone does not say. */
const texts: Readonly<Record<string, string>> = {
  status: 'True',
  image: 'i',
  ip: '10.1.2.3',
  podIP: '10.1.2.3',
  hostIP: '10.1.2.3',
  finalizers: 'example.com/other',
  terminationMessagePolicy: 'File',
  imagePullPolicy: 'Always',
};

/** Every top-level field, and every field of metadata, spec and status. `current` is the object as it is. */
export function fieldCases(modelName: string, current: JsonObject): FieldCase[] {
  const cases: FieldCase[] = [];
  const add = (path: readonly string[], field: FieldSchema, now: unknown): void => {
    const name = path.join('.');
    cases.push({ name, path, value: otherValue(field, now) });
    if (now !== undefined && now !== null && !['metadata', 'metadata.name'].includes(name))
      cases.push({ name: `-${name}`, path, value: undefined });
  };
  for (const field of modelSchema(modelName).fields.values()) {
    const now = current[field.name];
    const splits = field.type.kind === 'model' && ['metadata', 'spec', 'status'].includes(field.name);
    if (!splits) {
      if (field.name !== 'apiVersion' && field.name !== 'kind') add([field.name], field, now);
      continue;
    }
    for (const inner of modelSchema((field.type as { model: string }).model).fields.values()) {
      if (skipped.has(inner.name)) continue;
      add([field.name, inner.name], inner, isObject(now) ? now[inner.name] : undefined);
    }
    if (field.name !== 'metadata') cases.push({ name: `-${field.name}`, path: [field.name], value: undefined });
  }
  return cases;
}

/** A valid-looking value of the field's type that is not `now`. */
function otherValue(field: FieldSchema, now: unknown): unknown {
  if (field.enum !== undefined) return field.enum.find((each) => each !== now) ?? 'changed';
  if (isObject(now)) {
    const sampled = sample(field, field.type, 0);
    return isObject(sampled) ? { ...now, ...sampled } : sampled;
  }
  return sample(field, field.type, 0);
}

/** A value with every required field; optional ones on the first level only. */
function sample(of: FieldSchema, type: TypeSchema, depth: number): unknown {
  switch (type.kind) {
    case 'model': {
      const value: JsonObject = {};
      if (depth > depthMax) return value;
      for (const field of modelSchema(type.model).fields.values()) {
        const simple = !['model', 'list', 'map', 'raw', 'JSON'].includes(field.type.kind);
        if (!field.required && !(depth === 0 && simple) && field.name !== 'image') continue;
        value[field.name] = field.enum?.[0] ?? sample(field, field.type, depth + 1);
      }
      return value;
    }
    case 'list':
      return [of.itemEnum?.[0] ?? sample(of, type.of, depth + 1)];
    case 'map':
      return { changed: sample(of, type.of, depth + 1) };
    case 'int32':
    case 'int64':
    case 'double':
    case 'intOrString':
      return 7;
    case 'bool':
      return true;
    case 'quantity':
      return '7';
    case 'time':
      return '2026-02-03T04:05:06Z';
    case 'microTime':
      return '2026-02-03T04:05:06.000000Z';
    case 'bytes':
      return 'eA==';
    case 'string':
      return texts[of.name] ?? 'changed';
    default:
      return {};
  }
}

export interface WriteRequest {
  readonly method: 'PUT' | 'PATCH';
  readonly type: string;
  readonly body: unknown;
}

/** The request that makes the change; undefined where this method has none. */
export function writeOf(method: Method, { path, value }: FieldCase, current: JsonObject): WriteRequest | undefined {
  switch (method) {
    case 'PUT':
      return { method: 'PUT', type: 'application/json', body: withField(current, path, value) };
    case 'json':
      return { method: 'PATCH', type: 'application/json-patch+json', body: operations(path, value, current) };
    case 'merge':
    case 'strategic': {
      const type = `application/${method === 'merge' ? 'merge' : 'strategic-merge'}-patch+json`;
      return { method: 'PATCH', type, body: withField({}, path, value ?? null) };
    }
  }
}

function withField(object: JsonObject, [first = '', ...rest]: readonly string[], value: unknown): JsonObject {
  const copy = { ...object };
  if (rest.length > 0) copy[first] = withField(isObject(copy[first]) ? copy[first] : {}, rest, value);
  else if (value === undefined) delete copy[first];
  else copy[first] = value;
  return copy;
}

function operations(path: readonly string[], value: unknown, current: JsonObject): object[] {
  const pointer = `/${path.join('/')}`;
  if (value === undefined) return [{ op: 'remove', path: pointer }];
  const parent = path.length > 1 && current[path[0] ?? ''] === undefined ? [{ op: 'add', path: `/${path[0]}`, value: {} }] : [];
  return [...parent, { op: 'add', path: pointer, value }];
}

/** What a write did: the fields that changed, or the answer that refused it. */
export type Effect = { readonly wrote: readonly string[] } | { readonly code: number; readonly says: string };

/** Compares an answer with the object as it was. Versions and field managers do not count. */
export function effectOf(answer: { readonly code: number; readonly body: unknown }, before: JsonObject): Effect {
  if (answer.code >= 300) return { code: answer.code, says: String((answer.body as JsonObject).message ?? answer.body) };
  return { wrote: differences(before, answer.body as JsonObject) };
}

const bookkeeping = new Set(['metadata.resourceVersion', 'metadata.managedFields']);

function differences(before: JsonObject, after: JsonObject): string[] {
  const found: string[] = [];
  for (const key of keysOf(before, after)) {
    if (!['metadata', 'spec', 'status'].includes(key)) {
      if (!semanticEqual(before[key], after[key])) found.push(key);
      continue;
    }
    const [was, is] = [asObject(before[key]), asObject(after[key])];
    for (const inner of keysOf(was, is)) {
      const name = `${key}.${inner}`;
      if (!bookkeeping.has(name) && !semanticEqual(was[inner], is[inner])) found.push(name);
    }
  }
  return found.sort();
}

function keysOf(a: JsonObject, b: JsonObject): Set<string> {
  return new Set([...Object.keys(a), ...Object.keys(b)]);
}

function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}
