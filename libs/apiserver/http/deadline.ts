// The time of one request: from its headers to the last byte of its answer (k8s.io/apiserver: WithRequestDeadline, timeout filter).
import { apiError } from '@drydock/api/status.ts';
import type { Clock, Timer } from '@drydock/foundation/clock.ts';
import type { HttpResponse } from './exchange.ts';

/** How long a client may take to read an answer of the error kind, and one whose request took all of its time. */
export const lateAnswerMs = 10_000;

/** Upstream's answer to a request that took too long. */
export function timeoutError(): Error {
  return apiError('Timeout', 'Timeout: request did not complete within the allotted timeout', {});
}

/**
 * Aborts `controller` with Timeout once `timeoutMs` have passed; from then on, or where the answer has begun and is not read, the
 * client has `lateAnswerMs` to read what there is before its stream is closed. Infinity: no deadline.
 */
export function startDeadline(
  res: HttpResponse,
  controller: AbortController,
  timeoutMs: number,
  clock: Pick<Clock, 'timer'>,
): void {
  let last: Timer | undefined;
  const first = clock.timer(timeoutMs, () => {
    controller.abort(timeoutError());
    last = clock.timer(lateAnswerMs, () => closeStream(res));
  });
  const done = () => {
    first.cancel();
    last?.cancel();
  };
  res.once('finish', done).once('close', done);
}

/** Ends the stream (HTTP/2) or the connection (HTTP/1) of a response. */
export function closeStream(res: HttpResponse): void {
  if ('stream' in res && res.stream !== undefined) (res.stream as { destroy(): void } | null)?.destroy();
  else (res as { destroy(): void }).destroy();
}

/** `work`, unless `signal` aborts first. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
