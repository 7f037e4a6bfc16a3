// Servers behind an apiserver, for tests at the wire: their Services and APIServices.
import { outsideAddress } from './outside.ts';
import type { WireAnswer, WireClient } from './wire.ts';

export const registrations = '/apis/apiregistration.k8s.io/v1/apiservices';

/** A Service of the namespace `default` with one ready endpoint: that port of this machine. */
export async function serviceFor(operator: WireClient, name: string, port: number): Promise<void> {
  const body = { metadata: { name }, spec: { ports: [{ port: 443, targetPort: port }] } };
  await operator.call('POST', '/api/v1/namespaces/default/services', { body });
  const slice = {
    metadata: { name: `${name}-x`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: '', port, protocol: 'TCP' }],
    endpoints: [{ addresses: [outsideAddress()], conditions: { ready: true } }],
  };
  await operator.call('POST', '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', { body: slice });
}

/** The APIService of version v1 of the group; `spec` names its Service and how that is trusted. */
export function register(operator: WireClient, group: string, spec: object, groupPriorityMinimum = 1000): Promise<WireAnswer> {
  const body = {
    metadata: { name: `v1.${group}` },
    spec: { group, version: 'v1', groupPriorityMinimum, versionPriority: 15, ...spec },
  };
  return operator.call('POST', registrations, { body });
}
