// What the plugins see of the cluster during one cycle.
import type { Labels } from '@drydock/api/selectors/label-selector.ts';
import type { NodeInfo, PodInfo } from './node-info.ts';
import { PodIndex } from './pod-index.ts';

export interface Cluster {
  readonly nodes: readonly NodeInfo[];
  node(name: string): NodeInfo | undefined;
  /** The pods that are on the nodes. */
  readonly pods: PodIndex;
  /** Undefined where the namespace is not known. */
  namespaceLabels(namespace: string): Labels | undefined;
  /** On how many nodes an image is. */
  nodesWithImage(image: string): number;
  /** Pods that are to have room on the node, of those that the pod of this cycle must respect. */
  nominated(node: string): readonly PodInfo[];
}

/** A cluster of just these nodes, and what is on them. */
export function clusterOf(nodes: readonly NodeInfo[]): Cluster {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const pods = new PodIndex();
  for (const node of nodes) for (const info of node.pods.values()) pods.count(info, node.name, 1);
  return {
    nodes,
    node: (name) => byName.get(name),
    pods,
    namespaceLabels: () => undefined,
    nodesWithImage: (image) => nodes.filter((node) => node.images.has(image)).length,
    nominated: () => [],
  };
}
