// One pod as an endpoint.
import type { Endpoint, Node, Pod, Service } from '@drydock/api/generated/types.ts';
import { canonicalJson } from '../common/equality.ts';
import { isBeingDeleted, nameOf, namespaceOf } from '../common/object-meta.ts';
import { isPodReady, isPodTerminal } from '../common/pod.ts';

export type AddressType = 'IPv4' | 'IPv6';

export const zoneLabel = 'topology.kubernetes.io/zone';

/** The pod's address of that family. */
export function podAddress(pod: Pod, type: AddressType): string | undefined {
  const ips = (pod.status?.podIPs ?? []).map((entry) => entry.ip ?? '');
  if (ips.length === 0 && pod.status?.podIP !== undefined) ips.push(pod.status.podIP);
  return ips.find((ip) => ip !== '' && ip.includes(':') === (type === 'IPv6'));
}

/** Whether the pod belongs into slices at all (ShouldPodBeInEndpoints with terminating pods included). */
export function belongsInSlices(pod: Pod): boolean {
  if (isPodTerminal(pod)) return false;
  return (pod.status?.podIP ?? '') !== '' || (pod.status?.podIPs ?? []).length > 0;
}

/** The address families of a Service; one without any is IPv4, or what its cluster IP says. */
export function addressTypesOf(service: Service): AddressType[] {
  const families = service.spec?.ipFamilies ?? [];
  if (families.length > 0) return families.map((family) => (family === 'IPv6' ? 'IPv6' : 'IPv4'));
  return [service.spec?.clusterIP?.includes(':') === true ? 'IPv6' : 'IPv4'];
}

/** Builds the endpoint of `pod` at `address`. */
export function endpointOf(pod: Pod, node: Node | undefined, service: Service, address: string): Endpoint {
  const serving = isPodReady(pod);
  const terminating = isBeingDeleted(pod);
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  const zone = node?.metadata?.labels?.[zoneLabel];
  const nodeName = pod.spec?.nodeName;
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    targetRef: { kind: 'Pod', namespace: namespaceOf(pod), name: nameOf(pod), uid: pod.metadata?.uid },
    ...(nodeName === undefined || nodeName === '' ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    ...(hostnameApplies(pod, service) ? { hostname: pod.spec?.hostname } : {}),
  };
}

/** A pod's hostname is published where its subdomain names this Service. */
export function hostnameApplies(pod: Pod, service: Service): boolean {
  return (
    (pod.spec?.hostname ?? '') !== '' && pod.spec?.subdomain === nameOf(service) && namespaceOf(service) === namespaceOf(pod)
  );
}

/** What makes two endpoints the same one, whatever their conditions are. */
export function endpointKey(endpoint: Endpoint): string {
  const { addresses, hostname, targetRef } = endpoint;
  return canonicalJson([[...addresses].sort(), hostname, targetRef?.namespace, targetRef?.name, targetRef?.uid]);
}
