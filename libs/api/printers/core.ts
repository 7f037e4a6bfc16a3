// Rows of the core kinds: services, nodes, configuration, events, quotas.
import type {
  ConfigMap,
  CoreEvent,
  EndpointSlice,
  Endpoints,
  EventsEvent,
  Namespace,
  Node,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
} from '../generated/types.ts';
import { ageOf } from '../human-duration.ts';
import { type Cell, createdAge, firstOf, labelsText, nameOf, none, printer, unknown, unset } from './cells.ts';

const roleLabelPrefix = 'node-role.kubernetes.io/';
const roleLabel = 'kubernetes.io/role';
/** Load balancer addresses are cut to this many characters in the narrow output. */
const addressWidth = 16;
const shownEndpoints = 3;

export const corePrinters = [
  printer<Service>('/Service', printService),
  printer<Node>('/Node', printNode),
  printer<Namespace>('/Namespace', (object, now) => [nameOf(object), object.status?.phase ?? '', createdAge(object, now)]),
  printer<ConfigMap>('/ConfigMap', (object, now) => [
    nameOf(object),
    Object.keys(object.data ?? {}).length + Object.keys(object.binaryData ?? {}).length,
    createdAge(object, now),
  ]),
  printer<Secret>('/Secret', (object, now) => [
    nameOf(object),
    object.type ?? '',
    Object.keys(object.data ?? {}).length,
    createdAge(object, now),
  ]),
  printer<ServiceAccount>('/ServiceAccount', (object, now) => [nameOf(object), createdAge(object, now)]),
  printer<Endpoints>('/Endpoints', (object, now) => [nameOf(object), endpointsText(object), createdAge(object, now)]),
  printer<EndpointSlice>('discovery.k8s.io/EndpointSlice', (object, now) => [
    nameOf(object),
    object.addressType,
    slicePorts(object),
    sliceAddresses(object),
    createdAge(object, now),
  ]),
  printer<CoreEvent>('/Event', (event, now) => printEvent(event, event.involvedObject, event.message ?? '', now)),
  printer<EventsEvent>('events.k8s.io/Event', (event, now) =>
    printEvent(
      {
        ...event,
        firstTimestamp: event.deprecatedFirstTimestamp,
        lastTimestamp: event.deprecatedLastTimestamp,
        count: event.deprecatedCount,
        source: event.deprecatedSource,
        reportingComponent: event.reportingController,
      },
      event.regarding ?? {},
      event.note ?? '',
      now,
    ),
  ),
  printer<ResourceQuota>('/ResourceQuota', (object, now) => [nameOf(object), ...quotaTexts(object), createdAge(object, now)]),
];

function printService(service: Service, now: number): Cell[] {
  const spec = service.spec ?? {};
  return [
    nameOf(service),
    spec.type ?? '',
    spec.clusterIPs?.[0] || spec.clusterIP || none,
    externalAddress(service),
    portsText(service),
    createdAge(service, now),
    labelsText(spec.selector),
  ];
}

function externalAddress(service: Service): string {
  const spec = service.spec ?? {};
  const external = (spec.externalIPs ?? []).join(',');
  switch (spec.type) {
    case 'ClusterIP':
    case 'NodePort':
      return external || none;
    case 'LoadBalancer': {
      const addresses = (service.status?.loadBalancer?.ingress ?? []).map((ingress) => ingress.ip || ingress.hostname || '');
      const joined = addresses.join(',');
      const shown = joined.length > addressWidth ? `${joined.slice(0, addressWidth - 3)}...` : joined;
      return [shown, external].filter((text) => text !== '').join(',') || '<pending>';
    }
    case 'ExternalName':
      return spec.externalName ?? '';
    default:
      return unknown;
  }
}

function portsText(service: Service): string {
  const ports = (service.spec?.ports ?? []).map(({ port, nodePort, protocol }) =>
    nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`,
  );
  return ports.join(',') || none;
}

function printNode(node: Node, now: number): Cell[] {
  const info = node.status?.nodeInfo;
  return [
    nameOf(node),
    nodeStatus(node),
    nodeRoles(node).join(',') || none,
    createdAge(node, now),
    info?.kubeletVersion ?? '',
    nodeAddress(node, 'InternalIP'),
    nodeAddress(node, 'ExternalIP'),
    info?.osImage || unknown,
    info?.kernelVersion || unknown,
    info?.containerRuntimeVersion || unknown,
  ];
}

function nodeStatus(node: Node): string {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
  const status = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return node.spec?.unschedulable === true ? `${status},SchedulingDisabled` : status;
}

function nodeRoles(node: Node): string[] {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata?.labels ?? {})) {
    if (key.startsWith(roleLabelPrefix) && key.length > roleLabelPrefix.length) roles.add(key.slice(roleLabelPrefix.length));
    else if (key === roleLabel && value !== '') roles.add(value);
  }
  return [...roles].sort();
}

function nodeAddress(node: Node, type: string): string {
  return node.status?.addresses?.find((address) => address.type === type)?.address ?? none;
}

function endpointsText(endpoints: Endpoints): string {
  const all = (endpoints.subsets ?? []).flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map((address) => address.ip)
      : ports.flatMap((port) => addresses.map((address) => hostPort(address.ip, port.port))),
  );
  return all.length === 0 ? none : firstOf(all, shownEndpoints);
}

function hostPort(ip: string, port: number): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function slicePorts(slice: EndpointSlice): string {
  const ports = (slice.ports ?? []).map((port) => (port.port === undefined ? '*' : String(port.port)));
  return ports.length === 0 ? unset : firstOf(ports, shownEndpoints);
}

function sliceAddresses(slice: EndpointSlice): string {
  const addresses = (slice.endpoints ?? []).flatMap((endpoint) => endpoint.addresses);
  return addresses.length === 0 ? unset : firstOf(addresses, shownEndpoints);
}

type EventLike = Pick<
  CoreEvent,
  | 'type'
  | 'reason'
  | 'firstTimestamp'
  | 'lastTimestamp'
  | 'eventTime'
  | 'count'
  | 'source'
  | 'reportingComponent'
  | 'reportingInstance'
> & { readonly series?: { count?: number | undefined; lastObservedTime?: string | undefined } | undefined } & Pick<
    Namespace,
    'metadata'
  >;

interface EventTarget {
  readonly kind?: string | undefined;
  readonly name?: string | undefined;
  readonly fieldPath?: string | undefined;
}

function printEvent(event: EventLike, target: EventTarget, message: string, now: number): Cell[] {
  const first = ageOf(event.firstTimestamp || event.eventTime, now);
  const last = event.series?.lastObservedTime || event.lastTimestamp;
  const kind = (target.kind ?? '').toLowerCase();
  return [
    !last ? first : ageOf(last, now),
    event.type ?? '',
    event.reason ?? '',
    target.name ? `${kind}/${target.name}` : kind,
    target.fieldPath ?? '',
    sourceText(event),
    message.trim(),
    first,
    event.series?.count ?? (event.count || 1),
    nameOf(event),
  ];
}

function sourceText(event: EventLike): string {
  const component = event.source?.component || event.reportingComponent || '';
  const host = event.source?.host || event.reportingInstance || '';
  return host === '' ? component : `${component}, ${host}`;
}

function quotaTexts(quota: ResourceQuota): [string, string] {
  const requests: string[] = [];
  const limits: string[] = [];
  for (const name of Object.keys(quota.status?.hard ?? {}).sort()) {
    const text = `${name}: ${quota.status?.used?.[name] ?? '0'}/${quota.status?.hard?.[name] ?? '0'}`;
    if (name.startsWith('limits')) limits.push(text);
    else requests.push(text);
  }
  return [requests.join(', '), limits.join(', ')];
}
