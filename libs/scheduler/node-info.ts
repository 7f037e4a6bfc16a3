// One node with the pods that are on it or about to be, and the sums that filters and scores ask for.
import type { Node, Pod } from '@drydock/api/generated/types.ts';
import {
  type Amounts,
  addAmounts,
  amountsOf,
  type HostPort,
  hostPorts,
  nonZeroRequests,
  podRequests,
  TakenPorts,
} from '@drydock/api/pod-resources.ts';
import type { Labels } from '@drydock/api/selectors/label-selector.ts';
import { imageSizes } from './images.ts';
import { type PodTerms, termsOf } from './pod-terms.ts';
import { spreadSizeOf } from './spread-constraints.ts';
import { claimsOfPod } from './volumes-known.ts';

/** A pod with what is derived from it once. */
export interface PodInfo {
  readonly pod: Pod;
  readonly uid: string;
  readonly requests: ReadonlyMap<string, number>;
  readonly nonZero: ReadonlyMap<string, number>;
  readonly ports: readonly HostPort[];
  readonly terms: PodTerms | undefined;
  /** How many comparisons its topology spread constraints take with one pod. */
  readonly spreadSize: number;
  /** Keys of the claims that it uses. */
  readonly claims: readonly string[];
}

export function podInfoOf(pod: Pod): PodInfo {
  const spec = pod.spec ?? { containers: [] };
  return {
    pod,
    uid: pod.metadata?.uid ?? '',
    requests: podRequests(spec),
    nonZero: nonZeroRequests(spec),
    ports: hostPorts(pod),
    terms: termsOf(pod),
    spreadSize: spreadSizeOf(pod),
    claims: claimsOfPod(pod).map(({ key }) => key),
  };
}

export class NodeInfo {
  readonly node: Node;
  readonly name: string;
  readonly labels: Labels;
  readonly allocatable: ReadonlyMap<string, number>;
  /** Bytes of the images that are on the node, by each of their names. */
  readonly images: ReadonlyMap<string, number>;
  readonly pods = new Map<string, PodInfo>();
  readonly requested: Amounts = new Map();
  readonly nonZeroRequested: Amounts = new Map();
  readonly ports = new TakenPorts();

  constructor(node: Node) {
    this.node = node;
    this.name = node.metadata?.name ?? '';
    this.labels = node.metadata?.labels ?? {};
    this.allocatable = amountsOf(node.status?.allocatable);
    this.images = imageSizes(node);
  }

  addPod(info: PodInfo): void {
    this.removePod(info.uid);
    this.pods.set(info.uid, info);
    addAmounts(this.requested, info.requests);
    addAmounts(this.nonZeroRequested, info.nonZero);
    this.ports.count(info.ports, 1);
  }

  removePod(uid: string): void {
    const info = this.pods.get(uid);
    if (info === undefined) return;
    this.pods.delete(uid);
    addAmounts(this.requested, info.requests, -1);
    addAmounts(this.nonZeroRequested, info.nonZero, -1);
    this.ports.count(info.ports, -1);
  }

  /** A copy that can be changed without touching this one. */
  clone(): NodeInfo {
    const copy = new NodeInfo(this.node);
    for (const info of this.pods.values()) copy.addPod(info);
    return copy;
  }
}
