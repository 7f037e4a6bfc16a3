// A protobuf codec driven by tables of fields, so that messages of the etcd API are values with types and cost neither a
// code generator nor a parser of .proto files at start. Keys become latin1 strings: one character per byte, so that `<`
// compares them as bytes and a Map can hold them. https://protobuf.dev/programming-guides/encoding/

import { CodecError, Reader, Writer } from './wire.ts';

/** Messages in messages: more would cost the stack of whoever reads them, on every member that applies them. */
const nestingMax = 100;

type Kind = 'bytes' | 'key' | 'string' | 'bool' | 'int' | 'int64' | 'uint64' | 'message';

/** One field; `T` is the type of its value. `int` is an int64 or enum within 2^53, `int64` and `uint64` are bigints. */
export interface Field<T> {
  readonly number: number;
  readonly kind: Kind;
  readonly repeated: boolean;
  readonly schema: Schema | undefined;
  /** Encoded even where it has its zero value (a member of a oneof). */
  readonly always: boolean;
  /** Only for the type. */
  readonly value?: T;
}

export type Schema = Readonly<Record<string, Field<unknown>>>;
export type MessageOf<S extends Schema> = { -readonly [K in keyof S]: S[K] extends Field<infer T> ? T : never };

const scalar =
  <T>(kind: Kind) =>
  (number: number, always = false): Field<T> => ({ number, kind, repeated: false, schema: undefined, always });

export const bytes = scalar<Buffer>('bytes');
export const key = scalar<string>('key');
export const string = scalar<string>('string');
export const bool = scalar<boolean>('bool');
export const int = scalar<number>('int');
export const int64 = scalar<bigint>('int64');
export const uint64 = scalar<bigint>('uint64');

/** Bytes in a oneof: undefined where another member is set, and encoded even where they are empty. */
export const oneofBytes = (number: number): Field<Buffer | undefined> => scalar<Buffer>('bytes')(number, true);

/** A nested message; undefined where it is absent. */
export function message<S extends Schema>(number: number, schema: S): Field<MessageOf<S> | undefined> {
  return { number, kind: 'message', repeated: false, schema, always: false };
}

/** A repeated field. */
export function many<T>(field: Field<T>): Field<NonNullable<T>[]> {
  return { ...(field as Field<unknown>), repeated: true } as Field<NonNullable<T>[]>;
}

const exclusive = new WeakSet<Schema>();

/** A message whose fields exclude each other: where several are sent, the last one counts. */
export function oneof<S extends Schema>(schema: S): S {
  exclusive.add(schema);
  return schema;
}

const emptyBytes = Buffer.alloc(0);

interface Plan {
  readonly exclusive: boolean;
  readonly names: readonly (readonly [string, Field<unknown>])[];
  readonly byNumber: ReadonlyMap<number, readonly [string, Field<unknown>]>;
}

const plans = new WeakMap<Schema, Plan>();

function planOf(schema: Schema): Plan {
  let plan = plans.get(schema);
  if (plan === undefined) {
    const names = Object.entries(schema);
    plan = {
      exclusive: exclusive.has(schema),
      names,
      byNumber: new Map(names.map((entry) => [entry[1].number, entry] as const)),
    };
    plans.set(schema, plan);
  }
  return plan;
}

/** Reads a message; absent fields have their zero value. Throws CodecError. */
export function decode<S extends Schema>(schema: S, buffer: Buffer): MessageOf<S> {
  return decodeFrom(schema, new Reader(buffer), { nestingMax, isStrict: true }) as MessageOf<S>;
}

/**
 * Reads a message that is in the log. What may get there was once checked less: a field of another wire type is read as the one it
 * should have, as it was when the entry was made, so that members of whatever version have the same from it. Throws CodecError.
 */
export function decodeLogged<S extends Schema>(schema: S, buffer: Buffer): MessageOf<S> {
  return decodeFrom(schema, new Reader(buffer), { nestingMax: Number.POSITIVE_INFINITY, isStrict: false }) as MessageOf<S>;
}

interface Strictness {
  /** Messages in messages. */
  readonly nestingMax: number;
  readonly isStrict: boolean;
}

/** What a field has on the wire. */
const wireTypes: Readonly<Record<Kind, number>> = {
  bytes: 2,
  key: 2,
  string: 2,
  message: 2,
  bool: 0,
  int: 0,
  int64: 0,
  uint64: 0,
};

/** As Go's generated code names it. */
function goName(name: string): string {
  return name.replace(/(?:^|_)(.)/g, (_, first: string) => first.toUpperCase());
}

function zeroOf(field: Field<unknown>): unknown {
  if (field.repeated) return [];
  if (field.always) return undefined;
  switch (field.kind) {
    case 'bytes':
      return emptyBytes;
    case 'key':
    case 'string':
      return '';
    case 'bool':
      return false;
    case 'int':
      return 0;
    case 'int64':
    case 'uint64':
      return 0n;
    case 'message':
      return undefined;
  }
}

function decodeFrom(schema: Schema, reader: Reader, strictness: Strictness, depth = 0): Record<string, unknown> {
  const { nestingMax, isStrict } = strictness;
  if (depth === nestingMax) throw new CodecError('proto: exceeded maximum recursion depth');
  const plan = planOf(schema);
  const result: Record<string, unknown> = {};
  for (const [name, field] of plan.names) result[name] = zeroOf(field);
  while (!reader.done) {
    const tag = reader.varint();
    const wireType = tag % 8;
    if (tag < 8 && isStrict) throw new CodecError(`proto: illegal tag ${Math.floor(tag / 8)} (wire type ${wireType})`);
    const known = plan.byNumber.get(Math.floor(tag / 8));
    if (known === undefined) {
      reader.skip(wireType);
      continue;
    }
    const [name, field] = known;
    if (plan.exclusive) for (const [other, { number }] of plan.names) if (number !== field.number) result[other] = undefined;
    const wanted = wireTypes[field.kind];
    if (isStrict && wireType !== wanted && !(field.repeated && wireType === 2)) {
      throw new CodecError(`proto: wrong wireType = ${wireType} for field ${goName(name)}`);
    }
    if (!field.repeated) {
      result[name] = readValue(field, reader, strictness, depth);
    } else if (wireType === 2 && wanted !== 2) {
      const packed = reader.nested();
      while (!packed.done) (result[name] as unknown[]).push(readValue(field, packed, strictness, depth));
    } else {
      (result[name] as unknown[]).push(readValue(field, reader, strictness, depth));
    }
  }
  return result;
}

function readValue(field: Field<unknown>, reader: Reader, strictness: Strictness, depth: number): unknown {
  switch (field.kind) {
    case 'bytes':
      return reader.bytes();
    case 'key':
      return reader.latin1();
    case 'string':
      return reader.utf8();
    case 'bool':
      return reader.varint() !== 0;
    case 'int':
      return reader.varint();
    case 'int64':
      return BigInt.asIntN(64, reader.varint64());
    case 'uint64':
      return BigInt.asUintN(64, reader.varint64());
    case 'message':
      return decodeFrom(field.schema ?? {}, reader.nested(), strictness, depth + 1);
  }
}

const shared = new Writer();

/** A message's bytes; absent and zero fields are left out. */
export function encode<S extends Schema>(schema: S, value: Partial<MessageOf<S>>): Buffer {
  try {
    writeMessage(schema, value, shared);
    return shared.finish();
  } catch (error) {
    shared.reset();
    throw error;
  }
}

const large = new Writer();

/** A message that is written piece by piece, with `writeFields` and by hand; not to be nested. Where it is long it is lent. */
export function encodeBy(write: (writer: Writer) => void): Buffer {
  try {
    write(large);
    return large.lend();
  } catch (error) {
    large.reset();
    throw error;
  }
}

/** Fields of a message, one after the other. */
export function writeFields<S extends Schema>(schema: S, value: Partial<MessageOf<S>>, writer: Writer): void {
  writeMessage(schema, value, writer);
}

function writeMessage(schema: Schema, value: Readonly<Record<string, unknown>>, writer: Writer): void {
  for (const [name, field] of planOf(schema).names) {
    const content = value[name];
    if (content === undefined) continue;
    if (field.repeated) {
      for (const item of content as unknown[]) writeValue(field, item, writer, true);
    } else {
      writeValue(field, content, writer, field.always);
    }
  }
}

function writeValue(field: Field<unknown>, value: unknown, writer: Writer, always: boolean): void {
  switch (field.kind) {
    case 'bytes':
      if (always || (value as Buffer).length > 0) writer.bytesField(field.number, value as Buffer);
      return;
    case 'key':
      if (always || value !== '') writer.latin1Field(field.number, value as string);
      return;
    case 'string':
      if (always || value !== '') writer.stringField(field.number, value as string);
      return;
    case 'bool':
    case 'int': {
      const amount = Number(value);
      if (!always && amount === 0) return;
      writer.tag(field.number, 0);
      writer.varint(amount);
      return;
    }
    case 'int64':
    case 'uint64':
      if (!always && value === 0n) return;
      writer.tag(field.number, 0);
      writer.varint64(value as bigint);
      return;
    case 'message': {
      const start = writer.open(field.number);
      writeMessage(field.schema ?? {}, value as Record<string, unknown>, writer);
      writer.close(start);
    }
  }
}
