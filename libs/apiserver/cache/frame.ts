// Encoded events.
import { sharedFramesMaxBytes } from '../limits.ts';
import type { CacheEvent } from './entry.ts';

export type FrameType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** One encoded event. Watchers of the same form share it, so each form is encoded once. */
export class Frame {
  readonly type: FrameType;
  /** `{"type":...,"object":...}` and a newline, as REST sends it. */
  readonly line: Buffer;

  constructor(type: FrameType, object: unknown) {
    this.type = type;
    const text = `{"type":"${type}","object":${JSON.stringify(object)}}\n`;
    // Memory of its own: a slice of Node's pool would keep the whole pool, 64 KB, as long as it is kept itself.
    this.line = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
    this.line.write(text);
  }

  /** The object alone, as gRPC sends it. */
  get object(): Buffer {
    return this.line.subarray('{"type":"","object":'.length + this.type.length, -'}\n'.length);
  }
}

/** Frames of the latest events, for all watchers: kept while they are few bytes, made again where one is gone. */
export class SharedFrames {
  readonly #maxBytes: number;
  /** In the order of their first frame. */
  readonly #byEvent = new Map<CacheEvent, { readonly frames: Map<string, Frame>; bytes: number }>();
  #bytes = 0;

  constructor(maxBytes = sharedFramesMaxBytes) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The frame of `event` in the form called `form`. */
  of(event: CacheEvent, form: string, make: () => Frame): Frame {
    let known = this.#byEvent.get(event);
    const found = known?.frames.get(form);
    if (found !== undefined) return found;
    const frame = make();
    if (known === undefined) {
      known = { frames: new Map(), bytes: 0 };
      this.#byEvent.set(event, known);
    }
    known.frames.set(form, frame);
    known.bytes += frame.line.length;
    this.#bytes += frame.line.length;
    this.#trim();
    return frame;
  }

  #trim(): void {
    for (const [event, { bytes }] of this.#byEvent) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#byEvent.delete(event);
      this.#bytes -= bytes;
    }
  }
}
