// What the server alone decides of an object's metadata.
import type { ObjectMeta } from '@drydock/api/generated/types.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import type { ResourceInfo } from '@drydock/api/scheme.ts';
import { ApiError, apiError } from '@drydock/api/status.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';

/** Random characters after a generateName. */
const suffixLength = 5;
/** Longest part of a generateName that is used. */
const baseMaxLength = 63 - suffixLength;

/** The metadata of a new object; fails with BadRequest where the client claims what only the server may say. */
export function newMetadata(
  info: ResourceInfo,
  namespace: string,
  given: ObjectMeta,
  nowMs: number,
  random: RandomStream,
): ObjectMeta {
  if (given.resourceVersion) {
    throw new ApiError({
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: 'resourceVersion should not be set on objects to be created',
      code: 500,
    });
  }
  if (info.namespaced && (given.namespace ?? '') !== '' && given.namespace !== namespace) {
    throw apiError('BadRequest', 'the namespace of the provided object does not match the namespace sent on the request');
  }
  const { resourceVersion: _, selfLink: _link, deletionTimestamp: _at, deletionGracePeriodSeconds: _grace, ...meta } = given;
  if (!info.namespaced) delete meta.namespace;
  const generated =
    !meta.name && meta.generateName ? { name: meta.generateName.slice(0, baseMaxLength) + random.suffix(suffixLength) } : {};
  return {
    ...meta,
    ...generated,
    ...(info.namespaced ? { namespace } : {}),
    uid: random.uuid(),
    creationTimestamp: formatTime(nowMs),
  };
}

/** The fixed part of a generated name; undefined where the client chose the name itself. */
export function baseName(object: KubeObject): string | undefined {
  const { generateName, name } = object.metadata ?? {};
  const base = generateName?.slice(0, baseMaxLength);
  return base !== undefined && base !== '' && name?.length === base.length + suffixLength && name.startsWith(base)
    ? base
    : undefined;
}

/** What no update may change: identity, age, and that a deletion has begun. */
export function keepSystemMetadata(object: KubeObject, old: KubeObject): void {
  const was = old.metadata ?? {};
  const { deletionTimestamp: _, deletionGracePeriodSeconds: _grace, selfLink: _link, ...meta } = object.metadata ?? {};
  object.metadata = {
    ...meta,
    ...(meta.uid ? {} : { uid: was.uid }),
    ...(meta.generation === undefined && was.generation !== undefined ? { generation: was.generation } : {}),
    creationTimestamp: was.creationTimestamp,
    ...(was.deletionTimestamp === undefined ? {} : { deletionTimestamp: was.deletionTimestamp }),
    ...(was.deletionGracePeriodSeconds === undefined ? {} : { deletionGracePeriodSeconds: was.deletionGracePeriodSeconds }),
    resourceVersion: was.resourceVersion,
  };
}
