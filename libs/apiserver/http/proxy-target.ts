// Where a request to a proxy subresource goes (ResourceLocation of pkg/registry/core/{node,pod,service}).

import { isIPv6 } from 'node:net';
import { serviceOfSlice } from '@drydock/api/endpoint-slices.ts';
import type { EndpointSlice, Node, Pod, Service } from '@drydock/api/generated/types.ts';
import { endpointSlices, type KubeObject, nodes, pods, type Resource, services } from '@drydock/api/resource.ts';
import { apiError, notServed } from '@drydock/api/status.ts';
import type { Caches } from '../registry/caches.ts';
import type { Target } from '../request.ts';
import type { ForwardTarget } from './forward.ts';
import type { KubeletAddress } from './kubelet.ts';
import { checkProxyableIp, proxyableAddress } from './proxyable.ts';

export interface ProxyParts {
  /** Fails with NotFound. */
  read<T extends KubeObject>(resource: Resource<T>, namespace: string, name: string): Promise<T>;
  readonly caches: Caches;
  readonly addressOf: (node: Node) => KubeletAddress;
  /** The apiserver's own credentials towards kubelets, for their port and nothing else. */
  readonly kubeletTls: object;
  /** One of several endpoints. */
  readonly pick: (count: number) => number;
}

/** Without its path. */
export type Place = Omit<ForwardTarget, 'path'>;

export function proxyTarget({ resource, namespace, name }: Target, parts: ProxyParts): Promise<Place> {
  switch (resource) {
    case 'nodes':
      return nodePlace(splitName('node', name), parts);
    case 'pods':
      return podPlace(splitName('pod', name), namespace, parts);
    case 'services':
      return servicePlace(splitName('service', name), namespace, parts);
    default:
      throw notServed();
  }
}

interface Named {
  readonly scheme: 'http' | 'https';
  readonly id: string;
  readonly port: string;
}

/** `name`, `name:port`, `scheme:name:port` (net.SplitSchemeNamePort). */
function splitName(kind: string, text: string): Named {
  const parts = text.split(':');
  const [scheme = '', id = '', port = ''] = parts.length === 3 ? parts : ['', ...parts];
  if (parts.length > 3 || id === '' || !['', 'http', 'https'].includes(scheme))
    throw apiError('BadRequest', `invalid ${kind} request ${JSON.stringify(text)}`);
  return { scheme: scheme === 'https' ? 'https' : 'http', id, port };
}

async function nodePlace({ scheme, id, port }: Named, { read, addressOf, kubeletTls }: ProxyParts): Promise<Place> {
  const kubelet = addressOf(await read<Node>(nodes, '', id));
  const host = await proxyableAddress(kubelet.host);
  if (port !== '' && port !== String(kubelet.port)) return { scheme, host, port: portNumber(port) };
  // The certificate of the kubelet names the node as its address list does.
  const servername = host === kubelet.host ? {} : { servername: kubelet.host };
  return { scheme: 'https', host, port: kubelet.port, tls: { ...kubeletTls, ...servername } };
}

async function podPlace({ scheme, id, port }: Named, namespace: string, { read }: ProxyParts): Promise<Place> {
  const pod = await read<Pod>(pods, namespace, id);
  const host = pod.status?.podIP ?? '';
  checkProxyableIp(host);
  const first = pod.spec?.containers.flatMap((container) => container.ports ?? [])[0]?.containerPort;
  return { scheme, host, port: port === '' ? (first ?? (scheme === 'https' ? 443 : 80)) : portNumber(port) };
}

function portNumber(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port > 0 && port < 65_536) return port;
  throw apiError('ServiceUnavailable', `error trying to reach service: dial tcp: lookup tcp/${text}: unknown port`);
}

/** A ready endpoint of a service: a pod of its namespace, at an address that the pod has. */
async function servicePlace({ scheme, id, port }: Named, namespace: string, parts: ProxyParts): Promise<Place> {
  const service = await parts.read<Service>(services, namespace, id);
  const wanted = servicePort(service, port);
  await parts.caches.of(endpointSlices).start();
  const candidates: { host: string; port: number }[] = [];
  for (const slice of parts.caches.list<EndpointSlice>(endpointSlices, namespace)) {
    if (serviceOfSlice(slice) !== id) continue;
    const target = (slice.ports ?? []).find((each) => (each.name ?? '') === wanted);
    if (target?.port === undefined) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const [host] = endpoint.addresses;
      const pod = endpoint.targetRef?.kind === 'Pod' ? endpoint.targetRef : undefined;
      if (endpoint.conditions?.ready === false || host === undefined || pod === undefined) continue;
      if (!ownsAddress(parts.caches.peek<Pod>(pods, namespace, pod.name ?? ''), host)) continue;
      candidates.push({ host, port: target.port });
    }
  }
  const chosen = candidates[parts.pick(Math.max(1, candidates.length))];
  if (chosen === undefined)
    throw apiError(
      'ServiceUnavailable',
      `no endpoints available for service ${JSON.stringify(port === '' ? id : `${id}:${port}`)}`,
    );
  checkProxyableIp(chosen.host);
  return { scheme, ...chosen };
}

/** The name of the port that is meant. */
function servicePort(service: Service, port: string): string {
  const ports = service.spec?.ports ?? [];
  const name = service.metadata?.name;
  if (port === '') return (ports.length === 1 ? ports[0]?.name : undefined) ?? '';
  const found = ports.find((each) => each.name === port || String(each.port) === port);
  if (found === undefined && /^\d+$/.test(port))
    throw apiError('ServiceUnavailable', `no service port ${port} found for service ${JSON.stringify(name)}`);
  return found === undefined ? port : (found.name ?? '');
}

function ownsAddress(pod: Pod | undefined, address: string): boolean {
  const { podIP, podIPs = [] } = pod?.status ?? {};
  const same = (ip: string | undefined) => ip !== undefined && (isIPv6(ip) ? ip.toLowerCase() : ip) === address.toLowerCase();
  return same(podIP) || podIPs.some(({ ip }) => same(ip));
}
