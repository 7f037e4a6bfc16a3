// Calls of a connection that are to make a large answer, while much of what its client was answered before is not read: they wait,
// and go on one at a time.
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { Http2Stream } from './stream.ts';

interface Waiting {
  readonly go: () => void;
  readonly end: (error: Error) => void;
}

export class Turns {
  readonly #clock: Clock;
  readonly #hasRoom: () => boolean;
  /** In the order in which they came. */
  readonly #waiting = new Map<Http2Stream, Waiting>();
  #timer: Timer | undefined;

  constructor(clock: Clock, hasRoom: () => boolean) {
    this.#clock = clock;
    this.#hasRoom = hasRoom;
  }

  /** Undefined where the stream need not wait. Rejects where it leaves before its turn. */
  wait(stream: Http2Stream): Promise<void> | undefined {
    if (this.#waiting.size === 0 && this.#hasRoom()) return undefined;
    return new Promise((go, end) => {
      this.#waiting.set(stream, { go, end });
      this.next();
    });
  }

  leave(stream: Http2Stream): void {
    const waiting = this.#waiting.get(stream);
    this.#waiting.delete(stream);
    waiting?.end(new Error('the call is over'));
  }

  /** There may be room again: the next one goes on in a turn of the event loop of its own, so that its answer counts for the one behind. */
  next(): void {
    if (this.#timer !== undefined || this.#waiting.size === 0 || !this.#hasRoom()) return;
    this.#timer = this.#clock.timer(0, () => {
      this.#timer = undefined;
      this.#grant();
      this.next();
    });
  }

  #grant(): void {
    if (!this.#hasRoom()) return;
    for (const [stream, { go }] of this.#waiting) {
      this.#waiting.delete(stream);
      go();
      return;
    }
  }
}
