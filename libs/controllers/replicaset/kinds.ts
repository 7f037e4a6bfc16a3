// ReplicaSet and ReplicationController differ in the form of the selector only: one controller serves both.
import type { ReplicaSet, ReplicationController } from '@drydock/api/generated/types.ts';
import { type KubeObject, type Resource, replicaSets, replicationControllers } from '@drydock/api/resource.ts';
import type { PodSet } from './plan.ts';

export interface PodSetKind<T extends KubeObject> {
  readonly resource: Resource<T>;
  /** The controller's name, for logs and its identity. */
  readonly controllerName: string;
  read(object: T): PodSet;
}

export const replicaSetKind: PodSetKind<ReplicaSet> = {
  resource: replicaSets,
  controllerName: 'replicaset-controller',
  read: (object) => ({
    resource: replicaSets,
    object,
    selector: object.spec?.selector,
    template: object.spec?.template ?? {},
    replicas: object.spec?.replicas ?? 1,
    minReadySeconds: object.spec?.minReadySeconds ?? 0,
  }),
};

export const replicationControllerKind: PodSetKind<ReplicationController> = {
  resource: replicationControllers,
  controllerName: 'replication-controller',
  read: (object) => ({
    resource: replicationControllers,
    // The status types have the same fields; what ReplicaSet has beyond is not written (see planStatus).
    object: object as ReplicaSet,
    selector: object.spec?.selector === undefined ? undefined : { matchLabels: object.spec.selector },
    template: object.spec?.template ?? {},
    replicas: object.spec?.replicas ?? 1,
    minReadySeconds: object.spec?.minReadySeconds ?? 0,
  }),
};
