// The addresses that load balancers get: one range, each address for one Service. What Services say in their status is the only
// record, so nothing is lost with the process. Pure.
import type { Service } from '@drydock/api/generated/types.ts';
import { byCreation, uidOf } from '../common/object-meta.ts';
import { parseCidr } from '../nodeipam/cidr.ts';

/** An IPv4 range, as numbers. */
export interface AddressPool {
  readonly text: string;
  readonly first: number;
  readonly last: number;
}

/** The range cannot serve; the message is for an event. */
export class PoolError extends Error {
  override readonly name = 'PoolError';
}

/** Reads `10.251.0.0/24`; undefined where the text is no IPv4 range. The first and the last address of a range stay unused. */
export function parsePool(text: string): AddressPool | undefined {
  const range = parseCidr(text);
  if (range === undefined || range.bits !== 32) return undefined;
  const size = 2 ** (32 - range.prefix);
  const base = Number(range.base);
  const spared = size > 2 ? 1 : 0;
  return { text, first: base + spared, last: base + size - 1 - spared };
}

/** The address that the Service's status names. */
export function addressOf(service: Service): string | undefined {
  return service.status?.loadBalancer?.ingress?.find(({ ip }) => ip !== undefined)?.ip;
}

/**
 * Whose each address is, by uid. Of two Services that name the same one, which takes two leaders at once, the older keeps it.
 * @param granted addresses whose Service has not been seen with them yet, by uid.
 */
export function holders(services: Iterable<Service>, granted: ReadonlyMap<string, string>): Map<string, string> {
  const held = new Map<string, string>();
  // Few of all Services have one: only these are put in order.
  const having = [...services].filter((service) => addressOf(service) !== undefined);
  for (const service of having.sort(byCreation)) {
    const address = addressOf(service);
    if (address !== undefined && !held.has(address)) held.set(address, uidOf(service));
  }
  for (const [uid, address] of granted) if (!held.has(address)) held.set(address, uid);
  return held;
}

/**
 * The address for a Service: the one it asks for, or else the one it has, or else the lowest free one.
 * Throws PoolError where what it asks for is not to be had, or nothing is left.
 */
export function chooseAddress(service: Service, pool: AddressPool, held: ReadonlyMap<string, string>): string {
  const isFree = (address: string) => [undefined, uidOf(service)].includes(held.get(address));
  const asked = service.spec?.loadBalancerIP ?? '';
  if (asked !== '') {
    if (!contains(pool, asked)) throw new PoolError(`address ${asked} is not in the range ${pool.text} of load balancers`);
    if (!isFree(asked)) throw new PoolError(`address ${asked} is in use by another load balancer`);
    return asked;
  }
  const own = addressOf(service) ?? [...held].find(([, uid]) => uid === uidOf(service))?.[0];
  if (own !== undefined && contains(pool, own) && isFree(own)) return own;
  for (let value = pool.first; value <= pool.last; value++) {
    const address = formatAddress(value);
    if (!held.has(address)) return address;
  }
  throw new PoolError(`no free address is left in the range ${pool.text} of load balancers`);
}

/** Whether the address is one that the range gives. */
export function contains(pool: AddressPool, address: string): boolean {
  const range = parseCidr(`${address}/32`);
  if (range === undefined || range.bits !== 32) return false;
  const value = Number(range.base);
  return value >= pool.first && value <= pool.last && formatAddress(value) === address;
}

function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}
