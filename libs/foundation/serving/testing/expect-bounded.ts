// What must hold of every flood against every port: it costs the process a bounded amount, others are served meanwhile, and what the
// attacker left is cleared away.
import type { Worker } from 'node:worker_threads';
import { expect } from 'vitest';
import type { Clock } from '../../clock.ts';
import type { Flood } from './floods.ts';
import { openDescriptors, underFlood, type Victim } from './under-flood.ts';

/**
 * Beyond what the process has at rest. Most of it is what node makes of one read of requests in a row: 64 KiB of them per connection,
 * before anything can be held back.
 */
const memoryMaxBytes = 400 * 1024 * 1024;
/** For one request of another client meanwhile; generous, for these machines do other things too. */
const slowestMaxMs = 20_000;
const clearedStepMs = 20;

export interface FloodBounds {
  readonly attackMs: number;
  /** Descriptors that the process may have open during the flood, more than before. */
  readonly socketsMax: number;
  /** Descriptors that it may have open some time after it, in all. */
  readonly descriptorsAtRestMax: number;
}

/** Attacks from the thread of `attacker`, and waits until what was left by it is cleared away. */
export async function expectBounded(
  attacker: Worker,
  victim: Victim,
  flood: Flood,
  bounds: FloodBounds,
  clock: Clock,
): Promise<void> {
  const cost = await underFlood(attacker, victim, flood, bounds.attackMs, clock);
  expect(cost.admitted).toBeGreaterThan(0);
  expect(cost.memoryBytes).toBeLessThan(memoryMaxBytes);
  expect(cost.sockets).toBeLessThan(bounds.socketsMax);
  expect(cost.slowestMs).toBeLessThan(slowestMaxMs);
  while (openDescriptors(victim.pid) > bounds.descriptorsAtRestMax) await clock.sleep(clearedStepMs);
}
