// Services get their cluster address and node ports before they are stored and give them back when they no longer use them
// (pkg/registry/core/service/storage).
import { isIP } from 'node:net';
import type { Service, ServicePort, ServiceSpec } from '@drydock/api/generated/types.ts';
import { apiError } from '@drydock/api/status.ts';
import type { ResourceHooks, Undo, WriteContext } from '../registry/hooks.ts';
import type { IpAllocator, ServiceName } from './ip-allocator.ts';
import type { PortAllocator } from './port-allocator.ts';

export function serviceHooks(ips: IpAllocator, ports: PortAllocator): ResourceHooks {
  return {
    beforeCreate: (object, context) => allocate(object as Service, undefined, context, ips, ports),
    beforeUpdate: async (object, old, context) => {
      if (context.subresource !== '') return undefined;
      keepAllocated(object as Service, old as Service);
      return allocate(object as Service, old as Service, context, ips, ports);
    },
    afterUpdate: (object, old) => release(old as Service, object as Service, ips, ports),
    afterDelete: (object) => release(object as Service, undefined, ips, ports),
  };
}

function nameOf(service: Service): ServiceName {
  return { namespace: service.metadata?.namespace ?? '', name: service.metadata?.name ?? '' };
}

function hasAddress(spec: ServiceSpec | undefined): boolean {
  return (
    spec !== undefined &&
    spec.type !== 'ExternalName' &&
    spec.clusterIP !== undefined &&
    spec.clusterIP !== '' &&
    spec.clusterIP !== 'None'
  );
}

function needsNodePorts(spec: ServiceSpec): boolean {
  return spec.type === 'NodePort' || (spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false);
}

/** What an update leaves out stays as it was, and what its new type has no use for goes. */
function keepAllocated(service: Service, old: Service): void {
  const { spec } = service;
  const was = old.spec;
  if (spec === undefined || was === undefined) return;
  if (spec.type !== 'ExternalName' && was.type !== 'ExternalName') {
    spec.clusterIP ||= was.clusterIP;
    if (spec.clusterIPs === undefined || spec.clusterIPs.length === 0) spec.clusterIPs = was.clusterIPs;
    spec.ipFamilies ??= was.ipFamilies;
    spec.ipFamilyPolicy ??= was.ipFamilyPolicy;
  }
  if (spec.type === 'ExternalName' && was.type !== 'ExternalName') {
    if (spec.clusterIP === was.clusterIP) delete spec.clusterIP;
    delete spec.clusterIPs;
    delete spec.ipFamilies;
    delete spec.ipFamilyPolicy;
  }
  dropUnused(spec, was);
  const nodePorts = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  for (const port of spec.ports ?? []) {
    const before = (was.ports ?? []).find((other) => samePort(other, port));
    if (nodePorts) {
      if (!port.nodePort && before?.nodePort && needsNodePorts(spec)) port.nodePort = before.nodePort;
    } else if (port.nodePort !== undefined && (was.ports ?? []).some((other) => other.nodePort === port.nodePort)) {
      delete port.nodePort;
    }
  }
}

/** A field that only the old type has a use for goes with the type, unless the update sets it to something else. */
function dropUnused(spec: ServiceSpec, was: ServiceSpec): void {
  const drop = (field: keyof ServiceSpec, usedBy: (spec: ServiceSpec) => boolean): void => {
    if (usedBy(was) && !usedBy(spec) && spec[field] === was[field]) delete spec[field];
  };
  const balanced = (each: ServiceSpec) => each.type === 'LoadBalancer';
  const external = (each: ServiceSpec) =>
    balanced(each) || each.type === 'NodePort' || (each.type === 'ClusterIP' && (each.externalIPs ?? []).length > 0);
  drop('externalTrafficPolicy', external);
  drop('healthCheckNodePort', (each) => balanced(each) && each.externalTrafficPolicy === 'Local');
  drop('allocateLoadBalancerNodePorts', balanced);
  drop('loadBalancerClass', balanced);
}

function samePort(a: ServicePort, b: ServicePort): boolean {
  return a.port === b.port && (a.protocol ?? 'TCP') === (b.protocol ?? 'TCP');
}

async function allocate(
  service: Service,
  old: Service | undefined,
  context: WriteContext,
  ips: IpAllocator,
  ports: PortAllocator,
): Promise<Undo | undefined> {
  const { spec } = service;
  if (spec === undefined) return undefined;
  const takenPorts: number[] = [];
  let takenIp: string | undefined;
  const undo = async () => {
    if (takenIp !== undefined) await ips.release(takenIp, nameOf(service));
    await ports.release(takenPorts);
  };
  try {
    takenIp = await allocateAddress(service, spec, old, context, ips);
    if (needsNodePorts(spec)) await allocatePorts(service, spec, old, context, ports, takenPorts);
    await allocateHealthPort(spec, old, context, ports, takenPorts);
    return undo;
  } catch (error) {
    await undo();
    throw error;
  }
}

/** Sets the fields that follow from the address; returns the address where it was taken just now. */
async function allocateAddress(
  service: Service,
  spec: ServiceSpec,
  old: Service | undefined,
  context: WriteContext,
  ips: IpAllocator,
): Promise<string | undefined> {
  if (spec.type === 'ExternalName') return undefined;
  const headlessWithoutSelector = spec.clusterIP === 'None' && Object.keys(spec.selector ?? {}).length === 0;
  if (headlessWithoutSelector && spec.ipFamilyPolicy === undefined && spec.ipFamilies === undefined) {
    // Nobody knows what such a service will point at, so upstream gives it both families even on a single-stack cluster.
    spec.ipFamilyPolicy = 'RequireDualStack';
    spec.ipFamilies = ips.range.family === 'IPv4' ? ['IPv4', 'IPv6'] : ['IPv6', 'IPv4'];
  }
  spec.ipFamilyPolicy ??= 'SingleStack';
  spec.ipFamilies ??= [ips.range.family];
  const asked = spec.clusterIP || spec.clusterIPs?.[0] || '';
  if (spec.ipFamilyPolicy === 'RequireDualStack' && spec.clusterIP !== 'None') {
    throw invalid(
      service,
      'spec.ipFamilyPolicy',
      'Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    );
  }
  if (spec.ipFamilyPolicy === 'PreferDualStack') spec.ipFamilies = spec.ipFamilies.slice(0, 1);
  if (asked === 'None') {
    spec.clusterIP = 'None';
    spec.clusterIPs = ['None'];
    return undefined;
  }
  if (spec.ipFamilies[0] !== ips.range.family) {
    throw invalid(
      service,
      'spec.ipFamilies[0]',
      `Invalid value: ${JSON.stringify(spec.ipFamilies[0])}: not configured on this cluster`,
    );
  }
  if (asked !== '' && (hasAddress(old?.spec) || isIP(asked) === 0)) {
    // An address is kept for life: validation refuses another, and what is no address. Nothing is taken.
    setAddress(spec, asked);
    return undefined;
  }
  if (asked !== '') return takeAddress(service, spec, asked, context, ips);
  const address = context.dryRun ? ips.range.at(ips.range.dynamicOffset) : await ips.allocateNext(nameOf(service));
  if (address === undefined) {
    throw apiError('InternalError', `Internal error occurred: failed to allocate a serviceIP: range is full`);
  }
  setAddress(spec, address);
  return context.dryRun ? undefined : address;
}

async function takeAddress(
  service: Service,
  spec: ServiceSpec,
  asked: string,
  context: WriteContext,
  ips: IpAllocator,
): Promise<string | undefined> {
  const refuse = (why: string) =>
    invalid(service, 'spec.clusterIPs', `Invalid value: ${JSON.stringify([asked])}: failed to allocate IP ${asked}: ${why}`);
  if (!ips.range.contains(asked)) {
    throw refuse('the provided network does not match the current range');
  }
  setAddress(spec, asked);
  if (context.dryRun) return undefined;
  if (!(await ips.allocate(asked, nameOf(service)))) throw refuse('provided IP is already allocated');
  return asked;
}

function setAddress(spec: ServiceSpec, address: string): void {
  spec.clusterIP = address;
  spec.clusterIPs = [address];
}

async function allocatePorts(
  service: Service,
  spec: ServiceSpec,
  old: Service | undefined,
  context: WriteContext,
  ports: PortAllocator,
  taken: number[],
): Promise<void> {
  const before = new Set((old?.spec?.ports ?? []).map((port) => port.nodePort));
  for (const [index, port] of (spec.ports ?? []).entries()) {
    const shared = (spec.ports ?? [])
      .slice(0, index)
      .find(
        (other) =>
          other.port === port.port &&
          other.nodePort !== undefined &&
          (port.nodePort ?? other.nodePort) === other.nodePort &&
          other.protocol !== port.protocol,
      );
    if (shared?.nodePort !== undefined) {
      port.nodePort = shared.nodePort;
      continue;
    }
    if (port.nodePort && (before.has(port.nodePort) || taken.includes(port.nodePort))) continue;
    if (context.dryRun) {
      port.nodePort ||= unusedBy(spec, ports.first);
      continue;
    }
    if (port.nodePort) {
      await takePort(service, index, port.nodePort, ports);
    } else {
      const chosen = await ports.allocateNext();
      if (chosen === undefined)
        throw apiError('InternalError', 'Internal error occurred: failed to allocate a nodePort: range is full');
      port.nodePort = chosen;
    }
    taken.push(port.nodePort);
  }
}

/** What a dry run shows for a port that would be chosen: one that no other port of the service has. */
function unusedBy(spec: ServiceSpec, first: number): number {
  const used = new Set((spec.ports ?? []).map((port) => port.nodePort));
  let port = first;
  while (used.has(port)) port++;
  return port;
}

/** A load balancer that keeps traffic local asks this port whether a node has endpoints. */
async function allocateHealthPort(
  spec: ServiceSpec,
  old: Service | undefined,
  context: WriteContext,
  ports: PortAllocator,
  taken: number[],
): Promise<void> {
  if (spec.type !== 'LoadBalancer' || spec.externalTrafficPolicy !== 'Local') {
    if (spec.healthCheckNodePort === old?.spec?.healthCheckNodePort) delete spec.healthCheckNodePort;
    return;
  }
  spec.healthCheckNodePort ||= old?.spec?.healthCheckNodePort;
  if (spec.healthCheckNodePort || context.dryRun) return;
  const chosen = await ports.allocateNext();
  if (chosen === undefined)
    throw apiError('InternalError', 'Internal error occurred: failed to allocate a nodePort: range is full');
  spec.healthCheckNodePort = chosen;
  taken.push(chosen);
}

async function takePort(service: Service, index: number, port: number, ports: PortAllocator): Promise<void> {
  const field = `spec.ports[${index}].nodePort`;
  const free = await ports.allocate(port);
  if (free === undefined) {
    throw invalid(
      service,
      field,
      `Invalid value: ${port}: provided port is not in the valid range. The range of valid ports is ${ports.first}-${ports.last}`,
    );
  }
  if (!free) throw invalid(service, field, `Invalid value: ${port}: provided port is already allocated`);
}

/** Gives back what `old` had and `next` has no more. */
async function release(old: Service, next: Service | undefined, ips: IpAllocator, ports: PortAllocator): Promise<void> {
  const address = old.spec?.clusterIP;
  if (hasAddress(old.spec) && address !== undefined && (!hasAddress(next?.spec) || next?.spec?.clusterIP !== address)) {
    await ips.release(address, nameOf(old));
  }
  const kept = new Set((next?.spec?.ports ?? []).map((port) => port.nodePort));
  const gone = (old.spec?.ports ?? []).flatMap((port) => (port.nodePort && !kept.has(port.nodePort) ? [port.nodePort] : []));
  const health = old.spec?.healthCheckNodePort;
  if (health && next?.spec?.healthCheckNodePort !== health) gone.push(health);
  await ports.release([...new Set(gone)]);
}

function invalid(service: Service, field: string, message: string) {
  const name = service.metadata?.name ?? '';
  return apiError('Invalid', `Service ${JSON.stringify(name)} is invalid: ${field}: ${message}`, {
    name,
    kind: 'Service',
    causes: [{ reason: 'FieldValueInvalid', message, field }],
  });
}
