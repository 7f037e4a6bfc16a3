// Adapter: the clock of this machine.
import { type Clock, checkedDelay, sleepOn, type Timer } from './clock.ts';

/** The longest delay that setTimeout keeps; it takes a longer one for 1 ms. */
const platformDelayMsMax = 2 ** 31 - 1;

/** The real clock. Construct it in `apps/*` only. */
export class SystemClock implements Clock {
  monotonicMs(): number {
    return performance.now();
  }

  wallMs(): number {
    return Date.now();
  }

  timer(delayMs: number, callback: () => void): Timer {
    const dueMs = performance.now() + checkedDelay(delayMs);
    let handle: NodeJS.Timeout;
    const arm = (leftMs: number): void => {
      handle = setTimeout(fire, Math.min(Math.ceil(leftMs), platformDelayMsMax));
    };
    // Besides the limit: setTimeout counts from the start of the turn of the event loop, so it may be early by that turn's length.
    const fire = (): void => {
      const leftMs = dueMs - performance.now();
      if (leftMs > 0) arm(leftMs);
      else callback();
    };
    arm(checkedDelay(delayMs));
    return { cancel: () => clearTimeout(handle) };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }
}
