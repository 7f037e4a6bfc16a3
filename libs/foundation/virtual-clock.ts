// A clock that stands still until it is told to move: for tests and for the simulator.
import { type Clock, checkedDelay, sleepOn, type Timer } from './clock.ts';

interface Pending {
  readonly dueMs: number;
  readonly delayMs: number;
  readonly sequence: number;
  readonly callback: () => void;
}

/**
 * Deterministic clock. While time moves by `advance`, timers fire in the order of their due time, then of their creation, and
 * exactly when they are due. `stall` and `jumpWall` do what a real machine does besides: callbacks come late, wall time jumps.
 */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #sequence = 0;
  #pending: Pending[] = [];
  #wallOffsetMs: number;

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
    const delay = checkedDelay(delayMs);
    const entry: Pending = { dueMs: this.#nowMs + delay, delayMs: delay, sequence: this.#sequence++, callback };
    if (entry.dueMs < Number.POSITIVE_INFINITY) this.#pending.push(entry);
    return {
      cancel: () => {
        this.#pending = this.#pending.filter((other) => other !== entry);
      },
    };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
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

  /**
   * Time passes while the process stands still, as under SIGSTOP or a long garbage collection: what fell due fires late, at the
   * time at which the process goes on, timers of one delay together (as Node does it).
   */
  async stall(ms: number): Promise<void> {
    this.#nowMs += ms;
    const due = this.#pending.filter((entry) => entry.dueMs <= this.#nowMs);
    const firstOf = new Map<number, number>();
    for (const { delayMs, dueMs } of due) firstOf.set(delayMs, Math.min(dueMs, firstOf.get(delayMs) ?? dueMs));
    const first = (entry: Pending): number => firstOf.get(entry.delayMs) ?? entry.dueMs;
    due.sort((a, b) => first(a) - first(b) || a.delayMs - b.delayMs || a.sequence - b.sequence);
    for (const entry of due) {
      // One that fired before may have cancelled it.
      if (!this.#pending.includes(entry)) continue;
      this.#fire(entry);
      await settle();
    }
    await this.advanceAsync(0);
  }

  /** Somebody sets the machine's clock: wall time jumps by `ms` (also backwards), monotonic time and timers do not. */
  jumpWall(ms: number): void {
    this.#wallOffsetMs += ms;
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
