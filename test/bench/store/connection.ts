// A gRPC client on bare HTTP/2 frames, for load: header blocks are made once, answers are counted and hardly read. What it costs
// per call is a fraction of what a server costs, so that servers are measured and not this. RFC 9113; not a client for anything else.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const frames = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 } as const;
const headBytes = 9;
const endStream = 1;
const endHeaders = 4;
const ack = 1;
const windowMax = 2 ** 31 - 1;
const initialWindow = 65_535;
/** Of received bytes, after which the connection's window is filled up again. */
const refillBytes = 1 << 28;
const grpcHeadBytes = 5;
/** What every server takes in one frame. */
const frameBytesMax = 16_384;

/** A request's header block: static table entries and literals that enter no table, so that it never changes (RFC 7541). */
export function headerBlock(path: string, authority: string): Buffer {
  const literal = (text: string): number[] => [text.length, ...Buffer.from(text)];
  return Buffer.from([
    ...[0x83, 0x86],
    ...[0x04, ...literal(path)],
    ...[0x01, ...literal(authority)],
    ...[0x0f, 0x10, ...literal('application/grpc')],
    ...[0x00, ...literal('te'), ...literal('trailers')],
  ]);
}

/** A message with gRPC's head of five bytes. */
export function grpcMessage(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(grpcHeadBytes + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, grpcHeadBytes);
  return framed;
}

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + payload.length);
  writeHead(bytes, 0, payload.length, type, flags, stream);
  bytes.set(payload, headBytes);
  return bytes;
}

function writeHead(bytes: Buffer, at: number, length: number, type: number, flags: number, stream: number): void {
  bytes.writeUIntBE(length, at, 3);
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  bytes.writeUInt32BE(stream, at + 5);
}

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

export interface Receiver {
  /** Bytes of answers, as they come. */
  data(bytes: Buffer): void;
  /** The answer is over; `reset` where it was cut off. */
  end(reset: boolean): void;
}

export class LoadConnection {
  readonly #socket: Socket;
  readonly #receivers = new Map<number, Receiver>();
  #nextStream = 1;
  #window = initialWindow;
  #received = 0;
  #partial: Buffer | undefined;
  #out: Buffer[] = [];
  /** Frames that wait for the server's window, with the bytes they take of it. */
  #waiting: { frames: Buffer; takes: number }[] = [];
  #flushing = false;
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      if (!this.#closed) throw new Error('the server has closed a connection');
    });
    const window = Buffer.from([0, 4, ...uint32(windowMax)]);
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    socket.write(frame(frames.settings, 0, 0, window));
    socket.write(frame(frames.windowUpdate, 0, 0, uint32(windowMax - initialWindow)));
  }

  static async open(endpoint: string): Promise<LoadConnection> {
    const { hostname, port } = new URL(`http://${endpoint}`);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return new LoadConnection(socket);
  }

  close(): void {
    this.#closed = true;
    this.#socket.destroy();
  }

  /** One call with one request, already framed by `grpcMessage`. */
  call(headers: Buffer, message: Buffer, receiver: Receiver): void {
    this.#begin(headers, message, endStream, receiver);
  }

  /** A call with more requests to come; gives its stream for `send`. */
  stream(headers: Buffer, message: Buffer, receiver: Receiver): number {
    return this.#begin(headers, message, 0, receiver);
  }

  send(stream: number, message: Buffer): void {
    this.#write(frame(frames.data, 0, stream, message), message.length);
  }

  #begin(headers: Buffer, message: Buffer, dataFlags: number, receiver: Receiver): number {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    this.#receivers.set(stream, receiver);
    const first = Math.min(message.length, frameBytesMax);
    const bytes = Buffer.allocUnsafe(2 * headBytes + headers.length + first);
    writeHead(bytes, 0, headers.length, frames.headers, endHeaders, stream);
    headers.copy(bytes, headBytes);
    const dataAt = headBytes + headers.length;
    writeHead(bytes, dataAt, first, frames.data, first === message.length ? dataFlags : 0, stream);
    message.copy(bytes, dataAt + headBytes, 0, first);
    this.#write(bytes, first);
    for (let at = first; at < message.length; at += frameBytesMax) {
      const part = message.subarray(at, at + frameBytesMax);
      this.#write(frame(frames.data, at + part.length === message.length ? dataFlags : 0, stream, part), part.length);
    }
    return stream;
  }

  #write(bytes: Buffer, takes: number): void {
    if (this.#waiting.length > 0 || takes > this.#window) {
      this.#waiting.push({ frames: bytes, takes });
      return;
    }
    this.#window -= takes;
    this.#send(bytes);
  }

  /** What one turn sends is one write. */
  #send(bytes: Buffer): void {
    this.#out.push(bytes);
    if (this.#flushing) return;
    this.#flushing = true;
    process.nextTick(() => {
      this.#flushing = false;
      const [first] = this.#out;
      if (first !== undefined) this.#socket.write(this.#out.length === 1 ? first : Buffer.concat(this.#out));
      this.#out = [];
    });
  }

  #receive(bytes: Buffer): void {
    const data = this.#partial === undefined ? bytes : Buffer.concat([this.#partial, bytes]);
    let at = 0;
    while (at + headBytes <= data.length) {
      const length = ((data[at] ?? 0) << 16) | ((data[at + 1] ?? 0) << 8) | (data[at + 2] ?? 0);
      const end = at + headBytes + length;
      if (end > data.length) break;
      this.#frame(data[at + 3] ?? 0, data[at + 4] ?? 0, data.readUInt32BE(at + 5), data.subarray(at + headBytes, end));
      at = end;
    }
    this.#partial = at === data.length ? undefined : data.subarray(at);
  }

  #frame(type: number, flags: number, stream: number, payload: Buffer): void {
    if (type === frames.data) {
      this.#received += payload.length;
      if (this.#received > refillBytes) {
        this.#send(frame(frames.windowUpdate, 0, 0, uint32(this.#received)));
        this.#received = 0;
      }
      if (payload.length > 0) this.#receivers.get(stream)?.data(payload);
    }
    if (type === frames.reset) this.#end(stream, true);
    else if (type === frames.data || type === frames.headers) {
      if ((flags & endStream) !== 0) this.#end(stream, false);
    } else if (type === frames.windowUpdate && stream === 0) {
      this.#window += payload.readUInt32BE(0);
      this.#drain();
    } else if (type === frames.settings && (flags & ack) === 0) this.#send(frame(frames.settings, ack, 0, Buffer.alloc(0)));
    else if (type === frames.ping && (flags & ack) === 0) this.#send(frame(frames.ping, ack, 0, payload));
    else if (type === frames.goAway) this.#socket.destroy();
  }

  #drain(): void {
    for (let first = this.#waiting[0]; first !== undefined && first.takes <= this.#window; first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#window -= first.takes;
      this.#send(first.frames);
    }
  }

  #end(stream: number, reset: boolean): void {
    const receiver = this.#receivers.get(stream);
    this.#receivers.delete(stream);
    receiver?.end(reset);
  }
}

/** Counts the messages in an answer's bytes. */
export class MessageCounter {
  readonly #message: () => void;
  readonly #head = Buffer.alloc(grpcHeadBytes);
  #headBytes = 0;
  #left = 0;

  constructor(message: () => void) {
    this.#message = message;
  }

  take(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, bytes.length - at);
        at += taken;
        this.#left -= taken;
        if (this.#left === 0) this.#message();
        continue;
      }
      this.#head[this.#headBytes++] = bytes[at++] ?? 0;
      if (this.#headBytes < grpcHeadBytes) continue;
      this.#headBytes = 0;
      this.#left = this.#head.readUInt32BE(1);
      if (this.#left === 0) this.#message();
    }
  }
}
