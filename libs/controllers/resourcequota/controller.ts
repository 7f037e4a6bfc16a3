// Drives plan.ts: whatever goes, finishes or changes in a namespace gives back of its quotas; what comes is counted by admission.
import type { Pod } from '@drydock/api/generated/types.ts';
import {
  groupResourceOf,
  type KubeObject,
  persistentVolumeClaims,
  pods as podResource,
  resourceQuotas as quotaResource,
  services as serviceResource,
} from '@drydock/api/resource.ts';
import { Driver } from '../common/driver.ts';
import { semanticEqual } from '../common/equality.ts';
import { byNamespace, indexByNamespace } from '../common/indexes.ts';
import { keyOf, namespaceOf, splitKey } from '../common/object-meta.ts';
import { isPodTerminal } from '../common/pod.ts';
import type { Cache, ControllerContext } from '../common/ports.ts';
import type { ListedResource } from '../common/resource-list.ts';
import { planQuota } from './plan.ts';

/** Types that come and go too often to be worth counting, and that nobody limits by number. */
const notCounted = new Set(['events', 'events.events.k8s.io', 'leases.coordination.k8s.io']);
/** Everything is counted anew this often (--resource-quota-sync-period). */
const resyncMs = 300_000;
/** Changes of a namespace are gathered this long: a rollout touches many objects at once. */
const gatherMs = 50;

/** @param listed every type the apiserver serves. Starts the controller; it runs until the context's signal aborts. */
export async function startResourceQuotaController(
  listed: readonly ListedResource[],
  context: ControllerContext,
): Promise<void> {
  const quotas = context.caches.of(quotaResource);
  const pods = context.caches.of(podResource);
  const services = context.caches.of(serviceResource);
  const claims = context.caches.of(persistentVolumeClaims);
  const counted = new Map<string, Cache<KubeObject>>();
  for (const { resource } of listed) {
    const name = groupResourceOf(resource);
    if (resource.namespaced && !notCounted.has(name)) counted.set(name, context.caches.metadataOf(resource));
  }
  for (const cache of [quotas, pods, services, claims, ...counted.values()]) indexByNamespace(cache as Cache<KubeObject>);
  const driver = new Driver(context, {
    name: 'resourcequota-controller',
    concurrency: 5,
    caches: [quotas],
    waitFor: [pods, services, claims, ...counted.values()],
    sync: async (key, round) => {
      const quota = quotas.get(splitKey(key));
      if (quota === undefined) return undefined;
      const namespace = namespaceOf(quota);
      const counts = new Map<string, number>();
      for (const [name, cache] of counted) counts.set(name, [...cache.lookup(byNamespace, namespace)].length);
      const observed = {
        quota,
        counts,
        pods: [...pods.lookup(byNamespace, namespace)],
        services: [...services.lookup(byNamespace, namespace)],
        claims: [...claims.lookup(byNamespace, namespace)],
      };
      await round.execute(planQuota(observed, round.wallMs()).actions);
      return resyncMs;
    },
  });
  const touch = (namespace: string) => {
    for (const quota of quotas.lookup(byNamespace, namespace)) driver.enqueueAfter(keyOf(quota), gatherMs);
  };
  // What is used is said by admission as objects are made. To count again then would undo it wherever this cache lags behind.
  quotas.subscribe(({ before, after }) => {
    if (after !== undefined && !semanticEqual(before?.spec, after.spec)) driver.enqueue(keyOf(after));
  });
  for (const cache of counted.values()) {
    cache.subscribe(({ before, after }) => {
      if (before !== undefined && after === undefined) touch(namespaceOf(before));
    });
  }
  pods.subscribe(({ before, after }) => {
    if (before === undefined || after === undefined) return;
    // A pod that gets an end leaves the quotas of those that have none.
    const hasEnd = ({ spec }: Pod): boolean => spec?.activeDeadlineSeconds !== undefined;
    if (isPodTerminal(before) !== isPodTerminal(after) || hasEnd(before) !== hasEnd(after)) touch(namespaceOf(after));
  });
  for (const cache of [services, claims] as Cache<KubeObject>[]) {
    cache.subscribe(({ before, after }) => {
      if (before !== undefined && after !== undefined) touch(namespaceOf(after));
    });
  }
  await driver.start();
}
