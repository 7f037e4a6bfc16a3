// How long a Job waits before it replaces failed pods: ten seconds, doubling up to ten minutes, until one succeeds.
import type { Pod } from '@drydock/api/generated/types.ts';
import { finishedMs } from './job-pods.ts';

const firstMs = 10_000;
const maxMs = 600_000;

/** What is remembered between rounds; after a restart it is made from the pods that still exist. */
export interface FailureRecord {
  readonly failuresSinceSuccess: number;
  /** Wall time. */
  readonly lastFailureMs: number;
}

/** The record after these pods ended. */
export function recordFailures(
  before: FailureRecord | undefined,
  succeeded: readonly Pod[],
  failed: readonly Pod[],
): FailureRecord {
  const base = before ?? { failuresSinceSuccess: 0, lastFailureMs: 0 };
  if (succeeded.length === 0) {
    if (failed.length === 0) return base;
    const last = Math.max(...failed.map(finishedMs));
    return { failuresSinceSuccess: base.failuresSinceSuccess + failed.length, lastFailureMs: last };
  }
  const lastSuccess = Math.max(...succeeded.map(finishedMs));
  const after = failed.map(finishedMs).filter((ms) => ms > lastSuccess);
  return { failuresSinceSuccess: after.length, lastFailureMs: Math.max(0, ...after) };
}

/** Milliseconds until the next pod may be made after `failures` in a row; 0 means now. */
export function waitMs(failures: number, lastFailureMs: number, nowMs: number): number {
  if (failures === 0) return 0;
  const delay = Math.min(firstMs * 2 ** Math.min(failures - 1, 30), maxMs);
  return Math.max(0, lastFailureMs + delay - nowMs);
}
