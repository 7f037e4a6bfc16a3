// Reading the metadata that every object has.

import type { OwnerReference } from '@drydock/api/generated/types.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import { parseTime } from '@drydock/foundation/clock.ts';

/** `namespace/name`, or `name` for cluster-scoped objects: what work queues hold. */
export function keyOf(object: KubeObject): string {
  const { namespace, name = '' } = object.metadata ?? {};
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

/** The inverse of `keyOf`. */
export function splitKey(key: string): { namespace: string | undefined; name: string } {
  const slash = key.indexOf('/');
  return slash < 0 ? { namespace: undefined, name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

export function nameOf(object: KubeObject): string {
  return object.metadata?.name ?? '';
}

export function namespaceOf(object: KubeObject): string {
  return object.metadata?.namespace ?? '';
}

export function uidOf(object: KubeObject): string {
  return object.metadata?.uid ?? '';
}

/** The reference to the one managing controller, if there is one. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find((reference) => reference.controller === true);
}

export function isControlledBy(object: KubeObject, uid: string): boolean {
  return controllerOf(object)?.uid === uid;
}

export function isBeingDeleted(object: KubeObject): boolean {
  const stamp = object.metadata?.deletionTimestamp;
  return stamp !== undefined && stamp !== null;
}

/** Milliseconds since the epoch; 0 where the object was never stored. */
export function creationMs(object: KubeObject): number {
  return parseTime(object.metadata?.creationTimestamp) ?? 0;
}

/** Older first; equal ages by name (ReplicaSetsByCreationTimestamp and its kin upstream). */
export function byCreation(a: KubeObject, b: KubeObject): number {
  return creationMs(a) - creationMs(b) || (nameOf(a) < nameOf(b) ? -1 : nameOf(a) > nameOf(b) ? 1 : 0);
}

/** Adds up `of(item)`. */
export function sum<T>(items: readonly T[], of: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}
