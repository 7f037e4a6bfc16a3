// Which addresses of a node its node ports answer at.
import type { Node } from '@drydock/api/generated/types.ts';

/** `primary`: the node's InternalIP. Otherwise the local addresses inside one of the CIDRs. */
export function nodePortAddresses(wanted: readonly string[], local: readonly string[], node: Node | undefined): string[] {
  if (wanted.length === 0 || wanted.includes('primary')) {
    const addresses = node?.status?.addresses ?? [];
    return addresses
      .filter(({ type, address }) => type === 'InternalIP' && toNumber(address) !== undefined)
      .map(({ address }) => address)
      .slice(0, 1);
  }
  return local.filter((ip) => wanted.some((cidr) => contains(cidr, ip)));
}

/** Whether `text` is an IPv4 CIDR. */
export function isCidr(text: string): boolean {
  const [ip = '', bits = ''] = text.split('/');
  return toNumber(ip) !== undefined && /^\d{1,2}$/.test(bits) && Number(bits) <= 32;
}

function contains(cidr: string, ip: string): boolean {
  const [network = '', bits = '32'] = cidr.split('/');
  const size = 2 ** (32 - Number(bits));
  const [a, b] = [toNumber(network), toNumber(ip)];
  return a !== undefined && b !== undefined && Math.floor(a / size) === Math.floor(b / size);
}

function toNumber(ip: string): number | undefined {
  const parts = ip.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}
