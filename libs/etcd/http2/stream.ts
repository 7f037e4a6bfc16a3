// One stream of a connection: its state and its share of the windows (RFC 9113, sections 5.1 and 5.2).
import type { Headers } from './hpack.ts';
import { giveBack } from './lent-buffers.ts';
import type { Output } from './output.ts';

/** What a stream's events are given to. */
export interface StreamUser {
  /** A header block of the other side. Only of use to a client. */
  headers?(headers: Headers): void;
  /**
   * A piece of what the other side says. A view into the connection's buffer: what is kept of it keeps all that was read with it.
   * @param last whether `ended` follows at once.
   */
  received(bytes: Buffer, last: boolean): void;
  /** The other side has said everything. */
  ended(): void;
  /** The stream was cancelled, or the connection is gone. */
  reset(): void;
  /** Queued bytes were sent. */
  drained(): void;
}

/** Compression flag, length: what comes before each message of gRPC. */
export const grpcHeadBytes = 5;

export class Http2Stream {
  readonly id: number;
  user: StreamUser | undefined;
  /** Bytes that the other side still takes. */
  sendWindow: number;
  /** Pieces that wait for a window, or for the socket. */
  readonly queue: Buffer[] = [];
  queuedBytes = 0;
  /** Its answer is made when there is room for it, however large it is; before it nothing is sent. */
  hasAsked = false;
  /** Of the first piece, written already. */
  #taken = 0;
  /** Headers that end the stream, after the queue. */
  trailers: Buffer | undefined;
  /** This side has said everything, and waits for the other one. */
  localEnded = false;
  /** Received since the window was last given back. */
  receivedBytes = 0;
  /** The window is not given back while what was received is being worked on. */
  held = 0;
  remoteEnded = false;
  /** What the other side has said it would send, less what has come; undefined where it has not said. */
  contentLeft: number | undefined;

  constructor(id: number, sendWindow: number) {
    this.id = id;
    this.sendWindow = sendWindow;
  }

  /** One message of gRPC, in parts that are `messageBytes` together. */
  enqueue(messageBytes: number, parts: readonly Buffer[]): void {
    const head = Buffer.allocUnsafe(grpcHeadBytes);
    head[0] = 0;
    head.writeUInt32BE(messageBytes, 1);
    this.queue.push(head);
    // One that is empty would be left when all bytes are sent.
    for (const part of parts) if (part.length > 0) this.queue.push(part);
    this.queuedBytes += grpcHeadBytes + messageBytes;
  }

  dropQueue(): void {
    this.queue.length = 0;
    this.queuedBytes = 0;
    this.#taken = 0;
  }

  /** Writes the first `length` bytes of the queue. */
  writeQueued(length: number, output: Output): void {
    this.queuedBytes -= length;
    for (let left = length; left > 0; ) {
      const [piece] = this.queue;
      if (piece === undefined) return;
      const from = this.#taken;
      const taken = Math.min(left, piece.length - from);
      output.bytes(taken === piece.length ? piece : piece.subarray(from, from + taken));
      left -= taken;
      this.#taken = from + taken;
      if (this.#taken < piece.length) return;
      this.#taken = 0;
      this.queue.shift();
      giveBack(piece);
    }
  }
}
