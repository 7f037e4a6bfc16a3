// Header blocks out of their frames (RFC 9113, sections 6.2 and 6.10).
import { ConnectionError, errorCodes, flags, frameTypes, unpadded } from './frames.ts';
import { HeaderDecoder, type Headers } from './hpack.ts';

/** One block, over all its frames. */
const blockBytesMax = 1 << 16;
const priorityBytes = 5;

export interface HeaderBlock {
  readonly stream: number;
  readonly endStream: boolean;
  readonly headers: Headers;
}

export class HeaderBlocks {
  readonly #decoder = new HeaderDecoder();
  #open: { readonly stream: number; readonly endStream: boolean; readonly parts: Buffer[]; bytes: number } | undefined;

  /** Throws ConnectionError where a frame may not come now: those of a block stand together. */
  check(type: number, stream: number): void {
    if (this.#open !== undefined && (type !== frameTypes.continuation || stream !== this.#open.stream)) {
      throw new ConnectionError(errorCodes.protocol, 'a frame in the middle of a header block');
    }
  }

  /** A HEADERS frame. */
  begin(frameFlags: number, stream: number, payload: Buffer): HeaderBlock | undefined {
    const skip = (frameFlags & flags.priority) === 0 ? 0 : priorityBytes;
    this.#open = { stream, endStream: (frameFlags & flags.endStream) !== 0, parts: [], bytes: 0 };
    return this.goOn(frameFlags, unpadded(payload, frameFlags, skip));
  }

  /** A CONTINUATION frame, or the first part; gives the block when it is complete. Throws ConnectionError and HpackError. */
  goOn(frameFlags: number, part: Buffer): HeaderBlock | undefined {
    const block = this.#open;
    if (block === undefined) throw new ConnectionError(errorCodes.protocol, 'a continuation of nothing');
    block.parts.push(part);
    block.bytes += part.length;
    if (block.bytes > blockBytesMax) throw new ConnectionError(errorCodes.calm, 'headers are too large');
    if ((frameFlags & flags.endHeaders) === 0) return undefined;
    this.#open = undefined;
    // Every block must be read, for the table's sake.
    const headers = this.#decoder.decode(block.parts.length === 1 ? part : Buffer.concat(block.parts));
    return { stream: block.stream, endStream: block.endStream, headers };
  }
}
