// A gRPC client on bare HTTP/2 frames, for load: header blocks are made once, answers are counted and hardly read, in the one buffer
// that they are received into. What it costs per call is a fraction of what a server costs, so that servers are measured and not
// this. RFC 9113; not a client for anything else.
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
const receiveBytes = 1 << 18;
/** Of frames that are read as a whole: settings, pings, windows; of longer ones the rest does not matter here. */
const controlBytesMax = 256;

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
  /** Bytes of answers, as they come; valid during the call only. */
  data(bytes: Uint8Array, from: number, to: number): void;
  /** The answer is over; `reset` where it was cut off. */
  end(reset: boolean): void;
}

export class LoadConnection {
  readonly #socket: Socket;
  readonly #receivers = new Map<number, Receiver>();
  #nextStream = 1;
  #window = initialWindow;
  #received = 0;
  /** The frame that is being received: its head, and what is still to come of its payload. */
  readonly #head = Buffer.alloc(headBytes);
  #headFilled = 0;
  #type = 0;
  #flags = 0;
  #stream = 0;
  #left = 0;
  readonly #control = Buffer.alloc(controlBytesMax);
  #controlFilled = 0;
  #out: Buffer[] = [];
  /** Frames that wait for the server's window, with the bytes they take of it. */
  #waiting: { frames: Buffer; takes: number }[] = [];
  #flushing = false;
  #closed = false;

  private constructor(port: number, host: string) {
    const take = (length: number, buffer: Uint8Array): boolean => {
      this.#receive(buffer, length);
      return true;
    };
    const socket = connect({ port, host, noDelay: true, onread: { buffer: Buffer.alloc(receiveBytes), callback: take } });
    this.#socket = socket;
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
    const connection = new LoadConnection(Number(port), hostname);
    await once(connection.#socket, 'connect');
    return connection;
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

  #receive(bytes: Uint8Array, length: number): void {
    for (let at = 0; at < length; ) {
      if (this.#left === 0) {
        at = this.#takeHead(bytes, at, length);
        if (this.#headFilled < headBytes) return;
        this.#beginFrame();
      }
      const end = Math.min(at + this.#left, length);
      this.#payload(bytes, at, end);
      this.#left -= end - at;
      at = end;
      if (this.#left > 0) return;
      this.#headFilled = 0;
      this.#endFrame();
    }
  }

  #takeHead(bytes: Uint8Array, from: number, length: number): number {
    let at = from;
    while (this.#headFilled < headBytes && at < length) this.#head[this.#headFilled++] = bytes[at++] ?? 0;
    return at;
  }

  #beginFrame(): void {
    const head = this.#head;
    this.#left = ((head[0] ?? 0) << 16) | ((head[1] ?? 0) << 8) | (head[2] ?? 0);
    this.#type = head[3] ?? 0;
    this.#flags = head[4] ?? 0;
    this.#stream = head.readUInt32BE(5);
    this.#controlFilled = 0;
    if (this.#type === frames.data) this.#received += this.#left;
  }

  #payload(bytes: Uint8Array, from: number, to: number): void {
    if (this.#type === frames.data) {
      if (to > from) this.#receivers.get(this.#stream)?.data(bytes, from, to);
      return;
    }
    for (let at = from; at < to && this.#controlFilled < controlBytesMax; )
      this.#control[this.#controlFilled++] = bytes[at++] ?? 0;
  }

  #endFrame(): void {
    const [type, flags, stream] = [this.#type, this.#flags, this.#stream];
    if (this.#received > refillBytes) {
      this.#send(frame(frames.windowUpdate, 0, 0, uint32(this.#received)));
      this.#received = 0;
    }
    if (type === frames.reset) this.#end(stream, true);
    else if (type === frames.data || type === frames.headers) {
      if ((flags & endStream) !== 0) this.#end(stream, false);
    } else if (type === frames.windowUpdate && stream === 0) {
      this.#window += this.#control.readUInt32BE(0);
      this.#drain();
    } else if (type === frames.settings && (flags & ack) === 0) this.#send(frame(frames.settings, ack, 0, Buffer.alloc(0)));
    else if (type === frames.ping && (flags & ack) === 0) {
      this.#send(frame(frames.ping, ack, 0, this.#control.subarray(0, this.#controlFilled)));
    } else if (type === frames.goAway) this.#socket.destroy();
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

  take(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to; ) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, to - at);
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
