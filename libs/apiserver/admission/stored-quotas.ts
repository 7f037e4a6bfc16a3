// Quotas and limit ranges as they are now: which there are by the watch cache, what a quota says by the store itself.
import type { LimitRange, ResourceQuota } from '@drydock/api/generated/types.ts';
import { type KubeObject, limitRanges, resourceQuotas } from '@drydock/api/resource.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Caches } from '../registry/caches.ts';
import { objectKey } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { Quotas } from './resource-quota.ts';

export function storedQuotas(objects: ObjectStore, caches: Caches, clock: Clock): Quotas {
  const key = (namespace: string, name: string): string => objectKey(resourceQuotas, namespace, name);
  return {
    async names(namespace) {
      await caches.of(resourceQuotas).start();
      return [...caches.list(resourceQuotas, namespace)].map(({ metadata }) => metadata?.name ?? '').sort();
    },
    async read(namespace, name) {
      return (await objects.read(key(namespace, name)))?.object as ResourceQuota | undefined;
    },
    async update(namespace, name, change) {
      await objects.update(key(namespace, name), undefined, (current) => {
        if (current === undefined) return { keep: true };
        return { put: change(current.object as ResourceQuota) as KubeObject };
      });
    },
    nowMs: () => clock.wallMs(),
  };
}

export async function storedLimitRanges(caches: Caches, namespace: string): Promise<readonly LimitRange[]> {
  await caches.of(limitRanges).start();
  return [...caches.list(limitRanges, namespace)];
}
