// Who owns whom: the owner references of every object in the cluster, as a graph by uid.
import type { OwnerReference } from '@drydock/api/generated/types.ts';
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import { isBeingDeleted, nameOf, uidOf } from '../common/object-meta.ts';

export const foregroundFinalizer = 'foregroundDeletion';
export const orphanFinalizer = 'orphan';

/** What the collector remembers of an object. */
export interface GraphNode {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly uid: string;
  readonly owners: readonly OwnerReference[];
  readonly deleting: boolean;
  /** Being deleted in the foreground: waits for its dependents. */
  readonly deletingDependents: boolean;
  /** Being deleted with its dependents to be left alone. */
  readonly orphaning: boolean;
}

/** Reduces an object to its node. */
export function graphNode(resource: Resource, object: KubeObject): GraphNode {
  const { namespace, ownerReferences = [], finalizers = [] } = object.metadata ?? {};
  const deleting = isBeingDeleted(object);
  return {
    resource,
    namespace: resource.namespaced ? namespace : undefined,
    name: nameOf(object),
    uid: uidOf(object),
    owners: ownerReferences,
    deleting,
    deletingDependents: deleting && finalizers.includes(foregroundFinalizer),
    orphaning: deleting && finalizers.includes(orphanFinalizer),
  };
}

/** Holds the nodes, and says after each change which objects have to be looked at. */
export class OwnerGraph {
  readonly #nodes = new Map<string, GraphNode>();
  readonly #dependents = new Map<string, Set<string>>();

  get size(): number {
    return this.#nodes.size;
  }

  node(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  /** The objects that name `uid` as an owner. */
  dependentsOf(uid: string): GraphNode[] {
    const result: GraphNode[] = [];
    for (const dependent of this.#dependents.get(uid) ?? []) {
      const node = this.#nodes.get(dependent);
      if (node !== undefined) result.push(node);
    }
    return result;
  }

  hasDependents(uid: string): boolean {
    return (this.#dependents.get(uid)?.size ?? 0) > 0;
  }

  /** Uids of objects one of whose owners is not in the graph. */
  *withAbsentOwners(): Generator<string> {
    for (const node of this.#nodes.values()) if (this.#lacksOwner(node)) yield node.uid;
  }

  /** Records an object as it is now; returns the uids to look at. */
  observe(next: GraphNode): Set<string> {
    const affected = new Set<string>();
    const previous = this.#nodes.get(next.uid);
    this.#nodes.set(next.uid, next);
    const before = new Map(previous?.owners.map((owner) => [owner.uid, owner]));
    for (const owner of next.owners) {
      const old = before.get(owner.uid);
      before.delete(owner.uid);
      this.#link(owner.uid, next.uid);
      if (old?.blockOwnerDeletion === true && owner.blockOwnerDeletion !== true) this.#unblocked(owner.uid, affected);
    }
    for (const owner of before.values()) {
      this.#unlink(owner.uid, next.uid);
      this.#unblocked(owner.uid, affected);
    }
    if (this.#lacksOwner(next) || next.owners.some((owner) => this.#nodes.get(owner.uid)?.deletingDependents === true)) {
      affected.add(next.uid);
    }
    const started = (flag: 'deletingDependents' | 'orphaning') => next[flag] && previous?.[flag] !== true;
    if (started('deletingDependents')) {
      affected.add(next.uid);
      for (const dependent of this.#dependents.get(next.uid) ?? []) affected.add(dependent);
    }
    if (started('orphaning')) affected.add(next.uid);
    return affected;
  }

  /** Records that the object is gone; returns the uids to look at. */
  remove(uid: string): Set<string> {
    const affected = new Set<string>(this.#dependents.get(uid));
    const node = this.#nodes.get(uid);
    this.#nodes.delete(uid);
    for (const owner of node?.owners ?? []) {
      this.#unlink(owner.uid, uid);
      this.#unblocked(owner.uid, affected);
    }
    return affected;
  }

  #lacksOwner(node: GraphNode): boolean {
    return node.owners.some((owner) => !this.#nodes.has(owner.uid));
  }

  #unblocked(owner: string, affected: Set<string>): void {
    if (this.#nodes.get(owner)?.deletingDependents === true) affected.add(owner);
  }

  #link(owner: string, dependent: string): void {
    const set = this.#dependents.get(owner) ?? new Set<string>();
    set.add(dependent);
    this.#dependents.set(owner, set);
  }

  #unlink(owner: string, dependent: string): void {
    const set = this.#dependents.get(owner);
    set?.delete(dependent);
    if (set?.size === 0) this.#dependents.delete(owner);
  }
}
