// Header blocks out of their frames (RFC 9113, sections 6.2 and 6.10).
import {
  ConnectionError,
  dependencyOf,
  errorCodes,
  flags,
  frameTypes,
  priorityBytes,
  StreamError,
  unpadded,
} from './frames.ts';
import { HeaderDecoder, type Headers } from './hpack.ts';
import { blockBytesMax, blockFramesMax, headerListBytesMax } from './limits.ts';

export interface HeaderBlock {
  readonly stream: number;
  readonly endStream: boolean;
  readonly headers: Headers;
  /** The stream may not be opened by this block. */
  readonly error: StreamError | undefined;
}

interface OpenBlock {
  readonly stream: number;
  readonly endStream: boolean;
  readonly error: StreamError | undefined;
  readonly parts: Buffer[];
  bytes: number;
}

export class HeaderBlocks {
  readonly #decoder = new HeaderDecoder(headerListBytesMax);
  #open: OpenBlock | undefined;

  /** Throws ConnectionError where a frame may not come now: those of a block stand together. */
  check(type: number, stream: number): void {
    if (this.#open !== undefined && (type !== frameTypes.continuation || stream !== this.#open.stream)) {
      throw new ConnectionError(errorCodes.protocol, 'a frame in the middle of a header block');
    }
  }

  /** A HEADERS frame. Throws ConnectionError and HpackError. */
  begin(frameFlags: number, stream: number, payload: Buffer): HeaderBlock | undefined {
    const skip = (frameFlags & flags.priority) === 0 ? 0 : priorityBytes;
    const part = unpadded(payload, frameFlags, skip);
    const fieldAt = (frameFlags & flags.padded) === 0 ? 0 : 1;
    const isOwnParent = skip > 0 && dependencyOf(payload, fieldAt) === stream;
    const error = isOwnParent ? new StreamError(stream, errorCodes.protocol, 'a stream depends on itself') : undefined;
    this.#open = { stream, endStream: (frameFlags & flags.endStream) !== 0, error, parts: [], bytes: 0 };
    return this.goOn(frameFlags, part);
  }

  /** A CONTINUATION frame, or the first part; gives the block when it is complete. Throws ConnectionError and HpackError. */
  goOn(frameFlags: number, part: Buffer): HeaderBlock | undefined {
    const block = this.#open;
    if (block === undefined) throw new ConnectionError(errorCodes.protocol, 'a continuation of nothing');
    block.parts.push(part);
    block.bytes += part.length;
    if (block.bytes > blockBytesMax) throw new ConnectionError(errorCodes.calm, 'headers are too large');
    if (block.parts.length > blockFramesMax) throw new ConnectionError(errorCodes.calm, 'headers in too many frames');
    if ((frameFlags & flags.endHeaders) === 0) return undefined;
    this.#open = undefined;
    // Every block must be read, for the table's sake.
    const headers = this.#decoder.decode(block.parts.length === 1 ? part : Buffer.concat(block.parts));
    const { stream, endStream, error } = block;
    return { stream, endStream, headers, error };
  }
}
