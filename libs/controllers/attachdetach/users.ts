// Who wants a volume of a driver on which node: pods that are there and use the claim that it is bound to. Pure; follows upstream's
// pkg/controller/volume/attachdetach/util and pkg/volume/util (IsPodTerminated).
import type { ContainerStatus, Node, PersistentVolume, PersistentVolumeClaim, Pod } from '@drydock/api/generated/types.ts';
import { claimOfVolume, isMadeFor } from '@drydock/api/storage/pod-claims.ts';
import { byCreation, isBeingDeleted, namespaceOf, uidOf } from '../common/object-meta.ts';
import { isPodTerminal } from '../common/pod.ts';

/** On a node: attaching is this controller's work. A kubelet without it attaches for itself. */
const managedAnnotation = 'volumes.kubernetes.io/controller-managed-attach-detach';

/** On a node: what pods that have ended used stays where it is (a kubelet with keepTerminatedPodVolumes). */
const keepAnnotation = 'volumes.kubernetes.io/keep-terminated-pod-volumes';

export function isManaged(node: Node): boolean {
  return node.metadata?.annotations?.[managedAnnotation] !== undefined;
}

/** Whether pods that have ended keep their volumes there. */
export function keepsEnded(node: Node): boolean {
  return node.metadata?.annotations?.[keepAnnotation] === 'true';
}

/** What a volume is bound to, with who may use it by that. */
export interface Binding {
  readonly volume: PersistentVolume;
  /** The claim of the name that the volume points at, if there is one. */
  readonly claim: PersistentVolumeClaim | undefined;
  /** The pods that name that claim. */
  readonly pods: readonly Pod[];
}

/** The pods on one node that use a volume, the oldest first, and by which PersistentVolume. */
export interface Users {
  readonly node: string;
  readonly volume: PersistentVolume;
  readonly pods: readonly Pod[];
  /** Whether it is to be attached; what only keeps what is attached is a pod whose claim or node has gone before it. */
  readonly attaches: boolean;
}

/** Whether no container of the pod runs, nor will. */
function hasEnded(pod: Pod): boolean {
  if (isPodTerminal(pod)) return true;
  if (!isBeingDeleted(pod)) return false;
  const isStill = ({ state }: ContainerStatus) => state?.terminated !== undefined || state?.waiting !== undefined;
  const { initContainerStatuses = [], containerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  return [...initContainerStatuses, ...containerStatuses, ...ephemeralContainerStatuses].every(isStill);
}

/** Whether the claim is the pod's to use: where a volume of the pod's own has its name, only if it was made for the pod. */
function mayUse(pod: Pod, claim: PersistentVolumeClaim): boolean {
  const name = claim.metadata?.name;
  return (pod.spec?.volumes ?? []).some(
    (volume) => claimOfVolume(pod, volume) === name && (volume.ephemeral === undefined || isMadeFor(claim, pod)),
  );
}

/** Who uses a volume, by node: nodes in the order in which their first pods were made. */
export function usersOf(bindings: readonly Binding[], nodeOf: (name: string) => Node | undefined): Users[] {
  const byNode = new Map<string, { volume: PersistentVolume; pods: Pod[]; attaches: boolean }>();
  for (const { volume, claim, pods } of bindings) {
    const isBound = claim?.status?.phase === 'Bound' && uidOf(claim) === volume.spec?.claimRef?.uid;
    for (const pod of pods) {
      const name = pod.spec?.nodeName ?? '';
      if (name === '') continue;
      const node = nodeOf(name);
      if (hasEnded(pod) && (node === undefined || !keepsEnded(node))) continue;
      const attaches = isBound && node !== undefined && isManaged(node) && mayUse(pod, claim);
      const known = byNode.get(name);
      if (known === undefined) byNode.set(name, { volume, pods: [pod], attaches });
      else {
        known.pods.push(pod);
        known.attaches ||= attaches;
      }
    }
  }
  const users = [...byNode].map(([node, { volume, pods, attaches }]) => ({
    node,
    volume,
    pods: pods.sort(byAge),
    attaches,
  }));
  return users.sort((a, b) => byAge(a.pods[0] ?? {}, b.pods[0] ?? {}));
}

/** Older first; equal ages by name and namespace, so that everybody who looks finds the same order. */
function byAge(a: Pod, b: Pod): number {
  return byCreation(a, b) || (namespaceOf(a) < namespaceOf(b) ? -1 : 1);
}
