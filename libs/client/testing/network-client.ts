// A client behind a network that delays, loses and breaks, on a virtual clock: what a caller sees and what the server does are two
// things. Honours signals and timeouts as the transports do.
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { ApiClient, WatchEvent, WatchOptions } from '../api-client.ts';
import { bounded } from '../bounded.ts';
import { type Call, ClientLayer, type Run } from '../client-layer.ts';

/** What becomes of one call. Nothing given: it is carried out and answered at once. */
export interface Fate {
  /** Until there is a connection, in milliseconds; only then the request is sent. */
  readonly connectMs?: number;
  /** From there until the request reaches the server. */
  readonly requestMs?: number;
  /** From there until the answer is back. */
  readonly answerMs?: number;
  /** `request`: the server never sees it. `answer`: it does, but the caller waits in vain. */
  readonly lost?: 'request' | 'answer';
  /** The server refuses it with this. */
  readonly error?: unknown;
}

export class NetworkClient extends ClientLayer {
  readonly #inner: ApiClient;
  readonly #clock: Clock;
  /** Asked for every call but watches. */
  fate: (call: Call) => Fate = () => ({});
  /** Told of every call that was sent. */
  seen: (call: Call) => void = () => {};

  constructor(inner: ApiClient, clock: Clock) {
    super();
    this.#inner = inner;
    this.#clock = clock;
  }

  protected async around<R>(call: Call, run: Run<R>): Promise<R> {
    const { connectMs = 0, requestMs = 0, answerMs = 0, lost, error } = this.fate(call);
    return bounded(this.#clock, call.options, call.verb, async (stop) => {
      if (connectMs > 0) await this.#clock.sleep(connectMs);
      stop.throwIfAborted();
      call.options.beforeSend?.();
      this.seen(call);
      if (lost === 'request') await new Promise(() => {});
      if (requestMs > 0) await this.#clock.sleep(requestMs);
      if (error !== undefined) throw error;
      // From here on the caller's signal changes nothing any more.
      const answer = await run(this.#inner, { signal: undefined, beforeSend: undefined });
      if (lost === 'answer') await new Promise(() => {});
      if (answerMs > 0) await this.#clock.sleep(answerMs);
      return answer;
    });
  }

  watch<T extends KubeObject>(resource: Resource<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>> {
    return this.#inner.watch(resource, options);
  }

  close(): void {
    this.#inner.close();
  }
}
