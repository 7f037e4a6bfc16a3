// Services and EndpointSlices into what requests are sent to. Pure.
import type {
  Endpoint as ApiEndpoint,
  EndpointSlice,
  Endpoints,
  IngressServiceBackend,
  Service,
  ServicePort,
} from '@drydock/api/generated/types.ts';
import ipaddr from 'ipaddr.js';

/** One address that takes requests. IPv6 addresses stand in brackets. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A port of a Service, with who answers for it. */
export interface Backend {
  /** `NAMESPACE-SERVICE-PORT`, as ingress-nginx names an upstream. */
  readonly name: string;
  readonly namespace: string;
  readonly service: string;
  readonly port: string;
  readonly endpoints: readonly Endpoint[];
}

/** The backend's name, whatever became of its Service. */
function backendName(namespace: string, { name, port }: IngressServiceBackend): string {
  return `${namespace}-${name}-${port?.name ?? port?.number ?? 0}`;
}

/** Who answers what nobody else does, as ingress-nginx calls it. */
export const defaultBackendName = 'upstream-default-backend';

/**
 * The backend's name among those that have one: ingress-nginx's. `a-b` `c` and `a` `b-c` have the same one there, and the requests of
 * one namespace would go to another: who comes second has one that is nobody else's, since no namespace, Service or port has a `_`.
 */
export function nameAmong(named: ReadonlyMap<string, Backend>, backend: Backend, suffix: string): string {
  const { namespace, service, port } = backend;
  const short = `${backend.name}${suffix}`;
  const known = named.get(short);
  const isFree = known === undefined || (known.namespace === namespace && known.service === service && known.port === port);
  return isFree && short !== defaultBackendName ? short : `${namespace}_${service}_${port}${suffix.replaceAll('-', '_')}`;
}

/**
 * Finds who answers for a backend. Endpoints are sorted, so that the same state gives the same plan. With `clusterIP` the Service's
 * own address is the only endpoint. `problem` says why nobody answers, in a whole sentence for an event.
 */
export function resolveBackend(
  namespace: string,
  reference: IngressServiceBackend,
  service: Service | undefined,
  slices: readonly EndpointSlice[],
  clusterIP: boolean,
): Backend & { readonly problem?: string } {
  const name = backendName(namespace, reference);
  const shown = String(reference.port?.name ?? reference.port?.number ?? '');
  const none = (problem: string) => ({
    name,
    namespace,
    service: reference.name,
    port: shown,
    endpoints: [],
    problem,
  });
  const key = `${namespace}/${reference.name}`;
  if (service === undefined) return none(`Service "${key}" does not exist`);
  if (service.spec?.type === 'ExternalName')
    return none(`Service "${key}" of type ExternalName is not served: names are not resolved for each request`);
  const port = portOf(service, reference);
  if (port === undefined) return none(`Service "${key}" has no port ${shown}`);
  if ((port.protocol ?? 'TCP') !== 'TCP') return none(`Service "${key}" port ${shown} is ${port.protocol}, not TCP`);
  const endpoints = clusterIP ? ownAddress(service, port) : endpointsOf(port, slices);
  const backend = { name, namespace, service: reference.name, port: shown, endpoints };
  return endpoints.length > 0 ? backend : { ...backend, problem: `Service "${key}" does not have any active Endpoint` };
}

function portOf(service: Service, { port }: IngressServiceBackend): ServicePort | undefined {
  const ports = service.spec?.ports ?? [];
  if (port?.name !== undefined && port.name !== '') return ports.find((candidate) => candidate.name === port.name);
  // ingress-nginx takes the target's number too.
  return (
    ports.find((candidate) => candidate.port === port?.number) ??
    ports.find((candidate) => candidate.targetPort === port?.number)
  );
}

function ownAddress(service: Service, port: ServicePort): Endpoint[] {
  const address = addressText(service.spec?.clusterIP ?? '');
  return address === undefined ? [] : [{ address, port: port.port }];
}

function endpointsOf(port: ServicePort, slices: readonly EndpointSlice[]): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.addressType === 'FQDN') continue;
    // Ports of a slice carry the Service port's name; an unnamed one is the empty name.
    const target = (slice.ports ?? []).find(
      (candidate) => (candidate.name ?? '') === (port.name ?? '') && (candidate.protocol ?? 'TCP') === 'TCP',
    )?.port;
    if (target === undefined || !Number.isInteger(target) || target < 1 || target > 65_535) continue;
    for (const endpoint of slice.endpoints ?? []) {
      if (!takesRequests(endpoint)) continue;
      for (const text of endpoint.addresses ?? []) {
        const address = addressText(text);
        if (address !== undefined) found.set(`${address}:${target}`, { address, port: target });
      }
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
}

/** The same as slices, for who may not read those. Only who is ready counts. */
export function slicesOfEndpoints({ metadata, subsets = [] }: Endpoints): EndpointSlice[] {
  return subsets.map(({ addresses = [], ports = [] }) => ({
    metadata: { namespace: metadata?.namespace },
    addressType: 'IPv4',
    endpoints: addresses.map(({ ip }) => ({ addresses: [ip] })),
    ports,
  }));
}

/** Ready, as ingress-nginx asks; a state that nobody knows counts as ready, as the API says. */
function takesRequests({ conditions }: ApiEndpoint): boolean {
  return conditions?.ready ?? true;
}

/** The address as nginx reads it, or undefined where it is none: hand-made slices can say anything. */
function addressText(text: string): string | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return text;
  if (!ipaddr.IPv6.isValid(text) || text.includes('%')) return undefined;
  return `[${ipaddr.IPv6.parse(text).toString()}]`;
}
