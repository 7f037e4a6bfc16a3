// Every node gets a block of the pod network, for good. Pure; follows upstream's pkg/controller/nodeipam (RangeAllocator).
import type { Node } from '@drydock/api/generated/types.ts';
import { nodes as nodeResource } from '@drydock/api/resource.ts';
import { type Action, eventAbout } from '../common/action.ts';
import { creationMs, isBeingDeleted, nameOf, uidOf } from '../common/object-meta.ts';
import { firstFreeBlock, parseCidr } from './cidr.ts';

export interface ClusterNetwork {
  /** --cluster-cidr: one range per address family. */
  readonly clusterCidrs: readonly string[];
  /** --node-cidr-mask-size-ipv4 (or --node-cidr-mask-size) and -ipv6. */
  readonly maskSizeIpv4: number;
  readonly maskSizeIpv6: number;
  /** --service-cluster-ip-range: no node gets a block in it. */
  readonly reserved: readonly string[];
}

/**
 * Blocks for the nodes that have none, oldest node first. `assigned` are blocks given out whose node has not been seen with
 * them yet, by node uid.
 */
export function planNodeCidrs(
  nodes: readonly Node[],
  network: ClusterNetwork,
  assigned: ReadonlyMap<string, readonly string[]>,
): { readonly actions: ReadonlyMap<string, readonly Action[]>; readonly assigned: ReadonlyMap<string, readonly string[]> } {
  const pending = new Map<string, readonly string[]>();
  const taken = [...network.reserved];
  const waiting: Node[] = [];
  for (const node of nodes) {
    const own = blocksOf(node);
    if (own.length > 0) taken.push(...own);
    else if (!isBeingDeleted(node)) waiting.push(node);
  }
  const actions = new Map<string, readonly Action[]>();
  waiting.sort((a, b) => creationMs(a) - creationMs(b) || (nameOf(a) < nameOf(b) ? -1 : 1));
  for (const node of waiting) {
    const before = assigned.get(uidOf(node));
    const blocks = before ?? chooseBlocks(network, [...taken, ...[...assigned.values()].flat()]);
    if (blocks === undefined) {
      const message = `Node ${nameOf(node)} status is now: CIDRNotAvailable`;
      actions.set(nameOf(node), [eventAbout(nodeResource, node, 'Normal', 'CIDRNotAvailable', message)]);
      continue;
    }
    taken.push(...blocks);
    pending.set(uidOf(node), blocks);
    const body = { metadata: { uid: uidOf(node) }, spec: { podCIDR: blocks[0], podCIDRs: blocks } };
    actions.set(nameOf(node), [
      { verb: 'patch', resource: nodeResource, key: { name: nameOf(node) }, patch: { type: 'strategic', body } },
    ]);
  }
  return { actions, assigned: pending };
}

function blocksOf(node: Node): readonly string[] {
  const { podCIDR, podCIDRs = [] } = node.spec ?? {};
  return podCIDRs.length > 0 ? podCIDRs : podCIDR === undefined || podCIDR === '' ? [] : [podCIDR];
}

function chooseBlocks(network: ClusterNetwork, taken: readonly string[]): string[] | undefined {
  const used = taken.flatMap((text) => parseCidr(text) ?? []);
  const blocks: string[] = [];
  for (const text of network.clusterCidrs) {
    const cluster = parseCidr(text);
    if (cluster === undefined) return undefined;
    const block = firstFreeBlock(cluster, cluster.bits === 32 ? network.maskSizeIpv4 : network.maskSizeIpv6, used);
    if (block === undefined) return undefined;
    blocks.push(block);
  }
  return blocks;
}
