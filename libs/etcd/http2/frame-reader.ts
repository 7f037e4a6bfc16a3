// A connection's bytes as frames (RFC 9113, sections 3.4 and 4.1).
import { ConnectionError, errorCodes, frameTypes, headBytes, initialFrameBytes, preface, windowMax } from './frames.ts';

/** `payload` is a view into what was received. */
export type TakeFrame = (type: number, flags: number, stream: number, payload: Buffer) => void;

export class FrameReader {
  readonly #take: TakeFrame;
  #partial: Buffer | undefined;
  #opened: boolean;
  #isFirst = true;

  /** @param isServer whether a client's preface comes before the first frame. */
  constructor(isServer: boolean, take: TakeFrame) {
    this.#opened = !isServer;
    this.#take = take;
  }

  /** Gives every frame that is there whole; keeps the rest for the next call. Throws ConnectionError, and is of no use after it. */
  read(bytes: Buffer): void {
    const data = this.#partial === undefined ? bytes : Buffer.concat([this.#partial, bytes]);
    this.#partial = undefined;
    let at = this.#opened ? 0 : this.#preface(data);
    while (this.#opened && at + headBytes <= data.length) {
      const length = ((data[at] ?? 0) << 16) | ((data[at + 1] ?? 0) << 8) | (data[at + 2] ?? 0);
      const type = data[at + 3] ?? 0;
      if (this.#isFirst && type !== frameTypes.settings) throw new ConnectionError(errorCodes.protocol, 'no settings');
      this.#isFirst = false;
      if (length > initialFrameBytes) throw new ConnectionError(errorCodes.frameSize, `a frame of ${length} bytes`);
      const end = at + headBytes + length;
      if (end > data.length) break;
      const stream = data.readUInt32BE(at + 5) & windowMax;
      this.#take(type, data[at + 4] ?? 0, stream, data.subarray(at + headBytes, end));
      at = end;
    }
    if (at < data.length) this.#partial = data.subarray(at);
  }

  /** Where the first frame begins: behind what is there, while the preface is not complete. */
  #preface(data: Buffer): number {
    const start = data.subarray(0, preface.length);
    if (!start.equals(preface.subarray(0, start.length))) throw new ConnectionError(errorCodes.protocol, 'no preface');
    this.#opened = start.length === preface.length;
    return this.#opened ? preface.length : 0;
  }
}
