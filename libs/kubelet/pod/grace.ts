// The time in which something is to end, one budget for all of it: hooks, waiting for a turn, SIGTERM.
import type { Clock, Timer } from '@drydock/foundation/clock.ts';

/** What is left for SIGTERM whatever hooks and turns have taken, in seconds (minimumGracePeriodInSeconds). */
const leastWindowSeconds = 2;

/** Begins when it is made. */
export class Grace {
  readonly #clock: Clock;
  #beganMs: number;
  #seconds: number;
  #timer: Timer | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock, seconds: number) {
    this.#clock = clock;
    this.#beganMs = clock.monotonicMs();
    this.#seconds = seconds;
  }

  /** Whether there is any: without it nothing is asked or told, only killed. */
  get isNone(): boolean {
    return this.#seconds <= 0;
  }

  /** Whole seconds, what has been begun not counted as used. */
  get leftSeconds(): number {
    return Math.max(0, this.#seconds - Math.floor((this.#clock.monotonicMs() - this.#beganMs) / 1000));
  }

  /** What an engine is to give a process between SIGTERM and SIGKILL, in seconds. */
  get windowSeconds(): number {
    return this.isNone ? 0 : Math.max(leastWindowSeconds, this.leftSeconds);
  }

  /** From now on it is so many seconds, where that is less than what is left. */
  shorten(seconds: number): void {
    if (seconds >= this.leftSeconds) return;
    this.#beganMs = this.#clock.monotonicMs();
    this.#seconds = seconds;
    this.#arm();
  }

  /** What `work` gives; undefined where the time is over first. */
  async within<T>(work: Promise<T>): Promise<T | undefined> {
    let over = (): void => {};
    const late = new Promise<undefined>((resolve) => {
      over = () => resolve(undefined);
    });
    this.#waiting.add(over);
    this.#arm();
    try {
      return await Promise.race([work, late]);
    } finally {
      this.#waiting.delete(over);
      if (this.#waiting.size === 0) this.#timer?.cancel();
    }
  }

  #arm(): void {
    this.#timer?.cancel();
    if (this.#waiting.size === 0) return;
    const leftMs = this.#beganMs + this.#seconds * 1000 - this.#clock.monotonicMs();
    this.#timer = this.#clock.timer(leftMs, () => {
      for (const over of [...this.#waiting]) over();
    });
  }
}
