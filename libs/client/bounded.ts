// What every call of a transport keeps: it ends with its signal and its timeout, whatever it is waiting for.
import type { Clock } from '@drydock/foundation/clock.ts';
import type { CallOptions } from './api-client.ts';
import { timedOut } from './errors.ts';
import { requestTimeoutMs } from './limits.ts';

/**
 * Settles as `work`, or rejects with the reason of the caller's signal, or with reason Timeout. In these two cases `work` is told
 * by its `stop` signal, and nobody waits for it any more.
 */
export async function bounded<R>(
  clock: Clock,
  { signal, timeoutMs = requestTimeoutMs }: CallOptions,
  what: string,
  work: (stop: AbortSignal) => Promise<R>,
): Promise<R> {
  signal?.throwIfAborted();
  const stop = new AbortController();
  const { promise, resolve, reject } = Promise.withResolvers<R>();
  const end = (error: unknown): void => {
    reject(error);
    stop.abort(error);
  };
  const abort = (): void => end(signal?.reason);
  const timer = clock.timer(timeoutMs, () => end(timedOut(`${what}: no answer within ${timeoutMs} ms`)));
  signal?.addEventListener('abort', abort, { once: true });
  work(stop.signal).then(resolve, reject);
  try {
    return await promise;
  } finally {
    timer.cancel();
    signal?.removeEventListener('abort', abort);
  }
}
