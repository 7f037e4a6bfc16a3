// Checks a JSON value against a model and leaves exactly what the model knows: wrong types are errors in the words of
// Go's decoder, unknown fields and nulls are dropped, structures that upstream always writes are there.
import { isObject, type JsonObject, setField } from './json.ts';
import { quantityErrorText, tryParseQuantity } from './quantity.ts';
import { type FieldSchema, type ModelSchema, modelSchema, type ScalarKind, type TypeSchema } from './schema.ts';
import { goTimeError } from './time.ts';

/** A value of the wrong type; the message is Go's. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError';
}

export interface DecodeTally {
  /** Paths of unknown fields, in document order. */
  readonly unknown: string[];
  /** Keys of all objects met, known or not. */
  keys: number;
}

/**
 * What is said of an int64 that a JavaScript number cannot hold. Upstream keeps it; kept here, it would come back as another number,
 * or as one that no Go client reads, and with it the list that it is in.
 */
export const unsafeIntegerText = `this API server keeps integers exactly up to ${Number.MAX_SAFE_INTEGER} only`;

/** Decodes `value` in place as `modelName`. Throws DecodeError. */
export function decodeModel(modelName: string, value: JsonObject, tally: DecodeTally): void {
  new Decoder(tally).model(modelSchema(modelName), value, '', '');
}

interface Place {
  readonly owner: ModelSchema;
  readonly field: FieldSchema;
  /** As Go names it: no indexes, no map keys. */
  readonly goPath: string;
}

class Decoder {
  private readonly tally: DecodeTally;

  constructor(tally: DecodeTally) {
    this.tally = tally;
  }

  model(model: ModelSchema, value: JsonObject, path: string, goPath: string): void {
    for (const key in value) {
      this.tally.keys += 1;
      const field = model.fields.get(key);
      if (field === undefined) {
        this.tally.unknown.push(path === '' ? key : `${path}.${key}`);
        this.count(value[key]);
        delete value[key];
        continue;
      }
      const item = value[key];
      if (item === null) {
        delete value[key];
        continue;
      }
      const place = { owner: model, field, goPath: goPath === '' ? key : `${goPath}.${key}` };
      const decoded = this.value(field.type, item, path === '' ? key : `${path}.${key}`, place);
      if (decoded !== item) setField(value, key, decoded);
      if (!field.required && isEmptyCollection(field.type, decoded)) delete value[key];
    }
    for (const field of alwaysWritten(model)) if (value[field.name] === undefined) value[field.name] = zeroField(field);
  }

  private value(type: TypeSchema, value: unknown, path: string, place: Place): unknown {
    switch (type.kind) {
      case 'model':
        if (!isObject(value)) throw mismatch(value, place, `${goPackage(type.model)}.${modelSchema(type.model).goName}`);
        this.model(modelSchema(type.model), value, path, place.goPath);
        return value;
      case 'list':
        return this.list(type.of, value, path, place);
      case 'map':
        return this.map(type.of, value, path, place);
      default:
        return this.scalar(type.kind, value, path, place);
    }
  }

  private list(of: TypeSchema, value: unknown, path: string, place: Place): unknown {
    if (!Array.isArray(value)) throw mismatch(value, place, `[]${goTypeName(of)}`);
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i];
      if (item === null) value[i] = zeroOf(of);
      else {
        const decoded = this.value(of, item, `${path}[${i}]`, place);
        if (decoded !== item) value[i] = decoded;
      }
    }
    return value;
  }

  private map(of: TypeSchema, value: unknown, path: string, place: Place): unknown {
    if (!isObject(value)) throw mismatch(value, place, `map[string]${goTypeName(of)}`);
    for (const key in value) {
      this.tally.keys += 1;
      const item = value[key];
      if (item === null) setField(value, key, zeroOf(of));
      else {
        const decoded = this.value(of, item, `${path}.${key}`, place);
        if (decoded !== item) setField(value, key, decoded);
      }
    }
    return value;
  }

  private scalar(kind: ScalarKind, value: unknown, path: string, place: Place): unknown {
    switch (kind) {
      case 'string':
        if (typeof value !== 'string') throw mismatch(value, place, 'string');
        return value;
      case 'bool':
        if (typeof value !== 'boolean') throw mismatch(value, place, 'bool');
        return value;
      case 'int32':
        return integer(value, place, kind, 2 ** 31 - 1);
      case 'int64':
        return integer(value, place, kind, 2 ** 63);
      case 'double':
        if (typeof value !== 'number') throw mismatch(value, place, 'float64');
        return value;
      case 'intOrString':
        if (typeof value === 'string') return value;
        return integer(value, place, 'int32', 2 ** 31 - 1);
      case 'time':
      case 'microTime':
        return time(value, place);
      case 'bytes':
        return base64(value, place);
      case 'quantity':
        return quantity(value);
      case 'raw':
      case 'CustomResourceSubresourceStatus':
      case 'fieldsV1':
        this.count(value);
        return value;
      default:
        this.count(value);
        return this.schemaProps(kind, value, path, place);
    }
  }

  /** The union types of CustomResourceDefinition's schemas. */
  private schemaProps(kind: ScalarKind, value: unknown, path: string, place: Place): unknown {
    const props: TypeSchema = { kind: 'model', model: 'V1JSONSchemaProps' };
    if (kind === 'JSONSchemaPropsOrBool' && isObject(value)) return this.value(props, value, path, place);
    if (kind === 'JSONSchemaPropsOrArray' && isObject(value)) return this.value(props, value, path, place);
    if (kind === 'JSONSchemaPropsOrStringArray' && isObject(value)) return this.value(props, value, path, place);
    return value;
  }

  private count(value: unknown): void {
    if (Array.isArray(value)) for (const item of value) this.count(item);
    else if (isObject(value)) {
      for (const key in value) {
        this.tally.keys += 1;
        this.count(value[key]);
      }
    }
  }
}

const writtenFields = new Map<string, readonly FieldSchema[]>();

/** Fields that upstream writes whatever their value: structures held by value, and required scalars. */
function alwaysWritten(model: ModelSchema): readonly FieldSchema[] {
  const known = writtenFields.get(model.name);
  if (known !== undefined) return known;
  const fields = [...model.fields.values()].filter((field) => {
    if (field.type.kind === 'model') return isObject(field.default);
    return (field.required || field.written) && (field.default === '' || field.default === 0 || field.default === false);
  });
  writtenFields.set(model.name, fields);
  return fields;
}

function zeroField(field: FieldSchema): unknown {
  return field.type.kind === 'model' ? emptyModel(field.type.model) : field.default;
}

/** The zero value of a model as upstream writes it: `{}`, or with what its structures always have. */
export function emptyModel(modelName: string): JsonObject {
  const value: JsonObject = {};
  for (const field of alwaysWritten(modelSchema(modelName))) value[field.name] = zeroField(field);
  return value;
}

function zeroOf(type: TypeSchema): unknown {
  switch (type.kind) {
    case 'model':
      return emptyModel(type.model);
    case 'list':
      return [];
    case 'map':
      return {};
    case 'int32':
    case 'int64':
    case 'double':
      return 0;
    case 'bool':
      return false;
    case 'quantity':
      return '0';
    default:
      return '';
  }
}

function isEmptyCollection(type: TypeSchema, value: unknown): boolean {
  if (type.kind === 'list') return Array.isArray(value) && value.length === 0;
  if (type.kind !== 'map') return false;
  for (const _key in value as JsonObject) return false;
  return true;
}

function integer(value: unknown, place: Place, type: string, max: number): number {
  if (typeof value !== 'number') throw mismatch(value, place, type);
  if (!Number.isInteger(value) || value > max || value < -max - 1) {
    throw mismatch(value, place, type, ` ${Number.isInteger(value) ? BigInt(value) : value}`);
  }
  if (type === 'int64' && !Number.isSafeInteger(value)) throw new DecodeError(unsafeIntegerText);
  return value;
}

function time(value: unknown, place: Place): string {
  if (typeof value !== 'string') throw mismatch(value, place, 'string');
  const problem = goTimeError(value);
  if (problem !== undefined) throw new DecodeError(problem);
  return value;
}

const base64Pattern = /^[A-Za-z0-9+/\r\n]*={0,2}[\r\n]*$/;

function base64(value: unknown, place: Place): string {
  if (typeof value !== 'string') throw mismatch(value, place, '[]uint8');
  const compact = /[\r\n]/.test(value) ? value.replace(/[\r\n]/g, '') : value;
  if (base64Pattern.test(value) && compact.length % 4 === 0) return compact;
  const at = /[^A-Za-z0-9+/\r\n]/.exec(value)?.index ?? value.length - (value.length % 4 === 0 ? 0 : value.length % 4);
  throw new DecodeError(`illegal base64 data at input byte ${at}`);
}

function quantity(value: unknown): string {
  const text = typeof value === 'number' ? String(value) : value;
  const parsed = typeof text === 'string' ? tryParseQuantity(text.trim()) : undefined;
  if (parsed === undefined) throw new DecodeError(quantityErrorText);
  return parsed.toString();
}

function mismatch(value: unknown, place: Place, type: string, literal = ''): DecodeError {
  const where = `Go struct field ${place.owner.goName}.${place.goPath}`;
  return new DecodeError(`json: cannot unmarshal ${jsonKind(value)}${literal} into ${where} of type ${type}`);
}

function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function goTypeName(type: TypeSchema): string {
  switch (type.kind) {
    case 'model':
      return `${goPackage(type.model)}.${modelSchema(type.model).goName}`;
    case 'list':
      return `[]${goTypeName(type.of)}`;
    case 'map':
      return `map[string]${goTypeName(type.of)}`;
    case 'bytes':
      return '[]uint8';
    case 'quantity':
      return 'resource.Quantity';
    case 'double':
      return 'float64';
    default:
      return type.kind;
  }
}

/** The Go package of a model's type: the last but one part of its definition name. */
function goPackage(model: string): string {
  const parts = modelSchema(model).definition.split('.');
  return parts[parts.length - 2] ?? '';
}
