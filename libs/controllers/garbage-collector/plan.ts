// What is to happen to one object, given its owners. Pure; follows upstream's pkg/controller/garbagecollector.
import type { OwnerReference } from '@drydock/api/generated/types.ts';
import type { KubeObject } from '@drydock/api/resource.ts';
import type { Action } from '../common/action.ts';
import { foregroundFinalizer, type GraphNode, orphanFinalizer } from './graph.ts';

/** What is known about an owner: `absent` only after a live read. */
export type OwnerState = 'solid' | 'absent' | 'waitingForDependents';

export interface ItemObserved {
  /** As the graph has it. */
  readonly node: GraphNode;
  /** As the apiserver has it now: metadata at least. */
  readonly live: KubeObject;
  readonly owners: ReadonlyMap<string, OwnerState>;
  readonly dependents: readonly GraphNode[];
}

export interface ItemPlan {
  readonly actions: readonly Action[];
  /** Dependents to look at next. */
  readonly next: readonly string[];
}

const nothing: ItemPlan = { actions: [], next: [] };

/** Plans for one object: to delete it, to free it from owners that are gone, or to let its own deletion go on. */
export function planItem(observed: ItemObserved): ItemPlan {
  const { node, live } = observed;
  if (node.orphaning) return planOrphaning(observed);
  if (node.deleting && !node.deletingDependents) return nothing;
  if (node.deletingDependents) return planForeground(observed);
  const owners = live.metadata?.ownerReferences ?? [];
  if (owners.length === 0) return nothing;

  const inState = (state: OwnerState) => owners.filter((owner) => observed.owners.get(owner.uid) === state);
  const [solid, absent, waiting] = [inState('solid'), inState('absent'), inState('waitingForDependents')];
  if (solid.length > 0) {
    const gone = [...absent, ...waiting];
    return gone.length === 0 ? nothing : { actions: [withoutOwners(observed, gone)], next: [] };
  }
  if (waiting.length > 0 && observed.dependents.length > 0) {
    // Were one of the dependents waiting for this object, and this one for it, nothing would ever go.
    const cycle = observed.dependents.some((dependent) => dependent.deletingDependents);
    const unblock = cycle ? [unblockOwners(observed, owners)] : [];
    return { actions: [...unblock, removeItem(observed, 'Foreground', cycle)], next: [] };
  }
  if (absent.length + waiting.length < owners.length) return nothing;
  return { actions: [removeItem(observed, propagationOf(live), false)], next: [] };
}

/** Foreground deletion: the object goes when no dependent blocks it any more. */
function planForeground(observed: ItemObserved): ItemPlan {
  const { node } = observed;
  const blocking = observed.dependents.filter((dependent) =>
    dependent.owners.some((owner) => owner.uid === node.uid && owner.blockOwnerDeletion === true),
  );
  if (blocking.length === 0) return { actions: withoutFinalizer(observed, foregroundFinalizer), next: [] };
  return { actions: [], next: blocking.filter((dependent) => !dependent.deletingDependents).map((dependent) => dependent.uid) };
}

/** Orphaning deletion: every dependent forgets this owner, then the object goes. */
function planOrphaning(observed: ItemObserved): ItemPlan {
  const { node } = observed;
  const actions: Action[] = observed.dependents.map((dependent) => ({
    verb: 'patch',
    resource: dependent.resource,
    key: { namespace: dependent.namespace, name: dependent.name },
    patch: {
      type: 'strategic',
      body: { metadata: { uid: dependent.uid, ownerReferences: [{ $patch: 'delete', uid: node.uid }] } },
    },
  }));
  return { actions: [...actions, ...withoutFinalizer(observed, orphanFinalizer)], next: [] };
}

function keyOfNode(node: GraphNode) {
  return { namespace: node.namespace, name: node.name };
}

function withoutFinalizer({ node, live }: ItemObserved, finalizer: string): Action[] {
  const finalizers = live.metadata?.finalizers ?? [];
  if (!finalizers.includes(finalizer)) return [];
  const body = {
    metadata: {
      resourceVersion: live.metadata?.resourceVersion,
      finalizers: finalizers.filter((entry) => entry !== finalizer),
    },
  };
  return [{ verb: 'patch', resource: node.resource, key: keyOfNode(node), patch: { type: 'merge', body } }];
}

/** A merge patch with the whole list: right for every resource, also where strategic merge is not served. */
function withOwners({ node, live }: ItemObserved, owners: readonly OwnerReference[]): Action {
  const { resourceVersion, uid } = live.metadata ?? {};
  const body = { metadata: { resourceVersion, uid, ownerReferences: owners } };
  return { verb: 'patch', resource: node.resource, key: keyOfNode(node), patch: { type: 'merge', body } };
}

function withoutOwners(observed: ItemObserved, gone: readonly OwnerReference[]): Action {
  const owners = observed.live.metadata?.ownerReferences ?? [];
  return withOwners(
    observed,
    owners.filter((owner) => !gone.includes(owner)),
  );
}

function unblockOwners(observed: ItemObserved, owners: readonly OwnerReference[]): Action {
  return withOwners(
    observed,
    owners.map((owner) => ({ ...owner, blockOwnerDeletion: false })),
  );
}

/** What the object's own finalizers ask for. */
function propagationOf(live: KubeObject): 'Orphan' | 'Foreground' | 'Background' {
  const finalizers = live.metadata?.finalizers ?? [];
  if (finalizers.includes(orphanFinalizer)) return 'Orphan';
  return finalizers.includes(foregroundFinalizer) ? 'Foreground' : 'Background';
}

/** Only the object whose owners were judged; `changed` where a patch of this plan moves its version first. */
function removeItem(
  { node, live }: ItemObserved,
  propagationPolicy: 'Orphan' | 'Foreground' | 'Background',
  changed: boolean,
): Action {
  const version = live.metadata?.resourceVersion;
  const preconditions = { uid: node.uid, ...(changed || version === undefined ? {} : { resourceVersion: version }) };
  return { verb: 'delete', resource: node.resource, key: keyOfNode(node), propagationPolicy, preconditions };
}
