// Drives plan.ts: pods with ephemeral volumes get their claims.
import { persistentVolumeClaims, pods as podResource } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import { Driver } from '../common/driver.ts';
import { controllerOf, keyOf, namespaceOf, splitKey } from '../common/object-meta.ts';
import type { ControllerContext } from '../common/ports.ts';
import { ephemeralVolumes, planEphemeralVolumes, sayProblem } from './plan.ts';

/** Starts the controller; it runs until the context's signal aborts. */
export async function startEphemeralVolumes(concurrency: number, context: ControllerContext): Promise<void> {
  const pods = context.caches.of(podResource);
  const claims = context.caches.of(persistentVolumeClaims);
  const driver = new Driver(context, {
    name: 'ephemeral-volume-controller',
    concurrency,
    caches: [pods, claims],
    async sync(key, round) {
      const pod = pods.get(splitKey(key));
      if (pod === undefined) return undefined;
      const namespace = namespaceOf(pod);
      const { create, foreign } = planEphemeralVolumes(pod, (name) => claims.get({ namespace, name }));
      const failures: Error[] = [];
      for (const { volume, claim } of create) {
        try {
          await round.create(persistentVolumeClaims, claim);
        } catch (error) {
          // Where it is there already, the cache is behind; where the round lost a race, nothing is wrong with the volume.
          if (hasReason(error, 'AlreadyExists') || hasReason(error, 'Conflict')) throw error;
          const why = `create PVC ${claim.metadata?.name}: ${(error as Error).message}`;
          await round.execute([sayProblem(pod, volume, why)]);
          failures.push(error as Error);
        }
      }
      for (const { volume, why } of foreign) {
        await round.execute([sayProblem(pod, volume, why)]);
        failures.push(new Error(`pod ${key}, ephemeral volume ${volume}: ${why}`));
      }
      if (failures[0] !== undefined) throw failures[0];
      return undefined;
    },
  });
  pods.subscribe(({ after }) => {
    if (after !== undefined && ephemeralVolumes(after).length > 0) driver.enqueue(keyOf(after));
  });
  // One that is deleted under its pod is made again.
  claims.subscribe(({ before, after }) => {
    const owner = before === undefined ? undefined : controllerOf(before);
    if (after === undefined && owner?.kind === 'Pod') driver.enqueue(`${namespaceOf(before ?? {})}/${owner.name}`);
  });
  await driver.start();
}
