// One end of an HTTP/2 connection (RFC 9113): which frame means what to which stream. Made for gRPC, whose header blocks are known
// beforehand; there is no push, no priority, and no header table for what is sent. What the other side may cost is in limits.ts.
import type { Socket } from 'node:net';
import type { Timer } from '@drydock/foundation/clock.ts';
import { ControlFrames } from './control-frames.ts';
import { EndedStreams } from './ended-streams.ts';
import { FrameReader } from './frame-reader.ts';
import { checkFrame, readSettings } from './frame-rules.ts';
import {
  ConnectionError,
  errorCodes,
  flags,
  frameTypes,
  initialWindow,
  preface,
  StreamError,
  unpadded,
  windowMax,
} from './frames.ts';
import { type HeaderBlock, HeaderBlocks } from './header-blocks.ts';
import { HpackError } from './hpack.ts';
import { abandonedMax, connectionWindow, controlBytesMax, farewellMs, streamsMaxByDefault, streamWindow } from './limits.ts';
import type { Http2Options } from './options.ts';
import { Output } from './output.ts';
import { PingPolicy } from './ping-policy.ts';
import { checkRequest, checkTrailers, countContent } from './request-head.ts';
import { Sender } from './sender.ts';
import { Spending } from './spending.ts';
import { Http2Stream, type StreamUser } from './stream.ts';

export class Http2Connection {
  readonly socket: Socket;
  readonly #options: Http2Options;
  readonly #output: Output;
  readonly #control: ControlFrames;
  readonly #sender: Sender;
  readonly #reader: FrameReader;
  readonly #blocks = new HeaderBlocks();
  readonly #pings = new PingPolicy();
  readonly #spending: Spending;
  readonly #streams = new Map<number, Http2Stream>();
  readonly #ended = new EndedStreams();
  #lastStream = 0;
  #receivedBytes = 0;
  /** Calls that are worked on though their streams are gone. */
  #abandoned = 0;
  #opened = false;
  #closing = false;
  #failed = false;
  #farewell: Timer | undefined;

  constructor(socket: Socket, options: Http2Options) {
    this.socket = socket;
    this.#options = options;
    this.#output = new Output(socket, () => this.#sender.pump());
    this.#sender = new Sender(this.#output, options.clock, {
      sent: () => this.#pings.sent(),
      finished: (stream) => this.#finished(stream),
    });
    this.#reader = new FrameReader(options.onStream !== undefined, (...frame) => this.#frame(...frame));
    this.#control = new ControlFrames(this.#output);
    this.#spending = new Spending(options.clock);
  }

  /** @param first what was already read of the connection. */
  start(first: Buffer | undefined): void {
    const { socket } = this;
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('drain', () => {
      this.#output.written();
      this.#sender.pump();
    });
    socket.on('end', () => socket.destroy());
    socket.on('close', () => this.#closed());
    if (this.#options.onStream === undefined) socket.write(preface);
    this.#control.settings(this.#options.streamsMax);
    this.#control.windowUpdate(0, connectionWindow - initialWindow);
    if (first !== undefined) this.#receive(first);
  }

  /** Takes no new streams; the connection ends with the last one. */
  shutdown(): void {
    if (!this.#closing) this.refuse(errorCodes.none, '');
  }

  /** Takes no streams at all, and says why. The other side is to end the connection. */
  refuse(code: number, reason: string): void {
    this.#control.goAway(this.#lastStream, code, reason);
    this.#closing = true;
    this.#endIfDone();
  }

  /** A client's: begins a stream. */
  request(block: Buffer, user: StreamUser): Http2Stream {
    this.#lastStream += this.#lastStream === 0 ? 1 : 2;
    const stream = new Http2Stream(this.#lastStream, this.#sender.streamWindow);
    stream.user = user;
    this.#streams.set(stream.id, stream);
    this.headers(stream, block);
    return stream;
  }

  ping(): void {
    this.#control.ping();
  }

  headers(stream: Http2Stream, block: Buffer): void {
    if (this.#streams.has(stream.id)) this.#sender.headers(stream, block);
  }

  /** One message of gRPC, in one or several parts, which must not be changed afterwards. Parts that are lent are given back. */
  message(stream: Http2Stream, ...parts: readonly Buffer[]): void {
    if (!this.#streams.has(stream.id)) return;
    this.#sender.message(stream, parts);
    if (this.#sender.overflows) this.socket.destroy();
  }

  /** Whether streams that have something waiting should add nothing. */
  get isCrowded(): boolean {
    return this.#sender.isCrowded;
  }

  /** Before a large answer is made for a stream: undefined, or a promise of its turn, which rejects where the stream ends before. */
  room(stream: Http2Stream): Promise<void> | undefined {
    // One that is gone would wait with nobody to end it, and hold what `abandon` counts.
    if (!this.#streams.has(stream.id)) return Promise.reject(new Error('the call is over'));
    return this.#sender.room(stream);
  }

  /**
   * Ends the stream with a last header block, after what is queued.
   * @param toTheEnd what the client still has to say is taken, and has no effect; otherwise it is told to stop.
   */
  finish(stream: Http2Stream, trailers: Buffer, toTheEnd = false): void {
    if (!this.#streams.has(stream.id) || stream.trailers !== undefined) return;
    stream.localEnded = toTheEnd;
    this.#sender.finish(stream, trailers);
  }

  /** More of the stream's request may come: what was held back has been worked on. */
  release(stream: Http2Stream): void {
    stream.held--;
    this.#giveBack(stream);
  }

  /** The stream's call goes on without it, until `done`. While too many do, nothing is read of the connection. */
  abandon(): { readonly done: () => void } {
    this.#abandoned++;
    if (this.#abandoned === abandonedMax) this.socket.pause();
    return {
      done: () => {
        this.#abandoned--;
        if (this.#abandoned === abandonedMax >> 1) this.socket.resume();
      },
    };
  }

  #finished(stream: Http2Stream): void {
    if (stream.localEnded && !stream.remoteEnded) return;
    // What the client still has to say is of no use any more (section 8.1).
    if (!stream.remoteEnded) this.#control.reset(stream.id, errorCodes.none);
    this.#forget(stream);
  }

  #forget(stream: Http2Stream): void {
    if (!this.#streams.delete(stream.id)) return;
    this.#ended.add(stream.id, stream.remoteEnded ? 'byThem' : 'byUs');
    this.#sender.forget(stream);
    if (this.#options.onStream !== undefined) this.#options.onStreamClosed?.();
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (!this.#closing || this.#streams.size > 0) return;
    this.#output.flush();
    this.socket.end();
  }

  #receive(bytes: Buffer): void {
    if (this.#failed) return;
    try {
      this.#reader.read(bytes);
    } catch (error) {
      if (error instanceof ConnectionError) this.#fail(error.code, error.message);
      else if (error instanceof HpackError) this.#fail(errorCodes.compression, error.message);
      else throw error;
    }
    // Once for all that was granted.
    this.#sender.pump();
    if (this.#output.waitingBytes > controlBytesMax) this.socket.destroy();
  }

  #frame(type: number, frameFlags: number, id: number, payload: Buffer): void {
    this.#blocks.check(type, id);
    if (!this.#opened) {
      this.#opened = true;
      this.#options.onOpen?.();
    }
    try {
      checkFrame(type, frameFlags, id, payload);
      this.#dispatch(type, frameFlags, id, payload);
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      this.#streamError(error);
    }
  }

  #dispatch(type: number, frameFlags: number, id: number, payload: Buffer): void {
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
        else this.#spending.idleFrame();
        return;
      case frameTypes.ping:
        this.#ping(frameFlags, payload);
        return;
      case frameTypes.windowUpdate:
        this.#grant(id, payload.readUInt32BE(0) & windowMax);
        return;
      case frameTypes.goAway:
        this.#options.onGoAway?.(payload.readUInt32BE(4), payload.toString('utf8', 8));
        return;
      default: // What is not known has no effect (section 5.5).
        this.#spending.idleFrame();
    }
  }

  #data(frameFlags: number, id: number, payload: Buffer): void {
    this.#receivedBytes += payload.length;
    if (this.#receivedBytes > connectionWindow) throw new ConnectionError(errorCodes.flowControl, 'more than the window');
    if (this.#receivedBytes >= connectionWindow / 2) {
      this.#control.windowUpdate(0, this.#receivedBytes);
      this.#receivedBytes = 0;
    }
    const stream = this.#streams.get(id);
    const content = unpadded(payload, frameFlags, 0);
    const isLast = (frameFlags & flags.endStream) !== 0;
    if (content.length === 0 && !isLast) this.#spending.idleFrame();
    if (stream === undefined) {
      this.#checkNotIdle(id);
      if (id <= this.#lastStream) this.#ended.takeData(id);
      return;
    }
    if (stream.remoteEnded) throw new StreamError(id, errorCodes.streamClosed, 'data of a stream that was ended');
    stream.receivedBytes += payload.length;
    if (stream.receivedBytes > streamWindow) throw new StreamError(id, errorCodes.flowControl, 'more than the window');
    countContent(stream, content.length, isLast);
    if (content.length > 0) stream.user?.received(content, isLast);
    if (isLast) this.#remoteEnded(stream);
    else this.#giveBack(stream);
  }

  #remoteEnded(stream: Http2Stream): void {
    stream.remoteEnded = true;
    stream.user?.ended();
    // A client has nothing to say to an answer that is complete; nor has this side where it is done already.
    if (this.#options.onStream === undefined || stream.localEnded) this.#forget(stream);
  }

  #giveBack(stream: Http2Stream): void {
    if (stream.held > 0 || stream.remoteEnded || stream.receivedBytes < streamWindow / 2) return;
    if (!this.#streams.has(stream.id)) return;
    this.#control.windowUpdate(stream.id, stream.receivedBytes);
    stream.receivedBytes = 0;
  }

  #headers(block: HeaderBlock | undefined): void {
    if (block === undefined) return;
    const { stream: id, endStream, headers } = block;
    const known = this.#streams.get(id);
    if (known === undefined) {
      this.#open(id, block);
      return;
    }
    if (this.#options.onStream !== undefined) checkTrailers(known, headers, endStream);
    known.user?.headers?.(headers);
    if (endStream && !known.remoteEnded) this.#remoteEnded(known);
  }

  #open(id: number, { endStream, headers, error }: HeaderBlock): void {
    const { onStream, streamsMax = streamsMaxByDefault, mayOpen } = this.#options;
    if (id <= this.#lastStream) {
      this.#ended.takeHeaders(id);
      return;
    }
    if (id % 2 === 0) throw new ConnectionError(errorCodes.protocol, 'a stream of a client has an odd number');
    if (onStream === undefined) throw new ConnectionError(errorCodes.protocol, 'a stream of the server');
    if (this.#closing) return;
    this.#lastStream = id;
    const open = this.#streams.size + this.#abandoned;
    if (open >= streamsMax || mayOpen?.() === false) {
      this.#ended.add(id, endStream ? 'byThem' : 'byUs');
      this.#control.reset(id, errorCodes.refusedStream);
      return;
    }
    if (error !== undefined) throw error;
    const length = checkRequest(id, headers, endStream);
    const stream = new Http2Stream(id, this.#sender.streamWindow);
    stream.contentLeft = length;
    this.#streams.set(id, stream);
    onStream(stream, headers);
    if (endStream) this.#remoteEnded(stream);
  }

  #cancelled(id: number): void {
    this.#checkNotIdle(id);
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.remoteEnded = true;
    this.#forget(stream);
    stream.user?.reset();
  }

  #settings(payload: Buffer): void {
    this.#spending.settings();
    const { initialWindow: window, frameBytesMax } = readSettings(payload);
    if (frameBytesMax !== undefined) this.#sender.setFrameBytesMax(frameBytesMax);
    if (window !== undefined) this.#sender.setStreamWindow(window, this.#streams.values());
    this.#control.settingsTaken();
  }

  #ping(frameFlags: number, payload: Buffer): void {
    if ((frameFlags & flags.ack) !== 0) {
      this.#options.onPong?.();
      return;
    }
    this.#control.pong(payload);
    const { clock, limitPings = false } = this.#options;
    if (limitPings && this.#pings.isTooMany(clock.monotonicMs(), this.#streams.size > 0)) {
      throw new ConnectionError(errorCodes.calm, 'too_many_pings');
    }
  }

  #grant(id: number, more: number): void {
    if (id === 0) {
      this.#sender.grant(more);
      return;
    }
    this.#checkNotIdle(id);
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#sender.grantStream(stream, more);
  }

  /** What comes of a stream that was begun after the end was said has no effect (section 6.8). */
  #checkNotIdle(id: number): void {
    if (id > this.#lastStream && !this.#closing)
      throw new ConnectionError(errorCodes.protocol, 'a frame of a stream that never was');
  }

  #streamError({ stream: id, code, message }: StreamError): void {
    this.#spending.streamError(message);
    // There is no resetting a stream that never was.
    if (id > this.#lastStream) throw new ConnectionError(code, message);
    this.#control.reset(id, code);
    const stream = this.#streams.get(id);
    if (stream === undefined) {
      this.#ended.add(id, 'byUs');
      return;
    }
    this.#forget(stream);
    stream.user?.reset();
  }

  /** Says why, and ends the connection, whether the other side reads it or not. What comes meanwhile is not looked at. */
  #fail(code: number, text: string): void {
    this.#failed = true;
    this.#control.goAway(this.#lastStream, code, text);
    this.#output.flush();
    this.socket.end();
    this.#farewell = this.#options.clock.timer(farewellMs, () => this.socket.destroy());
  }

  #closed(): void {
    this.#farewell?.cancel();
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) {
      this.#sender.forget(stream);
      if (this.#options.onStream !== undefined) this.#options.onStreamClosed?.();
      stream.user?.reset();
    }
    this.#options.onClose();
  }
}
