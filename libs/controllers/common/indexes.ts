// The indexes that several controllers share.
import type { Pod } from '@drydock/api/generated/types.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import { controllerOf, isBeingDeleted, namespaceOf } from './object-meta.ts';
import type { Cache } from './ports.ts';

/** By the uid of the managing controller. */
export const byController = 'controller';
/** Objects without a controller, by namespace. */
export const orphansByNamespace = 'orphans';
export const byNamespace = 'namespace';
export const byNode = 'node';

export function indexByController<T extends KubeObject>(cache: Cache<T>): void {
  cache.index(byController, (object) => {
    const uid = controllerOf(object)?.uid;
    return uid === undefined ? [] : [uid];
  });
  cache.index(orphansByNamespace, (object) =>
    controllerOf(object) === undefined && !isBeingDeleted(object) ? [namespaceOf(object)] : [],
  );
}

export function indexByNamespace<T extends KubeObject>(cache: Cache<T>): void {
  cache.index(byNamespace, (object) => [namespaceOf(object)]);
}

export function indexByNode(cache: Cache<Pod>): void {
  cache.index(byNode, (pod) => {
    const node = pod.spec?.nodeName ?? '';
    return node === '' ? [] : [node];
  });
}
