// Messages of gRPC out of a stream's data (PROTOCOL-HTTP2.md, "Length-Prefixed-Message").

export const messageHeadBytes = 5;
/** What is kept for a message at first, and the least by which it grows. */
const keptBytesMin = 1 << 10;
const nothing = Buffer.alloc(0);

export interface MessageEvents {
  /** The head of a message: whether it may go on. */
  readonly accept: (compressed: boolean, length: number) => boolean;
  /** A whole message. Where it came in one piece it is a view into that, which keeps all of it. */
  readonly message: (message: Buffer) => void;
}

export class MessageReader {
  readonly #events: MessageEvents;
  /** What has come of a message that is not complete, copied: a view of one byte would keep all that was read with it. */
  #kept = nothing;
  #at = 0;
  /** With its head; until that is there, the head's. */
  #wanted = messageHeadBytes;
  #over = false;

  constructor(events: MessageEvents) {
    this.#events = events;
  }

  get keptBytes(): number {
    return this.#kept.length;
  }

  read(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0 && !this.#over) rest = this.#at === 0 ? this.#whole(rest) : this.#piece(rest);
  }

  /** Nothing more is read. */
  stop(): void {
    this.#over = true;
    this.#drop();
  }

  /** A message that begins here: it is all there, or its beginning is kept. */
  #whole(bytes: Buffer): Buffer {
    if (bytes.length < messageHeadBytes) return this.#keep(bytes);
    if (!this.#head(bytes)) return nothing;
    if (bytes.length < this.#wanted) return this.#keep(bytes);
    const end = this.#wanted;
    this.#wanted = messageHeadBytes;
    this.#events.message(bytes.subarray(messageHeadBytes, end));
    return bytes.subarray(end);
  }

  /** The next piece of a message that has begun. */
  #piece(bytes: Buffer): Buffer {
    const piece = bytes.subarray(0, this.#wanted - this.#at);
    const rest = bytes.subarray(piece.length);
    this.#keep(piece);
    if (this.#at < this.#wanted) return rest;
    if (this.#wanted === messageHeadBytes) {
      if (!this.#head(this.#kept)) return nothing;
      if (this.#wanted > messageHeadBytes) return rest;
    }
    const message = this.#kept.subarray(messageHeadBytes, this.#wanted);
    this.#drop();
    this.#events.message(message);
    return rest;
  }

  #head(bytes: Buffer): boolean {
    const length = bytes.readUInt32BE(1);
    if (this.#events.accept(bytes[0] !== 0, length)) {
      this.#wanted = messageHeadBytes + length;
      return true;
    }
    this.stop();
    return false;
  }

  /** Room grows with what has come, not with what was promised. */
  #keep(bytes: Buffer): Buffer {
    const needed = this.#at + bytes.length;
    if (needed > this.#kept.length) {
      const room = Math.max(Math.min(Math.max(needed * 2, keptBytesMin), this.#wanted), needed);
      const larger = Buffer.allocUnsafeSlow(room);
      this.#kept.copy(larger, 0, 0, this.#at);
      this.#kept = larger;
    }
    this.#kept.set(bytes, this.#at);
    this.#at = needed;
    return nothing;
  }

  #drop(): void {
    this.#kept = nothing;
    this.#at = 0;
    this.#wanted = messageHeadBytes;
  }
}
