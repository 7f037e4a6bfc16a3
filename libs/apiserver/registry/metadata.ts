// What the server alone decides of an object's metadata.
import type { ObjectMeta } from '@drydock/api/generated/types.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import type { ResourceInfo } from '@drydock/api/scheme.ts';
import { apiError } from '@drydock/api/status.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import { objectKey } from '../storage/keys.ts';
import { conflict, modified, qualified, serverError } from './errors.ts';
import { updatesUnconditionally } from './traits.ts';

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
  if (given.resourceVersion) throw serverError('resourceVersion should not be set on objects to be created');
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

/** The object is the one in the path, and gets that path's namespace where it says none; fails with BadRequest. */
export function checkNames(
  info: ResourceInfo,
  target: { readonly namespace: string; readonly name: string },
  object: KubeObject,
  need?: 'named',
): void {
  const given = object.metadata ?? {};
  if (!given.name && need === 'named') {
    const why = 'name must be provided';
    throw apiError('BadRequest', `the name of the object (${target.name} based on URL) was undeterminable: ${why}`);
  }
  if (given.name && given.name !== target.name) {
    throw apiError('BadRequest', `the name of the object (${given.name}) does not match the name on the URL (${target.name})`);
  }
  if (!info.namespaced) {
    delete object.metadata?.namespace;
    return;
  }
  if (given.namespace && given.namespace !== target.namespace) {
    throw apiError('BadRequest', 'the namespace of the provided object does not match the namespace sent on the request');
  }
  object.metadata = { ...given, namespace: target.namespace };
}

/** A PUT that names a uid is of that object only; fails with Conflict. */
export function checkUid(info: ResourceInfo, object: KubeObject, old: KubeObject): void {
  const uid = object.metadata?.uid;
  const { name = '', namespace = '', uid: current = '' } = old.metadata ?? {};
  if (!uid || uid === current) return;
  const key = objectKey(info, namespace, name).replace(/^\/registry/, '');
  const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current}`;
  const text = `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`;
  throw conflict(info, name, text);
}

/** The version that the client saw is the present one. */
export function checkVersion(info: ResourceInfo, object: KubeObject, old: KubeObject): void {
  const version = object.metadata?.resourceVersion;
  const { name = '', ...current } = old.metadata ?? {};
  if (version && !/^\d+$/.test(version))
    throw serverError(`strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`);
  if (!version || version === '0') {
    if (updatesUnconditionally(info)) return;
    const text = 'metadata.resourceVersion: Invalid value: 0: must be specified for an update';
    throw apiError('Invalid', `${qualified(info)} ${JSON.stringify(name)} is invalid: ${text}`, {
      ...(info.group === '' ? {} : { group: info.group }),
      kind: info.resource,
      name,
      causes: [{ reason: 'FieldValueInvalid', message: text.slice(text.indexOf(': ') + 2), field: 'metadata.resourceVersion' }],
    });
  }
  if (version !== current.resourceVersion) throw modified(info, name);
}

/** An update is of this very object: its identity, where the client left it out, and its version, which was checked. */
export function keepIdentity(object: KubeObject, old: KubeObject): void {
  const { uid, resourceVersion } = old.metadata ?? {};
  const meta = object.metadata ?? {};
  object.metadata = {
    ...meta,
    ...(meta.uid || uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
}
