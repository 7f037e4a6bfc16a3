// What a plan asks for. Actions are plain data: they can be printed, compared and executed against any apiserver.

import type { ObjectReference, OwnerReference } from '@drydock/api/generated/types.ts';
import { apiVersionOf, type KubeObject, type Resource } from '@drydock/api/resource.ts';
import type { Patch } from '@drydock/client/api-client.ts';

/** Names one object, and optionally the incarnation that is meant. */
export interface Target {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** Only the object with this uid, in this version, may be acted upon. */
export interface Preconditions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** An event to record about an object. */
export interface EventAction {
  readonly verb: 'event';
  readonly about: ObjectReference;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export type WriteAction =
  | { readonly verb: 'create'; readonly resource: Resource; readonly object: KubeObject }
  /** `object` carries the resourceVersion it was derived from. */
  | { readonly verb: 'update'; readonly resource: Resource; readonly object: KubeObject; readonly subresource?: string }
  | {
      readonly verb: 'patch';
      readonly resource: Resource;
      readonly key: Target;
      readonly patch: Patch;
      readonly subresource?: string;
    }
  | {
      readonly verb: 'delete';
      readonly resource: Resource;
      readonly key: Target;
      readonly preconditions?: Preconditions;
      readonly propagationPolicy?: 'Orphan' | 'Background' | 'Foreground';
      readonly gracePeriodSeconds?: number;
    };

export type Action =
  | WriteAction
  | EventAction
  /** A live read: what follows is only done while the object with this uid exists and is not being deleted. */
  | { readonly verb: 'verify'; readonly resource: Resource; readonly key: Target; readonly uid: string };

/** What is to be done now, in order, and when to look again although nothing has changed. */
export interface Plan {
  readonly actions: readonly Action[];
  readonly requeueAfterMs?: number | undefined;
}

/** The reference under which events are recorded about `object`. */
export function referenceTo(resource: Resource, object: KubeObject): ObjectReference {
  return {
    kind: resource.kind,
    apiVersion: apiVersionOf(resource),
    name: object.metadata?.name,
    ...(object.metadata?.namespace === undefined ? {} : { namespace: object.metadata.namespace }),
    uid: object.metadata?.uid,
    resourceVersion: object.metadata?.resourceVersion,
  };
}

/** The owner reference that marks `owner` as the managing controller of an object. */
export function controllerReference(resource: Resource, owner: KubeObject): OwnerReference {
  return {
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    name: owner.metadata?.name ?? '',
    uid: owner.metadata?.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** Builds an event about `object`. */
export function eventAbout(
  resource: Resource,
  object: KubeObject,
  type: 'Normal' | 'Warning',
  reason: string,
  message: string,
): EventAction {
  return { verb: 'event', about: referenceTo(resource, object), type, reason, message };
}
