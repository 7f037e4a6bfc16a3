// The claims of a pod's volumes: those that it names, and those that are made for its ephemeral volumes (upstream's
// component-helpers/storage/ephemeral).
import type { PersistentVolumeClaim, Pod, Volume } from '../generated/types.ts';

/** Holds a claim that is being deleted while pods use it. */
export const claimFinalizer = 'kubernetes.io/pvc-protection';

/** The name of the claim that is made for an ephemeral volume of the pod. */
export function ephemeralClaimName({ metadata }: Pod, { name }: Pick<Volume, 'name'>): string {
  return `${metadata?.name}-${name}`;
}

/** The claim that the volume is of; undefined where it is of none. */
export function claimOfVolume(pod: Pod, volume: Volume): string | undefined {
  return (
    volume.persistentVolumeClaim?.claimName ?? (volume.ephemeral === undefined ? undefined : ephemeralClaimName(pod, volume))
  );
}

/** Whether the claim was made for that pod. */
export function isMadeFor({ metadata }: PersistentVolumeClaim, pod: Pod): boolean {
  return (metadata?.ownerReferences ?? []).some(({ controller, uid }) => controller === true && uid === pod.metadata?.uid);
}

/** What is said of an ephemeral volume whose claim's name somebody else has taken. */
export function notMadeFor(pod: Pod, claim: string): string {
  const { namespace, name } = pod.metadata ?? {};
  return `PVC ${namespace}/${claim} was not created for pod ${namespace}/${name} (pod is not owner)`;
}
