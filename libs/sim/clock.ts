// The clock of one machine: its monotonic time may run a little fast or slow, its wall time may be anything.
import { type Clock, checkedDelay, sleepOn, type Timer } from '@drydock/foundation/clock.ts';
import type { SimProcess } from './process.ts';
import type { Scheduled } from './world.ts';

/** Time of a machine; survives its processes. */
export class MachineTime {
  /** Seconds of this machine per second of the world. */
  #rate = 1;
  #sinceUs = 0;
  #baseMs = 0;
  /** What `wallMs` says at monotonic time zero: 2026-01-01T00:00:00Z. */
  wallOffsetMs = 1_767_225_600_000;

  get rate(): number {
    return this.#rate;
  }

  monotonicMs(nowUs: number): number {
    return this.#baseMs + ((nowUs - this.#sinceUs) / 1000) * this.#rate;
  }

  setRate(rate: number, nowUs: number): void {
    this.#baseMs = this.monotonicMs(nowUs);
    this.#sinceUs = nowUs;
    this.#rate = rate;
  }
}

export class ProcessClock implements Clock {
  readonly #life: SimProcess;
  readonly #time: MachineTime;

  constructor(life: SimProcess, time: MachineTime) {
    this.#life = life;
    this.#time = time;
  }

  monotonicMs(): number {
    return this.#time.monotonicMs(this.#life.world.nowUs);
  }

  wallMs(): number {
    return Math.floor(this.#time.wallOffsetMs + this.monotonicMs());
  }

  timer(delayMs: number, callback: () => void): Timer {
    const delay = checkedDelay(delayMs);
    const dueMs = this.monotonicMs() + delay;
    let cancelled = false;
    let scheduled: Scheduled | undefined;
    const fire = (): void => {
      if (cancelled) return;
      // The rate may have changed meanwhile.
      const leftMs = dueMs - this.monotonicMs();
      if (leftMs > 0.001) scheduled = this.#life.after((leftMs * 1000) / this.#time.rate, fire);
      else callback();
    };
    scheduled = this.#life.after((delay * 1000) / this.#time.rate, fire);
    return {
      cancel: () => {
        cancelled = true;
        scheduled?.cancel();
      },
    };
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return sleepOn(this, delayMs, signal);
  }
}
