// What the proxy knows of the cluster: each port of each service with the endpoints behind it. Pure.
import type { ServicePort as ApiServicePort, EndpointSlice, Service } from '@drydock/api/generated/types.ts';
import { ipv4, ipv4Range, understood } from './ipv4.ts';

export type Protocol = 'tcp' | 'udp' | 'sctp';

/** One backend of a service port. */
export interface Endpoint {
  readonly ip: string;
  readonly port: number;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Runs on this node. */
  readonly local: boolean;
}

/** One port of a service that is to be proxied. */
export interface ServicePort {
  readonly namespace: string;
  readonly name: string;
  /** Empty where the service has one unnamed port. */
  readonly portName: string;
  readonly protocol: Protocol;
  readonly port: number;
  readonly clusterIP: string;
  /** 0: none. */
  readonly nodePort: number;
  readonly externalIPs: readonly string[];
  readonly loadBalancerIPs: readonly string[];
  readonly sourceRanges: readonly string[];
  readonly internalLocal: boolean;
  readonly externalLocal: boolean;
  /** Where balancers ask whether this node has endpoints of the service; 0: nowhere. */
  readonly healthCheckPort: number;
  /** Seconds a client keeps its endpoint; 0: no affinity. */
  readonly affinitySeconds: number;
  readonly endpoints: readonly Endpoint[];
}

/** The default of service.spec.sessionAffinityConfig.clientIP.timeoutSeconds: three hours. */
const affinityDefaultSeconds = 10_800;
/** The least and the most that it may be (pkg/apis/core/validation). */
const affinitySeconds = { min: 1, max: 86_400 } as const;
const portMax = 65_535;
const proxyNameLabel = 'service.kubernetes.io/service-proxy-name';
const headlessLabel = 'service.kubernetes.io/headless';

/** The IPv4 ports to be proxied, sorted by namespace, name and port. Headless and ExternalName services have none. */
export function servicePorts(
  services: Iterable<Service>,
  slicesOf: (namespace: string, name: string) => Iterable<EndpointSlice>,
  nodeName: string,
): ServicePort[] {
  const ports: ServicePort[] = [];
  for (const service of services) {
    const clusterIP = clusterIPv4(service);
    if (clusterIP === undefined) continue;
    const { namespace = '', name = '' } = service.metadata ?? {};
    const slices = [...slicesOf(namespace, name)].filter(isProxied);
    for (const port of service.spec?.ports ?? []) ports.push(onePort(service, clusterIP, port, slices, nodeName));
  }
  return ports.sort((a, b) => compare(sortKey(a), sortKey(b)));
}

/** `namespace/name:port`, as upstream names a service port in logs and comments. */
export function portText(port: ServicePort): string {
  return `${port.namespace}/${port.name}${port.portName === '' ? '' : `:${port.portName}`}`;
}

function clusterIPv4(service: Service): string | undefined {
  const { spec, metadata } = service;
  if (spec === undefined || spec.type === 'ExternalName') return undefined;
  if (metadata?.labels?.[proxyNameLabel] !== undefined) return undefined;
  return understood(spec.clusterIPs ?? [spec.clusterIP ?? ''], ipv4)[0];
}

function isProxied(slice: EndpointSlice): boolean {
  const labels = slice.metadata?.labels ?? {};
  return slice.addressType === 'IPv4' && labels[proxyNameLabel] === undefined && labels[headlessLabel] === undefined;
}

function onePort(
  service: Service,
  clusterIP: string,
  port: ApiServicePort,
  slices: readonly EndpointSlice[],
  nodeName: string,
): ServicePort {
  const spec = service.spec ?? {};
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  return {
    namespace: service.metadata?.namespace ?? '',
    name: service.metadata?.name ?? '',
    portName: port.name ?? '',
    protocol: (port.protocol ?? 'TCP').toLowerCase() as Protocol,
    port: port.port,
    clusterIP,
    nodePort: external ? (port.nodePort ?? 0) : 0,
    externalIPs: understood(spec.externalIPs ?? [], ipv4),
    loadBalancerIPs:
      spec.type === 'LoadBalancer'
        ? understood(
            (service.status?.loadBalancer?.ingress ?? [])
              .filter((ingress) => (ingress.ipMode ?? 'VIP') === 'VIP')
              .map((ingress) => ingress.ip ?? ''),
            ipv4,
          )
        : [],
    sourceRanges: understood(spec.loadBalancerSourceRanges ?? [], (range) => ipv4Range(range.trim())),
    internalLocal: spec.internalTrafficPolicy === 'Local',
    externalLocal: spec.externalTrafficPolicy === 'Local',
    healthCheckPort: healthCheckPortOf(spec),
    affinitySeconds:
      spec.sessionAffinity === 'ClientIP'
        ? Math.min(
            Math.max(spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? affinityDefaultSeconds, affinitySeconds.min),
            affinitySeconds.max,
          )
        : 0,
    endpoints: endpointsOf(port, slices, nodeName),
  };
}

function healthCheckPortOf(spec: NonNullable<Service['spec']>): number {
  const port = spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local' ? (spec.healthCheckNodePort ?? 0) : 0;
  return port > 0 && port <= portMax ? port : 0;
}

/** An address may be in two slices while the controller moves it; the better state counts. */
function endpointsOf(port: ApiServicePort, slices: readonly EndpointSlice[], nodeName: string): Endpoint[] {
  const byAddress = new Map<string, Endpoint>();
  for (const slice of slices) {
    const target = slice.ports?.find(
      (p) => (p.name ?? '') === (port.name ?? '') && (p.protocol ?? 'TCP') === (port.protocol ?? 'TCP'),
    );
    // Upstream's API server takes any number here.
    if (target?.port === undefined || !(target.port >= 1 && target.port <= portMax)) continue;
    for (const entry of slice.endpoints ?? []) {
      const ip = ipv4(entry.addresses[0] ?? '');
      if (ip === undefined) continue;
      const ready = entry.conditions?.ready ?? true;
      const endpoint: Endpoint = {
        ip,
        port: target.port,
        ready,
        serving: entry.conditions?.serving ?? ready,
        terminating: entry.conditions?.terminating ?? false,
        local: entry.nodeName === nodeName,
      };
      const text = `${ip}:${target.port}`;
      const known = byAddress.get(text);
      if (known === undefined || (!known.ready && ready)) byAddress.set(text, endpoint);
    }
  }
  return [...byAddress.values()].sort((a, b) => compare(`${a.ip}:${a.port}`, `${b.ip}:${b.port}`));
}

/** The endpoints that traffic from anywhere may take: the ready ones, or else those that still serve while they end. */
export function clusterEndpoints(port: ServicePort): Endpoint[] {
  const ready = port.endpoints.filter((endpoint) => endpoint.ready);
  return ready.length > 0 ? ready : port.endpoints.filter((endpoint) => endpoint.serving && endpoint.terminating);
}

/** The same among the endpoints of this node. */
export function localEndpoints(port: ServicePort): Endpoint[] {
  return clusterEndpoints({ ...port, endpoints: port.endpoints.filter((endpoint) => endpoint.local) });
}

function sortKey(port: ServicePort): string {
  return `${port.namespace}/${port.name}/${port.protocol}/${port.portName}/${port.port}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
