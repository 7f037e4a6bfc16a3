// What admission plugins look up, from the watch caches and the store of a server.
import type { PersistentVolumeClaim, Pod } from '@drydock/api/generated/types.ts';
import {
  csiDrivers,
  ingressClasses,
  type KubeObject,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  pods,
  priorityClasses,
  type Resource,
  runtimeClasses,
  serviceAccounts,
  storageClasses,
} from '@drydock/api/resource.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Caches } from '../registry/caches.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import type { PluginSources } from './plugins.ts';
import { storedLimitRanges, storedQuotas } from './stored-quotas.ts';

/** An object as it is now, or undefined. */
export type Find = <T extends KubeObject>(resource: Resource<T>, namespace: string, name: string) => Promise<T | undefined>;

interface Parts {
  readonly caches: Caches;
  readonly objects: ObjectStore;
  readonly clock: Clock;
  readonly find: Find;
}

/** All but what a server decides itself. */
export function storedSources({
  caches,
  objects,
  clock,
  find,
}: Parts): Omit<PluginSources, 'authorizer' | 'allowed' | 'random' | 'tolerations'> {
  const all = async <T extends KubeObject>(resource: Resource<T>, namespace?: string): Promise<Iterable<T>> => {
    await caches.of(resource).start();
    return caches.list<T>(resource, namespace);
  };
  return {
    node: (name) => find(nodes, '', name),
    csiDriver: (name) => find(csiDrivers, '', name),
    driverOfClaim: async (namespace, name) => {
      const claim = await find<PersistentVolumeClaim>(persistentVolumeClaims, namespace, name);
      const volume = claim?.spec?.volumeName;
      return volume ? (await find(persistentVolumes, '', volume))?.spec?.csi?.driver : undefined;
    },
    limitRanges: (namespace) => storedLimitRanges(caches, namespace),
    quotas: storedQuotas(objects, caches, clock),
    namespace: (name) => find(namespaces, '', name),
    pods: (namespace) => all<Pod>(pods, namespace),
    monotonicMs: () => clock.monotonicMs(),
    serviceAccount: (namespace, name) => find(serviceAccounts, namespace, name),
    pod: (namespace, name) => find(pods, namespace, name),
    priorityClass: (name) => find(priorityClasses, '', name),
    priorityClasses: () => all(priorityClasses),
    storageClass: (name) => find(storageClasses, '', name),
    runtimeClass: (name) => find(runtimeClasses, '', name),
    ingressClasses: () => all(ingressClasses),
    storageClasses: () => all(storageClasses),
  };
}
