// After a step of a compaction others have their turn for as long as it took.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { limits } from '../limits.ts';
import { openLmdbBackend } from '../mvcc/lmdb-backend.ts';
import { EtcdStateMachine } from './state-machine.ts';

/** Turns of the event loop take no virtual time: what steps cost is added. */
class CostlyClock extends VirtualClock {
  spentMs = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + this.spentMs;
  }
}

test.each([
  { stepMs: 0, pauseMs: 0 },
  { stepMs: 4, pauseMs: 4 },
  { stepMs: 50, pauseMs: limits.compactionPauseMs },
])('steps of $stepMs ms are $pauseMs ms apart', async ({ stepMs, pauseMs }) => {
  const folder = mkdtempSync(join(tmpdir(), 'pace-'));
  const clock = new CostlyClock();
  const fatal = (error: unknown): void => {
    throw error;
  };
  const machine = new EtcdStateMachine({ backend: openLmdbBackend(folder), clock, fatal });
  try {
    const beginsMs: number[] = [];
    machine.store.compactStep = () => {
      beginsMs.push(clock.monotonicMs() - clock.spentMs);
      clock.spentMs += stepMs;
      return beginsMs.length < 4;
    };
    machine.hub.onBehind();
    await clock.advanceAsync(1000);
    expect(beginsMs).toEqual([0, pauseMs, 2 * pauseMs, 3 * pauseMs]);
  } finally {
    await machine.close();
    rmSync(folder, { recursive: true });
  }
});

test('a removal counts as the page that it rewrites, so that few of them make a commit', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pace-'));
  const backend = openLmdbBackend(folder);
  backend.put(1, 0, false, Buffer.alloc(10));
  await backend.commit();
  const removals = 300;
  for (let i = 0; i < removals; i++) backend.remove(1, i, false);
  expect(backend.pendingBytes).toBeGreaterThan(limits.compactionPendingBytes);
  await backend.commit();
  expect(backend.pendingBytes).toBe(0);
  await backend.close();
  rmSync(folder, { recursive: true });
});
