// Where Ingresses are reached: which addresses, and whose status must be written. Pure.
import type { Ingress, IngressLoadBalancerIngress, Node, Pod, Service } from '@drydock/api/generated/types.ts';
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

/** Labels by which pods of one template are told apart; ingress-nginx leaves them out too. */
const templateLabels = ['pod-template-hash', 'controller-revision-hash', 'pod-template-generation'];

/**
 * The addresses of the nodes on which the pods of this controller run: those with the labels of the pod `own`. A node's external address
 * wins over its internal one, unless `internal` (--report-node-internal-ip-address).
 */
export function nodeAddresses(
  own: string,
  pods: readonly Pod[],
  nodes: readonly Node[],
  internal: boolean,
): IngressLoadBalancerIngress[] {
  const labels = pods.find(({ metadata }) => metadata?.name === own)?.metadata?.labels;
  if (labels === undefined) return [];
  const wanted = Object.entries(labels).filter(([name]) => !templateLabels.includes(name));
  const replicas = pods.filter(({ metadata }) => wanted.every(([name, value]) => metadata?.labels?.[name] === value));
  const names = replicas.flatMap(({ spec, status }) => (status?.phase === 'Running' ? (spec?.nodeName ?? []) : []));
  return [...new Set(names)].flatMap((name) => {
    const known = nodes.find(({ metadata }) => metadata?.name === name)?.status?.addresses ?? [];
    const of = (type: string) => known.find((address) => address.type === type && address.address !== '')?.address;
    const found = (internal ? undefined : of('ExternalIP')) ?? of('InternalIP');
    return found === undefined ? [] : [statusEntry(found)];
  });
}

/** Sorted, each once: the same addresses always give the same status. */
export function canonical(addresses: readonly IngressLoadBalancerIngress[]): IngressLoadBalancerIngress[] {
  const key = ({ hostname = '', ip = '' }: IngressLoadBalancerIngress) => `${hostname} ${ip}`;
  const unique = new Map(addresses.map((address) => [key(address), address]));
  return [...unique].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, address]) => address);
}

/** One status to be written, onto what it was decided from. */
export interface StatusWrite {
  readonly ingress: Ingress;
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
  const write = (ingress: Ingress, to: readonly IngressLoadBalancerIngress[]): StatusWrite => ({ ingress, addresses: to });
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
