// Who controls what: a controller adopts matching orphans and lets go of what no longer matches its selector.
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import { apiVersionOf } from '@drydock/api/resource.ts';
import type { Action } from './action.ts';
import { controllerOf, isBeingDeleted, nameOf, namespaceOf, uidOf } from './object-meta.ts';

export interface Claim<T> {
  /** What the controller has after the actions: its own and the adopted. */
  readonly claimed: readonly T[];
  readonly actions: readonly Action[];
}

/**
 * Sorts `candidates` into mine and not mine (upstream's BaseControllerRefManager.ClaimObject). Adoption is preceded by a live
 * read of the owner, so that a controller that was deleted and recreated under the same name does not take what is not its own.
 * @param finalizers are put on what is adopted.
 */
export function planClaims<T extends KubeObject>(
  ownerResource: Resource,
  owner: KubeObject,
  resource: Resource<T>,
  candidates: readonly T[],
  matches: (object: T) => boolean,
  finalizers: readonly string[] = [],
): Claim<T> {
  const claimed: T[] = [];
  const actions: Action[] = [];
  let verified = false;
  for (const candidate of candidates) {
    const controller = controllerOf(candidate);
    const key = { namespace: candidate.metadata?.namespace, name: nameOf(candidate) };
    if (controller !== undefined) {
      if (controller.uid !== uidOf(owner)) continue;
      if (matches(candidate)) claimed.push(candidate);
      else if (!isBeingDeleted(owner)) {
        actions.push({ verb: 'patch', resource, key, patch: { type: 'strategic', body: releaseBody(candidate, owner) } });
      }
      continue;
    }
    if (isBeingDeleted(owner) || isBeingDeleted(candidate) || !matches(candidate)) continue;
    if (namespaceOf(owner) !== namespaceOf(candidate)) continue;
    if (!verified) {
      const ownerKey = { namespace: owner.metadata?.namespace, name: nameOf(owner) };
      actions.push({ verb: 'verify', resource: ownerResource, key: ownerKey, uid: uidOf(owner) });
      verified = true;
    }
    actions.push({
      verb: 'patch',
      resource,
      key,
      patch: { type: 'strategic', body: adoptBody(ownerResource, candidate, owner, finalizers) },
    });
    claimed.push(candidate);
  }
  return { claimed, actions };
}

function adoptBody(ownerResource: Resource, object: KubeObject, owner: KubeObject, finalizers: readonly string[]): object {
  const reference = {
    apiVersion: apiVersionOf(ownerResource),
    kind: ownerResource.kind,
    name: nameOf(owner),
    uid: uidOf(owner),
    controller: true,
    blockOwnerDeletion: true,
  };
  const held = finalizers.length === 0 ? {} : { finalizers };
  return { metadata: { ownerReferences: [reference], uid: uidOf(object), ...held } };
}

function releaseBody(object: KubeObject, owner: KubeObject): object {
  return { metadata: { ownerReferences: [{ $patch: 'delete', uid: uidOf(owner) }], uid: uidOf(object) } };
}
