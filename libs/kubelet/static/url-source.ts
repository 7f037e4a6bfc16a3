// Manifests behind a URL (pkg/kubelet/config/http.go): asked for every period.
import type { Pod } from '@drydock/api/generated/types.ts';
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { StaticSource } from './source.ts';

/** How long one request may take, in milliseconds (upstream's). */
const timeoutMs = 10_000;
/** What is read of an answer at most, in bytes. */
const answerBytesMax = 10 * 1024 * 1024;
/** So often a failure in a row is told; after that it is known. */
const complaintsMax = 3;

export interface UrlSourceOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly periodMs: number;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Log;
}

export class UrlSource implements StaticSource {
  readonly #options: UrlSourceOptions;
  readonly #stop = new AbortController();
  #found: (pods: readonly Pod[]) => void = () => {};
  #timer: Timer | undefined;
  #last: string | undefined;
  #failures = 0;

  constructor(options: UrlSourceOptions) {
    this.#options = options;
  }

  start(found: (pods: readonly Pod[]) => void): void {
    this.#found = found;
    void this.#ask();
  }

  stop(): void {
    this.#stop.abort();
    this.#timer?.cancel();
  }

  async #ask(): Promise<void> {
    const { url, clock, log, periodMs, nodeName } = this.#options;
    try {
      const text = await this.#text();
      if (text === '') {
        // Told, that it be known: there are none.
        this.#found([]);
        throw new Error(`zero-length data received from ${url}`);
      }
      if (text !== this.#last) {
        const { readPods } = await import('./manifest.ts');
        this.#found(readPods(text, { source: 'http', from: url, nodeName }));
      }
      this.#last = text;
      if (this.#failures > 0) log.info({ url }, 'Successfully read pods from URL');
      this.#failures = 0;
    } catch (err) {
      this.#failures++;
      if (!this.#stop.signal.aborted && this.#failures <= complaintsMax)
        log.warn({ url, error: (err as Error).message }, 'Failed to read pods from URL');
    }
    if (!this.#stop.signal.aborted) this.#timer = clock.timer(periodMs, () => void this.#ask());
  }

  async #text(): Promise<string> {
    const { url, headers } = this.#options;
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(timeoutMs)]);
    const pairs = Object.entries(headers).flatMap(([name, values]) => values.map((value): [string, string] => [name, value]));
    const answer = await fetch(url, { headers: pairs, signal });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      throw new Error(`${url}: ${answer.status} ${answer.statusText}`);
    }
    const pieces: Uint8Array[] = [];
    let length = 0;
    for await (const piece of answer.body ?? []) {
      length += piece.length;
      if (length > answerBytesMax) throw new Error(`${url}: more than ${answerBytesMax} bytes`);
      pieces.push(piece);
    }
    return Buffer.concat(pieces).toString();
  }
}
