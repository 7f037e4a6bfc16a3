// The Endpoints object of one Service, for clients that do not read EndpointSlices. Pure; follows upstream's pkg/controller/endpoint.
import type {
  CoreEndpointPort,
  EndpointAddress,
  EndpointSubset,
  Endpoints,
  Pod,
  Service,
} from '@drydock/api/generated/types.ts';
import { endpoints as endpointsResource } from '@drydock/api/resource.ts';
import type { Plan } from '../common/action.ts';
import { canonicalJson } from '../common/equality.ts';
import { isBeingDeleted, nameOf, namespaceOf } from '../common/object-meta.ts';
import { isPodReady, isPodTerminal } from '../common/pod.ts';
import { addressTypesOf, hostnameApplies, podAddress } from '../endpointslice/endpoint.ts';
import { resolvePorts } from '../endpointslice/ports.ts';
import { triggerTimeAnnotation } from '../endpointslice/trigger-time.ts';

const managedByLabel = 'endpoints.kubernetes.io/managed-by';
const managedBy = 'endpoint-controller';
const headlessLabel = 'service.kubernetes.io/headless';
export const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity';

/** Addresses in one Endpoints object at most; above, the rest is left out and the object says so. */
export const addressesMax = 1000;

export interface EndpointsObserved {
  readonly service: Service;
  /** The pods that the Service selects. */
  readonly pods: readonly Pod[];
  readonly current: Endpoints | undefined;
  readonly triggerTime: string | undefined;
}

export function planEndpoints(observed: EndpointsObserved): Plan {
  const { service, current } = observed;
  if (service.spec?.selector === undefined || service.spec.type === 'ExternalName' || isBeingDeleted(service)) {
    return { actions: [] };
  }
  const { subsets, truncated } = limit(subsetsOf(service, observed.pods));
  const labels = labelsOf(service);
  const over = current?.metadata?.annotations?.[overCapacityAnnotation] === 'truncated';
  const sameLabels = canonicalJson(labels, 'labels') === canonicalJson(current?.metadata?.labels, 'labels');
  const sameSubsets = canonicalJson(sorted(current?.subsets ?? [])) === canonicalJson(sorted(subsets));
  if (current !== undefined && sameLabels && sameSubsets && over === truncated) return { actions: [] };

  const annotations: Record<string, string> = { ...current?.metadata?.annotations };
  if (observed.triggerTime === undefined) delete annotations[triggerTimeAnnotation];
  else annotations[triggerTimeAnnotation] = observed.triggerTime;
  if (truncated) annotations[overCapacityAnnotation] = 'truncated';
  else delete annotations[overCapacityAnnotation];
  const object: Endpoints = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { ...current?.metadata, name: nameOf(service), namespace: namespaceOf(service), labels, annotations },
    subsets,
  };
  return { actions: [{ verb: current === undefined ? 'create' : 'update', resource: endpointsResource, object }] };
}

function labelsOf(service: Service): Record<string, string> {
  const labels: Record<string, string> = { ...service.metadata?.labels, [managedByLabel]: managedBy };
  if (service.spec?.clusterIP === 'None') labels[headlessLabel] = '';
  else delete labels[headlessLabel];
  return labels;
}

interface PortEntry {
  readonly port: CoreEndpointPort | undefined;
  readonly addresses: { address: EndpointAddress; ready: boolean }[];
}

/** Ports that the same addresses offer share a subset. */
function subsetsOf(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const publish = service.spec?.publishNotReadyAddresses === true;
  const byPort = new Map<string, PortEntry>();
  for (const pod of pods) {
    const ip = podAddress(pod, addressTypesOf(service)[0] ?? 'IPv4');
    if (ip === undefined || isPodTerminal(pod) || (!publish && isBeingDeleted(pod))) continue;
    const entry = { address: addressOf(pod, service, ip), ready: publish || isPodReady(pod) };
    const none = service.spec?.clusterIP === 'None' && (service.spec.ports ?? []).length === 0;
    const ports = none ? [undefined] : resolvePorts(service, pod).map(wirePort);
    for (const port of ports) {
      const key = canonicalJson(port);
      const list = byPort.get(key) ?? { port, addresses: [] };
      list.addresses.push(entry);
      byPort.set(key, list);
    }
  }
  const bySet = Map.groupBy(byPort.values(), (entry) => canonicalJson(entry.addresses.map((a) => canonicalJson(a)).sort()));
  return sorted([...bySet.values()].map(toSubset));
}

function wirePort(port: { name: string; port: number; protocol: string; appProtocol?: string | undefined }): CoreEndpointPort {
  const { name, ...rest } = port;
  return name === '' ? rest : { name, ...rest };
}

function addressOf(pod: Pod, service: Service, ip: string): EndpointAddress {
  const nodeName = pod.spec?.nodeName ?? '';
  return {
    ip,
    ...(nodeName === '' ? {} : { nodeName }),
    ...(hostnameApplies(pod, service) ? { hostname: pod.spec?.hostname } : {}),
    targetRef: { kind: 'Pod', namespace: namespaceOf(pod), name: nameOf(pod), uid: pod.metadata?.uid },
  };
}

function toSubset(entries: readonly PortEntry[]): EndpointSubset {
  const addresses = entries[0]?.addresses ?? [];
  const ready = addresses.filter((entry) => entry.ready).map((entry) => entry.address);
  const notReady = addresses.filter((entry) => !entry.ready).map((entry) => entry.address);
  const ports = entries.flatMap((entry) => (entry.port === undefined ? [] : [entry.port]));
  return {
    ...(ready.length === 0 ? {} : { addresses: ready }),
    ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
    ...(ports.length === 0 ? {} : { ports }),
  };
}

const byText = (a: unknown, b: unknown) => {
  const [left, right] = [canonicalJson(a), canonicalJson(b)];
  return left < right ? -1 : left > right ? 1 : 0;
};

/** One order for equal content: addresses by IP, ports and subsets by their text. */
function sorted(subsets: readonly EndpointSubset[]): EndpointSubset[] {
  const byIp = (a: EndpointAddress, b: EndpointAddress) => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : byText(a, b));
  return subsets
    .map((subset) => ({
      ...(subset.addresses === undefined ? {} : { addresses: [...subset.addresses].sort(byIp) }),
      ...(subset.notReadyAddresses === undefined ? {} : { notReadyAddresses: [...subset.notReadyAddresses].sort(byIp) }),
      ...(subset.ports === undefined ? {} : { ports: [...subset.ports].sort(byText) }),
    }))
    .sort(byText);
}

/** Keeps ready addresses before those that are not, up to the bound. */
function limit(subsets: readonly EndpointSubset[]): { subsets: EndpointSubset[]; truncated: boolean } {
  const count = (key: 'addresses' | 'notReadyAddresses') =>
    subsets.reduce((sum, subset) => sum + (subset[key]?.length ?? 0), 0);
  if (count('addresses') + count('notReadyAddresses') <= addressesMax) return { subsets: [...subsets], truncated: false };
  let readyRoom = addressesMax;
  let otherRoom = Math.max(0, addressesMax - count('addresses'));
  const kept = subsets.map((subset) => {
    const addresses = (subset.addresses ?? []).slice(0, readyRoom);
    const notReadyAddresses = (subset.notReadyAddresses ?? []).slice(0, otherRoom);
    readyRoom -= addresses.length;
    otherRoom -= notReadyAddresses.length;
    return {
      ...(addresses.length === 0 ? {} : { addresses }),
      ...(notReadyAddresses.length === 0 ? {} : { notReadyAddresses }),
      ...(subset.ports === undefined ? {} : { ports: subset.ports }),
    };
  });
  return { subsets: kept.filter((subset) => 'addresses' in subset || 'notReadyAddresses' in subset), truncated: true };
}

/** Endpoints that this controller made go with their Service; others (of components without a Service) are left alone. */
export function planOrphanedEndpoints(current: Endpoints): Plan {
  if (current.metadata?.labels?.[managedByLabel] !== managedBy || isBeingDeleted(current)) return { actions: [] };
  const key = { namespace: namespaceOf(current), name: nameOf(current) };
  const preconditions = { uid: current.metadata?.uid ?? '' };
  return { actions: [{ verb: 'delete', resource: endpointsResource, key, preconditions }] };
}
