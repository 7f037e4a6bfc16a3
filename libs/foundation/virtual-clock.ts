// A clock that stands still until it is told to move: for tests and for the simulator.
import type { Clock, Timer } from './clock.ts';

interface Pending {
  readonly dueMs: number;
  readonly sequence: number;
  readonly callback: () => void;
}

/** Deterministic clock. Timers fire in the order of their due time, then of their creation. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #sequence = 0;
  #pending: Pending[] = [];
  readonly #wallOffsetMs: number;

  /** @param wallStartMs what `wallMs()` says at monotonic time zero (default 2026-01-01T00:00:00Z). */
  constructor(wallStartMs = 1_767_225_600_000) {
    this.#wallOffsetMs = wallStartMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#nowMs;
  }

  timer(delayMs: number, callback: () => void): Timer {
    const entry: Pending = { dueMs: this.#nowMs + Math.max(0, delayMs), sequence: this.#sequence++, callback };
    this.#pending.push(entry);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other !== entry);
      },
    };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const abort = () => {
        timer.cancel();
        reject(signal?.reason);
      };
      const timer = this.timer(delayMs, () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      });
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  /** The due time of the next timer, or undefined where none is pending. */
  nextDueMs(): number | undefined {
    return this.#next()?.dueMs;
  }

  /** Moves time forward by `ms`, firing what falls due on the way; a callback's own new timers are included. */
  advance(ms: number): void {
    const end = this.#nowMs + ms;
    for (let next = this.#next(); next !== undefined && next.dueMs <= end; next = this.#next()) {
      this.#nowMs = next.dueMs;
      this.#fire(next);
    }
    this.#nowMs = end;
  }

  /** As `advance`, but lets promise callbacks run after every timer. */
  async advanceAsync(ms: number): Promise<void> {
    const end = this.#nowMs + ms;
    await settle();
    for (let next = this.#next(); next !== undefined && next.dueMs <= end; next = this.#next()) {
      this.#nowMs = next.dueMs;
      this.#fire(next);
      await settle();
    }
    this.#nowMs = end;
    await settle();
  }

  #fire(entry: Pending): void {
    this.#pending = this.#pending.filter((other) => other !== entry);
    entry.callback();
  }

  #next(): Pending | undefined {
    let best: Pending | undefined;
    for (const entry of this.#pending) {
      if (best === undefined || entry.dueMs < best.dueMs || (entry.dueMs === best.dueMs && entry.sequence < best.sequence)) {
        best = entry;
      }
    }
    return best;
  }
}

/** One turn of the event loop: every promise callback that is ready has run when it resolves. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
