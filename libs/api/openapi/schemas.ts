// Models as JSON Schema, in the two dialects of OpenAPI 2 and 3, with the x-kubernetes extensions that kubectl reads.
import type { ModelDocs } from '../docs.ts';
import type { JsonObject } from '../json.ts';
import { type FieldSchema, modelNames, modelSchema, type ScalarKind, type TypeSchema } from '../schema.ts';

export type Dialect = 'v2' | 'v3';

const meta = 'io.k8s.apimachinery.pkg.apis.meta.v1';
const extensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';

/** Scalar kinds that upstream has as definitions of their own. */
const named: Readonly<Partial<Record<ScalarKind, string>>> = {
  quantity: 'io.k8s.apimachinery.pkg.api.resource.Quantity',
  intOrString: 'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
  raw: 'io.k8s.apimachinery.pkg.runtime.RawExtension',
  time: `${meta}.Time`,
  microTime: `${meta}.MicroTime`,
  fieldsV1: `${meta}.FieldsV1`,
  JSON: `${extensions}.JSON`,
  JSONSchemaPropsOrBool: `${extensions}.JSONSchemaPropsOrBool`,
  JSONSchemaPropsOrArray: `${extensions}.JSONSchemaPropsOrArray`,
  JSONSchemaPropsOrStringArray: `${extensions}.JSONSchemaPropsOrStringArray`,
  CustomResourceSubresourceStatus: `${extensions}.CustomResourceSubresourceStatus`,
};

export const patchDefinition = `${meta}.Patch`;

function namedSchemas(dialect: Dialect): Record<string, JsonObject> {
  const any = { description: 'Any JSON value.' };
  const quantity = 'A fixed-point number with an optional suffix: decimal (m, k, M, G), binary (Ki, Mi, Gi) or an exponent.';
  const intOrString = { description: 'A 32-bit integer or a string.', format: 'int-or-string' };
  return {
    [named.quantity ?? '']:
      dialect === 'v2'
        ? { description: quantity, type: 'string' }
        : { description: quantity, oneOf: [{ type: 'string' }, { type: 'number' }] },
    [named.intOrString ?? '']:
      dialect === 'v2'
        ? { ...intOrString, type: 'string' }
        : { ...intOrString, oneOf: [{ type: 'integer' }, { type: 'string' }] },
    [named.raw ?? '']: { description: 'An object of any kind, kept as it is.', type: 'object' },
    [named.time ?? '']: { description: 'A timestamp in RFC 3339 form.', type: 'string', format: 'date-time' },
    [named.microTime ?? '']: {
      description: 'A timestamp in RFC 3339 form with microseconds.',
      type: 'string',
      format: 'date-time',
    },
    [named.fieldsV1 ?? '']: { description: 'A set of fields as a trie in JSON.', type: 'object' },
    [patchDefinition]: {
      description: 'A patch of any of the types that are served.',
      type: 'object',
    },
    [named.JSON ?? '']: any,
    [named.JSONSchemaPropsOrBool ?? '']: any,
    [named.JSONSchemaPropsOrArray ?? '']: any,
    [named.JSONSchemaPropsOrStringArray ?? '']: any,
    [named.CustomResourceSubresourceStatus ?? '']: {
      description: 'The status subresource of a custom resource.',
      type: 'object',
    },
  };
}

export interface SchemaSet {
  /** A reference to a model's schema; the model is included with what it refers to. */
  ref(model: string): JsonObject;
  /** A reference to a definition without a model. */
  refNamed(definition: string): JsonObject;
  /** All included schemas by definition name, sorted. */
  schemas(): Record<string, JsonObject>;
}

/** Collects the schemas that a document refers to. */
export function schemaSet(dialect: Dialect, docs: (model: string) => ModelDocs): SchemaSet {
  const prefix = dialect === 'v2' ? '#/definitions/' : '#/components/schemas/';
  const wanted = new Set<string>();
  const wantedNamed = new Set<string>();
  const ref = (model: string): JsonObject => {
    wanted.add(model);
    return { $ref: `${prefix}${modelSchema(model).definition}` };
  };
  const refNamed = (definition: string): JsonObject => {
    wantedNamed.add(definition);
    return { $ref: `${prefix}${definition}` };
  };
  const render = (type: TypeSchema, field?: FieldSchema): JsonObject => renderType(type, field, dialect, ref, refNamed, render);
  return {
    ref,
    refNamed,
    schemas: () => {
      const out = new Map<string, JsonObject>();
      const done = new Set<string>();
      // The set grows while it is walked: each rendered model adds those that it refers to.
      for (const model of wanted) {
        if (done.has(model)) continue;
        done.add(model);
        out.set(modelSchema(model).definition, renderModel(model, docs, dialect, render));
      }
      const scalars = namedSchemas(dialect);
      for (const definition of wantedNamed) out.set(definition, scalars[definition] ?? { type: 'object' });
      return Object.fromEntries([...out].sort(([a], [b]) => (a < b ? -1 : 1)));
    },
  };
}

/** Every model, for the one document of OpenAPI 2. */
export function allModels(): string[] {
  return modelNames();
}

type Render = (type: TypeSchema, field?: FieldSchema) => JsonObject;

function renderModel(name: string, docsOf: (model: string) => ModelDocs, dialect: Dialect, render: Render): JsonObject {
  const docs = docsOf(name);
  const model = modelSchema(name);
  const properties: Record<string, JsonObject> = {};
  const required: string[] = [];
  for (const field of model.fields.values()) {
    if (field.required) required.push(field.name);
    properties[field.name] = renderField(field, docs.fields[field.name], dialect, render);
  }
  return {
    ...(docs.model === '' ? {} : { description: docs.model }),
    type: 'object',
    ...(required.length === 0 ? {} : { required }),
    properties,
    ...(model.gvk === undefined ? {} : { 'x-kubernetes-group-version-kind': [gvkOf(model.gvk)] }),
    ...(model.mapType === undefined ? {} : { 'x-kubernetes-map-type': model.mapType }),
    ...(model.unions === undefined ? {} : { 'x-kubernetes-unions': model.unions }),
  };
}

export function gvkOf([group, version, kind]: readonly [string, string, string]): JsonObject {
  return { group, kind, version };
}

function renderField(field: FieldSchema, doc: string | undefined, dialect: Dialect, render: Render): JsonObject {
  const values = field.enum === undefined ? '' : enumText(field.enum);
  const description = doc === undefined || doc === '' ? values.trim() : doc + values;
  const type = render(field.type, field);
  const wrapped = dialect === 'v3' && '$ref' in type;
  return {
    ...(description === '' ? {} : { description }),
    ...(wrapped ? { allOf: [type] } : type),
    ...(dialect === 'v3' && field.default !== undefined ? { default: field.default } : {}),
    ...(field.enum === undefined ? {} : { enum: field.enum }),
    ...(field.listType === undefined ? {} : { 'x-kubernetes-list-type': field.listType }),
    ...(field.listMapKeys.length === 0 ? {} : { 'x-kubernetes-list-map-keys': field.listMapKeys }),
    ...(field.mapType === undefined ? {} : { 'x-kubernetes-map-type': field.mapType }),
    ...(field.patchStrategies.length === 0 ? {} : { 'x-kubernetes-patch-strategy': field.patchStrategies.join(',') }),
    ...(field.patchMergeKey === undefined ? {} : { 'x-kubernetes-patch-merge-key': field.patchMergeKey }),
    ...(field.unions === undefined ? {} : { 'x-kubernetes-unions': field.unions }),
  };
}

function enumText(values: readonly string[]): string {
  return `\n\nPossible enum values:\n${values.map((value) => ` - \`${JSON.stringify(value)}\``).join('\n')}`;
}

function renderType(
  type: TypeSchema,
  field: FieldSchema | undefined,
  dialect: Dialect,
  ref: (model: string) => JsonObject,
  refNamed: (definition: string) => JsonObject,
  render: Render,
): JsonObject {
  switch (type.kind) {
    case 'model':
      return ref(type.model);
    case 'list':
      return { type: 'array', items: renderItem(render(type.of), field, dialect) };
    case 'map':
      return { type: 'object', additionalProperties: renderItem(render(type.of), field, dialect) };
    default: {
      const definition = named[type.kind];
      return definition === undefined ? scalar(type.kind) : refNamed(definition);
    }
  }
}

function renderItem(item: JsonObject, field: FieldSchema | undefined, dialect: Dialect): JsonObject {
  const withEnum = field?.itemEnum === undefined ? item : { ...item, enum: field.itemEnum };
  if (dialect === 'v2' || field?.itemDefault === undefined) return withEnum;
  return '$ref' in withEnum ? { allOf: [withEnum], default: field.itemDefault } : { ...withEnum, default: field.itemDefault };
}

function scalar(kind: ScalarKind): JsonObject {
  switch (kind) {
    case 'int32':
    case 'int64':
      return { type: 'integer', format: kind };
    case 'double':
      return { type: 'number', format: 'double' };
    case 'bool':
      return { type: 'boolean' };
    case 'bytes':
      return { type: 'string', format: 'byte' };
    default:
      return { type: 'string' };
  }
}
