// The addresses of a node, as its machine and its kubelet say. Pure; follows upstream's cloud-provider/node/helpers.
import type { Node, NodeAddress } from '@drydock/api/generated/types.ts';
import type { Machine } from './inventory.ts';

/** By a kubelet that was told its addresses (--node-ip): which of the machine's are to come first. */
export const providedAnnotation = 'alpha.kubernetes.io/provided-node-ip';

/** The machine has no such address; the message is upstream's. */
export class AddressError extends Error {
  override readonly name = 'AddressError';
}

/** The machine's addresses, those that the kubelet was told first of their type. Throws AddressError where it has none of these. */
export function addressesFor(node: Node, machine: Machine): NodeAddress[] {
  const provided = node.metadata?.annotations?.[providedAnnotation];
  const hostnames = (node.status?.addresses ?? []).filter(({ type }) => type === 'Hostname');
  const own = machine.addresses.some(({ type }) => type === 'Hostname');
  // What the machine does not call itself, the kubelet does.
  const all = [...machine.addresses, ...(own ? [] : hostnames)];
  // The first wanted ends up first.
  return (provided?.split(',') ?? []).reduceRight((list, ip) => preferring(ip.trim(), list), all);
}

function preferring(ip: string, addresses: readonly NodeAddress[]): NodeAddress[] {
  const types = [...new Set(addresses.map(({ type }) => type))];
  if (!addresses.some(({ address }) => address === ip))
    throw new AddressError(`failed to get node address from cloud provider that matches ip: ${ip}`);
  return types.flatMap((wanted) => {
    const same = addresses.filter(({ type }) => type === wanted);
    return [...same.filter(({ address }) => address === ip), ...same.filter(({ address }) => address !== ip)];
  });
}
