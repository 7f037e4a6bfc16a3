// A protobuf codec driven by tables of fields, so that messages of the etcd API are values with types and cost neither a
// code generator nor a parser of .proto files at start. Keys become latin1 strings: one character per byte, so that `<`
// compares them as bytes and a Map can hold them. https://protobuf.dev/programming-guides/encoding/

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

/** A nested message; undefined where it is absent. */
export function message<S extends Schema>(number: number, schema: S): Field<MessageOf<S> | undefined> {
  return { number, kind: 'message', repeated: false, schema, always: false };
}

/** A repeated field. */
export function many<T>(field: Field<T>): Field<NonNullable<T>[]> {
  return { ...(field as Field<unknown>), repeated: true } as Field<NonNullable<T>[]>;
}

/** Bytes that are no protobuf message of the expected type. */
export class CodecError extends Error {
  override readonly name = 'CodecError';
}

const emptyBytes = Buffer.alloc(0);
const initialBytes = 512;
const largestKeptBytes = 1 << 20;

/** A growing buffer; `finish` copies the result out so that the buffer is used again. */
export class Writer {
  #buffer = Buffer.allocUnsafeSlow(initialBytes);
  #at = 0;

  reserve(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }

  tag(field: number, wireType: number): void {
    this.reserve(10);
    this.#uint(field * 8 + wireType);
  }

  /** A number within 2^53; negative ones take ten bytes, as int64 does. */
  varint(value: number): void {
    this.reserve(10);
    if (value < 0) this.#big(BigInt.asUintN(64, BigInt(value)));
    else this.#uint(value);
  }

  varint64(value: bigint): void {
    this.reserve(10);
    this.#big(BigInt.asUintN(64, value));
  }

  raw(value: Uint8Array): void {
    this.reserve(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  bytesField(field: number, value: Uint8Array): void {
    this.tag(field, 2);
    this.varint(value.length);
    this.raw(value);
  }

  latin1Field(field: number, value: string): void {
    this.tag(field, 2);
    this.varint(value.length);
    this.reserve(value.length);
    this.#at += this.#buffer.write(value, this.#at, 'latin1');
  }

  stringField(field: number, value: string): void {
    const length = Buffer.byteLength(value);
    this.tag(field, 2);
    this.varint(length);
    this.reserve(length);
    this.#at += this.#buffer.write(value, this.#at, 'utf8');
  }

  intField(field: number, value: number): void {
    if (value === 0) return;
    this.tag(field, 0);
    this.varint(value);
  }

  /** Opens a nested message whose length is not known yet; `close` with the result ends it. */
  open(field: number): number {
    this.tag(field, 2);
    this.reserve(5);
    this.#at += 1;
    return this.#at;
  }

  close(start: number): void {
    const length = this.#at - start;
    if (length < 0x80) {
      this.#buffer[start - 1] = length;
      return;
    }
    let size = 2;
    for (let rest = length >>> 14; rest > 0; rest >>>= 7) size++;
    this.reserve(size - 1);
    this.#buffer.copyWithin(start - 1 + size, start, this.#at);
    this.#at = start - 1;
    this.#uint(length);
    this.#at = start - 1 + size + length;
  }

  finish(): Buffer {
    const result = Buffer.allocUnsafeSlow(this.#at);
    this.#buffer.copy(result, 0, 0, this.#at);
    this.#at = 0;
    if (this.#buffer.length > largestKeptBytes) this.#buffer = Buffer.allocUnsafeSlow(initialBytes);
    return result;
  }

  /** After a throw in the middle of a message. */
  reset(): void {
    this.#at = 0;
  }

  #uint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#at++] = rest;
  }

  #big(value: bigint): void {
    let rest = value;
    while (rest >= 0x80n) {
      this.#buffer[this.#at++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#buffer[this.#at++] = Number(rest);
  }
}

/** Reads one message; `bytes` are views into the input. */
export class Reader {
  readonly #buffer: Buffer;
  readonly end: number;
  at: number;

  constructor(buffer: Buffer, from = 0, to = buffer.length) {
    this.#buffer = buffer;
    this.at = from;
    this.end = to;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  /** Within 2^53, taken as signed 64 bit. */
  varint(): number {
    const start = this.at;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (Number.isSafeInteger(value)) return value;
        break;
      }
      scale *= 0x80;
    }
    this.at = start;
    // Beyond 2^53 the exact value does not matter (no revision is that high), only that it is that large.
    return Number(BigInt.asIntN(64, this.varint64()));
  }

  varint64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new CodecError('a varint of more than ten bytes');
  }

  bytes(): Buffer {
    const from = this.take(this.varint());
    return this.#buffer.subarray(from, this.at);
  }

  latin1(): string {
    const from = this.take(this.varint());
    return this.#buffer.toString('latin1', from, this.at);
  }

  utf8(): string {
    const from = this.take(this.varint());
    return this.#buffer.toString('utf8', from, this.at);
  }

  nested(): Reader {
    const from = this.take(this.varint());
    return new Reader(this.#buffer, from, this.at);
  }

  /** Advances; returns where the piece starts. */
  take(count: number): number {
    const from = this.at;
    if (count < 0 || count > this.end - from) throw new CodecError('a field runs past the end of its message');
    this.at = from + count;
    return from;
  }

  skip(wireType: number): void {
    if (wireType === 0) this.varint64();
    else if (wireType === 1) this.take(8);
    else if (wireType === 2) this.take(this.varint());
    else if (wireType === 5) this.take(4);
    else throw new CodecError(`wire type ${wireType}`);
  }

  #byte(): number {
    const byte = this.#buffer[this.take(1)];
    return byte ?? 0;
  }
}

interface Plan {
  readonly names: readonly (readonly [string, Field<unknown>])[];
  readonly byNumber: ReadonlyMap<number, readonly [string, Field<unknown>]>;
}

const plans = new WeakMap<Schema, Plan>();

function planOf(schema: Schema): Plan {
  let plan = plans.get(schema);
  if (plan === undefined) {
    const names = Object.entries(schema);
    plan = { names, byNumber: new Map(names.map((entry) => [entry[1].number, entry] as const)) };
    plans.set(schema, plan);
  }
  return plan;
}

/** Reads a message; absent fields have their zero value. Throws CodecError. */
export function decode<S extends Schema>(schema: S, buffer: Buffer): MessageOf<S> {
  return decodeFrom(schema, new Reader(buffer)) as MessageOf<S>;
}

function zeroOf(field: Field<unknown>): unknown {
  if (field.repeated) return [];
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

function decodeFrom(schema: Schema, reader: Reader): Record<string, unknown> {
  const plan = planOf(schema);
  const result: Record<string, unknown> = {};
  for (const [name, field] of plan.names) result[name] = zeroOf(field);
  while (!reader.done) {
    const tag = reader.varint();
    const wireType = tag % 8;
    const known = plan.byNumber.get(Math.floor(tag / 8));
    if (known === undefined) {
      reader.skip(wireType);
      continue;
    }
    const [name, field] = known;
    if (!field.repeated) {
      result[name] = readValue(field, reader);
    } else if (wireType === 2 && (field.kind === 'int' || field.kind === 'int64' || field.kind === 'uint64')) {
      const packed = reader.nested();
      while (!packed.done) (result[name] as unknown[]).push(readValue(field, packed));
    } else {
      (result[name] as unknown[]).push(readValue(field, reader));
    }
  }
  return result;
}

function readValue(field: Field<unknown>, reader: Reader): unknown {
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
      return decodeFrom(field.schema ?? {}, reader.nested());
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
