// One end of an HTTP/2 connection (RFC 9113): frames in, flow control in both directions, frames out. Made for gRPC, whose header
// blocks are known beforehand; there is no push, no priority, and no header table for what is sent.
import type { Socket } from 'node:net';
import { FrameReader } from './frame-reader.ts';
import {
  ConnectionError,
  errorCodes,
  flags,
  frameTypes,
  initialFrameBytes,
  initialWindow,
  pingBytes,
  preface,
  settingIds,
  unpadded,
  windowMax,
} from './frames.ts';
import { type HeaderBlock, HeaderBlocks } from './header-blocks.ts';
import { type Headers, HpackError } from './hpack.ts';
import { connectionWindow, controlBytesMax, encodeSettings, outputBytesMax, streamWindow } from './limits.ts';
import type { Http2Options } from './options.ts';
import { Output } from './output.ts';
import { PingPolicy } from './ping-policy.ts';
import { grpcHeadBytes, Http2Stream, type StreamUser } from './stream.ts';

export class Http2Connection {
  readonly socket: Socket;
  readonly #options: Http2Options;
  readonly #output: Output;
  readonly #reader: FrameReader;
  readonly #blocks = new HeaderBlocks();
  readonly #pings = new PingPolicy();
  readonly #streams = new Map<number, Http2Stream>();
  /** Streams with a queue, in the order in which they are served. */
  readonly #blocked = new Set<Http2Stream>();
  #lastStream = 0;
  #sendWindow = initialWindow;
  #streamSendWindow = initialWindow;
  #frameBytesMax = initialFrameBytes;
  #receivedBytes = 0;
  #closing = false;

  constructor(socket: Socket, options: Http2Options) {
    this.socket = socket;
    this.#options = options;
    this.#output = new Output(socket, () => this.#pump());
    this.#reader = new FrameReader(options.onStream !== undefined, (...frame) => this.#frame(...frame));
  }

  /** @param first what was already read of the connection. */
  start(first: Buffer | undefined): void {
    const { socket } = this;
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('drain', () => {
      this.#output.written();
      this.#pump();
    });
    socket.on('end', () => socket.destroy());
    socket.on('close', () => this.#closed());
    if (this.#options.onStream === undefined) socket.write(preface);
    const settings = encodeSettings(this.#options.streamsMax);
    this.#output.head(settings.length, frameTypes.settings, 0, 0);
    this.#output.bytes(settings);
    this.#windowUpdate(0, connectionWindow - initialWindow);
    if (first !== undefined) this.#receive(first);
  }

  /** Takes no new streams; the connection ends with the last one. */
  shutdown(): void {
    if (this.#closing) return;
    this.#goAway(errorCodes.none, '');
    this.#closing = true;
    this.#endIfDone();
  }

  /** Takes no streams at all, and says why. The other side is to end the connection. */
  refuse(code: number, reason: string): void {
    this.#goAway(code, reason);
    this.#closing = true;
    this.#endIfDone();
  }

  /** A client's: begins a stream. */
  request(block: Buffer, user: StreamUser): Http2Stream {
    this.#lastStream += this.#lastStream === 0 ? 1 : 2;
    const stream = new Http2Stream(this.#lastStream, this.#streamSendWindow);
    stream.user = user;
    this.#streams.set(stream.id, stream);
    this.headers(stream, block);
    return stream;
  }

  ping(): void {
    this.#output.head(pingBytes, frameTypes.ping, 0, 0);
    this.#output.bytes(new Uint8Array(pingBytes));
  }

  headers(stream: Http2Stream, block: Buffer): void {
    if (!this.#streams.has(stream.id)) return;
    this.#output.head(block.length, frameTypes.headers, flags.endHeaders, stream.id);
    this.#output.bytes(block);
  }

  /** One message of gRPC, in one or several parts, which must not be changed afterwards. Parts that are lent are given back. */
  message(stream: Http2Stream, ...parts: readonly Buffer[]): void {
    if (!this.#streams.has(stream.id)) return;
    let messageBytes = 0;
    for (const part of parts) messageBytes += part.length;
    const length = grpcHeadBytes + messageBytes;
    const fits = stream.queue.length === 0 && this.#room(stream) >= length;
    if (!fits) {
      stream.enqueue(messageBytes, parts);
      this.#blocked.add(stream);
      if (this.#room(stream) > 0) this.#pump();
      return;
    }
    this.#take(stream, length);
    this.#output.data(length, stream.id, this.#frameBytesMax);
    this.#output.byte(0);
    this.#output.uint32(messageBytes);
    for (const part of parts) this.#output.bytes(part);
    this.#pings.sent();
  }

  /** Ends the stream with a last header block, after what is queued. */
  finish(stream: Http2Stream, trailers: Buffer): void {
    if (!this.#streams.has(stream.id) || stream.trailers !== undefined) return;
    stream.trailers = trailers;
    if (stream.queue.length === 0) this.#finish(stream);
  }

  /** More of the stream's request may come: what was held back has been worked on. */
  release(stream: Http2Stream): void {
    stream.held--;
    this.#giveBack(stream);
  }

  #finish(stream: Http2Stream): void {
    const { trailers } = stream;
    if (trailers === undefined) return;
    this.#output.head(trailers.length, frameTypes.headers, flags.endHeaders | flags.endStream, stream.id);
    this.#output.bytes(trailers);
    this.#pings.sent();
    // What the client still has to say is of no use any more (section 8.1).
    if (!stream.remoteEnded) this.#reset(stream.id, errorCodes.none);
    this.#forget(stream);
  }

  #forget(stream: Http2Stream): void {
    this.#streams.delete(stream.id);
    this.#blocked.delete(stream);
    stream.queue.length = 0;
    stream.queuedBytes = 0;
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (!this.#closing || this.#streams.size > 0) return;
    this.#output.flush();
    this.socket.end();
  }

  /** How much of one frame may be sent on a stream. */
  #room(stream: Http2Stream): number {
    if (this.#output.waitingBytes > outputBytesMax) return 0;
    return Math.min(stream.sendWindow, this.#sendWindow, this.#frameBytesMax);
  }

  #take(stream: Http2Stream, length: number): void {
    stream.sendWindow -= length;
    this.#sendWindow -= length;
  }

  /** Sends what waits, a frame of each stream in turn. */
  #pump(): void {
    let sent = this.#blocked.size > 0;
    while (sent) {
      sent = false;
      for (const stream of [...this.#blocked]) if (this.#sendQueued(stream)) sent = true;
    }
  }

  /** One frame of what a stream has queued; whether there was room. */
  #sendQueued(stream: Http2Stream): boolean {
    const length = Math.min(this.#room(stream), stream.queuedBytes);
    if (length <= 0) return false;
    this.#take(stream, length);
    this.#output.data(length, stream.id, this.#frameBytesMax);
    stream.writeQueued(length, this.#output);
    this.#pings.sent();
    if (stream.queuedBytes > 0) {
      // To the end of the order.
      this.#blocked.delete(stream);
      this.#blocked.add(stream);
    } else {
      stream.queue.length = 0;
      this.#blocked.delete(stream);
      this.#finish(stream);
    }
    stream.user?.drained();
    return true;
  }

  #receive(bytes: Buffer): void {
    try {
      this.#reader.read(bytes);
    } catch (error) {
      if (error instanceof ConnectionError) this.#fail(error.code, error.message);
      else if (error instanceof HpackError) this.#fail(errorCodes.compression, error.message);
      else throw error;
    }
    if (this.#output.waitingBytes > controlBytesMax) this.socket.destroy();
  }

  #frame(type: number, frameFlags: number, id: number, payload: Buffer): void {
    this.#blocks.check(type, id);
    switch (type) {
      case frameTypes.data:
        this.#data(frameFlags, id, payload);
        return;
      case frameTypes.headers:
        this.#headers(this.#blocks.begin(frameFlags, id, payload));
        return;
      case frameTypes.continuation:
        this.#headers(this.#blocks.goOn(frameFlags, payload));
        return;
      case frameTypes.reset:
        this.#cancelled(id);
        return;
      case frameTypes.settings:
        if ((frameFlags & flags.ack) === 0) this.#settings(payload);
        return;
      case frameTypes.ping:
        this.#ping(frameFlags, payload);
        return;
      case frameTypes.windowUpdate:
        this.#grant(id, payload);
        return;
      case frameTypes.goAway:
        if (payload.length >= 8) this.#options.onGoAway?.(payload.readUInt32BE(4), payload.toString('utf8', 8));
        return;
      default: // What is not known has no effect (section 5.5).
    }
  }

  #data(frameFlags: number, id: number, payload: Buffer): void {
    this.#receivedBytes += payload.length;
    if (this.#receivedBytes > connectionWindow) throw new ConnectionError(errorCodes.flowControl, 'more than the window');
    if (this.#receivedBytes >= connectionWindow / 2) {
      this.#windowUpdate(0, this.#receivedBytes);
      this.#receivedBytes = 0;
    }
    const stream = this.#streams.get(id);
    if (stream === undefined || stream.remoteEnded) {
      if (id === 0 || id > this.#lastStream) throw new ConnectionError(errorCodes.protocol, 'data of a stream that never was');
      return;
    }
    stream.receivedBytes += payload.length;
    if (stream.receivedBytes > streamWindow) throw new ConnectionError(errorCodes.flowControl, 'more than the window');
    const content = unpadded(payload, frameFlags, 0);
    if (content.length > 0) stream.user?.received(content);
    if ((frameFlags & flags.endStream) !== 0) this.#ended(stream);
    else this.#giveBack(stream);
  }

  #ended(stream: Http2Stream): void {
    stream.remoteEnded = true;
    stream.user?.ended();
    // A client has nothing to say to an answer that is complete.
    if (this.#options.onStream === undefined) this.#forget(stream);
  }

  #giveBack(stream: Http2Stream): void {
    if (stream.held > 0 || stream.remoteEnded || stream.receivedBytes < streamWindow / 2) return;
    if (!this.#streams.has(stream.id)) return;
    this.#windowUpdate(stream.id, stream.receivedBytes);
    stream.receivedBytes = 0;
  }

  #headers(block: HeaderBlock | undefined): void {
    if (block === undefined) return;
    const { stream, endStream, headers } = block;
    const known = this.#streams.get(stream);
    if (known !== undefined) {
      known.user?.headers?.(headers);
      if (endStream && !known.remoteEnded) this.#ended(known);
    } else if (stream > this.#lastStream) this.#open(stream, endStream, headers);
  }

  #open(id: number, endStream: boolean, headers: Headers): void {
    if (id % 2 === 0) throw new ConnectionError(errorCodes.protocol, 'a stream of a client has an odd number');
    const { onStream } = this.#options;
    if (onStream === undefined) throw new ConnectionError(errorCodes.protocol, 'a stream of the server');
    if (this.#closing) return;
    this.#lastStream = id;
    if (this.#streams.size >= (this.#options.streamsMax ?? Infinity)) {
      this.#reset(id, errorCodes.refusedStream);
      return;
    }
    const stream = new Http2Stream(id, this.#streamSendWindow);
    this.#streams.set(id, stream);
    onStream(stream, headers);
    if (endStream) this.#ended(stream);
  }

  #cancelled(id: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#forget(stream);
    stream.user?.reset();
  }

  #settings(payload: Buffer): void {
    for (let at = 0; at + 6 <= payload.length; at += 6) {
      const value = payload.readUInt32BE(at + 2);
      const id = payload.readUInt16BE(at);
      if (id === settingIds.frameBytesMax) this.#frameBytesMax = Math.min(value, outputBytesMax);
      if (id !== settingIds.initialWindow) continue;
      if (value > windowMax) throw new ConnectionError(errorCodes.flowControl, 'a window that is too large');
      for (const stream of this.#streams.values()) stream.sendWindow += value - this.#streamSendWindow;
      this.#streamSendWindow = value;
    }
    this.#output.head(0, frameTypes.settings, flags.ack, 0);
    this.#pump();
  }

  #ping(frameFlags: number, payload: Buffer): void {
    if ((frameFlags & flags.ack) !== 0) {
      this.#options.onPong?.();
      return;
    }
    if (payload.length !== pingBytes) throw new ConnectionError(errorCodes.frameSize, 'a ping has 8 bytes');
    this.#output.head(payload.length, frameTypes.ping, flags.ack, 0);
    this.#output.bytes(payload);
    const { clock, limitPings = false } = this.#options;
    if (limitPings && this.#pings.isTooMany(clock.monotonicMs(), this.#streams.size > 0)) {
      throw new ConnectionError(errorCodes.calm, 'too_many_pings');
    }
  }

  #grant(id: number, payload: Buffer): void {
    if (payload.length !== 4) throw new ConnectionError(errorCodes.frameSize, 'a window update has 4 bytes');
    const more = payload.readUInt32BE(0) & windowMax;
    const stream = this.#streams.get(id);
    if (id === 0) this.#sendWindow += more;
    else if (stream !== undefined) stream.sendWindow += more;
    if (this.#sendWindow > windowMax) throw new ConnectionError(errorCodes.flowControl, 'a window that is too large');
    this.#pump();
  }

  #windowUpdate(id: number, more: number): void {
    this.#output.head(4, frameTypes.windowUpdate, 0, id);
    this.#output.uint32(more);
  }

  #reset(id: number, code: number): void {
    this.#output.head(4, frameTypes.reset, 0, id);
    this.#output.uint32(code);
  }

  #goAway(code: number, text: string): void {
    const debug = Buffer.from(text);
    this.#output.head(8 + debug.length, frameTypes.goAway, 0, 0);
    this.#output.uint32(this.#lastStream);
    this.#output.uint32(code);
    this.#output.bytes(debug);
  }

  #fail(code: number, text: string): void {
    this.#goAway(code, text);
    this.#output.flush();
    this.socket.destroySoon();
  }

  #closed(): void {
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    this.#blocked.clear();
    for (const stream of streams) stream.user?.reset();
    this.#options.onClose();
  }
}
