import type { Service, ServiceSpec } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import type { WriteContext } from '../registry/hooks.ts';
import type { IpAllocator } from './ip-allocator.ts';
import type { PortAllocator } from './port-allocator.ts';
import { serviceHooks } from './service-hooks.ts';

/** Nothing is allocated in these updates: a call would fail. */
const hooks = serviceHooks({} as IpAllocator, {} as PortAllocator);

async function updated(was: ServiceSpec, spec: ServiceSpec): Promise<ServiceSpec> {
  const service: Service = { metadata: { name: 's', namespace: 'n' }, spec };
  await hooks.beforeUpdate?.(
    service,
    { metadata: service.metadata, spec: was } as Service,
    { subresource: '' } as WriteContext,
  );
  return service.spec ?? {};
}

const external: ServiceSpec = { type: 'ExternalName', externalName: 'example.com' };

test('what only the old type used goes with it', async () => {
  const was: ServiceSpec = {
    type: 'NodePort',
    clusterIP: '10.0.0.1',
    clusterIPs: ['10.0.0.1'],
    externalTrafficPolicy: 'Cluster',
  };
  expect(await updated(was, { ...was, ...external })).toEqual(external);
  const balanced: ServiceSpec = { type: 'LoadBalancer', allocateLoadBalancerNodePorts: true, loadBalancerClass: 'x' };
  expect(await updated(balanced, { ...balanced, ...external })).toEqual(external);
});

test('what the update itself sets is left for validation to judge', async () => {
  const was: ServiceSpec = { type: 'NodePort', externalTrafficPolicy: 'Cluster' };
  const spec: ServiceSpec = { ...external, externalTrafficPolicy: 'Local' };
  expect(await updated(was, { ...spec })).toEqual(spec);
});

test('another address is not taken: validation is to refuse it', async () => {
  const was: ServiceSpec = { type: 'ClusterIP', clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'], ipFamilies: ['IPv4'] };
  const hooksOfRange = serviceHooks({ range: { family: 'IPv4' } } as IpAllocator, {} as PortAllocator);
  const service: Service = { metadata: { name: 's' }, spec: { ...was, clusterIP: '1.2.3.4' } };
  await hooksOfRange.beforeUpdate?.(
    service,
    { metadata: service.metadata, spec: was } as Service,
    { subresource: '' } as WriteContext,
  );
  expect(service.spec).toMatchObject({ clusterIP: '1.2.3.4', clusterIPs: ['1.2.3.4'] });
});

test('what is no address is not taken: validation is to refuse it', async () => {
  const hooksOfRange = serviceHooks({ range: { family: 'IPv4' } } as IpAllocator, {} as PortAllocator);
  const service: Service = { metadata: { name: 's' }, spec: { type: 'ClusterIP', clusterIP: '300.1.1.1' } };
  await hooksOfRange.beforeCreate?.(service, { subresource: '' } as WriteContext);
  expect(service.spec).toMatchObject({ clusterIP: '300.1.1.1', clusterIPs: ['300.1.1.1'] });
});
