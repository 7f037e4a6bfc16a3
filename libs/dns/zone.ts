// What the cluster's zone holds: Kubernetes DNS specification 1.1, from services and endpoint slices. Pure.
import { serviceOfSlice } from '@drydock/api/endpoint-slices.ts';
import type { EndpointSlice, Service } from '@drydock/api/generated/types.ts';
import { canonicalIP } from './canonical-ip.ts';

/** What the zone is computed from; both are asked per query. */
export interface ClusterView {
  service(namespace: string, name: string): Service | undefined;
  hasNamespace(namespace: string): boolean;
  slices(namespace: string, name: string): Iterable<EndpointSlice>;
  /** Services with that cluster IP; endpoints with that address (in the form of `canonicalIP`). */
  servicesByIP(ip: string): Iterable<Service>;
  slicesByIP(ip: string): Iterable<EndpointSlice>;
}

export interface SrvData {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

export type ZoneRecord =
  | { readonly name: string; readonly type: 'A' | 'AAAA' | 'CNAME' | 'PTR' | 'TXT'; readonly data: string }
  | { readonly name: string; readonly type: 'SRV'; readonly data: SrvData };

/** `exists` is false for NXDOMAIN; a name that exists without records of the type asked for is an empty answer. */
export interface ZoneAnswer {
  readonly exists: boolean;
  readonly answers: readonly ZoneRecord[];
  /** The addresses of SRV targets. */
  readonly additionals: readonly ZoneRecord[];
}

interface Host {
  readonly ip: string;
  /** The label in front of the service's name. */
  readonly label: string;
}

const nothing: ZoneAnswer = { exists: false, answers: [], additionals: [] };
const empty: ZoneAnswer = { exists: true, answers: [], additionals: [] };

/** Answers for a name of the cluster's domain. `name` is lower case and without a dot at the end. */
export function lookup(view: ClusterView, domain: string, name: string, type: string): ZoneAnswer {
  if (name === domain) return empty;
  const labels = name.slice(0, -domain.length - 1).split('.');
  if (name === `dns-version.${domain}`) return type === 'TXT' ? answer([{ name, type: 'TXT', data: '1.1.0' }]) : empty;
  const kind = labels.pop();
  const namespace = labels.pop();
  if (kind === 'pod') return podRecords(view, name, type, namespace, labels);
  if (kind !== 'svc') return nothing;
  if (namespace === undefined) return empty;
  const serviceName = labels.pop();
  if (serviceName === undefined) return view.hasNamespace(namespace) ? empty : nothing;
  const service = view.service(namespace, serviceName);
  if (service === undefined) return nothing;
  return serviceRecords(view, service, name, type, labels, `${serviceName}.${namespace}.svc.${domain}`);
}

/** Answers for `4.3.2.1.in-addr.arpa` and `.ip6.arpa`; undefined where the address is none of the cluster's. */
export function reverseLookup(view: ClusterView, domain: string, name: string, type: string): ZoneAnswer | undefined {
  const ip = addressOf(name);
  if (ip === undefined) return undefined;
  const targets = new Set<string>();
  for (const service of view.servicesByIP(ip)) {
    targets.add(`${service.metadata?.name}.${service.metadata?.namespace}.svc.${domain}`);
  }
  for (const slice of view.slicesByIP(ip)) {
    const service = serviceOfSlice(slice);
    for (const { addresses, hostname } of slice.endpoints ?? []) {
      if (service === undefined || !hostname || !addresses.some((each) => canonicalIP(each) === ip)) continue;
      targets.add(`${hostname}.${service}.${slice.metadata?.namespace}.svc.${domain}`);
    }
  }
  if (targets.size === 0) return undefined;
  return type === 'PTR' ? answer([...targets].map((data) => ({ name, type: 'PTR', data }))) : empty;
}

/** `1-2-3-4.NAMESPACE.pod.DOMAIN` (CoreDNS: `pods insecure`): the address is in the name, nothing is looked up. */
function podRecords(
  view: ClusterView,
  name: string,
  type: string,
  namespace: string | undefined,
  labels: readonly string[],
): ZoneAnswer {
  if (namespace === undefined) return empty;
  if (!view.hasNamespace(namespace)) return nothing;
  const label = labels[0];
  if (label === undefined) return empty;
  const v4 = label.replaceAll('-', '.');
  if (labels.length > 1 || !/^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/.test(v4)) return nothing;
  return type === 'A' ? answer([{ name, type: 'A', data: v4 }]) : empty;
}

function serviceRecords(
  view: ClusterView,
  service: Service,
  name: string,
  type: string,
  labels: readonly string[],
  base: string,
): ZoneAnswer {
  const { spec } = service;
  if (spec?.type === 'ExternalName') {
    const target = (spec.externalName ?? '').replace(/\.$/, '').toLowerCase();
    return labels.length > 0 || target === '' ? nothing : answer([{ name, type: 'CNAME', data: target }]);
  }
  const headless = spec?.clusterIP === 'None';
  const hosts = headless ? headlessHosts(view, service) : [];
  if (labels.length === 0) {
    const ips = headless ? hosts.map(({ ip }) => ip) : clusterIPs(service);
    // A headless service without endpoints has no name in the zone.
    if (headless && ips.length === 0) return nothing;
    if (type === 'SRV') return srvRecords(view, service, name, undefined, undefined, base);
    return answer(addresses(name, type, ips));
  }
  const [first = '', second = ''] = labels;
  if (labels.length === 2 && first.startsWith('_') && second.startsWith('_')) {
    const found = srvRecords(view, service, name, first.slice(1), second.slice(1), base);
    if (found.answers.length === 0) return nothing;
    return type === 'SRV' ? found : empty;
  }
  if (labels.length === 1 && headless) {
    if (first.startsWith('_')) return empty;
    const ips = hosts.filter((host) => host.label === first).map(({ ip }) => ip);
    return ips.length === 0 ? nothing : answer(addresses(name, type, ips));
  }
  return nothing;
}

/** SRV records for all named ports, or for the one with that name and protocol. */
function srvRecords(
  view: ClusterView,
  service: Service,
  name: string,
  portName: string | undefined,
  protocol: string | undefined,
  base: string,
): ZoneAnswer {
  const wanted = (port: { name?: string | undefined; protocol?: string | undefined }) =>
    portName === undefined || (port.name === portName && (port.protocol ?? 'TCP').toLowerCase() === protocol);
  const targets: { target: string; port: number; ip: string }[] = [];
  if (service.spec?.clusterIP === 'None') {
    for (const slice of view.slices(service.metadata?.namespace ?? '', service.metadata?.name ?? '')) {
      for (const port of (slice.ports ?? []).filter(wanted)) {
        for (const { ip, label } of hostsOf([slice], service))
          targets.push({ target: `${label}.${base}`, port: port.port ?? 0, ip });
      }
    }
  } else {
    const [ip = ''] = clusterIPs(service);
    for (const port of (service.spec?.ports ?? []).filter(wanted)) targets.push({ target: base, port: port.port, ip });
  }
  const weight = Math.max(1, Math.floor(100 / Math.max(1, targets.length)));
  const answers = unique(
    targets.map(({ target, port }) => ({ name, type: 'SRV' as const, data: { priority: 0, weight, port, target } })),
  );
  const additionals = unique(targets.flatMap(({ target, ip }) => addresses(target, ip.includes(':') ? 'AAAA' : 'A', [ip])));
  return { exists: true, answers, additionals };
}

function headlessHosts(view: ClusterView, service: Service): Host[] {
  return hostsOf(view.slices(service.metadata?.namespace ?? '', service.metadata?.name ?? ''), service);
}

function hostsOf(slices: Iterable<EndpointSlice>, service: Service): Host[] {
  const hosts = new Map<string, Host>();
  for (const slice of slices) {
    if (slice.addressType === 'FQDN') continue;
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.conditions?.ready === false && service.spec?.publishNotReadyAddresses !== true) continue;
      for (const ip of endpoint.addresses) {
        const label = (endpoint.hostname || ip.replaceAll('.', '-').replaceAll(':', '-')).toLowerCase();
        hosts.set(`${label} ${ip}`, { ip, label });
      }
    }
  }
  return [...hosts.values()];
}

function clusterIPs(service: Service): string[] {
  const { clusterIPs: all, clusterIP } = service.spec ?? {};
  return (all ?? (clusterIP ? [clusterIP] : [])).filter((ip) => ip !== '' && ip !== 'None');
}

function addresses(name: string, type: string, ips: readonly string[]): ZoneRecord[] {
  if (type !== 'A' && type !== 'AAAA') return [];
  const matching = ips.filter((ip) => ip.includes(':') === (type === 'AAAA'));
  return [...new Set(matching)].map((data) => ({ name, type, data }));
}

function answer(answers: readonly ZoneRecord[]): ZoneAnswer {
  return { exists: true, answers, additionals: [] };
}

function unique<R>(records: readonly R[]): R[] {
  return [...new Map(records.map((record) => [JSON.stringify(record), record])).values()];
}

function addressOf(name: string): string | undefined {
  const v4 = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/.exec(name);
  if (v4 !== null) return v4.slice(1).reverse().join('.');
  const v6 = /^((?:[0-9a-f]\.){32})ip6\.arpa$/.exec(name);
  if (v6?.[1] === undefined) return undefined;
  const digits = v6[1].replaceAll('.', '').split('').reverse().join('');
  return (digits.match(/.{4}/g) ?? []).join(':');
}
