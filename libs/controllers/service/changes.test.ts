// What is said of a Service that changes.
import type { Service, ServiceSpec } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { changeOf } from './changes.ts';

const service = (spec: ServiceSpec, metadata: Service['metadata'] = {}): Service => ({
  metadata: { namespace: 'a', name: 's', uid: 'u', ...metadata },
  spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec },
});

/** undefined: of no concern. Texts as upstream's cloud-provider has them. */
test.each<[string, ServiceSpec, ServiceSpec, string[] | undefined]>([
  ['nothing', {}, {}, undefined],
  ['what is no load balancer’s', { selector: { a: 'b' } }, { selector: { a: 'c' } }, undefined],
  ['never a load balancer', { type: 'ClusterIP' }, { type: 'NodePort' }, undefined],
  ['it becomes one', { type: 'ClusterIP' }, {}, ['Type: ClusterIP -> LoadBalancer']],
  ['it is one no more', {}, { type: 'NodePort' }, ['Type: LoadBalancer -> NodePort']],
  [
    'source ranges',
    {},
    { loadBalancerSourceRanges: ['10.0.0.0/8', '192.0.2.0/24'] },
    ['LoadBalancerSourceRanges: [] -> [10.0.0.0/8 192.0.2.0/24]'],
  ],
  ['ports', {}, { ports: [{ port: 81 }] }, []],
  ['affinity', {}, { sessionAffinity: 'ClientIP' }, []],
  ['an address is asked for', {}, { loadBalancerIP: '10.251.0.9' }, ['LoadbalancerIP:  -> 10.251.0.9']],
  ['another number of external addresses', {}, { externalIPs: ['192.0.2.1'] }, ['ExternalIP: Count: 0 -> 1']],
  [
    'another external address',
    { externalIPs: ['192.0.2.1'] },
    { externalIPs: ['192.0.2.2'] },
    ['ExternalIP: Added: 192.0.2.2'],
  ],
  [
    'policy',
    { externalTrafficPolicy: 'Cluster' },
    { externalTrafficPolicy: 'Local' },
    ['ExternalTrafficPolicy: Cluster -> Local'],
  ],
  ['health check port', {}, { healthCheckNodePort: 31_000 }, ['HealthCheckNodePort: 0 -> 31000']],
])('%s', (_, before, after, expected) => {
  const events = changeOf(service(before), service(after));
  expect(events?.map(({ type, reason, message }) => `${type === 'Normal' ? '' : type}${reason}: ${message}`)).toEqual(expected);
});

test('annotations may say something to a cloud; a Service made anew is another one', () => {
  expect(changeOf(service({}), service({}, { annotations: { a: 'b' } }))).toEqual([]);
  expect(changeOf(service({}), service({}, { labels: { a: 'b' } }))).toBeUndefined();
  const [event] = changeOf(service({}), service({}, { uid: 'v' })) ?? [];
  expect(event?.message).toBe('u -> v');
});
