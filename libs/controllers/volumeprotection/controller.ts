// Drives plan.ts: claims that no pod uses any more may go, and volumes without a claim. Who waits for that: a namespace that ends.
import type { PersistentVolumeClaim, Pod } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, persistentVolumes, pods as podResource } from '@drydock/api/resource.ts';
import { claimFinalizer } from '@drydock/api/storage/pod-claims.ts';
import { Driver, type Round } from '../common/driver.ts';
import { claimKeys } from '../common/indexes.ts';
import { keyOf, namespaceOf, splitKey } from '../common/object-meta.ts';
import { isPodTerminal } from '../common/pod.ts';
import type { ControllerContext } from '../common/ports.ts';
import { isVolumeUsed, podUsesClaim, protect, protectionOf, volumeFinalizer } from './plan.ts';

/** Starts the controller; it runs until the context's signal aborts. */
export async function startClaimProtection(context: ControllerContext): Promise<void> {
  const claims = context.caches.of(persistentVolumeClaims);
  const pods = context.caches.of(podResource);
  const driver = new Driver(context, {
    name: 'persistentvolumeclaim-protection-controller',
    concurrency: 1,
    caches: [claims],
    waitFor: [pods],
    async sync(key, round) {
      const claim = claims.get(splitKey(key));
      const protection = claim && protectionOf(claim, claimFinalizer);
      if (claim === undefined || protection === undefined) return undefined;
      if (protection === 'remove' && (await isUsed(claim, [...pods.list()], round))) return undefined;
      await round.execute([protect(persistentVolumeClaims, claim, claimFinalizer, protection)]);
      return undefined;
    },
  });
  claims.subscribe(({ after }) => {
    if (after !== undefined && protectionOf(after, claimFinalizer) !== undefined) driver.enqueue(keyOf(after));
  });
  pods.subscribe(({ before, after }) => {
    const gone = after === undefined || isPodTerminal(after) || after.metadata?.deletionTimestamp !== undefined;
    for (const pod of gone ? [before, after] : []) if (pod !== undefined) for (const key of claimKeys(pod)) driver.enqueue(key);
  });
  await driver.start();
}

/** The cache may say yes; only the apiserver may say no, for a pod may just have been made. */
async function isUsed(claim: PersistentVolumeClaim, known: readonly Pod[], round: Round): Promise<boolean> {
  if (known.some((pod) => podUsesClaim(pod, claim))) return true;
  const { items } = await round.client.list(podResource, { namespace: namespaceOf(claim) });
  return items.some((pod) => podUsesClaim(pod, claim));
}

/** Starts the controller; it runs until the context's signal aborts. */
export async function startVolumeProtection(context: ControllerContext): Promise<void> {
  const volumes = context.caches.of(persistentVolumes);
  const driver = new Driver(context, {
    name: 'persistentvolume-protection-controller',
    concurrency: 1,
    caches: [volumes],
    async sync(key, round) {
      const volume = volumes.get(splitKey(key));
      const protection = volume && protectionOf(volume, volumeFinalizer);
      if (volume === undefined || protection === undefined || (protection === 'remove' && isVolumeUsed(volume)))
        return undefined;
      await round.execute([protect(persistentVolumes, volume, volumeFinalizer, protection)]);
      return undefined;
    },
  });
  volumes.subscribe(({ after }) => {
    if (after !== undefined && protectionOf(after, volumeFinalizer) !== undefined) driver.enqueue(keyOf(after));
  });
  await driver.start();
}
