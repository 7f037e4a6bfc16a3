// When a claim or a volume that is being deleted may go: no sooner than nobody uses it. Pure; follows upstream's
// pkg/controller/volume/pvcprotection and pvprotection.
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '@drydock/api/generated/types.ts';
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import { ephemeralClaimName, isMadeFor } from '@drydock/api/storage/pod-claims.ts';
import type { WriteAction } from '../common/action.ts';
import { isBeingDeleted, nameOf, namespaceOf } from '../common/object-meta.ts';

export const volumeFinalizer = 'kubernetes.io/pv-protection';

/** Whether the pod keeps the claim: once it is on a node, for a kubelet starts no pod with a claim that has been let go of. */
export function podUsesClaim(pod: Pod, claim: PersistentVolumeClaim): boolean {
  if ((pod.spec?.nodeName ?? '') === '' || namespaceOf(pod) !== namespaceOf(claim)) return false;
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata ?? {};
  const isShutDown = deletionTimestamp !== undefined && deletionGracePeriodSeconds === 0;
  return (pod.spec?.volumes ?? []).some((volume) => {
    if (volume.persistentVolumeClaim?.claimName === nameOf(claim)) return true;
    if (volume.ephemeral === undefined || isShutDown) return false;
    return isMadeFor(claim, pod) && ephemeralClaimName(pod, volume) === nameOf(claim);
  });
}

/** Whether the volume is kept: its claim is still there. */
export function isVolumeUsed(volume: PersistentVolume): boolean {
  return volume.status?.phase === 'Bound';
}

export type Protection = 'add' | 'remove' | undefined;

/** What is to become of the finalizer. `remove` only where nobody uses the object, which the caller has yet to find out. */
export function protectionOf(object: KubeObject, finalizer: string): Protection {
  const isProtected = object.metadata?.finalizers?.includes(finalizer) ?? false;
  if (isBeingDeleted(object)) return isProtected ? 'remove' : undefined;
  return isProtected ? undefined : 'add';
}

/** The object with or without the finalizer, in the version that was looked at. */
export function protect<T extends KubeObject>(
  resource: Resource<T>,
  object: T,
  finalizer: string,
  protection: 'add' | 'remove',
): WriteAction {
  const others = (object.metadata?.finalizers ?? []).filter((each) => each !== finalizer);
  const finalizers = protection === 'add' ? [...others, finalizer] : others;
  return { verb: 'update', resource, object: { ...object, metadata: { ...object.metadata, finalizers } } };
}
