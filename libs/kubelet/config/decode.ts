// Reads a KubeletConfiguration as upstream does: a value of another type is an error in Go's words, a field that nobody knows is
// named in a warning and left out (upstream decodes strictly first, then leniently).
import { parseDuration } from '@drydock/foundation/duration.ts';
import { DecodeError } from './config-error.ts';
import { type FieldTypes, packages, structs } from './fields.ts';

export const configVersion = 'kubelet.config.k8s.io/v1beta1';

export type Fields = Readonly<Record<string, unknown>>;

export interface Decoded {
  /** Of the types of `fields.ts`; what is null is not there. */
  readonly fields: Fields;
  /** What strict decoding says; undefined where it is content. */
  readonly warning: string | undefined;
}

const table: Readonly<Record<string, FieldTypes>> = structs;
const int32Max = 2 ** 31;

/** Throws DecodeError with upstream's words. */
export function decodeConfiguration(document: unknown): Decoded {
  const { kind, apiVersion } = (document ?? {}) as Fields;
  const shown = JSON.stringify(document);
  if (typeof apiVersion !== 'string' || apiVersion === '')
    throw new DecodeError(`Object 'apiVersion' is missing in '${shown}'`);
  if (typeof kind !== 'string' || kind === '') throw new DecodeError(`Object 'Kind' is missing in '${shown}'`);
  if (kind !== 'KubeletConfiguration' || apiVersion !== configVersion)
    throw new DecodeError(`no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)}`);
  const unknown: string[] = [];
  const fields = readStruct('KubeletConfiguration', document as object, '', unknown);
  const warning = unknown.map((path) => `unknown field ${JSON.stringify(path)}`).join(', ');
  return { fields, warning: warning === '' ? undefined : `strict decoding error: ${warning}` };
}

/** In the order of their names, as what comes from YAML is read. */
function readStruct(name: string, value: object, path: string, unknown: string[]): Fields {
  const types = table[name] ?? {};
  const read: [string, unknown][] = [];
  for (const [field, each] of Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const whole = path === '' ? field : `${path}.${field}`;
    const type = Object.hasOwn(types, field) ? types[field] : undefined;
    if (type === undefined) unknown.push(whole);
    else if (each !== null) read.push([field, readValue(type, each, { struct: name, path: whole, shown: whole }, unknown)]);
  }
  return Object.fromEntries(read);
}

interface Place {
  readonly struct: string;
  /** Of the field that messages name. */
  readonly path: string;
  /** With the index, for fields below it. */
  readonly shown: string;
}

function readValue(type: string, value: unknown, place: Place, unknown: string[]): unknown {
  if (value === null || type === 'any') return value ?? undefined;
  if (type.startsWith('[]')) {
    if (!Array.isArray(value)) throw mismatch(value, type, place);
    const at = (index: number) => ({ ...place, shown: `${place.shown}[${index}]` });
    return value.map((each, index) => readValue(type.slice(2), each, at(index), unknown));
  }
  if (type.startsWith('map[string]')) {
    if (!isObject(value)) throw mismatch(value, type, place);
    const inner = type.slice('map[string]'.length);
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, readValue(inner, each, place, unknown)]));
  }
  if (Object.hasOwn(table, type)) {
    if (!isObject(value)) throw mismatch(value, type, place);
    return readStruct(type, value, place.shown, unknown);
  }
  return readPlain(type, value, place);
}

function readPlain(type: string, value: unknown, place: Place): unknown {
  const [, kind = type] = type.split(':');
  const isRight =
    kind === 'bool'
      ? typeof value === 'boolean'
      : kind === 'string' || kind === 'duration'
        ? typeof value === 'string'
        : typeof value === 'number' && (kind === 'float64' || isInteger(value, kind));
  if (!isRight) throw mismatch(value, type, place);
  if (kind === 'duration' && parseDuration(value as string) === undefined)
    throw new DecodeError(`time: invalid duration ${JSON.stringify(value)}`);
  return value;
}

function isInteger(value: number, kind: string): boolean {
  return Number.isInteger(value) && (kind === 'int64' || (value >= -int32Max && value < int32Max));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mismatch(value: unknown, type: string, { struct, path }: Place): DecodeError {
  const isNumber = type.startsWith('int') && typeof value === 'number';
  const found = isNumber ? `number ${value}` : Array.isArray(value) ? 'array' : nameOf[typeof value];
  return new DecodeError(
    `json: cannot unmarshal ${found} into Go struct field ${fieldOf(struct, path)} of type ${goType(type)}`,
  );
}

const nameOf: Readonly<Record<string, string>> = { boolean: 'bool', number: 'number', string: 'string', object: 'object' };

/** The struct that has the field, and the whole path to it without indices. */
function fieldOf(struct: string, path: string): string {
  return `${struct}.${path.replace(/\[\d+\]/g, '')}`;
}

function goType(type: string): string {
  if (type.startsWith('[]')) return `[]${goType(type.slice(2))}`;
  if (Object.hasOwn(table, type)) return `${packages[type] ?? 'v1beta1'}.${type}`;
  if (type === 'duration') return 'string';
  return type.split(':')[0] ?? type;
}
