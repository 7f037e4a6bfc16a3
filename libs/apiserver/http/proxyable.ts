// Which addresses a proxy may connect to: those of single hosts elsewhere. What a pod, a node or an endpoint says of itself must not
// lead to the apiserver's own loopback or link (k8s.io/kubernetes/pkg/proxy/util.IsProxyableIP, IsProxyableHostname).
import { lookup } from 'node:dns/promises';
import { apiError } from '@drydock/api/status.ts';
import ipaddr from 'ipaddr.js';

/** Go's IP.IsGlobalUnicast: private ranges are, loopback, link-local, multicast, broadcast and unspecified are not. */
const refused: ReadonlySet<string> = new Set(['unspecified', 'broadcast', 'multicast', 'linkLocal', 'loopback']);

const notAllowed = () => apiError('BadRequest', 'address not allowed');

/** Fails with BadRequest for addresses that are not to be proxied to, and for what is no address. */
export function checkProxyableIp(ip: string): void {
  // An IPv4 address within IPv6 is what it is within.
  if (!ipaddr.isValid(ip) || refused.has(ipaddr.process(ip).range())) throw notAllowed();
}

/**
 * The address to connect to for a host name or address, checked. The name is looked up once: what was checked is what is
 * connected to. Fails with BadRequest.
 */
export async function proxyableAddress(host: string): Promise<string> {
  if (ipaddr.isValid(host)) {
    checkProxyableIp(host);
    return host;
  }
  const found = await lookup(host, { all: true }).catch((error: Error) => {
    throw apiError('BadRequest', error.message);
  });
  for (const { address } of found) checkProxyableIp(address);
  const [first] = found;
  if (first === undefined) throw notAllowed();
  return first.address;
}
