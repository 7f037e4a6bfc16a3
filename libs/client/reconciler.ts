// Workers over a work queue: key in, result out.
import { checkedDelay } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { WorkQueue } from './work-queue.ts';

/**
 * What became of a key. `failed` is tried again with back-off; so is `overtaken`, which is nobody's fault and not worth a warning;
 * `requeueAfter` is looked at again although nothing changed; `waiting` is added again by whom it waits for, and keeps its back-off.
 */
export type Result =
  | { readonly kind: 'done' | 'waiting' }
  | { readonly kind: 'requeueAfter'; readonly delayMs: number }
  | { readonly kind: 'overtaken'; readonly error: unknown }
  | { readonly kind: 'failed'; readonly error: unknown };

export const done: Result = { kind: 'done' };
export const waiting: Result = { kind: 'waiting' };

/** Looks at the key again after `delayMs`; undefined is `done`. Throws RangeError for NaN. */
export function requeueAfter(delayMs: number | undefined): Result {
  if (delayMs !== undefined) checkedDelay(delayMs);
  return delayMs === undefined ? done : { kind: 'requeueAfter', delayMs };
}

export interface ReconcilerOptions {
  readonly name: string;
  readonly workers: number;
  readonly queue: WorkQueue;
  /** Never runs twice at once for one key. A thrown error counts as `failed`. */
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<Result>;
  readonly log: Log;
}

/** Runs until the signal aborts; then no further key is taken and it resolves when the keys under way are finished. */
export async function runReconciler(options: ReconcilerOptions, signal: AbortSignal): Promise<void> {
  const { queue } = options;
  const stop = () => queue.shutDown();
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  const worker = async (): Promise<void> => {
    for (let key = await queue.get(); key !== undefined && !signal.aborted; key = await queue.get()) {
      const result = await attempt(options, key, signal);
      settle(options, key, result, signal);
      queue.done(key);
    }
  };
  await Promise.all(Array.from({ length: options.workers }, worker));
}

async function attempt(options: ReconcilerOptions, key: string, signal: AbortSignal): Promise<Result> {
  try {
    const result = await options.reconcile(key, signal);
    return result.kind === 'requeueAfter' ? requeueAfter(result.delayMs) : result;
  } catch (error) {
    return { kind: 'failed', error };
  }
}

function settle({ queue, log, name }: ReconcilerOptions, key: string, result: Result, signal: AbortSignal): void {
  if (signal.aborted) return;
  switch (result.kind) {
    case 'done':
      queue.forget(key);
      return;
    case 'waiting':
      return;
    case 'overtaken': {
      const delayMs = queue.addRateLimited(key);
      log.debug({ err: result.error, controller: name, key, retryInMs: Math.round(delayMs) }, 'overtaken by a change');
      return;
    }
    case 'requeueAfter':
      queue.forget(key);
      queue.addAfter(key, result.delayMs);
      return;
    case 'failed': {
      const delayMs = queue.addRateLimited(key);
      log.warn({ err: result.error, controller: name, key, retryInMs: Math.round(delayMs) }, 'reconcile failed');
    }
  }
}
