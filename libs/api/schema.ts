// The structure of every built-in object: fields, types, list keys, patch strategies, enums. Texts are apart, in docs.ts.
import { readFileSync } from 'node:fs';

/** Kinds of leaf values. `raw` is a whole object of any type (RawExtension); `JSON` any JSON value. */
export type ScalarKind =
  | 'string'
  | 'bytes'
  | 'int32'
  | 'int64'
  | 'double'
  | 'bool'
  | 'time'
  | 'microTime'
  | 'quantity'
  | 'intOrString'
  | 'raw'
  | 'fieldsV1'
  | 'JSON'
  | 'JSONSchemaPropsOrBool'
  | 'JSONSchemaPropsOrArray'
  | 'JSONSchemaPropsOrStringArray'
  | 'CustomResourceSubresourceStatus';

export type TypeSchema =
  | { readonly kind: ScalarKind }
  | { readonly kind: 'model'; readonly model: string }
  | { readonly kind: 'list'; readonly of: TypeSchema }
  | { readonly kind: 'map'; readonly of: TypeSchema };

export interface FieldSchema {
  readonly name: string;
  readonly type: TypeSchema;
  readonly required: boolean;
  /** Allowed values of a string field. */
  readonly enum: readonly string[] | undefined;
  readonly itemEnum: readonly string[] | undefined;
  /** OpenAPI v3 default, which upstream publishes for fields that are always present in its output. */
  readonly default: unknown;
  readonly itemDefault: unknown;
  /** Optional on input, yet upstream writes it even when it is zero. */
  readonly written: boolean;
  readonly listType: 'atomic' | 'set' | 'map' | undefined;
  readonly listMapKeys: readonly string[];
  readonly mapType: string | undefined;
  readonly patchStrategies: readonly string[];
  readonly patchMergeKey: string | undefined;
  readonly unions: unknown;
}

export interface ModelSchema {
  readonly name: string;
  /** Upstream's OpenAPI name, e.g. `io.k8s.api.core.v1.Pod`. */
  readonly definition: string;
  /** The Go type's name, which decode errors name: the last part of `definition`. */
  readonly goName: string;
  readonly fields: ReadonlyMap<string, FieldSchema>;
  readonly mapType: string | undefined;
  readonly unions: unknown;
  /** Group, version and kind of top-level models. */
  readonly gvk: readonly [group: string, version: string, kind: string] | undefined;
}

type RawField = readonly [type: string, extensions?: Readonly<Record<string, unknown>>];

interface RawModel {
  readonly definition: string;
  readonly required: readonly string[];
  readonly fields: Readonly<Record<string, RawField>>;
  readonly 'map-type'?: string;
  readonly unions?: unknown;
  readonly gvk?: readonly [string, string, string];
}

let raw: Readonly<Record<string, RawModel>> | undefined;
const models = new Map<string, ModelSchema>();
const types = new Map<string, TypeSchema>();

/** The model of that name; throws for a name that the generated schema does not have. */
export function modelSchema(name: string): ModelSchema {
  const known = models.get(name);
  if (known !== undefined) return known;
  const source = rawModels()[name];
  if (source === undefined) throw new RangeError(`no schema model ${name}`);
  const model = buildModel(name, source);
  models.set(name, model);
  return model;
}

/** Every model name, in order. */
export function modelNames(): string[] {
  return Object.keys(rawModels());
}

function rawModels(): Readonly<Record<string, RawModel>> {
  raw ??= JSON.parse(readFileSync(new URL('./generated/schema.json', import.meta.url), 'utf8')) as Record<string, RawModel>;
  return raw;
}

function buildModel(name: string, source: RawModel): ModelSchema {
  const required = new Set(source.required);
  const fields = new Map<string, FieldSchema>();
  for (const [field, [type, extensions = {}]] of Object.entries(source.fields)) {
    fields.set(field, buildField(field, type, required.has(field), extensions));
  }
  const { definition } = source;
  const goName = definition.slice(definition.lastIndexOf('.') + 1);
  return { name, definition, goName, fields, mapType: source['map-type'], unions: source.unions, gvk: source.gvk };
}

function buildField(name: string, type: string, required: boolean, extensions: Readonly<Record<string, unknown>>): FieldSchema {
  return {
    name,
    type: parseType(type),
    required,
    enum: extensions.enum as string[] | undefined,
    itemEnum: extensions.itemEnum as string[] | undefined,
    default: extensions.default,
    itemDefault: extensions.itemDefault,
    written: extensions.written === true,
    listType: extensions['list-type'] as FieldSchema['listType'],
    listMapKeys: (extensions['list-map-keys'] as string[] | undefined) ?? [],
    mapType: extensions['map-type'] as string | undefined,
    patchStrategies: ((extensions['patch-strategy'] as string | undefined) ?? '').split(',').filter((s) => s !== ''),
    patchMergeKey: extensions['patch-merge-key'] as string | undefined,
    unions: extensions.unions,
  };
}

function parseType(text: string): TypeSchema {
  const known = types.get(text);
  if (known !== undefined) return known;
  const type: TypeSchema = text.startsWith('[]')
    ? { kind: 'list', of: parseType(text.slice(2)) }
    : text.startsWith('{}')
      ? { kind: 'map', of: parseType(text.slice(2)) }
      : text.startsWith('@')
        ? { kind: 'model', model: text.slice(1) }
        : { kind: text as ScalarKind };
  types.set(text, type);
  return type;
}
