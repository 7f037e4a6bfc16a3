// Time as a port. Two clocks are kept apart: monotonic time measures durations, wall time is only for timestamps that
// people or other machines read. Nothing outside an adapter reads the machine's clock.

/** A timer that was started; `cancel` is idempotent and never throws. */
export interface Timer {
  cancel(): void;
}

/** The time of one process. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes backwards. For durations and deadlines. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch. May jump in either direction. For timestamps only. */
  wallMs(): number;
  /**
   * Calls `callback` once, not before `delayMs` have passed and never synchronously. A delay of 0 or less means the next turn,
   * `Infinity` means never, however long a delay is it is kept. Throws RangeError where the delay is no number (NaN).
   * Promises nothing about how late it fires (a process may have been stopped meanwhile), and nothing about the order of timers
   * of different delays that fall due in the same turn: whoever needs the time reads it in the callback.
   */
  timer(delayMs: number, callback: () => void): Timer;
  /** Resolves after `delayMs`, or rejects with `signal.reason` as soon as the signal aborts; delays as for `timer`. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** `delayMs` as a timer has to take it: 0 or more. Throws RangeError for NaN: as a delay it would mean "at once, for ever". */
export function checkedDelay(delayMs: number): number {
  if (Number.isNaN(delayMs)) throw new RangeError('a delay must be a number of milliseconds, got NaN');
  return Math.max(0, delayMs);
}

/** `Clock.sleep` on top of its `timer`. */
export function sleepOn(clock: Pick<Clock, 'timer'>, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    const abort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.timer(delayMs, () => {
      signal?.removeEventListener('abort', abort);
      resolve();
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** `2026-01-31T12:00:00Z`: the form of metav1.Time, whole seconds in UTC. */
export function formatTime(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}

/** `2026-01-31T12:00:00.000000Z`: the form of metav1.MicroTime. */
export function formatMicroTime(wallMs: number): string {
  return new Date(wallMs).toISOString().replace('Z', '000Z');
}

/** Milliseconds since the epoch of an RFC 3339 timestamp, or undefined where the text is none. */
export function parseTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
