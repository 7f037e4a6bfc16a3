import type { Ingress, IngressLoadBalancerIngress, Node, Pod } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { canonical, nodeAddresses, planStatus, serviceAddresses, statusEntry } from './status.ts';

const withStatus = (name: string, ingress: IngressLoadBalancerIngress[]): Ingress => ({
  metadata: { namespace: 'default', name, resourceVersion: '7' },
  status: { loadBalancer: { ingress } },
});
const addresses = [{ ip: '10.250.0.102' }, { ip: '10.250.0.101' }];

test('every Ingress of ours says where it is reached; one that does so already is left alone', () => {
  const writes = planStatus([withStatus('new', []), withStatus('done', canonical(addresses))], [], new Set(), addresses);
  expect(writes).toEqual([{ ingress: withStatus('new', []), addresses: [{ ip: '10.250.0.101' }, { ip: '10.250.0.102' }] }]);
  const [write] = writes;
  expect(planStatus([withStatus('new', [...(write?.addresses ?? [])])], [], new Set(), addresses)).toEqual([]);
});

test('what was ours and is no more loses the addresses; what never was is not touched', () => {
  const others = [
    withStatus('left', [{ ip: '10.250.0.101' }]),
    withStatus('foreign', [{ ip: '1.2.3.4' }]),
    withStatus('gone', []),
  ];
  const published = new Set(['default/left', 'default/gone']);
  expect(
    planStatus([], others, published, addresses).map(({ ingress, addresses: to }) => [ingress.metadata?.name, to]),
  ).toEqual([['left', []]]);
});

test('addresses that go away are withdrawn', () => {
  expect(planStatus([withStatus('web', addresses)], [], new Set(), [])).toMatchObject([
    { ingress: { metadata: { name: 'web' } }, addresses: [] },
  ]);
});

test.each([
  [{ type: 'ClusterIP', clusterIP: '10.96.0.9' }, [{ ip: '10.96.0.9' }]],
  [{ type: 'NodePort', clusterIP: '10.96.0.9' }, [{ ip: '10.96.0.9' }]],
  [{ type: 'NodePort', clusterIP: '10.96.0.9', externalIPs: ['192.168.200.21'] }, [{ ip: '192.168.200.21' }]],
  [{ type: 'LoadBalancer', clusterIP: '10.96.0.9', externalIPs: ['1.1.1.1'] }, [{ ip: '5.5.5.5' }, { ip: '1.1.1.1' }]],
  [{ type: 'ExternalName', externalName: 'lb.example.com' }, [{ hostname: 'lb.example.com' }]],
])('the addresses of a Service %j', (spec, expected) => {
  expect(serviceAddresses({ spec, status: { loadBalancer: { ingress: [{ ip: '5.5.5.5' }] } } })).toEqual(expected);
  expect(serviceAddresses(undefined)).toEqual([]);
  expect(statusEntry('lb.example.com')).toEqual({ hostname: 'lb.example.com' });
});

test('without an address of its own a controller is where its pods run', () => {
  const pod = (name: string, nodeName: string, labels: Record<string, string>, phase = 'Running'): Pod => ({
    metadata: { name, labels },
    spec: { nodeName, containers: [] },
    status: { phase },
  });
  const node = (name: string, ...addresses: [string, string][]): Node => ({
    metadata: { name },
    status: { addresses: addresses.map(([type, address]) => ({ type, address })) },
  });
  const pods = [
    pod('own', 'w1', { app: 'nginx', 'pod-template-hash': 'a' }),
    pod('older', 'w2', { app: 'nginx', 'pod-template-hash': 'b' }),
    pod('beside', 'w2', { app: 'nginx' }),
    pod('waiting', 'w3', { app: 'nginx' }, 'Pending'),
    pod('job', 'w3', { app: 'job' }),
  ];
  const nodes = [
    node('w1', ['InternalIP', '10.0.0.1'], ['ExternalIP', '5.5.5.5']),
    node('w2', ['Hostname', 'w2'], ['InternalIP', '10.0.0.2']),
    node('w3', ['InternalIP', '10.0.0.3']),
  ];
  expect(nodeAddresses('own', pods, nodes, false)).toEqual([{ ip: '5.5.5.5' }, { ip: '10.0.0.2' }]);
  expect(nodeAddresses('own', pods, nodes, true)).toEqual([{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }]);
  expect(nodeAddresses('nobody', pods, nodes, false)).toEqual([]);
});
