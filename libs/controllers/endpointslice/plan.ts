// The EndpointSlices of one Service. Pure; follows upstream's endpointslice/reconciler.go.
import { serviceNameLabel } from '@drydock/api/endpoint-slices.ts';
import type { Endpoint, EndpointSlice, Node, Pod, Service } from '@drydock/api/generated/types.ts';
import { services, endpointSlices as sliceResource } from '@drydock/api/resource.ts';
import { type Action, controllerReference, type Plan } from '../common/action.ts';
import { canonicalJson, semanticEqual } from '../common/equality.ts';
import { isBeingDeleted, nameOf, namespaceOf } from '../common/object-meta.ts';
import { type AddressType, addressTypesOf, belongsInSlices, endpointKey, endpointOf, podAddress } from './endpoint.ts';
import { packEndpoints } from './pack.ts';
import { type ResolvedPort, resolvePorts } from './ports.ts';
import { triggerTimeAnnotation } from './trigger-time.ts';

export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
export const headlessLabel = 'service.kubernetes.io/headless';
export const controllerName = 'endpointslice-controller.k8s.io';

export interface EndpointSliceObserved {
  readonly service: Service;
  /** The pods that the Service selects. */
  readonly pods: readonly Pod[];
  readonly nodes: ReadonlyMap<string, Node>;
  /** Slices that carry the Service's name and are managed by this controller. */
  readonly slices: readonly EndpointSlice[];
  /** See trigger-time.ts. */
  readonly triggerTime: string | undefined;
  /** --max-endpoints-per-slice. */
  readonly maxPerSlice: number;
}

/** Endpoints that have the same ports, and so share slices. */
interface PortGroup {
  readonly ports: readonly ResolvedPort[];
  readonly endpoints: Map<string, Endpoint>;
}

export function planEndpointSlices(observed: EndpointSliceObserved): Plan {
  const { service } = observed;
  if (service.spec?.type === 'ExternalName' || service.spec?.selector === undefined || isBeingDeleted(service)) {
    return { actions: [] };
  }
  const types = addressTypesOf(service);
  const actions: Action[] = [];
  for (const type of types) actions.push(...planFamily(observed, type));
  for (const slice of observed.slices) {
    if (!types.includes(slice.addressType as AddressType)) actions.push(remove(slice));
  }
  return { actions };
}

function planFamily(observed: EndpointSliceObserved, type: AddressType): Action[] {
  const { service, maxPerSlice } = observed;
  const slices = observed.slices.filter((slice) => slice.addressType === type && !isBeingDeleted(slice));
  const groups = groupByPorts(observed, type);
  const existing = Map.groupBy(slices, (slice) => portsKey(slice.ports ?? []));
  const creates: EndpointSlice[] = [];
  const updates: EndpointSlice[] = [];
  const deletes: EndpointSlice[] = [];
  const build = (ports: readonly ResolvedPort[], endpoints: Endpoint[]) =>
    withTrigger(newSlice(service, type, ports, endpoints), observed.triggerTime);

  for (const [key, group] of groups) {
    const packed = packEndpoints(existing.get(key) ?? [], group.endpoints, maxPerSlice);
    deletes.push(...packed.deletes);
    for (const endpoints of packed.creates) creates.push(build(group.ports, endpoints));
    for (const { slice, endpoints, changed } of packed.kept) {
      const labels = sliceLabels(service);
      if (!changed && semanticEqual(labels, slice.metadata?.labels, 'labels')) continue;
      updates.push(withTrigger({ ...slice, metadata: { ...slice.metadata, labels }, endpoints }, observed.triggerTime));
    }
  }
  for (const [key, obsolete] of existing) if (!groups.has(key)) deletes.push(...obsolete);

  // A Service without endpoints has one empty slice, so that "none" can be told from "not known yet".
  if (creates.length === 0 && slices.length === deletes.length) {
    const placeholder = newSlice(service, type, [], []);
    const kept = deletes.length === 1 && deletes[0] !== undefined && isSame(deletes[0], placeholder);
    if (kept) deletes.length = 0;
    else creates.push(withTrigger(placeholder, observed.triggerTime));
  }
  return [...recycle(creates, updates, deletes), ...deletes.map(remove)];
}

/** Turns a deletion and a creation into one update, where the ports allow: fewer writes, and no moment without endpoints. */
function recycle(creates: EndpointSlice[], updates: EndpointSlice[], deletes: EndpointSlice[]): Action[] {
  const actions: Action[] = [];
  for (let create = creates.pop(); create !== undefined; create = creates.pop()) {
    const spare = deletes.pop();
    if (spare === undefined) {
      actions.push({ verb: 'create', resource: sliceResource, object: create });
      continue;
    }
    const annotations = { ...spare.metadata?.annotations, ...create.metadata?.annotations };
    updates.push({ ...create, metadata: { ...spare.metadata, labels: create.metadata?.labels, annotations } });
  }
  actions.push(...updates.map((object): Action => ({ verb: 'update', resource: sliceResource, object })));
  return actions;
}

function groupByPorts(observed: EndpointSliceObserved, type: AddressType): Map<string, PortGroup> {
  const groups = new Map<string, PortGroup>();
  for (const pod of observed.pods) {
    const address = podAddress(pod, type);
    if (address === undefined || !belongsInSlices(pod)) continue;
    const nodeName = pod.spec?.nodeName ?? '';
    const node = observed.nodes.get(nodeName);
    // A pod of a node that is gone is about to go as well; until then nobody should be sent to it.
    if (nodeName !== '' && node === undefined && observed.service.spec?.publishNotReadyAddresses !== true) continue;
    const ports = resolvePorts(observed.service, pod);
    const key = portsKey(ports);
    const group = groups.get(key) ?? { ports, endpoints: new Map<string, Endpoint>() };
    const endpoint = withHints(endpointOf(pod, node, observed.service, address), observed.service);
    group.endpoints.set(endpointKey(endpoint), endpoint);
    groups.set(key, group);
  }
  return groups;
}

/** trafficDistribution as hints for kube-proxy: endpoints that are ready serve their own zone, or their own node first. */
function withHints(endpoint: Endpoint, service: Service): Endpoint {
  const wish = service.spec?.trafficDistribution;
  if (wish === undefined || endpoint.zone === undefined || endpoint.conditions?.ready !== true) return endpoint;
  const forZones = [{ name: endpoint.zone }];
  if (wish === 'PreferSameNode' && endpoint.nodeName !== undefined) {
    return { ...endpoint, hints: { forZones, forNodes: [{ name: endpoint.nodeName }] } };
  }
  return { ...endpoint, hints: { forZones } };
}

/** The same for equal ports in whatever order. */
export function portsKey(ports: readonly { name?: string | undefined }[]): string {
  return canonicalJson(ports.map((port) => canonicalJson({ ...port, name: port.name ?? '' })).sort());
}

/** The labels of the Service's slices: its own, and those that say what they are. */
export function sliceLabels(service: Service): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(service.metadata?.labels ?? {})) {
    if (key !== serviceNameLabel && key !== managedByLabel && key !== headlessLabel) labels[key] = value;
  }
  if (service.spec?.clusterIP === 'None' || service.spec?.clusterIP === '') labels[headlessLabel] = '';
  labels[serviceNameLabel] = nameOf(service);
  labels[managedByLabel] = controllerName;
  return labels;
}

function newSlice(
  service: Service,
  addressType: AddressType,
  ports: readonly ResolvedPort[],
  endpoints: Endpoint[],
): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      generateName: `${nameOf(service)}-`,
      namespace: namespaceOf(service),
      labels: sliceLabels(service),
      ownerReferences: [controllerReference(services, service)],
    },
    addressType,
    endpoints,
    ports: [...ports],
  };
}

function withTrigger(slice: EndpointSlice, time: string | undefined): EndpointSlice {
  const annotations = { ...slice.metadata?.annotations };
  if (time === undefined) delete annotations[triggerTimeAnnotation];
  else annotations[triggerTimeAnnotation] = time;
  return { ...slice, metadata: { ...slice.metadata, annotations } };
}

function isSame(slice: EndpointSlice, placeholder: EndpointSlice): boolean {
  return (
    semanticEqual(slice.endpoints, placeholder.endpoints) &&
    semanticEqual(slice.ports, placeholder.ports) &&
    semanticEqual(slice.metadata?.labels, placeholder.metadata?.labels, 'labels')
  );
}

/** The key of the Service whose slice this is, where `controller` manages it. */
export function serviceOf(slice: EndpointSlice, controller: string): string | undefined {
  const labels = slice.metadata?.labels ?? {};
  const name = labels[serviceNameLabel];
  return labels[managedByLabel] === controller && name !== undefined ? `${namespaceOf(slice)}/${name}` : undefined;
}

export function remove(slice: EndpointSlice): Action {
  return {
    verb: 'delete',
    resource: sliceResource,
    key: { namespace: namespaceOf(slice), name: nameOf(slice) },
    preconditions: { uid: slice.metadata?.uid ?? '' },
  };
}
