// EndpointSlices for an Endpoints object that somebody keeps by hand, for a Service without a selector: who reads slices alone
// (kube-proxy, DNS) sees it too. Pure; follows upstream's pkg/controller/endpointslicemirroring.

import { isIP } from 'node:net';
import { serviceNameLabel } from '@drydock/api/endpoint-slices.ts';
import type {
  CoreEndpointPort,
  Endpoint,
  EndpointAddress,
  EndpointSlice,
  Endpoints,
  Service,
} from '@drydock/api/generated/types.ts';
import { endpoints as endpointsResource, endpointSlices as sliceResource } from '@drydock/api/resource.ts';
import { type Action, controllerReference, type EventAction, type Plan, referenceTo } from '../common/action.ts';
import { canonicalJson, semanticEqual } from '../common/equality.ts';
import { isBeingDeleted, nameOf, namespaceOf } from '../common/object-meta.ts';
import type { AddressType } from '../endpointslice/endpoint.ts';
import { managedByLabel, portsKey, remove } from '../endpointslice/plan.ts';
import { triggerTimeAnnotation } from '../endpointslice/trigger-time.ts';
import { repackSubsets } from './subsets.ts';

export const controllerName = 'endpointslicemirroring-controller.k8s.io';
const skipLabel = 'endpointslice.kubernetes.io/skip-mirror';
const leaderAnnotation = 'control-plane.alpha.kubernetes.io/leader';
/** What these say is of the Endpoints object alone. */
const ownAnnotations = new Set([triggerTimeAnnotation, 'kubectl.kubernetes.io/last-applied-configuration']);

export interface MirrorObserved {
  readonly endpoints: Endpoints | undefined;
  readonly service: Service | undefined;
  /** Slices that carry the Service's name and are managed by this controller. */
  readonly slices: readonly EndpointSlice[];
  /** --mirroring-max-endpoints-per-subset */
  readonly maxPerSubset: number;
}

/** Endpoints of one address type that have the same ports. */
interface Group {
  readonly addressType: AddressType;
  readonly ports: NonNullable<EndpointSlice['ports']>;
  readonly endpoints: Endpoint[];
}

export function planMirror(observed: MirrorObserved): Plan {
  const { endpoints } = observed;
  const slices = observed.slices.filter((slice) => !isBeingDeleted(slice));
  if (endpoints === undefined || !isMirrored(observed)) return { actions: slices.map(remove) };
  const { groups, events } = groupsOf(endpoints, observed.maxPerSubset);
  const existing = Map.groupBy(slices, groupKey);
  const [creates, updates, deletes]: [EndpointSlice[], EndpointSlice[], EndpointSlice[]] = [[], [], []];
  for (const [key, group] of groups) {
    const [kept, ...spare] = existing.get(key) ?? [];
    deletes.push(...spare);
    const wanted = mirrorOf(endpoints, group);
    if (kept === undefined) creates.push(wanted);
    else if (!isSame(kept, wanted)) updates.push(over(kept, wanted));
  }
  for (const [key, obsolete] of existing) if (!groups.has(key)) deletes.push(...obsolete);
  const writes = [...recycle(creates, updates, deletes), ...deletes.map(remove)];
  return { actions: writes.length === 0 ? [] : [...writes, ...events] };
}

function isMirrored({ endpoints, service }: MirrorObserved): boolean {
  const { labels = {}, annotations = {} } = endpoints?.metadata ?? {};
  if (service === undefined || Object.keys(service.spec?.selector ?? {}).length > 0) return false;
  return labels[skipLabel] !== 'true' && !Object.hasOwn(annotations, leaderAnnotation);
}

function groupsOf(endpoints: Endpoints, max: number): { groups: Map<string, Group>; events: EventAction[] } {
  const groups = new Map<string, Group>();
  let [invalid, skipped] = [0, 0];
  for (const { ports, addresses } of repackSubsets(endpoints)) {
    let added = 0;
    for (const { address, ready } of addresses.toSorted((a, b) => Number(b.ready) - Number(a.ready))) {
      const family = isIP(address.ip);
      if (family === 0) invalid++;
      else if (added >= max) skipped++;
      else {
        added++;
        const group: Group = { addressType: family === 4 ? 'IPv4' : 'IPv6', ports: ports.map(slicePort), endpoints: [] };
        const key = groupKey(group);
        groups.set(key, groups.get(key) ?? group);
        groups.get(key)?.endpoints.push(endpointOf(address, ready));
      }
    }
  }
  const about = referenceTo(endpointsResource, endpoints);
  const event = (reason: string, message: string): EventAction => ({ verb: 'event', about, type: 'Warning', reason, message });
  const events: EventAction[] = [];
  if (invalid > 0)
    events.push(event('InvalidIPAddress', `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`));
  if (skipped > 0) {
    const most = `A max of ${max} addresses can be mirrored to EndpointSlices per Endpoints subset.`;
    events.push(event('TooManyAddressesToMirror', `${most} ${skipped + invalid} addresses were skipped`));
  }
  return { groups, events };
}

function slicePort({ name = '', port, protocol = 'TCP', appProtocol }: CoreEndpointPort): Group['ports'][number] {
  return { name, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) };
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
}

function groupKey({ addressType, ports = [] }: Pick<EndpointSlice, 'addressType' | 'ports'>): string {
  return `${addressType} ${portsKey(ports)}`;
}

/** The slice of a group, not yet named. */
function mirrorOf(endpoints: Endpoints, group: Group): EndpointSlice {
  const { labels, annotations = {} } = endpoints.metadata ?? {};
  const kept = Object.entries(annotations).filter(([key]) => !ownAnnotations.has(key));
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      generateName: `${nameOf(endpoints)}-`,
      namespace: namespaceOf(endpoints),
      labels: { ...labels, [serviceNameLabel]: nameOf(endpoints), [managedByLabel]: controllerName },
      ...(kept.length === 0 ? {} : { annotations: Object.fromEntries(kept) }),
      ownerReferences: [controllerReference(endpointsResource, endpoints)],
    },
    ...group,
  };
}

/** Order says nothing. */
function isSame(slice: EndpointSlice, wanted: EndpointSlice): boolean {
  const texts = ({ endpoints = [] }: EndpointSlice) => (endpoints ?? []).map((each) => canonicalJson(each)).sort();
  return (
    semanticEqual(texts(slice), texts(wanted)) &&
    semanticEqual(slice.metadata?.labels, wanted.metadata?.labels, 'labels') &&
    semanticEqual(slice.metadata?.annotations, wanted.metadata?.annotations, 'annotations')
  );
}

/** `wanted` as the next state of a slice that is there. */
function over(slice: EndpointSlice, wanted: EndpointSlice): EndpointSlice {
  const { labels, annotations = {}, ownerReferences } = wanted.metadata ?? {};
  return { ...wanted, metadata: { ...slice.metadata, labels, annotations, ownerReferences } };
}

/** Turns a deletion and a creation into one update, where both are of one type of addresses. */
function recycle(creates: readonly EndpointSlice[], updates: EndpointSlice[], deletes: EndpointSlice[]): Action[] {
  const actions: Action[] = [];
  for (const wanted of creates) {
    const at = deletes.findIndex(({ addressType }) => addressType === wanted.addressType);
    const [spare] = at < 0 ? [] : deletes.splice(at, 1);
    if (spare === undefined) actions.push({ verb: 'create', resource: sliceResource, object: wanted });
    else updates.push(over(spare, wanted));
  }
  return [...actions, ...updates.map((object): Action => ({ verb: 'update', resource: sliceResource, object }))];
}
