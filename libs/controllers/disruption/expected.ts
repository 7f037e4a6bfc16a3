// How many pods there should be: the sum of what the controllers of the selected pods are scaled to.
import type {
  Deployment,
  OwnerReference,
  Pod,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from '@drydock/api/generated/types.ts';
import { controllerOf, nameOf, namespaceOf, uidOf } from '../common/object-meta.ts';

/** What a controller is scaled to, and which one it is; `problem` where it has no such number. */
export type Scale =
  | { readonly uid: string; readonly replicas: number }
  | { readonly problem: string }
  /** There is no such controller any more. */
  | undefined;

/** Looks up objects by namespace and name. */
export interface Controllers {
  replicationController(namespace: string, name: string): ReplicationController | undefined;
  replicaSet(namespace: string, name: string): ReplicaSet | undefined;
  deployment(namespace: string, name: string): Deployment | undefined;
  statefulSet(namespace: string, name: string): StatefulSet | undefined;
  /** Any other kind, by its scale subresource. */
  other(namespace: string, reference: OwnerReference): Scale;
}

export interface Expected {
  readonly count: number;
  /** Pods without a controller. */
  readonly unmanaged: readonly Pod[];
}

/** @returns the problem, in upstream's words, where the number cannot be told. */
export function expectedOf(pods: readonly Pod[], controllers: Controllers): Expected | { readonly problem: string } {
  const scales = new Map<string, number>();
  const unmanaged: Pod[] = [];
  const seen = new Set<string>();
  for (const pod of pods) {
    const reference = controllerOf(pod);
    if (reference === undefined) {
      unmanaged.push(pod);
      continue;
    }
    if (seen.has(reference.uid)) continue;
    seen.add(reference.uid);
    const scale = scaleOf(namespaceOf(pod), reference, controllers);
    if (scale === undefined) return { problem: `found no controllers for pod ${JSON.stringify(nameOf(pod))}` };
    if ('problem' in scale) return scale;
    scales.set(scale.uid, scale.replicas);
  }
  let count = 0;
  for (const replicas of scales.values()) count += replicas;
  return { count, unmanaged };
}

function scaleOf(namespace: string, reference: OwnerReference, controllers: Controllers): Scale {
  const { kind, name, uid, apiVersion } = reference;
  const isOne = <T extends ReplicaSet | ReplicationController | StatefulSet>(object: T | undefined): Scale =>
    object === undefined || uidOf(object) !== uid ? undefined : { uid, replicas: object.spec?.replicas ?? 1 };
  if (apiVersion === 'v1' && kind === 'ReplicationController') return isOne(controllers.replicationController(namespace, name));
  if (apiVersion === 'apps/v1' && kind === 'StatefulSet') return isOne(controllers.statefulSet(namespace, name));
  if (apiVersion !== 'apps/v1' || kind !== 'ReplicaSet') return controllers.other(namespace, reference);
  const set = controllers.replicaSet(namespace, name);
  const parent = set === undefined || uidOf(set) !== uid ? undefined : controllerOf(set);
  if (parent?.kind !== 'Deployment') return isOne(set);
  const deployment = controllers.deployment(namespace, parent.name);
  if (deployment === undefined || uidOf(deployment) !== parent.uid) return undefined;
  return { uid: parent.uid, replicas: deployment.spec?.replicas ?? 1 };
}
