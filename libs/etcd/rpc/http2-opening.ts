// Adapter: Go clients of etcd 3.4 dial `--cluster` endpoints by URL and so send `:authority: http://host:port`. That is no authority,
// and nghttp2, which parses for Node, refuses the stream. Go's servers take it, so we do: the two slashes become dashes on the way in.
// Both have six bits in HPACK's Huffman code, so nothing changes its length and no table of the peer goes out of step.
//
// Only connections that open like this are read in JavaScript; all others are handed to Node as they are. Such a client speaks
// after the server's SETTINGS have come, so those are sent first, and their acknowledgement is taken out of what Node reads.
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** `PRI * HTTP/2.0` and so on: what every client sends first. */
const prefaceBytes = 24;
const headBytes = 9;
/** Frames before the first stream, or before the acknowledgement: one stream's initial window and some. */
const openingBytesMax = 128 * 1024;

const frameType = { headers: 1, priority: 2, settings: 4, windowUpdate: 8, continuation: 9 } as const;
const emptySettings = Buffer.from('000000040000000000', 'hex');
const ackFlag = 1;

/** `http://` at the start of a literal `:authority` (index 1 of HPACK's table), and what it becomes. */
const literals = [
  { huffman: 0x80, text: Buffer.from('9d29aee30c', 'hex'), slashesAt: 3, dashes: Buffer.from('e2cb', 'hex') },
  { huffman: 0, text: Buffer.from('http://'), slashesAt: 5, dashes: Buffer.from('--') },
] as const;
/** A literal of name 1: to be indexed, not to be, never to be. One byte, then one of length (no host takes 127 bytes and more). */
const authorityForms = new Set([0x41, 0x01, 0x11]);
const huffmanFlag = 0x80;

/** Changes the slashes of such an authority in place; whether there was one. */
export function repairAuthority(block: Buffer): boolean {
  let repaired = false;
  for (const { huffman, text, slashesAt, dashes } of literals) {
    for (let at = block.indexOf(text, 2); at >= 0; at = block.indexOf(text, at + text.length)) {
      const [form = 0, length = 0] = block.subarray(at - 2, at);
      if (!authorityForms.has(form) || (length & huffmanFlag) !== huffman) continue;
      dashes.copy(block, at + slashesAt);
      repaired = true;
    }
  }
  return repaired;
}

export interface Opening {
  /** Where the first frame is that is not about the connection; -1 until it is there whole. */
  readonly firstStream: number;
  /** Where the acknowledgement of our SETTINGS is; -1 until it is there. */
  readonly acknowledgement: number;
}

/** Reads the frames of a connection's opening. */
export function readOpening(bytes: Buffer): Opening {
  let firstStream = -1;
  let acknowledgement = -1;
  for (let at = prefaceBytes; at + headBytes <= bytes.length; ) {
    const end = at + headBytes + bytes.readUIntBE(at, 3);
    if (end > bytes.length) break;
    const type = bytes[at + 3];
    if (type === frameType.settings) {
      if (((bytes[at + 4] ?? 0) & ackFlag) !== 0 && acknowledgement < 0) acknowledgement = at;
    } else if (type !== frameType.windowUpdate && type !== frameType.priority && firstStream < 0) firstStream = at;
    at = end;
  }
  return { firstStream, acknowledgement };
}

/** Calls `serve` with what Node's HTTP/2 may read: the socket itself, or the socket with its authorities repaired. */
export function openHttp2(socket: Socket, first: Buffer, serve: (connection: Duplex) => void): void {
  let bytes = first;
  let greeted = false;
  const proceed = (): boolean => {
    const { firstStream, acknowledgement } = readOpening(bytes);
    if (firstStream < 0 || (greeted && acknowledgement < 0)) {
      if (bytes.length > openingBytesMax) {
        socket.destroy();
        return true;
      }
      if (!greeted && bytes.length >= prefaceBytes) {
        greeted = true;
        socket.write(emptySettings);
      }
      return false;
    }
    const end = firstStream + headBytes + bytes.readUIntBE(firstStream, 3);
    const isUrl = repairAuthority(Buffer.from(bytes.subarray(firstStream + headBytes, end)));
    if (greeted) bytes = Buffer.concat([bytes.subarray(0, acknowledgement), bytes.subarray(acknowledgement + headBytes)]);
    if (isUrl) serve(new RepairedConnection(socket, bytes));
    else {
      socket.unshift(bytes);
      serve(socket);
    }
    return true;
  };
  if (proceed()) return;
  const onReadable = () => {
    for (let more: Buffer | null = socket.read(); more !== null; more = socket.read()) bytes = Buffer.concat([bytes, more]);
    if (proceed()) socket.off('readable', onReadable);
  };
  socket.on('readable', onReadable);
}

/** The socket as a stream whose header frames are repaired. */
class RepairedConnection extends Duplex {
  readonly #socket: Socket;
  /** A frame's head, or a header frame, that is not whole yet. */
  #partial = Buffer.alloc(0);
  /** Bytes of the current frame still to pass as they are. */
  #passing = prefaceBytes;

  constructor(socket: Socket, opening: Buffer) {
    super();
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('end', () => this.push(null));
    socket.on('close', () => this.destroy());
    this.#take(opening);
    socket.resume();
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(bytes, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #take(bytes: Buffer): void {
    const data = Buffer.concat([this.#partial, bytes]);
    let at = Math.min(this.#passing, data.length);
    this.#passing -= at;
    while (this.#passing === 0 && at + headBytes <= data.length) {
      const end = at + headBytes + data.readUIntBE(at, 3);
      const type = data[at + 3];
      const isHeaders = type === frameType.headers || type === frameType.continuation;
      if (isHeaders && end > data.length) break;
      if (isHeaders) repairAuthority(data.subarray(at + headBytes, end));
      at = Math.min(end, data.length);
      this.#passing = end - at;
    }
    this.#partial = data.subarray(at);
    if (at > 0 && !this.push(data.subarray(0, at))) this.#socket.pause();
  }
}
