import type { RandomStream } from '@drydock/foundation/random.ts';

/** Share of a pause by which it may be longer (upstream's workerBackOffPeriodJitterFactor). */
const jitter = 0.5;

/** Milliseconds before another try, whole ones, each time another one: what failed for all at once is not tried again by all at once. */
export function pauseMs(leastMs: number, random: RandomStream): number {
  return Math.round(leastMs * (1 + jitter * random.next()));
}
