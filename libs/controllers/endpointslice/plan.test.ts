import type { EndpointSlice, Node, Pod, Service } from '@drydock/api/generated/types.ts';
import { endpointSlices, pods as podResource } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { Model } from '../testing/model.ts';
import { epochMs, pod, service } from '../testing/objects.ts';
import { planEndpointSlices, sliceLabels } from './plan.ts';
import { triggerTime } from './trigger-time.ts';

const nodes = new Map<string, Node>(
  ['n1', 'n2'].map((name) => [name, { metadata: { name, labels: { 'topology.kubernetes.io/zone': `zone-${name}` } } }]),
);

function plan(svc: Service, pods: readonly Pod[], slices: readonly EndpointSlice[], maxPerSlice = 100) {
  return planEndpointSlices({ service: svc, pods, nodes, slices, triggerTime: undefined, maxPerSlice }).actions;
}

/** `verb name: address(conditions)...` per action. */
function text(actions: ReturnType<typeof plan>): string[] {
  return actions.map((action) => {
    if (action.verb === 'delete') return `delete ${action.key.name}`;
    if (action.verb !== 'create' && action.verb !== 'update') return action.verb;
    const slice = action.object as EndpointSlice;
    const endpoints = (slice.endpoints ?? []).map(({ addresses, conditions }) => {
      const flags = [conditions?.ready && 'r', conditions?.serving && 's', conditions?.terminating && 't'];
      return `${addresses[0]}(${flags.filter(Boolean).join('')})`;
    });
    const ports = (slice.ports ?? []).map((port) => `${port.name}=${port.port}/${port.protocol}`);
    return `${action.verb} ${slice.metadata?.name ?? ''} [${ports.join()}] ${endpoints.join(' ')}`.trim();
  });
}

const named: Pod = {
  ...pod('named', { ip: '10.1.0.9' }),
  spec: { nodeName: 'n1', containers: [{ name: 'c', ports: [{ name: 'web', containerPort: 9090 }] }] },
};

const cases: [string, Service, Pod[], string[]][] = [
  ['no pods: a placeholder', service(), [], ['create  []']],
  [
    'readiness and termination',
    service(),
    [
      pod('a', { ip: '10.1.0.1' }),
      pod('b', { ip: '10.1.0.2', ready: false }),
      pod('c', { ip: '10.1.0.3', deleting: true }),
      pod('d', { ip: '10.1.0.4', phase: 'Succeeded' }),
      pod('e'),
    ],
    ['create  [http=8080/TCP] 10.1.0.1(rs) 10.1.0.2() 10.1.0.3(st)'],
  ],
  [
    'publishNotReadyAddresses',
    service({ publishNotReadyAddresses: true }),
    [pod('b', { ip: '10.1.0.2', ready: false })],
    ['create  [http=8080/TCP] 10.1.0.2(r)'],
  ],
  [
    'named ports differ per pod',
    service({ ports: [{ name: 'http', port: 80, targetPort: 'web' }] }),
    [named, pod('plain', { ip: '10.1.0.1' })],
    ['create  [] 10.1.0.1(rs)', 'create  [http=9090/TCP] 10.1.0.9(rs)'],
  ],
  ['a pod of an unknown node is left out', service(), [pod('a', { ip: '10.1.0.1', node: 'gone' })], ['create  []']],
  ['IPv6', service({ ipFamilies: ['IPv6'] }), [pod('a', { ip: 'fd00::1' })], ['create  [http=8080/TCP] fd00::1(rs)']],
  ['ExternalName', service({ type: 'ExternalName' }), [pod('a', { ip: '10.1.0.1' })], []],
  ['no selector', { ...service(), spec: { ports: [] } }, [pod('a', { ip: '10.1.0.1' })], []],
];

test.each(cases)('%s', (_, svc, pods, expected) => {
  expect(text(plan(svc, pods, []))).toEqual(expected);
});

test('a slice says whose it is, where its endpoints run and which pods they are', () => {
  const [create] = plan(service({ clusterIP: 'None' }), [pod('a', { ip: '10.1.0.1' })], []);
  expect(create).toMatchObject({
    object: {
      metadata: {
        generateName: 'web-',
        labels: {
          tier: 'front',
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
          'service.kubernetes.io/headless': '',
        },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'web', controller: true }],
      },
      addressType: 'IPv4',
      endpoints: [
        { nodeName: 'n1', zone: 'zone-n1', targetRef: { kind: 'Pod', namespace: 'default', name: 'a', uid: 'uid-a' } },
      ],
    },
  });
});

function world(svc: Service, pods: Pod[]) {
  const model = new Model();
  model.add(podResource, ...pods);
  const round = (max: number) => plan(svc, model.list(podResource), model.list(endpointSlices), max);
  return { model, round };
}

const many = (count: number) => Array.from({ length: count }, (_, i) => pod(`p${i}`, { ip: `10.1.${i >> 8}.${i & 255}` }));

test.each([
  [0, 100, 1],
  [1, 100, 1],
  [7, 3, 3],
  [250, 100, 3],
])('fixpoint: %i endpoints, %i per slice', (count, max, slices) => {
  const { model, round } = world(service(), many(count));
  model.apply(round(max));
  expect(round(max)).toEqual([]);
  expect(model.list(endpointSlices)).toHaveLength(slices);
});

test('a new endpoint goes where the least is written, a removed one leaves the others alone', () => {
  const { model, round } = world(service(), many(5));
  model.apply(round(3));
  model.add(podResource, pod('new', { ip: '10.9.0.1' }));
  expect(text(round(3))).toEqual([
    expect.stringMatching(/^update web-\d+ .*10\.1\.0\.3\(rs\) 10\.1\.0\.4\(rs\) 10\.9\.0\.1\(rs\)$/),
  ]);
  model.apply(round(3));
  model.add(podResource, pod('p0', { ip: '10.1.0.0', phase: 'Failed' }));
  expect(text(round(3))).toEqual([
    expect.stringMatching(/^update web-\d+ \[http=8080\/TCP\] 10\.1\.0\.1\(rs\) 10\.1\.0\.2\(rs\)$/),
  ]);
});

test('the last pod going turns the slice into the placeholder', () => {
  const { model, round } = world(service(), many(1));
  model.apply(round(3));
  model.add(podResource, pod('p0', { ip: '10.1.0.0', phase: 'Failed' }));
  const actions = round(3);
  expect(text(actions)).toEqual([expect.stringMatching(/^update web-\d+ \[\]$/)]);
  model.apply(actions);
  expect(round(3)).toEqual([]);
});

test('labels of the Service are carried over when they change', () => {
  const svc = service();
  const { model, round } = world(svc, many(1));
  model.apply(round(100));
  svc.metadata = { ...svc.metadata, labels: { tier: 'back' } };
  model.apply(round(100));
  expect(model.list(endpointSlices)[0]?.metadata?.labels).toEqual(sliceLabels(svc));
});

test('trigger time: the earliest of what changed', () => {
  const pods = [pod('a', { readyAgeS: 50 }), pod('b', { readyAgeS: 20 })];
  const first = triggerTime(service(), pods, undefined);
  expect(first.time).toBe('2025-12-31T23:59:10Z');
  expect(triggerTime(service(), pods, first.state).time).toBeUndefined();
  const later = [pod('a', { readyAgeS: 50 }), pod('b', { readyAgeS: 5 }), pod('c', { readyAgeS: 10 })];
  expect(triggerTime(service(), later, first.state).time).toBe('2025-12-31T23:59:50Z');
  expect(epochMs).toBeGreaterThan(0);
});
