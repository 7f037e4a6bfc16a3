// The scheduler's picture of the cluster: nodes, the pods on them, and pods it has placed but not yet seen confirmed.
import type { Node, Pod } from '@drydock/api/generated/types.ts';
import type { ClusterEvent } from './framework.ts';
import { NodeInfo, type PodInfo, podInfoOf } from './node-info.ts';

interface Placement {
  readonly info: PodInfo;
  readonly node: string;
  /** Placed by us; the API has not confirmed it yet. */
  readonly assumed: boolean;
}

/** A pod that has ended uses nothing. */
export function hasEnded(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

export class ClusterCache {
  readonly #nodes = new Map<string, NodeInfo>();
  readonly #placements = new Map<string, Placement>();

  /** All nodes, in the order in which they were first seen. */
  nodes(): NodeInfo[] {
    return [...this.#nodes.values()];
  }

  node(name: string): NodeInfo | undefined {
    return this.#nodes.get(name);
  }

  /** Takes a new or changed node; says what that may mean for waiting pods. */
  setNode(node: Node): ClusterEvent[] {
    const name = node.metadata?.name ?? '';
    const old = this.#nodes.get(name);
    const info = new NodeInfo(node);
    for (const placement of this.#placements.values()) {
      if (placement.node === name) info.addPod(placement.info);
    }
    this.#nodes.set(name, info);
    return old === undefined ? ['nodeAdded'] : nodeChanges(old.node, node);
  }

  removeNode(name: string): void {
    this.#nodes.delete(name);
  }

  /** A pod with a node was seen in the API; this confirms an assumption or corrects it. */
  setPod(pod: Pod): ClusterEvent[] {
    const node = pod.spec?.nodeName ?? '';
    const uid = pod.metadata?.uid ?? '';
    if (hasEnded(pod)) return this.removePod(uid);
    const before = this.#placements.get(uid);
    const info = podInfoOf(pod);
    this.#place({ info, node, assumed: false });
    if (before === undefined) return [];
    const less = [...before.info.requests].some(([name, amount]) => (info.requests.get(name) ?? 0) < amount);
    return less ? ['assignedPodScaledDown'] : [];
  }

  removePod(uid: string): ClusterEvent[] {
    const placement = this.#placements.get(uid);
    if (placement === undefined) return [];
    this.#placements.delete(uid);
    this.#nodes.get(placement.node)?.removePod(uid);
    return ['assignedPodDeleted'];
  }

  /** Counts the pod on the node from now on, until it is confirmed, forgotten or deleted. */
  assume(info: PodInfo, node: string): void {
    this.#place({ info, node, assumed: true });
  }

  /** Takes an assumption back; a confirmed placement stays. */
  forget(uid: string): ClusterEvent[] {
    return this.#placements.get(uid)?.assumed === true ? this.removePod(uid) : [];
  }

  isAssumed(uid: string): boolean {
    return this.#placements.get(uid)?.assumed === true;
  }

  #place(placement: Placement): void {
    this.removePod(placement.info.uid);
    this.#placements.set(placement.info.uid, placement);
    this.#nodes.get(placement.node)?.addPod(placement.info);
  }
}

function nodeChanges(old: Node, node: Node): ClusterEvent[] {
  const differ = (a: unknown, b: unknown) => JSON.stringify(a) !== JSON.stringify(b);
  const events: ClusterEvent[] = [];
  if (differ(old.status?.allocatable, node.status?.allocatable)) events.push('nodeAllocatable');
  if (differ(old.metadata?.labels, node.metadata?.labels)) events.push('nodeLabels');
  if (differ(old.spec?.taints, node.spec?.taints) || old.spec?.unschedulable !== node.spec?.unschedulable) {
    events.push('nodeTaints');
  }
  return events;
}
