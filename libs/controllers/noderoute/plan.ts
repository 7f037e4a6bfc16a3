// The ways to the pods of each node, and what nodes say of them. Pure; follows upstream's cloud-provider/controllers/route. IPv4 only: a
// range of IPv6 is of no concern here.
import type { Node } from '@drydock/api/generated/types.ts';
import { nodes as nodeResource } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import type { WriteAction } from '../common/action.ts';
import { byCreation, nameOf, uidOf } from '../common/object-meta.ts';
import { formatCidr, isIPv4, overlaps, parseCidr, type Range } from '../nodeipam/cidr.ts';

export type RouteAction =
  | { readonly kind: 'lead'; readonly node: Node; readonly destination: string; readonly to: string }
  | { readonly kind: 'close'; readonly destination: string };

/**
 * What is to be changed of the routes into `clusterRanges`; others are not this controller's. Of two nodes whose ranges share an address
 * the older has it. A kubelet may say its node's ranges while it has none: one beyond the cluster's, or inside another node's, would
 * lead the traffic of others to it, and gets no route (upstream makes one).
 */
export function planRoutes(
  nodes: Iterable<Node>,
  routes: ReadonlyMap<string, string>,
  clusterRanges: readonly Range[],
): RouteAction[] {
  const owners = new Map<string, Node>();
  const owned = new DisjointRanges();
  for (const node of [...nodes].sort(byCreation))
    for (const range of rangesOf(node))
      if (clusterRanges.some((cluster) => contains(cluster, range)) && owned.add(range)) owners.set(destinationOf(range), node);
  const closed = [...routes.keys()].filter((destination) => !owners.has(destination) && isInside(destination, clusterRanges));
  const led = [...owners].flatMap(([destination, node]): RouteAction[] => {
    const [to] = addressesOf(node);
    if (to === undefined || leads(routes, destination, node)) return [];
    return [{ kind: 'lead', node, destination, to }];
  });
  return [...closed.map((destination): RouteAction => ({ kind: 'close', destination })), ...led];
}

/** The node's condition NetworkUnavailable, where it says something else than the routes. */
export function planCondition(node: Node, routes: ReadonlyMap<string, string>, wallMs: number): WriteAction[] {
  const ranges = rangesOf(node);
  if (ranges.length === 0) return [];
  const status = ranges.every((range) => leads(routes, destinationOf(range), node)) ? 'False' : 'True';
  const now = node.status?.conditions?.find(({ type }) => type === 'NetworkUnavailable');
  if (now?.status === status) return [];
  const said =
    status === 'False'
      ? { reason: 'RouteCreated', message: 'RouteController created a route' }
      : { reason: 'NoRouteCreated', message: 'RouteController failed to create a route' };
  const time = formatTime(wallMs);
  const condition = { type: 'NetworkUnavailable', status, ...said, lastTransitionTime: time, lastHeartbeatTime: time };
  const body = { metadata: { uid: uidOf(node) }, status: { conditions: [condition] } };
  const key = { name: nameOf(node) };
  return [{ verb: 'patch', resource: nodeResource, key, subresource: 'status', patch: { type: 'strategic', body } }];
}

/** What a change of a node has to change for routes to change. */
export function routingOf(node: Node | undefined): readonly string[] {
  return node === undefined ? [] : [...rangesOf(node).map(destinationOf), ...addressesOf(node)];
}

function rangesOf(node: Node): Range[] {
  return (node.spec?.podCIDRs ?? []).flatMap((text) => {
    const range = parseCidr(text);
    return range?.bits === 32 ? [range] : [];
  });
}

/** As the table of routes has it: a single address without a length. */
function destinationOf({ base, prefix, bits }: Range): string {
  return formatCidr(base, prefix, bits).replace(/\/32$/, '');
}

function contains(outer: Range, inner: Range): boolean {
  return inner.prefix >= outer.prefix && overlaps(outer, inner);
}

/** Ranges of IPv4 of which no two share an address. */
class DisjointRanges {
  readonly #basesByPrefix = new Map<number, Set<bigint>>();

  /** False, and nothing is added, where the range shares an address with one that is there. */
  add({ base, prefix, bits }: Range): boolean {
    for (const [other, bases] of this.#basesByPrefix) {
      const host = BigInt(bits - Math.min(other, prefix));
      const shared = base >> host;
      // Nodes' ranges are of one size as a rule: the search through those that are smaller is rare.
      if (other <= prefix ? bases.has(shared << host) : bases.values().some((each) => each >> host === shared)) return false;
    }
    const same = this.#basesByPrefix.get(prefix) ?? new Set();
    this.#basesByPrefix.set(prefix, same.add(base));
    return true;
  }
}

function addressesOf(node: Node): string[] {
  const internal = (node.status?.addresses ?? []).filter(({ type }) => type === 'InternalIP');
  return internal.map(({ address }) => address).filter(isIPv4);
}

function leads(routes: ReadonlyMap<string, string>, destination: string, node: Node): boolean {
  const to = routes.get(destination);
  return to !== undefined && addressesOf(node).includes(to);
}

function isInside(destination: string, ranges: readonly Range[]): boolean {
  const range = parseCidr(destination.includes('/') ? destination : `${destination}/32`);
  return range !== undefined && ranges.some((cluster) => overlaps(cluster, range));
}
