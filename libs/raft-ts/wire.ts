// The protobuf wire format, as much of it as entries, messages and log records need, by hand: these are the hottest bytes of
// the store. https://protobuf.dev/programming-guides/encoding/

/** Why bytes are not what they should be; the caller adds which record or message it was. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

const initialBytes = 256;
const varintBytesMax = 10;
/** A buffer that grew beyond this is not kept for the next use. */
const keptBytesMax = 1 << 20;

/** Writes fields into one growing buffer. Zero values are not written, as proto3 has it. */
export class WireWriter {
  #buffer = new Uint8Array(initialBytes);
  #view = new DataView(this.#buffer.buffer);
  #at = 0;

  /** What was written so far; a copy, so that the writer can go on. */
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#at);
  }

  /** The same writer from the start, for those who write often. */
  restart(): this {
    this.#at = 0;
    if (this.#buffer.length > keptBytesMax) {
      this.#buffer = new Uint8Array(initialBytes);
      this.#view = new DataView(this.#buffer.buffer);
    }
    return this;
  }

  /** One byte outside any field, for formats that put something before their message. */
  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#at++] = value;
  }

  /** A `uint32` or `uint64` below 2^53, or an enum. */
  uint(field: number, value: number): void {
    if (value === 0) return;
    this.#reserve(2 * varintBytesMax);
    this.#varint(field * 8);
    this.#varint(value);
  }

  bool(field: number, value: boolean): void {
    this.uint(field, value ? 1 : 0);
  }

  fixed64(field: number, value: bigint): void {
    if (value === 0n) return;
    this.#reserve(varintBytesMax + 8);
    this.#varint(field * 8 + 1);
    this.#view.setBigUint64(this.#at, value, true);
    this.#at += 8;
  }

  /** Of length 0: not written, unless `always` (an element of a repeated field). */
  bytes(field: number, value: Uint8Array, always = false): void {
    if (value.length === 0 && !always) return;
    this.#reserve(2 * varintBytesMax + value.length);
    this.#varint(field * 8 + 2);
    this.#varint(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  /** A nested message, always written: its presence says something even where it is empty. */
  message(field: number, write: (writer: WireWriter) => void): void {
    const lengthBytes = 5;
    this.#reserve(varintBytesMax + lengthBytes);
    this.#varint(field * 8 + 2);
    const at = this.#at;
    this.#at += lengthBytes;
    write(this);
    // A length of fixed width: longer than need be by a few bytes, and legal; it saves a second buffer.
    let length = this.#at - at - lengthBytes;
    for (let i = 0; i < lengthBytes; i++) {
      this.#buffer[at + i] = (length & 0x7f) | (i < lengthBytes - 1 ? 0x80 : 0);
      length >>>= 7;
    }
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#at++] = rest;
  }

  #reserve(count: number): void {
    const needed = this.#at + count;
    if (needed <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    larger.set(this.#buffer.subarray(0, this.#at));
    this.#buffer = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Reads fields one after the other; `bytes` are views into the input, not copies. Throws WireError. */
export class WireReader {
  readonly #buffer: Uint8Array;
  readonly #end: number;
  #at: number;
  #wireType = 0;

  constructor(buffer: Uint8Array, from = 0, to = buffer.length) {
    this.#buffer = buffer;
    this.#at = from;
    this.#end = to;
  }

  /** The next field's number, or 0 at the end. The field must then be read or skipped. */
  next(): number {
    if (this.#at >= this.#end) return 0;
    const tag = this.#varint();
    this.#wireType = tag % 8;
    const field = Math.floor(tag / 8);
    if (field === 0) throw new WireError('field number 0');
    return field;
  }

  uint(): number {
    this.#expect(0);
    return this.#varint();
  }

  bool(): boolean {
    return this.uint() !== 0;
  }

  fixed64(): bigint {
    this.#expect(1);
    const at = this.#take(8);
    return new DataView(this.#buffer.buffer, this.#buffer.byteOffset + at, 8).getBigUint64(0, true);
  }

  /** An element of a repeated `fixed64`, or several where they are packed. */
  fixed64s(into: bigint[]): void {
    if (this.#wireType !== 2) {
      into.push(this.fixed64());
      return;
    }
    const packed = this.bytes();
    if (packed.length % 8 !== 0) throw new WireError('packed fixed64 of a broken length');
    const view = new DataView(packed.buffer, packed.byteOffset, packed.length);
    for (let at = 0; at < packed.length; at += 8) into.push(view.getBigUint64(at, true));
  }

  bytes(): Uint8Array {
    this.#expect(2);
    const length = this.#varint();
    const at = this.#take(length);
    return this.#buffer.subarray(at, at + length);
  }

  message(): WireReader {
    this.#expect(2);
    const length = this.#varint();
    const at = this.#take(length);
    return new WireReader(this.#buffer, at, at + length);
  }

  /** Passes over a field that this version does not know. */
  skip(): void {
    if (this.#wireType === 0) this.#varint();
    else if (this.#wireType === 1) this.#take(8);
    else if (this.#wireType === 2) this.#take(this.#varint());
    else if (this.#wireType === 5) this.#take(4);
    else throw new WireError(`wire type ${this.#wireType}`);
  }

  #expect(wireType: number): void {
    if (this.#wireType !== wireType) throw new WireError(`wire type ${this.#wireType} where ${wireType} was expected`);
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#end - at) throw new WireError('field runs past the end');
    this.#at = at + count;
    return at;
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < varintBytesMax; i++) {
      const byte = this.#buffer[this.#take(1)] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) throw new WireError('number above 2^53');
        return value;
      }
      scale *= 0x80;
    }
    throw new WireError('number of more than 10 bytes');
  }
}
