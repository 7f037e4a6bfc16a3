// The ways to the pods of each node, and what nodes say of them. Pure; follows upstream's cloud-provider/controllers/route. IPv4 only: a
// range of IPv6 is of no concern here.
import type { Node } from '@drydock/api/generated/types.ts';
import { nodes as nodeResource } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import type { WriteAction } from '../common/action.ts';
import { byCreation, nameOf, uidOf } from '../common/object-meta.ts';
import { overlaps, parseCidr, type Range } from '../nodeipam/cidr.ts';

export type RouteAction =
  | { readonly kind: 'lead'; readonly node: Node; readonly destination: string; readonly to: string }
  | { readonly kind: 'close'; readonly destination: string };

/**
 * What is to be changed of the routes into `clusterRanges`; others are not this controller's. Of two nodes with one range the older
 * has it.
 */
export function planRoutes(
  nodes: Iterable<Node>,
  routes: ReadonlyMap<string, string>,
  clusterRanges: readonly Range[],
): RouteAction[] {
  const owners = new Map<string, Node>();
  for (const node of [...nodes].sort(byCreation))
    for (const range of rangesOf(node)) if (!owners.has(range)) owners.set(range, node);
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
  const status = ranges.every((range) => leads(routes, range, node)) ? 'False' : 'True';
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
  return node === undefined ? [] : [...rangesOf(node), ...addressesOf(node)];
}

function rangesOf(node: Node): string[] {
  return (node.spec?.podCIDRs ?? []).filter((range) => parseCidr(range)?.bits === 32);
}

function addressesOf(node: Node): string[] {
  const internal = (node.status?.addresses ?? []).filter(({ type }) => type === 'InternalIP');
  return internal.map(({ address }) => address).filter((address) => parseCidr(`${address}/32`)?.bits === 32);
}

function leads(routes: ReadonlyMap<string, string>, destination: string, node: Node): boolean {
  const to = routes.get(destination);
  return to !== undefined && addressesOf(node).includes(to);
}

function isInside(destination: string, ranges: readonly Range[]): boolean {
  const range = parseCidr(destination.includes('/') ? destination : `${destination}/32`);
  return range !== undefined && ranges.some((cluster) => overlaps(cluster, range));
}
