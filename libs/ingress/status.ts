// Where Ingresses are reached: which addresses, and whose status must be written. Pure.
import type { Ingress, IngressLoadBalancerIngress, Service } from '@drydock/api/generated/types.ts';
import ipaddr from 'ipaddr.js';

/** An address or a name, as a status has it. */
export function statusEntry(text: string): IngressLoadBalancerIngress {
  return ipaddr.isValid(text) ? { ip: text } : { hostname: text };
}

/** The addresses of the Service before the controller (--publish-service), by its type as in ingress-nginx. */
export function serviceAddresses(service: Service | undefined): IngressLoadBalancerIngress[] {
  const { spec, status } = service ?? {};
  const external = (spec?.externalIPs ?? []).map((ip) => ({ ip }));
  const own = spec?.clusterIP === undefined || spec.clusterIP === 'None' ? [] : [{ ip: spec.clusterIP }];
  switch (spec?.type) {
    case undefined:
      return [];
    case 'ExternalName':
      return spec.externalName === undefined ? [] : [statusEntry(spec.externalName)];
    case 'LoadBalancer': {
      const given = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) =>
        ip ? { ip } : { hostname: hostname ?? '' },
      );
      return [...given, ...external];
    }
    case 'NodePort':
      return external.length > 0 ? external : own;
    default:
      return own;
  }
}

/** Sorted, each once: the same addresses always give the same status. */
export function canonical(addresses: readonly IngressLoadBalancerIngress[]): IngressLoadBalancerIngress[] {
  const key = ({ hostname = '', ip = '' }: IngressLoadBalancerIngress) => `${hostname} ${ip}`;
  const unique = new Map(addresses.map((address) => [key(address), address]));
  return [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, address]) => address);
}

/** One status to be written; `resourceVersion` is what it was decided from. */
export interface StatusWrite {
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string | undefined;
  readonly addresses: readonly IngressLoadBalancerIngress[];
}

/**
 * What must be written so that every Ingress of ours says these addresses, and none says them that was ours (`published`, keys) and is
 * no more.
 */
export function planStatus(
  ours: readonly Ingress[],
  others: readonly Ingress[],
  published: ReadonlySet<string>,
  addresses: readonly IngressLoadBalancerIngress[],
): StatusWrite[] {
  const wanted = canonical(addresses);
  const write = ({ metadata }: Ingress, to: readonly IngressLoadBalancerIngress[]): StatusWrite => ({
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    resourceVersion: metadata?.resourceVersion,
    addresses: to,
  });
  const current = ({ status }: Ingress) => canonical(status?.loadBalancer?.ingress ?? []);
  const same = (a: readonly IngressLoadBalancerIngress[], b: readonly IngressLoadBalancerIngress[]) =>
    a.length === b.length && a.every(({ ip, hostname }, index) => ip === b[index]?.ip && hostname === b[index]?.hostname);
  return [
    ...ours.filter((ingress) => !same(current(ingress), wanted)).map((ingress) => write(ingress, wanted)),
    ...others
      .filter((ingress) => published.has(ingressKey(ingress)) && current(ingress).length > 0)
      .map((ingress) => write(ingress, [])),
  ];
}

export function ingressKey({ metadata }: Ingress): string {
  return `${metadata?.namespace}/${metadata?.name}`;
}
