// How many requests a second a component makes at most: client-go's QPS and burst, which protect the apiserver from a component
// that does the same thing in vain again and again.
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { ApiClient, WatchEvent, WatchOptions } from './api-client.ts';
import { type Call, ClientLayer, type Run } from './client-layer.ts';
import { defaultBurst, defaultPerSecond } from './limits.ts';
import { type Rate, TokenBucket } from './token-bucket.ts';

/**
 * The rate that `--kube-api-qps` and `--kube-api-burst` stand for, as client-go reads them: 0 is its default (5 and 10), a negative
 * QPS no limit (undefined). Throws RangeError, in client-go's words, for a burst that lets nothing through.
 */
export function rateOf(qps: number, burst: number): Rate | undefined {
  if (qps < 0) return undefined;
  if (qps === 0) return { perSecond: defaultPerSecond, burst: burst || defaultBurst };
  if (burst > 0) return { perSecond: qps, burst };
  throw new RangeError('burst is required to be greater than 0 when RateLimiter is not set and QPS is set to greater than 0');
}

/** Makes calls at that rate at most, in the order in which they come. Watches are not counted, as in client-go. */
export class LimitedClient extends ClientLayer {
  readonly #inner: ApiClient;
  readonly #clock: Clock;
  readonly #bucket: TokenBucket;

  constructor(inner: ApiClient, clock: Clock, rate: Rate) {
    super();
    this.#inner = inner;
    this.#clock = clock;
    this.#bucket = new TokenBucket(clock, rate);
  }

  protected async around<R>(call: Call, run: Run<R>): Promise<R> {
    const { signal } = call.options;
    signal?.throwIfAborted();
    const waitMs = this.#bucket.takeMs();
    if (waitMs > 0) {
      await this.#clock.sleep(waitMs, signal).catch((reason) => {
        this.#bucket.giveBack();
        throw reason;
      });
    }
    return run(this.#inner);
  }

  watch<T extends KubeObject>(resource: Resource<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>> {
    return this.#inner.watch(resource, options);
  }

  close(): void {
    this.#inner.close();
  }
}

/** `client`, at that rate at most; undefined is no limit. */
export function limited(client: ApiClient, clock: Clock, rate: Rate | undefined): ApiClient {
  return rate === undefined ? client : new LimitedClient(client, clock, rate);
}
