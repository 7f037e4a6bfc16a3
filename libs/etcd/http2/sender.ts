// What a connection sends on its streams, as fast as the other side's windows and the socket allow (RFC 9113, section 5.2).
import type { Clock } from '@drydock/foundation/clock.ts';
import {
  ConnectionError,
  errorCodes,
  flags,
  frameTypes,
  initialFrameBytes,
  initialWindow,
  StreamError,
  windowMax,
} from './frames.ts';
import { outputBytesMax, unreadBytesLimit, unreadBytesMax } from './limits.ts';
import type { Output } from './output.ts';
import { grpcHeadBytes, type Http2Stream } from './stream.ts';
import { Turns } from './turns.ts';

export interface SenderEvents {
  /** Something of a stream was sent. */
  readonly sent: () => void;
  /** Everything of a stream was sent, its trailers too. */
  readonly finished: (stream: Http2Stream) => void;
}

export class Sender {
  readonly #output: Output;
  readonly #events: SenderEvents;
  /** Streams with a queue and a window, in the order in which they are served. Those that wait for a window are not among them. */
  readonly #ready = new Set<Http2Stream>();
  readonly #turns: Turns;
  #window = initialWindow;
  #streamWindow = initialWindow;
  #frameBytesMax = initialFrameBytes;
  /** What is queued of streams that asked for room, and of the others. */
  #askedBytes = 0;
  #unaskedBytes = 0;

  constructor(output: Output, clock: Clock, events: SenderEvents) {
    this.#output = output;
    this.#events = events;
    this.#turns = new Turns(clock, () => this.#askedBytes <= unreadBytesMax);
  }

  /** What a new stream may send. */
  get streamWindow(): number {
    return this.#streamWindow;
  }

  /** Whether so much waits, besides answers that had their turn, that the client cannot be meaning to read it. */
  get overflows(): boolean {
    return this.#unaskedBytes > unreadBytesLimit;
  }

  /** Whether so much of streams waits that those that have something waiting should add nothing. */
  get isCrowded(): boolean {
    return this.#unaskedBytes > unreadBytesMax;
  }

  /** Undefined where a large answer may be made at once, else a promise of the stream's turn; it rejects where the stream ends. */
  room(stream: Http2Stream): Promise<void> | undefined {
    stream.hasAsked = true;
    return this.#turns.wait(stream);
  }

  headers(stream: Http2Stream, block: Buffer): void {
    this.#output.head(block.length, frameTypes.headers, flags.endHeaders, stream.id);
    this.#output.bytes(block);
  }

  /** One message of gRPC, in one or several parts, which must not be changed afterwards. Parts that are lent are given back. */
  message(stream: Http2Stream, parts: readonly Buffer[]): void {
    let messageBytes = 0;
    for (const part of parts) messageBytes += part.length;
    const length = grpcHeadBytes + messageBytes;
    if (stream.queue.length > 0 || this.#room(stream) < length) {
      stream.enqueue(messageBytes, parts);
      this.#count(stream, length);
      if (stream.sendWindow > 0) this.#ready.add(stream);
      // Not at once: whoever writes is not to hear in the middle of it that there is room again.
      this.#output.schedule();
      return;
    }
    this.#take(stream, length);
    this.#output.data(length, stream.id, this.#frameBytesMax);
    this.#output.byte(0);
    this.#output.uint32(messageBytes);
    for (const part of parts) this.#output.bytes(part);
    this.#events.sent();
  }

  /** Ends the stream with a last header block, after what is queued. */
  finish(stream: Http2Stream, trailers: Buffer): void {
    stream.trailers = trailers;
    if (stream.queue.length === 0) this.#finish(stream);
  }

  /** The stream is over: what it has queued is not sent. */
  forget(stream: Http2Stream): void {
    this.#ready.delete(stream);
    this.#count(stream, -stream.queuedBytes);
    stream.dropQueue();
    this.#turns.leave(stream);
    this.#turns.next();
  }

  /** More may be sent on the connection. Throws ConnectionError. */
  grant(more: number): void {
    if (more === 0) throw new ConnectionError(errorCodes.protocol, 'a window update of 0');
    this.#window += more;
    if (this.#window > windowMax) throw new ConnectionError(errorCodes.flowControl, 'a window that is too large');
  }

  /** More may be sent on a stream. Throws StreamError. */
  grantStream(stream: Http2Stream, more: number): void {
    if (more === 0) throw new StreamError(stream.id, errorCodes.protocol, 'a window update of 0');
    stream.sendWindow += more;
    if (stream.sendWindow > windowMax) throw new StreamError(stream.id, errorCodes.flowControl, 'a window that is too large');
    this.#wake(stream);
  }

  /** Throws ConnectionError. */
  setStreamWindow(window: number, streams: Iterable<Http2Stream>): void {
    const change = window - this.#streamWindow;
    this.#streamWindow = window;
    for (const stream of streams) {
      stream.sendWindow += change;
      if (stream.sendWindow > windowMax) throw new ConnectionError(errorCodes.flowControl, 'a window that is too large');
      this.#wake(stream);
    }
  }

  setFrameBytesMax(bytes: number): void {
    this.#frameBytesMax = Math.min(bytes, outputBytesMax);
  }

  /** Sends what waits, a frame of each stream in turn. What it costs grows with what is sent, not with what waits. */
  pump(): void {
    while (this.#window > 0 && this.#output.waitingBytes <= outputBytesMax) {
      const stream = this.#ready.values().next().value;
      if (stream === undefined) return;
      this.#sendQueued(stream);
    }
  }

  #wake(stream: Http2Stream): void {
    if (stream.queuedBytes > 0 && stream.sendWindow > 0) this.#ready.add(stream);
    else this.#ready.delete(stream);
  }

  /** How much of one frame may be sent on a stream. */
  #room(stream: Http2Stream): number {
    if (this.#output.waitingBytes > outputBytesMax) return 0;
    return Math.min(stream.sendWindow, this.#window, this.#frameBytesMax);
  }

  #count(stream: Http2Stream, bytes: number): void {
    if (stream.hasAsked) this.#askedBytes += bytes;
    else this.#unaskedBytes += bytes;
  }

  #take(stream: Http2Stream, length: number): void {
    stream.sendWindow -= length;
    this.#window -= length;
  }

  /** One frame of what a stream that is ready has queued. */
  #sendQueued(stream: Http2Stream): void {
    const length = Math.min(this.#room(stream), stream.queuedBytes);
    this.#take(stream, length);
    this.#output.data(length, stream.id, this.#frameBytesMax);
    stream.writeQueued(length, this.#output);
    this.#count(stream, -length);
    this.#turns.next();
    this.#events.sent();
    this.#ready.delete(stream);
    if (stream.queuedBytes > 0) this.#wake(stream);
    else this.#finish(stream);
    stream.user?.drained();
  }

  #finish(stream: Http2Stream): void {
    const { trailers } = stream;
    if (trailers === undefined) return;
    this.#output.head(trailers.length, frameTypes.headers, flags.endHeaders | flags.endStream, stream.id);
    this.#output.bytes(trailers);
    this.#events.sent();
    this.#events.finished(stream);
  }
}
