// The protobuf wire format: varints, lengths and bytes of single fields.

import { lend, lentBytesMin, takeBuffer } from '../http2/lent-buffers.ts';

/** Bytes that are no protobuf message of the expected type. */
export class CodecError extends Error {
  override readonly name = 'CodecError';
}

const initialBytes = 512;
const largestKeptBytes = 1 << 20;

/** A growing buffer; `finish` copies the result out so that the buffer is used again. */
export class Writer {
  #buffer: Buffer = Buffer.allocUnsafeSlow(initialBytes);
  #at = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#at;
  }

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

  /** As `bytesField`, of a buffer that is only to be read with `copy`. */
  copiedField(field: number, value: Buffer): void {
    const { length } = value;
    this.tag(field, 2);
    this.varint(length);
    this.reserve(length);
    value.copy(this.#buffer, this.#at, 0, length);
    this.#at += length;
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

  /** As `finish`; what is long is not copied, but lent to whoever reads it. */
  lend(): Buffer {
    if (this.#at < lentBytesMin) return this.finish();
    const result = lend(this.#buffer, this.#at);
    this.#at = 0;
    this.#buffer = takeBuffer() ?? Buffer.allocUnsafeSlow(initialBytes);
    return result;
  }

  /** After a throw in the middle of a message. */
  reset(): void {
    this.#at = 0;
  }

  #uint(value: number): void {
    let rest = value;
    // Bit operations are for 31 bits.
    while (rest > 0x7fffffff) {
      this.#buffer[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    while (rest >= 0x80) {
      this.#buffer[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#at++] = rest;
  }

  /** In two halves: ids are in every response, and arithmetic on bigints costs more than the rest of it. */
  #big(value: bigint): void {
    let low = Number(value & 0xffffffffn);
    let high = Number(value >> 32n);
    while (high > 0) {
      this.#buffer[this.#at++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.#uint(low);
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

  /** A field that nobody knows; groups with all that is in them. */
  skip(wireType: number): void {
    let depth = 0;
    for (let type = wireType; ; type = this.#wireType()) {
      if (type === 0) this.varint64();
      else if (type === 1) this.take(8);
      else if (type === 2) this.take(this.varint());
      else if (type === 3) depth++;
      else if (type === 4 && depth > 0) depth--;
      else if (type === 5) this.take(4);
      else if (type === 4) throw new CodecError('proto: unexpected end of group');
      else throw new CodecError(`proto: illegal wireType ${type}`);
      if (depth === 0) return;
    }
  }

  /** Of the next field's tag. */
  #wireType(): number {
    return this.varint() % 8;
  }

  #byte(): number {
    const byte = this.#buffer[this.take(1)];
    return byte ?? 0;
  }
}
