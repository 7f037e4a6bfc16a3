// What one watcher gets: a bounded queue of encoded events between the cache, which pushes, and a connection, which pulls.
import { watcherQueueMaxFrames } from '../limits.ts';

export type FrameType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** One encoded event. Watchers of the same form share it, so each form is encoded once. */
export class Frame {
  readonly type: FrameType;
  readonly object: Buffer;
  #line: Buffer | undefined;

  constructor(type: FrameType, object: unknown) {
    this.type = type;
    this.object = Buffer.from(JSON.stringify(object));
  }

  /** `{"type":...,"object":...}` and a newline, as REST sends it. */
  get line(): Buffer {
    this.#line ??= Buffer.concat([Buffer.from(`{"type":"${this.type}","object":`), this.object, Buffer.from('}\n')]);
    return this.#line;
  }
}

/** A watch under way. One consumer pulls with `next` until it gives undefined. */
export class WatchStream {
  #queue: Frame[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  readonly #release: (() => void)[] = [];

  /** Queues a frame; a consumer that is too slow loses its watch and has to resume it. */
  push(frame: Frame): void {
    if (this.#ended) return;
    this.#queue.push(frame);
    if (this.#queue.length > watcherQueueMaxFrames) this.end();
    this.#wake?.();
  }

  /** The next frame in order, or undefined when the watch is over. */
  async next(): Promise<Frame | undefined> {
    for (;;) {
      const frame = this.#queue.shift();
      if (frame !== undefined) return frame;
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  /** Everything that waits, without waiting for more. */
  drain(): Frame[] {
    const frames = this.#queue;
    this.#queue = [];
    return frames;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Registers what to release when the watch is over; at once if it already is. */
  onEnd(release: () => void): void {
    if (this.#ended) release();
    else this.#release.push(release);
  }

  /** Ends the watch; frames already queued are still delivered. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    for (const release of this.#release.splice(0)) release();
    this.#wake?.();
  }
}
