// A client that says what it likes: frames as bytes, for tests of what a server makes of them.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { FrameReader } from '../frame-reader.ts';
import { errorCodes, flags, frameTypes, headBytes, preface } from '../frames.ts';
import { encodeHeaders } from '../hpack.ts';

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export type HeaderList = readonly (readonly [string, string])[];

/** A gRPC request's: of a path, or for `/test.Test/METHOD`. */
export function grpcRequest(method: string, more: HeaderList = []): HeaderList {
  return [
    [':method', 'POST'],
    [':scheme', 'http'],
    [':path', method.startsWith('/') ? method : `/test.Test/${method}`],
    [':authority', 'test'],
    ['content-type', 'application/grpc'],
    ['te', 'trailers'],
    ...more,
  ];
}

export function frame(type: number, frameFlags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = frameFlags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

export function settings(...values: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.alloc(values.length * 6);
  for (const [i, [id, value]] of values.entries()) {
    payload.writeUInt16BE(id, i * 6);
    payload.writeUInt32BE(value, i * 6 + 2);
  }
  return frame(frameTypes.settings, 0, 0, payload);
}

export function headersFrame(stream: number, list: HeaderList, frameFlags: number = flags.endHeaders): Buffer {
  return frame(frameTypes.headers, frameFlags, stream, encodeHeaders(list));
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** One message of gRPC. */
export function grpcMessage(content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0]), uint32(content.length), content]);
}

/** The whole of a unary call. */
export function unaryCall(stream: number, method: string, content: Uint8Array): Buffer {
  const data = frame(frameTypes.data, flags.endStream, stream, grpcMessage(content));
  return Buffer.concat([headersFrame(stream, grpcRequest(method)), data]);
}

/** How a server ended a connection or a stream. */
export interface Ending {
  /** `connection` where it was the connection, by GOAWAY or without a word. */
  readonly what: 'stream' | 'connection';
  /** The name of the error code; undefined where none was given. */
  readonly code: string | undefined;
}

export class RawClient {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  isClosed = false;
  /** Why what the server says is not HTTP/2. */
  unreadable: string | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    const reader = new FrameReader(false, (type, frameFlags, stream, payload) => {
      this.frames.push({ type, flags: frameFlags, stream, payload: Buffer.from(payload) });
    });
    socket.on('data', (bytes: Buffer) => {
      try {
        reader.read(bytes);
      } catch (error) {
        this.unreadable ??= String(error);
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  /** @param greet whether the preface and SETTINGS are sent. */
  static async connect(port: number, greet = true): Promise<RawClient> {
    const socket = connect(port, '127.0.0.1');
    const client = new RawClient(socket);
    await once(socket, 'connect');
    if (greet) client.send(preface, settings());
    return client;
  }

  send(...parts: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  of(type: number, stream?: number): Frame[] {
    return this.frames.filter((f) => f.type === type && (stream === undefined || f.stream === stream));
  }

  /** Undefined while it goes on. */
  get ending(): Ending | undefined {
    for (const { type, payload } of this.frames) {
      if (type === frameTypes.goAway) return { what: 'connection', code: codeName(payload.readUInt32BE(4)) };
      if (type === frameTypes.reset) return { what: 'stream', code: codeName(payload.readUInt32BE(0)) };
    }
    return this.isClosed ? { what: 'connection', code: undefined } : undefined;
  }

  /** The code with which the server has ended the connection, where it has said one. */
  get goAway(): string | undefined {
    const [last] = this.of(frameTypes.goAway);
    return last === undefined ? undefined : codeName(last.payload.readUInt32BE(4));
  }

  close(): void {
    this.socket.destroy();
  }
}

function codeName(code: number): string {
  return Object.entries(errorCodes).find(([, value]) => value === code)?.[0] ?? String(code);
}
