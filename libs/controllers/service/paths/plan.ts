// Where the traffic of each load balancer's address goes: to one node at a time, which stays the same while it is well. Pure.
import type { Node, Service } from '@drydock/api/generated/types.ts';
import { nameOf, uidOf } from '../../common/object-meta.ts';
import { hashOf } from '../../common/template-hash.ts';
import { isIPv4 } from '../../nodeipam/cidr.ts';
import { takesTraffic } from '../nodes.ts';
import { wantsLoadBalancer } from '../plan.ts';
import { type AddressPool, addressOf, contains, holders } from '../pool.ts';
import type { Verdict } from './health.ts';

/** An address that is given out. */
export interface Destination {
  readonly address: string;
  readonly service: Service;
  /** Where each node tells whether it takes this traffic. */
  readonly port: number;
}

/** A node that may take traffic. */
export interface Carrier {
  readonly name: string;
  readonly address: string;
}

export interface Observed {
  readonly destinations: readonly Destination[];
  readonly carriers: readonly Carrier[];
  /** Addresses of load balancers to addresses of nodes. */
  readonly paths: ReadonlyMap<string, string>;
  verdict(carrier: Carrier, port: number): Verdict;
}

export type PathAction =
  | { readonly kind: 'lead'; readonly destination: Destination; readonly carrier: Carrier; readonly reason: string }
  | { readonly kind: 'close'; readonly address: string; readonly reason: string };

/** Where kube-proxy tells about itself: what upstream asks balancers to check (KEP-3836). */
const proxyHealthPort = 10_256;

/** The addresses of `pool` that Services have. Of two Services with one address the one that keeps it counts. */
export function destinationsOf(services: Iterable<Service>, pool: AddressPool): Destination[] {
  const all = [...services];
  const held = holders(all, new Map());
  return all.flatMap((service) => {
    const address = addressOf(service);
    if (address === undefined || !wantsLoadBalancer(service) || !contains(pool, address)) return [];
    if (held.get(address) !== uidOf(service)) return [];
    const { externalTrafficPolicy, healthCheckNodePort } = service.spec ?? {};
    // With the policy Local only nodes with endpoints take traffic, and say at that port which they are.
    const own = externalTrafficPolicy === 'Local' ? healthCheckNodePort : undefined;
    return [{ address, service, port: own ?? proxyHealthPort }];
  });
}

/** The nodes that traffic may go to, by name. */
export function carriersOf(nodes: Iterable<Node>): Carrier[] {
  return [...nodes]
    .filter(takesTraffic)
    .flatMap((node) => {
      const addresses = node.status?.addresses ?? [];
      const address = addresses.find(({ type, address }) => type === 'InternalIP' && isIPv4(address))?.address;
      return address === undefined ? [] : [{ name: nameOf(node), address }];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What is to be changed. Where no node is well the path stays: rules in a kernel outlive the proxy that made them. */
export function planPaths({ destinations, carriers, paths, verdict }: Observed): PathAction[] {
  const wanted = new Set(destinations.map(({ address }) => address));
  const closed = [...paths.keys()]
    .filter((address) => !wanted.has(address))
    .map((address): PathAction => ({ kind: 'close', address, reason: 'no Service has it' }));
  return [...closed, ...destinations.flatMap((destination) => planPath(destination, carriers, paths, verdict))];
}

function planPath(
  destination: Destination,
  carriers: readonly Carrier[],
  paths: ReadonlyMap<string, string>,
  verdict: Observed['verdict'],
): PathAction[] {
  const { address, port } = destination;
  const via = paths.get(address);
  const now = carriers.find((carrier) => carrier.address === via);
  const [well, unknown] = (['well', 'unknown'] as const).map((wanted) =>
    carriers.filter((carrier) => verdict(carrier, port) === wanted),
  );
  if (now !== undefined && (verdict(now, port) === 'well' || well?.length === 0)) return [];
  const chosen = favourite(address, well?.length !== 0 ? well : unknown?.length === 0 ? carriers : []);
  if (chosen !== undefined) return [{ kind: 'lead', destination, carrier: chosen, reason: reasonOf(via, now) }];
  if (via === undefined || now !== undefined || carriers.length > 0) return [];
  return [{ kind: 'close', address, reason: 'no node is left' }];
}

function reasonOf(via: string | undefined, now: Carrier | undefined): string {
  if (now !== undefined) return `node ${now.name} does not take its traffic any more`;
  return via === undefined ? 'it is new' : `the node at ${via} is gone`;
}

/** Each address has its own order of the nodes, so that addresses spread, and few move when a node comes or goes. */
function favourite(address: string, among: readonly Carrier[] = []): Carrier | undefined {
  const rank = ({ name }: Carrier) => hashOf(`${name} ${address}`, undefined);
  return [...among].sort((a, b) => (rank(a) < rank(b) ? -1 : 1))[0];
}
