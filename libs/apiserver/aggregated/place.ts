// Where the server of an APIService is (k8s.io/apiserver/pkg/util/proxy: ResolveEndpoint, ResolveCluster). Pure.
import type { ApiregistrationServiceReference, EndpointSlice, Service } from '@drydock/api/generated/types.ts';

export interface BackendPlace {
  readonly host: string;
  readonly port: number;
}

/** A failure in the original's words. */
export interface NoPlace {
  readonly problem: string;
}

export interface PlaceInput {
  readonly reference: ApiregistrationServiceReference;
  readonly service: Service | undefined;
  /** Of that service. */
  readonly slices: readonly EndpointSlice[];
  /** --enable-aggregator-routing: to an endpoint, instead of the Service's address. */
  readonly toEndpoints: boolean;
  readonly pick: (count: number) => number;
}

const routed: readonly string[] = ['ClusterIP', 'LoadBalancer', 'NodePort'];

export function backendPlace({ reference, service, slices, toEndpoints, pick }: PlaceInput): BackendPlace | NoPlace {
  const { name = '', port = 443 } = reference;
  if (service === undefined) return { problem: `service ${JSON.stringify(name)} not found` };
  const { type = 'ClusterIP', clusterIP = '', externalName = '' } = service.spec ?? {};
  if (!toEndpoints && type === 'ExternalName') return { host: externalName, port };
  if (!routed.includes(type)) return { problem: `unsupported service type ${JSON.stringify(type)}` };
  if (!toEndpoints && clusterIP === 'None') return { problem: 'cannot route to service with ClusterIP "None"' };
  const servicePort = service.spec?.ports?.find((each) => each.port === port);
  if (servicePort === undefined) return { problem: `no service port ${port} found for service ${JSON.stringify(name)}` };
  if (!toEndpoints) return { host: clusterIP, port };
  const places = endpointsOf(slices, servicePort.name ?? '');
  return places[pick(Math.max(1, places.length))] ?? { problem: `no endpoints available for service ${JSON.stringify(name)}` };
}

/** The ready endpoints behind the port of that name. */
export function endpointsOf(slices: readonly EndpointSlice[], portName: string): BackendPlace[] {
  return slices.flatMap(({ ports = [], endpoints = [] }) => {
    const port = ports.find((each) => (each.name ?? '') === portName)?.port;
    if (port === undefined) return [];
    const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false);
    return ready.flatMap(({ addresses }) => addresses.map((host) => ({ host, port })));
  });
}
