// Drives plan.ts for every Job that has a time to live.
import { jobs } from '@drydock/api/resource.ts';
import { Driver } from '../common/driver.ts';
import { keyOf, splitKey } from '../common/object-meta.ts';
import type { ControllerContext } from '../common/ports.ts';
import { planExpiry } from './plan.ts';

/** Starts the controller; it runs until the context's signal aborts. */
export async function startTtlAfterFinishedController(concurrency: number, context: ControllerContext): Promise<void> {
  const cache = context.caches.of(jobs);
  const driver = new Driver(context, {
    name: 'ttl-after-finished-controller',
    concurrency,
    caches: [cache],
    async sync(key, round) {
      const job = cache.get(splitKey(key));
      if (job === undefined) return undefined;
      const { actions, requeueAfterMs } = planExpiry(job, round.wallMs());
      await round.execute(actions);
      return requeueAfterMs;
    },
  });
  cache.subscribe(({ after }) => {
    if (after?.spec?.ttlSecondsAfterFinished !== undefined) driver.enqueue(keyOf(after));
  });
  await driver.start();
}
