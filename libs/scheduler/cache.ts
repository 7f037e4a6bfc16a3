// The scheduler's picture of the cluster: nodes, the pods on them, and pods it has placed but not yet seen confirmed.
import type { Namespace, Node, Pod } from '@drydock/api/generated/types.ts';
import type { Labels } from '@drydock/api/selectors/label-selector.ts';
import type { Cluster } from './cluster.ts';
import type { ClusterEvent } from './cluster-event.ts';
import { NodeInfo, type PodInfo, podInfoOf } from './node-info.ts';
import { PodIndex } from './pod-index.ts';

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
  /** The pods of each node, be the node known or not. */
  readonly #onNode = new Map<string, Map<string, PodInfo>>();
  readonly #index = new PodIndex();
  readonly #images = new Map<string, number>();
  readonly #namespaces = new Map<string, Labels>();

  /** What a cycle sees; nodes in the order in which they were first seen. Good until the cache is told something. */
  cluster(nominated: Cluster['nominated'] = () => []): Cluster {
    return {
      nodes: [...this.#nodes.values()],
      node: (name) => this.#nodes.get(name),
      pods: this.#index,
      namespaceLabels: (name) => this.#namespaces.get(name),
      nodesWithImage: (image) => this.#images.get(image) ?? 0,
      nominated,
    };
  }

  node(name: string): NodeInfo | undefined {
    return this.#nodes.get(name);
  }

  /** Takes a new or changed node; says what that may mean for waiting pods. */
  setNode(node: Node): ClusterEvent[] {
    const name = node.metadata?.name ?? '';
    const old = this.#nodes.get(name);
    const info = new NodeInfo(node);
    for (const pod of this.#onNode.get(name)?.values() ?? []) info.addPod(pod);
    this.#nodes.set(name, info);
    if (old !== undefined) this.#countImages(old, -1);
    this.#countImages(info, 1);
    return old === undefined ? [{ kind: 'nodeAdded', node }] : nodeChanges(old.node, node);
  }

  removeNode(name: string): ClusterEvent[] {
    const old = this.#nodes.get(name);
    if (old === undefined) return [];
    this.#nodes.delete(name);
    this.#countImages(old, -1);
    return [{ kind: 'nodeDeleted', node: old.node }];
  }

  setNamespace(name: string, namespace: Namespace | undefined): ClusterEvent[] {
    if (namespace === undefined) {
      this.#namespaces.delete(name);
      return [];
    }
    const labels = namespace.metadata?.labels ?? {};
    const before = this.#namespaces.get(name);
    this.#namespaces.set(name, labels);
    return differ(before, labels) ? [{ kind: 'namespaceLabels' }] : [];
  }

  /** A pod with a node was seen in the API; this confirms an assumption or corrects it. */
  setPod(pod: Pod): ClusterEvent[] {
    const node = pod.spec?.nodeName ?? '';
    const uid = pod.metadata?.uid ?? '';
    if (hasEnded(pod)) return this.removePod(uid);
    const before = this.#placements.get(uid);
    const info = podInfoOf(pod);
    this.#place({ info, node, assumed: false });
    if (before === undefined) return [{ kind: 'podPlaced', pod: info }];
    // Somebody else placed it elsewhere than was assumed: what was its room here is free.
    if (before.node !== node)
      return [
        { kind: 'podGone', pod: before.info },
        { kind: 'podPlaced', pod: info },
      ];
    const events: ClusterEvent[] = [];
    const less = [...before.info.requests].some(([name, amount]) => (info.requests.get(name) ?? 0) < amount);
    if (less) events.push({ kind: 'podScaledDown', pod: info });
    if (differ(before.info.pod.metadata?.labels, pod.metadata?.labels))
      events.push({ kind: 'podLabels', pod: info, before: before.info });
    // A pod that is being deleted is no longer counted where pods are spread.
    if (before.info.pod.metadata?.deletionTimestamp === undefined && pod.metadata?.deletionTimestamp !== undefined)
      events.push({ kind: 'podLabels', pod: info, before: before.info });
    return events;
  }

  removePod(uid: string): ClusterEvent[] {
    const placement = this.#placements.get(uid);
    if (placement === undefined) return [];
    this.#unplace(placement);
    return [{ kind: 'podGone', pod: placement.info }];
  }

  /** Counts the pod on the node from now on, until it is confirmed, forgotten or deleted. */
  assume(info: PodInfo, node: string): ClusterEvent[] {
    this.#place({ info, node, assumed: true });
    return [{ kind: 'podPlaced', pod: info }];
  }

  /** Takes an assumption back; a confirmed placement stays. */
  forget(uid: string): ClusterEvent[] {
    return this.#placements.get(uid)?.assumed === true ? this.removePod(uid) : [];
  }

  isAssumed(uid: string): boolean {
    return this.#placements.get(uid)?.assumed === true;
  }

  #place(placement: Placement): void {
    const { info, node } = placement;
    const before = this.#placements.get(info.uid);
    if (before !== undefined) this.#unplace(before);
    this.#placements.set(info.uid, placement);
    const pods = this.#onNode.get(node) ?? new Map<string, PodInfo>();
    this.#onNode.set(node, pods.set(info.uid, info));
    this.#index.count(info, node, 1);
    this.#nodes.get(node)?.addPod(info);
  }

  #unplace({ info, node }: Placement): void {
    this.#placements.delete(info.uid);
    const pods = this.#onNode.get(node);
    pods?.delete(info.uid);
    if (pods?.size === 0) this.#onNode.delete(node);
    this.#index.count(info, node, -1);
    this.#nodes.get(node)?.removePod(info.uid);
  }

  #countImages({ images }: NodeInfo, sign: 1 | -1): void {
    for (const image of images.keys()) {
      const count = (this.#images.get(image) ?? 0) + sign;
      if (count === 0) this.#images.delete(image);
      else this.#images.set(image, count);
    }
  }
}

function differ(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) !== JSON.stringify(b);
}

function nodeChanges(old: Node, node: Node): ClusterEvent[] {
  const events: ClusterEvent[] = [];
  if (differ(old.status?.allocatable, node.status?.allocatable)) events.push({ kind: 'nodeAllocatable', node });
  if (differ(old.metadata?.labels, node.metadata?.labels)) events.push({ kind: 'nodeLabels', node });
  if (differ(old.spec?.taints, node.spec?.taints) || old.spec?.unschedulable !== node.spec?.unschedulable)
    events.push({ kind: 'nodeTaints', node });
  return events;
}
