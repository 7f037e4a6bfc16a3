// Defaults of services, endpoints and the networking group.
import type { EndpointSlice, Endpoints, IngressClass, NetworkPolicy, Service } from '../generated/types.ts';
import { defaulter } from './define.ts';

/** Three hours: how long a client sticks to its backend under session affinity. */
const clientIpAffinitySeconds = 10_800;

export const networkDefaulters = [
  defaulter<Service>('/Service', defaultService),
  defaulter<Endpoints>('/Endpoints', (endpoints) => {
    for (const subset of endpoints.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= 'TCP';
  }),
  defaulter<EndpointSlice>('discovery.k8s.io/EndpointSlice', (slice) => {
    for (const port of slice.ports ?? []) {
      port.name ??= '';
      port.protocol ??= 'TCP';
    }
  }),
  defaulter<IngressClass>('networking.k8s.io/IngressClass', ({ spec }) => {
    if (spec?.parameters !== undefined) spec.parameters.scope ??= 'Cluster';
  }),
  defaulter<NetworkPolicy>('networking.k8s.io/NetworkPolicy', (policy) => {
    const spec = policy.spec;
    if (spec === undefined) return;
    if ((spec.policyTypes ?? []).length === 0)
      spec.policyTypes = (spec.egress ?? []).length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
    for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])]) {
      for (const port of rule.ports ?? []) port.protocol ??= 'TCP';
    }
  }),
];

function defaultService(service: Service): void {
  const spec = service.spec;
  if (spec === undefined) return;
  spec.sessionAffinity ||= 'None';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') {
    spec.sessionAffinityConfig ??= {};
    spec.sessionAffinityConfig.clientIP ??= {};
    spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= clientIpAffinitySeconds;
  }
  spec.type ||= 'ClusterIP';
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP';
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
  }
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  const externalIps = spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0;
  if (external || externalIps) spec.externalTrafficPolicy ||= 'Cluster';
  if (external || spec.type === 'ClusterIP') spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'LoadBalancer') {
    spec.allocateLoadBalancerNodePorts ??= true;
    for (const ingress of service.status?.loadBalancer?.ingress ?? []) if (ingress.ip) ingress.ipMode ??= 'VIP';
  }
}
