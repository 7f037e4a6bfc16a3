// Request bodies in Kubernetes' protobuf form (k8s.io/apimachinery/pkg/runtime/serializer/protobuf): stock clients send it for
// built-in types. They become the JSON value that the rest of the path knows.

import { unsafeIntegerText } from '@drydock/api/decode-value.ts';
import { type JsonObject, setField } from '@drydock/api/json.ts';
import { hasMoreValues, jsonValuesMax } from '@drydock/api/json-values.ts';
import type { ScalarKind, TypeSchema } from '@drydock/api/schema.ts';
import { apiError } from '@drydock/api/status.ts';
import protobuf from 'protobufjs/minimal.js';
import { tooManyValues } from '../registry/errors.ts';
import { type Message, messageOf } from './fields.ts';

const { Reader } = protobuf;
/** `left`: how many values may still come. */
type Reader = protobuf.Reader & { left: number };

export const protobufType = 'application/vnd.kubernetes.protobuf';

const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00]);

/** The parts of runtime.Unknown, which wraps every object. */
export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Buffer;
}

/** Opens the wrapper; fails with BadRequest for bytes that are none. */
export function readEnvelope(bytes: Buffer): Envelope {
  if (!bytes.subarray(0, 4).equals(magic))
    throw apiError('BadRequest', 'provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  const body = bytes.subarray(4);
  const envelope = { apiVersion: '', kind: '', raw: Buffer.alloc(0) as Buffer };
  eachField(readerOf(body), body.length, (number, reader) => {
    if (number === 1) {
      eachField(reader, end(reader), (inner) => {
        if (inner === 1) envelope.apiVersion = reader.string();
        else if (inner === 2) envelope.kind = reader.string();
        else return false;
        return true;
      });
    } else if (number === 2) envelope.raw = reader.bytes() as Buffer;
    else return false;
    return true;
  });
  return envelope;
}

/** The JSON value of a message. Fails with RequestEntityTooLarge for one of more values than jsonValuesMax. */
export function decodeMessage(model: string, bytes: Buffer): JsonObject {
  try {
    return readObject(messageOf(model), readerOf(bytes), bytes.length, {});
  } catch (error) {
    if (error instanceof RangeError) throw apiError('BadRequest', 'unexpected EOF');
    throw error;
  }
}

function readerOf(bytes: Buffer): Reader {
  return Object.assign(Reader.create(bytes), { left: jsonValuesMax });
}

function count(reader: Reader): void {
  if (--reader.left < 0) throw tooManyValues();
}

function eachField(reader: Reader, until: number, read: (number: number, reader: Reader, wire: number) => boolean): void {
  while (reader.pos < until) {
    count(reader);
    const tag = reader.uint32();
    if (!read(tag >>> 3, reader, tag & 7)) reader.skipType(tag & 7);
  }
}

/** The end of the length-delimited field that begins here. */
function end(reader: Reader): number {
  const length = reader.uint32();
  return reader.pos + length;
}

function readObject(message: Message, reader: Reader, until: number, into: JsonObject): JsonObject {
  eachField(reader, until, (number, _reader, wire) => {
    const field = message.get(number);
    if (field === undefined) return false;
    if ('inline' in field) {
      readObject(field.inline, reader, end(reader), into);
      return true;
    }
    const { name, type, pointer } = field;
    if (type.kind === 'list') {
      const list = (into[name] as unknown[] | undefined) ?? [];
      into[name] = list;
      readItems(type.of, reader, wire, list);
    } else if (type.kind === 'map') {
      const map = (into[name] as JsonObject | undefined) ?? {};
      into[name] = map;
      readEntry(type.of, reader, map);
    } else {
      const value = readValue(type, reader);
      if (value !== undefined && (pointer || !isZero(value))) into[name] = value;
    }
    return true;
  });
  return into;
}

const varints: ReadonlySet<string> = new Set(['int32', 'int64', 'bool']);

function readItems(of: TypeSchema, reader: Reader, wire: number, list: unknown[]): void {
  if (wire === 2 && varints.has(of.kind)) {
    const until = end(reader);
    while (reader.pos < until) {
      count(reader);
      list.push(readValue(of, reader));
    }
  } else {
    list.push(readValue(of, reader) ?? null);
  }
}

function readEntry(of: TypeSchema, reader: Reader, map: JsonObject): void {
  let key = '';
  let value: unknown;
  eachField(reader, end(reader), (number) => {
    if (number === 1) key = reader.string();
    else if (number === 2) value = readValue(of, reader);
    else return false;
    return true;
  });
  setField(map, key, value ?? zeroOf(of));
}

function zeroOf(type: TypeSchema): unknown {
  if (type.kind === 'list') return [];
  return varints.has(type.kind) ? 0 : type.kind === 'model' || type.kind === 'map' ? {} : '';
}

function isZero(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return value === '' || value === 0 || value === false;
}

function readValue(type: TypeSchema, reader: Reader): unknown {
  switch (type.kind) {
    case 'model':
      return readObject(messageOf(type.model), reader, end(reader), {});
    case 'list': {
      // A list inside a map or a list is a message of its own: `items = 1`.
      const list: unknown[] = [];
      eachField(reader, end(reader), (number, _reader, wire) => {
        if (number !== 1) return false;
        readItems(type.of, reader, wire, list);
        return true;
      });
      return list;
    }
    case 'map':
      throw apiError('BadRequest', 'a map of maps has no protobuf form');
    default:
      return readScalar(type.kind, reader);
  }
}

function readInt64(reader: Reader): number {
  const value = Number(reader.int64().toString());
  if (!Number.isSafeInteger(value)) throw apiError('BadRequest', unsafeIntegerText);
  return value;
}

function readScalar(kind: ScalarKind, reader: Reader): unknown {
  switch (kind) {
    case 'string':
      return reader.string();
    case 'bool':
      return reader.bool();
    case 'int32':
      return reader.int32();
    case 'int64':
      return readInt64(reader);
    case 'double':
      return reader.double();
    case 'bytes':
      return Buffer.from(reader.bytes()).toString('base64');
    case 'quantity':
      return readParts(reader).get(1)?.toString() ?? '0';
    case 'time':
    case 'microTime':
      return readTime(reader, kind === 'microTime');
    case 'intOrString':
      return readIntOrString(reader);
    case 'JSONSchemaPropsOrBool':
      return readSchemaOr(reader, 2, (number) => (number === 1 ? reader.bool() : undefined));
    case 'JSONSchemaPropsOrArray':
      return readSchemaOr(reader, 1, (number) => (number === 2 ? [readSchema(reader)] : undefined));
    case 'JSONSchemaPropsOrStringArray':
      return readSchemaOr(reader, 1, (number) => (number === 2 ? [reader.string()] : undefined));
    case 'CustomResourceSubresourceStatus':
      reader.skip(end(reader) - reader.pos);
      return {};
    case 'raw':
    case 'fieldsV1':
    case 'JSON':
      return parseRaw(readParts(reader).get(1));
  }
}

/** The length-delimited fields of a small message. */
function readParts(reader: Reader): Map<number, Buffer> {
  const parts = new Map<number, Buffer>();
  eachField(reader, end(reader), (number, _reader, wire) => {
    if (wire !== 2) return false;
    parts.set(number, reader.bytes() as Buffer);
    return true;
  });
  return parts;
}

function parseRaw(raw: Buffer | undefined): unknown {
  if (raw === undefined || raw.length === 0) return undefined;
  if (hasMoreValues(raw)) throw tooManyValues();
  return JSON.parse(raw.toString());
}

/** Seconds and nanoseconds since the epoch; the zero time is an empty message. */
function readTime(reader: Reader, micro: boolean): string | undefined {
  let seconds: number | undefined;
  let nanos = 0;
  eachField(reader, end(reader), (number) => {
    if (number === 1) seconds = Number(reader.int64().toString());
    else if (number === 2) nanos = reader.int32();
    else return false;
    return true;
  });
  if (seconds === undefined) return undefined;
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  return micro ? `${text}.${String(Math.floor(nanos / 1000)).padStart(6, '0')}Z` : `${text}Z`;
}

function readIntOrString(reader: Reader): number | string {
  let isString = false;
  let whole = 0;
  let text = '';
  eachField(reader, end(reader), (number) => {
    if (number === 1) isString = Number(reader.int64().toString()) === 1;
    else if (number === 2) whole = reader.int32();
    else if (number === 3) text = reader.string();
    else return false;
    return true;
  });
  return isString ? text : whole;
}

function readSchema(reader: Reader): JsonObject {
  return readObject(messageOf('V1JSONSchemaProps'), reader, end(reader), {});
}

/** A schema in field `schemaField`, or what `other` makes of another field; repeated lists are joined. */
function readSchemaOr(reader: Reader, schemaField: number, other: (number: number) => unknown): unknown {
  let result: unknown;
  eachField(reader, end(reader), (number) => {
    if (number === schemaField) {
      result = readSchema(reader);
      return true;
    }
    const value = other(number);
    if (value === undefined) return false;
    result = Array.isArray(value) && Array.isArray(result) ? [...result, ...value] : value;
    return true;
  });
  return result;
}
