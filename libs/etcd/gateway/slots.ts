// Calls that may run at a time. In etcd all calls in JSON are streams of one connection, which has so many.
import type { ServerResponse } from 'node:http';

export class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Runs `call` as soon as there is a place, which it has until `response` is over; not at all where that comes before. */
  run(response: ServerResponse, call: () => void): void {
    let isRunning = false;
    const begin = (): void => {
      isRunning = true;
      this.#free--;
      call();
    };
    response.on('close', () => {
      this.#waiting.delete(begin);
      if (!isRunning) return;
      this.#free++;
      const [next] = this.#waiting;
      if (next === undefined) return;
      this.#waiting.delete(next);
      next();
    });
    if (this.#free > 0) begin();
    else this.#waiting.add(begin);
  }
}
