// What a connection writes: frames into one buffer, one write to the socket per turn.
import type { Socket } from 'node:net';
import { frameTypes, headBytes } from './frames.ts';
import { giveBuffer, takeBuffer } from './lent-buffers.ts';

const initialBytes = 4096;
const none: Buffer = Buffer.alloc(0);

export class Output {
  readonly #socket: Socket;
  readonly #flushed: () => void;
  /** Only while there is something to write: a connection that is silent has none. */
  #buffer = none;
  #at = 0;
  /** What the kernel has not taken all of. */
  #leaving: Buffer[] = [];
  #scheduled = false;
  /** The stream whose data is the last frame, where that frame begins, and how long its payload is; 0: another kind of frame. */
  #dataStream = 0;
  #dataAt = 0;
  #dataBytes = 0;

  /** @param flushed is called at the end of each turn in which something was written or scheduled. */
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
    this.#lengthAt(at, length);
    buffer[at + 3] = type;
    buffer[at + 4] = flags;
    this.#uint32At(at + 5, stream);
    this.#at = at + headBytes;
    this.#dataStream = 0;
    this.schedule();
  }

  /** `flushed` is to be called at the end of this turn, whether there is something to write or not. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => this.flush());
  }

  /** Before `length` bytes of a stream's data: they go into its last frame where nothing else came after that one. */
  data(length: number, stream: number, frameBytesMax: number): void {
    if (this.#dataStream === stream && this.#dataBytes + length <= frameBytesMax) {
      this.#reserve(length);
      this.#dataBytes += length;
      this.#lengthAt(this.#dataAt, this.#dataBytes);
      return;
    }
    const before = this.#at;
    this.head(length, frameTypes.data, 0, stream);
    this.#dataStream = stream;
    this.#dataAt = before;
    this.#dataBytes = length;
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
    const buffer = this.#buffer;
    const length = this.#at;
    this.#buffer = none;
    this.#at = 0;
    this.#dataStream = 0;
    if (length === 0) giveBuffer(buffer);
    else {
      this.written();
      this.#leaving.push(buffer);
      this.#socket.write(buffer.subarray(0, length));
      this.written();
    }
    this.#flushed();
  }

  /** To be called when the socket has written everything; before that it has no effect. */
  written(): void {
    if (this.#leaving.length === 0 || this.#socket.destroyed || this.#socket.writableLength > 0) return;
    for (const buffer of this.#leaving) giveBuffer(buffer);
    this.#leaving = [];
  }

  #lengthAt(at: number, length: number): void {
    const buffer = this.#buffer;
    buffer[at] = length >>> 16;
    buffer[at + 1] = length >>> 8;
    buffer[at + 2] = length;
  }

  #uint32At(at: number, value: number): void {
    const buffer = this.#buffer;
    buffer[at] = value >>> 24;
    buffer[at + 1] = value >>> 16;
    buffer[at + 2] = value >>> 8;
    buffer[at + 3] = value;
  }

  #reserve(count: number): number {
    if (this.#buffer.length === 0) this.#buffer = takeBuffer() ?? Buffer.allocUnsafeSlow(initialBytes);
    const needed = this.#at + count;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, this.#at);
      giveBuffer(this.#buffer);
      this.#buffer = larger;
    }
    return this.#at;
  }
}
