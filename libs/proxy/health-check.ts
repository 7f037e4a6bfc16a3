// What balancers are told at the health check node ports of Services with externalTrafficPolicy Local. Pure.
import type { StatusAnswer } from '@drydock/client/status-server.ts';
import type { ServicePort } from './service-port.ts';

/** One Service about which balancers ask. */
export interface HealthCheck {
  readonly namespace: string;
  readonly name: string;
  /** spec.healthCheckNodePort */
  readonly port: number;
  /** Addresses on this node that are ready to serve it. */
  readonly localEndpoints: number;
}

/** By `namespace/name`: the Services that have such a port. An address that serves several ports counts once. */
export function healthChecksOf(ports: Iterable<ServicePort>): Map<string, HealthCheck> {
  const addresses = new Map<string, Set<string>>();
  const checks = new Map<string, HealthCheck>();
  for (const { namespace, name, healthCheckPort: port, endpoints } of ports) {
    if (port === 0) continue;
    const key = `${namespace}/${name}`;
    const known = addresses.get(key) ?? new Set();
    addresses.set(key, known);
    for (const { ip, local, ready } of endpoints) if (local && ready) known.add(ip);
    checks.set(key, { namespace, name, port, localEndpoints: known.size });
  }
  return checks;
}

/** The answer, as upstream words it (pkg/proxy/healthcheck): 200 where a balancer may send traffic here. */
export function healthCheckAnswer({ namespace, name, localEndpoints }: HealthCheck, proxyHealthy: boolean): StatusAnswer {
  const body = { service: { namespace, name }, localEndpoints, serviceProxyHealthy: proxyHealthy };
  return {
    code: localEndpoints > 0 && proxyHealthy ? 200 : 503,
    body: JSON.stringify(body, undefined, '\t'),
    type: 'application/json',
    headers: { 'x-content-type-options': 'nosniff', 'x-load-balancing-endpoint-weight': String(localEndpoints) },
  };
}
