// Which addresses of a node its node ports answer at.
import type { Node } from '@drydock/api/generated/types.ts';
import { ipv4, ipv4Range } from './ipv4.ts';

/** `primary`, or nothing: the node's primary address. Otherwise the local addresses inside one of the CIDRs. */
export function nodePortAddresses(
  wanted: readonly string[],
  local: readonly string[],
  primary: string | undefined,
): readonly string[] {
  if (wanted.length === 0 || wanted.includes('primary')) return primary === undefined ? [] : [primary];
  return local.filter((ip) => wanted.some((cidr) => isCidr(cidr) && contains(cidr, ip)));
}

/** The first InternalIP (IPv4) of a Node, unless another is given. */
export function primaryAddress(node: Node | undefined, given: string | undefined): string | undefined {
  const addresses = node?.status?.addresses ?? [];
  return given ?? addresses.find(({ type, address }) => type === 'InternalIP' && toNumber(address) !== undefined)?.address;
}

/** The IPv4 range of the pods of a node. */
export function nodeCIDR(node: Node | undefined): string | undefined {
  return (node?.spec?.podCIDRs ?? [node?.spec?.podCIDR ?? '']).find(isCidr);
}

/** Whether `text` is an IPv4 CIDR. */
export function isCidr(text: string): boolean {
  return ipv4Range(text) !== undefined;
}

/** Whether the address is in the range. */
export function contains(cidr: string, ip: string): boolean {
  const [network = '', bits = '32'] = cidr.split('/');
  const size = 2 ** (32 - Number(bits));
  const [a, b] = [toNumber(network), toNumber(ip)];
  return a !== undefined && b !== undefined && Math.floor(a / size) === Math.floor(b / size);
}

function toNumber(ip: string): number | undefined {
  return ipv4(ip)
    ?.split('.')
    .reduce((sum, part) => sum * 256 + Number(part), 0);
}
