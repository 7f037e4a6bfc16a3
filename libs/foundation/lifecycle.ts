// Starting in order and stopping in reverse, once, on a signal or on a fatal error.
import type { Log } from './log.ts';

/** Something that runs until it is stopped. `stop` resolves when everything it held is released. */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts services in order; `stop` ends those that were started, last first, and reports errors without giving up. */
export class Lifecycle {
  readonly #log: Log;
  readonly #started: Service[] = [];

  constructor(log: Log) {
    this.#log = log;
  }

  async start(service: Service): Promise<void> {
    this.#started.push(service);
    await service.start();
  }

  async stop(): Promise<void> {
    for (let service = this.#started.pop(); service !== undefined; service = this.#started.pop()) {
      try {
        await service.stop();
      } catch (err) {
        this.#log.error({ err, service: service.name }, 'service did not stop cleanly');
      }
    }
  }
}
