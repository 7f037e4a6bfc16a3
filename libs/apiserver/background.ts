// Work that comes back at an interval for as long as the server runs.
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';

export class Background {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #abort = new AbortController();

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  get stopped(): boolean {
    return this.#abort.signal.aborted;
  }

  /** Runs `task` now and then every `intervalMs`; a failing round is logged and the next one tries again. */
  every(name: string, intervalMs: number, task: () => Promise<void>): void {
    void this.#loop(name, intervalMs, task);
  }

  stop(): void {
    this.#abort.abort(new Error('stopped'));
  }

  async #loop(name: string, intervalMs: number, task: () => Promise<void>): Promise<void> {
    while (!this.stopped) {
      try {
        await task();
      } catch (error) {
        if (!this.stopped) this.#log.warn({ err: error, task: name }, 'background task failed');
      }
      await this.#clock.sleep(intervalMs, this.#abort.signal).catch(() => undefined);
    }
  }
}
