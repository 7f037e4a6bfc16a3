// Writes that go on while something happens to the store.
import type { StoreClient } from './client.ts';

/** One write after the other until it is told to stop; what was acknowledged, and the longest pause between two. */
export class Stream {
  readonly acknowledged: string[] = [];
  longestMs = 0;
  #lastMs = performance.now();
  #running = true;
  readonly #done: Promise<void>;

  constructor(to: StoreClient, prefix: string) {
    this.#done = this.#run(to, prefix);
  }

  async stop(): Promise<string[]> {
    this.#running = false;
    await this.#done;
    return this.acknowledged;
  }

  /** Forgets pauses so far. */
  mark(): void {
    this.longestMs = 0;
    this.#lastMs = performance.now();
  }

  async #run(to: StoreClient, prefix: string): Promise<void> {
    for (let i = 0; this.#running; i++) {
      const key = `${prefix}${i}`;
      if (!(await to.put(key, `${i}`))) continue;
      this.acknowledged.push(key);
      this.longestMs = Math.max(this.longestMs, performance.now() - this.#lastMs);
      this.#lastMs = performance.now();
    }
  }
}

/** Which of the keys are not there. */
export async function missing(from: StoreClient, keys: readonly string[]): Promise<string[]> {
  const present = new Set(await from.keys());
  return keys.filter((key) => !present.has(key));
}
