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
  /** Calls `callback` once, not before `delayMs` have passed and never synchronously. A delay of 0 or less means the next turn. */
  timer(delayMs: number, callback: () => void): Timer;
  /** Resolves after `delayMs`, or rejects with `signal.reason` as soon as the signal aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
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
