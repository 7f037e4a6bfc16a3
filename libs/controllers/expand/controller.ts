// Drives plan.ts: bound claims that ask for more.
import { persistentVolumeClaims, persistentVolumes } from '@drydock/api/resource.ts';
import { Driver } from '../common/driver.ts';
import { keyOf, splitKey } from '../common/object-meta.ts';
import type { ControllerContext } from '../common/ports.ts';
import { hasGrown, planExpansion } from './plan.ts';

/** Starts the controller; it runs until the context's signal aborts. */
export async function startExpandController(context: ControllerContext): Promise<void> {
  const claims = context.caches.of(persistentVolumeClaims);
  const volumes = context.caches.of(persistentVolumes);
  const driver = new Driver(context, {
    name: 'persistentvolume-expander-controller',
    concurrency: 1,
    caches: [claims],
    waitFor: [volumes],
    async sync(key, round) {
      const claim = claims.get(splitKey(key));
      if (claim === undefined) return undefined;
      await round.execute(planExpansion(claim, volumes.get({ name: claim.spec?.volumeName ?? '' })));
      return undefined;
    },
  });
  claims.subscribe(({ before, after }) => {
    if (after !== undefined && hasGrown(before, after)) driver.enqueue(keyOf(after));
  });
  await driver.start();
}
