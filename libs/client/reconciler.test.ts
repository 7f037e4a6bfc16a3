import { silentLog } from '@drydock/foundation/log.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, test } from 'vitest';
import { type Result, runReconciler } from './reconciler.ts';
import { WorkQueue } from './work-queue.ts';

const days = 86_400_000;

/** Runs `reconcile` on one key, with one worker. */
function worker(reconcile: (round: number) => Promise<Result>) {
  const clock = new VirtualClock();
  const queue = new WorkQueue({ clock });
  const stop = new AbortController();
  let rounds = 0;
  const ended = runReconciler(
    { name: 'test', workers: 1, queue, reconcile: () => reconcile(++rounds), log: silentLog },
    stop.signal,
  );
  queue.add('key');
  return { clock, queue, stop, ended, rounds: () => rounds };
}

const later = (delayMs: number) => async (): Promise<Result> => ({ kind: 'requeueAfter', delayMs });

test.each([
  [400 * days, 30 * days, 1],
  [400 * days, 401 * days, 2],
  [Number.POSITIVE_INFINITY, 10_000 * days, 1],
  [0.4, 2, 6],
])('a key that wants to be looked at again after %d ms has, after %d ms, had %d rounds', async (delayMs, afterMs, rounds) => {
  const run = worker(later(delayMs));
  await run.clock.advanceAsync(afterMs);
  expect(run.rounds()).toBe(rounds);
});

test('a delay that is no number counts as a failure of that key: the worker lives, the key backs off', async () => {
  const run = worker(async (round) => (round < 4 ? { kind: 'requeueAfter', delayMs: Number.NaN } : { kind: 'done' }));
  await run.clock.advanceAsync(1);
  expect([run.rounds(), run.queue.failures('key')]).toEqual([1, 1]);
  await run.clock.advanceAsync(5 + 10 + 20);
  expect([run.rounds(), run.queue.failures('key')]).toEqual([4, 0]);
  run.queue.add('key');
  await run.clock.advanceAsync(0);
  expect(run.rounds()).toBe(5);
});

test('no key is taken after the signal; the one under way is finished first', async () => {
  const under = Promise.withResolvers<Result>();
  const run = worker(() => under.promise);
  await run.clock.advanceAsync(0);
  let over = false;
  void run.ended.then(() => {
    over = true;
  });
  run.stop.abort();
  run.queue.add('other');
  await run.clock.advanceAsync(1_000);
  expect(over).toBe(false);
  under.resolve({ kind: 'done' });
  await run.ended;
  expect(run.rounds()).toBe(1);
});
