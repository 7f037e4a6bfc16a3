// The indexes that several controllers share.
import type { PersistentVolume, Pod } from '@drydock/api/generated/types.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import { claimOfVolume } from '@drydock/api/storage/pod-claims.ts';
import { controllerOf, isBeingDeleted, namespaceOf } from './object-meta.ts';
import type { Cache } from './ports.ts';

/** By the uid of the managing controller. */
export const byController = 'controller';
/** Objects without a controller, by namespace. */
export const orphansByNamespace = 'orphans';
export const byNamespace = 'namespace';
export const byNode = 'node';
/** Pods by `namespace/name` of the claims that they use. */
export const byClaim = 'claim';
/** Volumes by `namespace/name` of the claim that they point at. */
export const byClaimRef = 'claim-ref';

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

/** `namespace/name` of each claim that the pod uses, those of its ephemeral volumes included. */
export function claimKeys(pod: Pod): string[] {
  const namespace = namespaceOf(pod);
  return (pod.spec?.volumes ?? []).flatMap((volume) => {
    const claim = claimOfVolume(pod, volume);
    return claim === undefined ? [] : [`${namespace}/${claim}`];
  });
}

export function indexByClaim(cache: Cache<Pod>): void {
  cache.index(byClaim, claimKeys);
}

/** `namespace/name` of the claim that the volume points at, if it points at one. */
export function referenceKeys({ spec }: PersistentVolume): string[] {
  const { namespace = '', name = '' } = spec?.claimRef ?? {};
  return name === '' ? [] : [`${namespace}/${name}`];
}

export function indexByClaimRef(cache: Cache<PersistentVolume>): void {
  cache.index(byClaimRef, referenceKeys);
}
