// The right to act that a lease gives, as far as a process can know it by its own clock, and a client that writes under it only.
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { ApiClient, CallOptions, WatchEvent, WatchOptions } from './api-client.ts';
import { type Call, ClientLayer, isWrite, type Run } from './client-layer.ts';

/** Nothing may be written any more: the lease ran out, was taken, or is being given up. */
export class LeadershipLost extends Error {
  override readonly name = 'LeadershipLost';
}

/**
 * Held from its construction until it is given up, revoked, or its time is over. The clock is asked at every write: a process
 * that was stopped for a while must not act on a lease that ran out meanwhile, whichever of its callbacks runs first.
 *
 * What it cannot promise: a write that was sent in time may be carried out by a slow server after the lease has passed to
 * another. Nothing but a version in the write itself (resourceVersion, uid) guards against that, as upstream.
 */
export class Leadership {
  readonly #clock: Clock;
  readonly #held = new AbortController();
  readonly #writing = new AbortController();
  readonly #over = Promise.withResolvers<void>();
  #untilMs: number;
  #watchdog: Timer;
  #writes = 0;

  /** @param untilMs monotonic; `Infinity` (default) where no lease is needed. */
  constructor(clock: Clock, untilMs = Number.POSITIVE_INFINITY) {
    this.#clock = clock;
    this.#untilMs = untilMs;
    this.#watchdog = this.#watch();
  }

  /** Aborts when nothing new may be begun. Writes under way may still end well. */
  get held(): AbortSignal {
    return this.#held.signal;
  }

  /** Resolves when it is over and no write is under way any more. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** When it ends unless it is extended, on the monotonic clock. */
  get untilMs(): number {
    return this.#untilMs;
  }

  /** The lease was renewed: by a request that was sent so early that no other may act before `untilMs`. */
  extend(untilMs: number): void {
    this.#untilMs = Math.max(this.#untilMs, untilMs);
  }

  /** Throws LeadershipLost where nothing new may be written now. */
  check(): void {
    if (this.#clock.monotonicMs() >= this.#untilMs) this.revoke('the lease was not renewed in time');
    this.#held.signal.throwIfAborted();
  }

  /** Makes a write, if that is still right; `signal` aborts where the write must not go on. */
  async write<R>(call: (signal: AbortSignal) => Promise<R>): Promise<R> {
    this.check();
    this.#writes++;
    try {
      return await call(this.#writing.signal);
    } finally {
      this.#writes--;
      this.#settle();
    }
  }

  /** Begins nothing more; writes under way go on. */
  end(): void {
    if (this.#held.signal.aborted) return;
    this.#held.abort(new LeadershipLost('leading has ended'));
    this.#settle();
  }

  /**
   * Begins nothing more and waits for the writes under way, at most `patienceMs`; then it revokes them. Resolves with whether
   * all have ended by themselves: only then does it do no harm to let another lead at once.
   */
  async giveUp(patienceMs: number): Promise<boolean> {
    const patience = this.#clock.timer(patienceMs, () => this.revoke('writes did not end in time'));
    this.end();
    await this.over;
    patience.cancel();
    return !this.#writing.signal.aborted;
  }

  /** Ends it at once; writes under way are aborted, and may or may not have happened. */
  revoke(why: string): void {
    if (this.#writing.signal.aborted) return;
    const reason = new LeadershipLost(why);
    if (!this.#held.signal.aborted) this.#held.abort(reason);
    this.#writing.abort(reason);
    this.#settle();
  }

  #settle(): void {
    if (!this.#held.signal.aborted || this.#writes > 0) return;
    this.#watchdog.cancel();
    this.#over.resolve();
  }

  #watch(): Timer {
    return this.#clock.timer(this.#untilMs - this.#clock.monotonicMs(), () => {
      if (this.#clock.monotonicMs() >= this.#untilMs) this.revoke('the lease was not renewed in time');
      else this.#watchdog = this.#watch();
    });
  }
}

/** Writes only under the leadership; reads as the client it is around. */
export class FencedClient extends ClientLayer {
  readonly #inner: ApiClient;
  readonly #leadership: Leadership;

  constructor(inner: ApiClient, leadership: Leadership) {
    super();
    this.#inner = inner;
    this.#leadership = leadership;
  }

  protected async around<R>(call: Call, run: Run<R>): Promise<R> {
    if (!isWrite(call)) return run(this.#inner);
    return this.#leadership.write(async (writing) => {
      const own = call.options.signal;
      const stop = new AbortController();
      const abort = (): void => stop.abort(own?.aborted ? own.reason : writing.reason);
      if (own?.aborted) abort();
      own?.addEventListener('abort', abort, { once: true });
      writing.addEventListener('abort', abort, { once: true });
      const options: CallOptions = {
        signal: stop.signal,
        beforeSend: () => {
          call.options.beforeSend?.();
          this.#leadership.check();
        },
      };
      try {
        return await run(this.#inner, options);
      } finally {
        own?.removeEventListener('abort', abort);
        writing.removeEventListener('abort', abort);
      }
    });
  }

  watch<T extends KubeObject>(resource: Resource<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>> {
    return this.#inner.watch(resource, options);
  }

  close(): void {
    this.#inner.close();
  }
}
