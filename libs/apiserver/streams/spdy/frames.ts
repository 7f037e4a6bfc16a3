// SPDY/3.1 frames as the Kubernetes streaming protocols use them: streams with headers, data and ends. No windows: peers of these
// protocols send no updates of them (moby/spdystream), TCP alone holds back. Source: draft-mbelshe-httpbis-spdy-00, section 2.

const version = 0x8003;
const headerBytes = 8;
const finFlag = 1;
/** A control frame of these protocols holds a few short headers. */
export const controlFrameMaxBytes = 64 * 1024;
/** What fits into the length of a frame. */
export const dataFrameMaxBytes = (1 << 24) - 1;

const controlTypes = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goAway: 7 } as const;

/** Status of RST_STREAM: the sender wants no such stream. */
export const refusedStream = 3;

export type Frame =
  /** A part of what came for a stream, which need not be a whole frame; `fin`: its sender sends no more. */
  | { readonly type: 'data'; readonly stream: number; readonly bytes: Buffer; readonly fin: boolean }
  | { readonly type: 'open'; readonly stream: number; readonly headerBlock: Buffer; readonly fin: boolean }
  | { readonly type: 'reply'; readonly stream: number; readonly fin: boolean }
  | { readonly type: 'reset'; readonly stream: number; readonly status: number }
  | { readonly type: 'ping'; readonly id: number }
  | { readonly type: 'goaway' };

function control(type: number, flags: number, body: Buffer): Buffer {
  const head = Buffer.alloc(headerBytes);
  head.writeUInt16BE(version, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE(body.length, 4);
  head[4] = flags;
  return Buffer.concat([head, body]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** SYN_STREAM. `first`: no header block has been sent on this connection. */
export function openFrame(stream: number, headers: Readonly<Record<string, string>>, first: boolean): Buffer {
  const body = [word(stream), word(0), Buffer.alloc(2), headerBlock(headers, first)];
  return control(controlTypes.synStream, 0, Buffer.concat(body));
}

/** SYN_REPLY without headers. */
export function replyFrame(stream: number, first: boolean): Buffer {
  return control(controlTypes.synReply, 0, Buffer.concat([word(stream), headerBlock({}, first)]));
}

export function resetFrame(stream: number, status: number): Buffer {
  return control(controlTypes.rstStream, 0, Buffer.concat([word(stream), word(status)]));
}

export function pingFrame(id: number): Buffer {
  return control(controlTypes.ping, 0, word(id));
}

/** The head of a data frame; its bytes follow. */
export function dataHead(stream: number, length: number, fin: boolean): Buffer {
  const head = Buffer.alloc(headerBytes);
  head.writeUInt32BE(stream, 0);
  head.writeUInt32BE(length, 4);
  head[4] = fin ? finFlag : 0;
  return head;
}

/** The zlib header of a stream that is compressed with SPDY's dictionary, which is named by its checksum. */
const zlibHeader = Buffer.from([0x78, 0x20, 0xe3, 0xc6, 0xa7, 0xc2]);

/** An empty stored block: readers give out what they have at the latest there. */
const flush = Buffer.from([0, 0, 0, 0xff, 0xff]);

/** Header blocks are one zlib stream per direction. Ours has stored blocks only: nothing refers to the dictionary or to before. */
function headerBlock(headers: Readonly<Record<string, string>>, first: boolean): Buffer {
  const entries = Object.entries(headers);
  const parts = [word(entries.length)];
  for (const entry of entries) for (const text of entry) parts.push(word(Buffer.byteLength(text)), Buffer.from(text));
  const plain = Buffer.concat(parts);
  const stored = Buffer.alloc(5);
  stored.writeUInt16LE(plain.length, 1);
  stored.writeUInt16LE(~plain.length & 0xffff, 3);
  return Buffer.concat([...(first ? [zlibHeader] : []), stored, plain, flush]);
}

/** Takes bytes as they come and gives frames; data is passed on as it comes, so that nobody's frame has to be held. */
export class FrameReader {
  #waiting: Buffer = Buffer.alloc(0);
  /** The data frame that is under way. */
  #data: { readonly stream: number; readonly fin: boolean; left: number } | undefined;

  /** Fails where the peer speaks another version, or a control frame is longer than any of these protocols. */
  *read(bytes: Buffer): Generator<Frame> {
    let rest = this.#waiting.length === 0 ? bytes : Buffer.concat([this.#waiting, bytes]);
    for (;;) {
      if (this.#data !== undefined) {
        const { stream, fin } = this.#data;
        const part = rest.subarray(0, this.#data.left);
        rest = rest.subarray(part.length);
        this.#data.left -= part.length;
        const whole = this.#data.left === 0;
        if (whole) this.#data = undefined;
        if (part.length > 0 || (whole && fin)) yield { type: 'data', stream, bytes: part, fin: whole && fin };
        if (!whole) break;
        continue;
      }
      if (rest.length < headerBytes) break;
      const flags = rest[4] ?? 0;
      const length = rest.readUInt32BE(4) & dataFrameMaxBytes;
      const isFin = (flags & finFlag) !== 0;
      if ((rest[0] ?? 0) < 0x80) {
        this.#data = { stream: rest.readUInt32BE(0), fin: isFin, left: length };
        rest = rest.subarray(headerBytes);
        continue;
      }
      if (rest.readUInt16BE(0) !== version) throw new Error('a SPDY frame of another version');
      if (length > controlFrameMaxBytes) throw new Error(`a SPDY control frame of ${length} bytes`);
      if (rest.length < headerBytes + length) break;
      const frame = controlFrame(rest.readUInt16BE(2), rest.subarray(headerBytes, headerBytes + length), isFin);
      rest = rest.subarray(headerBytes + length);
      if (frame !== undefined) yield frame;
    }
    this.#waiting = Buffer.from(rest);
  }
}

/** Undefined: a frame that says nothing here (settings, windows, headers), or is too short to say anything. */
function controlFrame(type: number, body: Buffer, fin: boolean): Frame | undefined {
  if (type === controlTypes.goAway) return { type: 'goaway' };
  if (body.length < 4) return undefined;
  const id = body.readUInt32BE(0);
  const stream = id & 0x7fff_ffff;
  if (type === controlTypes.ping) return { type: 'ping', id };
  if (type === controlTypes.synReply) return { type: 'reply', stream, fin };
  if (type === controlTypes.rstStream && body.length >= 8) return { type: 'reset', stream, status: body.readUInt32BE(4) };
  if (type === controlTypes.synStream && body.length >= 10)
    return { type: 'open', stream, headerBlock: body.subarray(10), fin };
  return undefined;
}
