// What a connection writes: frames into one buffer, one write to the socket per turn.
import type { Socket } from 'node:net';
import { headBytes } from './frames.ts';

const initialBytes = 4096;
/** A buffer that grew beyond this is not kept. */
const keptBytesMax = 256 << 10;

export class Output {
  readonly #socket: Socket;
  readonly #flushed: () => void;
  #buffer = Buffer.allocUnsafeSlow(initialBytes);
  #at = 0;
  #scheduled = false;

  /** @param flushed is called after each write. */
  constructor(socket: Socket, flushed: () => void) {
    this.#socket = socket;
    this.#flushed = flushed;
  }

  /** Bytes that the kernel has not taken yet. */
  get waitingBytes(): number {
    return this.#at + this.#socket.writableLength;
  }

  /** A frame's head; its payload must follow, piece by piece. */
  head(length: number, type: number, flags: number, stream: number): void {
    const at = this.#reserve(headBytes + length);
    const buffer = this.#buffer;
    buffer[at] = length >>> 16;
    buffer[at + 1] = length >>> 8;
    buffer[at + 2] = length;
    buffer[at + 3] = type;
    buffer[at + 4] = flags;
    this.#uint32At(at + 5, stream);
    this.#at = at + headBytes;
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => this.flush());
  }

  bytes(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  byte(value: number): void {
    this.#buffer[this.#at++] = value;
  }

  uint32(value: number): void {
    this.#uint32At(this.#at, value);
    this.#at += 4;
  }

  flush(): void {
    this.#scheduled = false;
    // Nothing is answered any more after the end.
    if (this.#socket.destroyed || this.#socket.writableEnded) this.#at = 0;
    if (this.#at === 0) return;
    const bytes = this.#buffer.subarray(0, this.#at);
    this.#at = 0;
    this.#socket.write(bytes);
    // What the kernel took at once is free again.
    const isFree = this.#socket.writableLength === 0 && this.#buffer.length <= keptBytesMax;
    if (!isFree) this.#buffer = Buffer.allocUnsafeSlow(initialBytes);
    this.#flushed();
  }

  #uint32At(at: number, value: number): void {
    const buffer = this.#buffer;
    buffer[at] = value >>> 24;
    buffer[at + 1] = value >>> 16;
    buffer[at + 2] = value >>> 8;
    buffer[at + 3] = value;
  }

  #reserve(count: number): number {
    const needed = this.#at + count;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.#at);
      this.#buffer = larger;
    }
    return this.#at;
  }
}
