// The slices are those that the original made of the same Endpoints.
import type { EndpointSlice, EndpointSubset, Endpoints, Service } from '@drydock/api/generated/types.ts';
import { endpointSlices, endpoints as endpointsResource, services } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { Model } from '../testing/model.ts';
import { World } from '../testing/world.ts';
import { startMirroringController } from './controller.ts';
import { planMirror } from './plan.ts';

const service: Service = { metadata: { name: 's', namespace: 'n' }, spec: { ports: [{ port: 80 }] } };
const custom = (subsets: EndpointSubset[], metadata: Endpoints['metadata'] = {}): Endpoints => ({
  metadata: { name: 's', namespace: 'n', uid: 'e', ...metadata },
  subsets,
});
const ips = (...list: string[]) => list.map((ip) => ({ ip }));

function world(given: Endpoints | undefined, maxPerSubset = 1000) {
  const model = new Model();
  const round = (endpoints = given, of: Service | undefined = service) =>
    planMirror({ endpoints, service: of, slices: model.list(endpointSlices), maxPerSubset }).actions;
  return { model, round };
}

/** `type [ports] addresses`, those that are not ready with a minus. */
const shown = (slices: readonly EndpointSlice[]): string[] =>
  slices
    .map(({ addressType, ports, endpoints }) => {
      const offered = (ports ?? []).map(({ name, port, protocol }) => `${name}=${port}/${protocol}`);
      const addresses = (endpoints ?? []).map((each) => `${each.conditions?.ready ? '' : '-'}${each.addresses[0]}`);
      return `${addressType} [${offered}] ${addresses.join(' ')}`;
    })
    .sort();

const cases: [string, EndpointSubset[], string[]][] = [
  ['no subsets', [], []],
  ['one address', [{ addresses: ips('10.1.2.3'), ports: [{ port: 80 }] }], ['IPv4 [=80/TCP] 10.1.2.3']],
  ['no ports', [{ addresses: ips('10.1.2.3') }], ['IPv4 [] 10.1.2.3']],
  [
    'both families, not all ready, several ports',
    [
      {
        addresses: ips('10.1.2.3', '2001:db8::1', '10.1.2.4'),
        notReadyAddresses: ips('10.1.2.5'),
        ports: [
          { name: 'a', port: 80 },
          { name: 'b', port: 81, protocol: 'UDP' },
        ],
      },
    ],
    ['IPv4 [a=80/TCP,b=81/UDP] 10.1.2.3 10.1.2.4 -10.1.2.5', 'IPv6 [a=80/TCP,b=81/UDP] 2001:db8::1'],
  ],
  [
    'subsets with the same port are one, with other ports apart',
    [
      { addresses: ips('10.1.2.3'), ports: [{ name: 'c', port: 90 }] },
      { addresses: ips('10.1.2.9'), ports: [{ name: 'c', port: 90 }] },
      { addresses: ips('10.1.2.3', '10.1.2.8'), ports: [{ name: 'd', port: 91 }] },
    ],
    ['IPv4 [c=90/TCP] 10.1.2.3 10.1.2.9', 'IPv4 [d=91/TCP] 10.1.2.3 10.1.2.8'],
  ],
  [
    'ports of the same addresses are together',
    [
      { addresses: ips('10.1.2.3'), ports: [{ name: 'c', port: 90 }] },
      { addresses: ips('10.1.2.3'), ports: [{ name: 'd', port: 91 }] },
    ],
    ['IPv4 [c=90/TCP,d=91/TCP] 10.1.2.3'],
  ],
  ['ready and not ready', [{ addresses: ips('10.1.2.30'), notReadyAddresses: ips('10.1.2.30') }], ['IPv4 [] -10.1.2.30']],
];

test.each(cases)('%s', (_, subsets, expected) => {
  const { model, round } = world(custom(subsets));
  model.apply(round());
  expect(shown(model.list(endpointSlices))).toEqual(expected);
  expect(round()).toEqual([]);
});

test('a slice says whose it is, and what is said of its addresses', () => {
  const targetRef = { kind: 'Pod', name: 'p', namespace: 'n' };
  const said = [{ ip: '10.1.2.3', hostname: 'h', nodeName: 'n1', targetRef }];
  const annotations = {
    note: 'x',
    'endpoints.kubernetes.io/last-change-trigger-time': '2020-01-01T00:00:00Z',
    'kubectl.kubernetes.io/last-applied-configuration': '{}',
  };
  const labels = { app: 'web', 'endpointslice.kubernetes.io/managed-by': 'me' };
  const ports = [{ name: 'a', port: 80, appProtocol: 'x' }];
  const [create] = world(custom([{ addresses: said, ports }], { labels, annotations })).round();
  expect(create).toEqual({
    verb: 'create',
    resource: endpointSlices,
    object: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        generateName: 's-',
        namespace: 'n',
        labels: {
          app: 'web',
          'kubernetes.io/service-name': 's',
          'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
        },
        annotations: { note: 'x' },
        ownerReferences: [
          { apiVersion: 'v1', kind: 'Endpoints', name: 's', uid: 'e', controller: true, blockOwnerDeletion: true },
        ],
      },
      addressType: 'IPv4',
      ports: [{ name: 'a', port: 80, protocol: 'TCP', appProtocol: 'x' }],
      endpoints: [{ addresses: ['10.1.2.3'], conditions: { ready: true }, hostname: 'h', nodeName: 'n1', targetRef }],
    },
  });
});

const one = [{ addresses: ips('10.1.2.3'), ports: [{ port: 80 }] }];
const leader = 'control-plane.alpha.kubernetes.io/leader';

test.each<[string, Endpoints | undefined, Service | undefined]>([
  ['no Endpoints', undefined, service],
  ['no Service', custom(one), undefined],
  ['a Service with a selector', custom(one), { ...service, spec: { selector: { a: 'b' } } }],
  ['Endpoints that say so', custom(one, { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } }), service],
  ['Endpoints of a leader', custom(one, { annotations: { [leader]: '' } }), service],
])('%s: nothing is mirrored, and what was goes', (_, endpoints, of) => {
  const { model } = world(undefined);
  const round = (given: Endpoints | undefined, from: Service | undefined) =>
    planMirror({ endpoints: given, service: from, slices: model.list(endpointSlices), maxPerSubset: 10 }).actions;
  expect(round(endpoints, of)).toEqual([]);
  model.apply(round(custom(one), service));
  expect(round(endpoints, of).map(({ verb }) => verb)).toEqual(['delete']);
  model.apply(round(endpoints, of));
  expect(model.list(endpointSlices)).toEqual([]);
});

test.each<[string, Service]>([
  ['an empty selector', { ...service, spec: { selector: {} } }],
  ['a name for something else', { ...service, spec: { type: 'ExternalName', externalName: 'example.com' } }],
])('a Service with %s is mirrored', (_, of) => {
  expect(
    world(custom(one))
      .round(undefined, of)
      .map(({ verb }) => verb),
  ).toEqual(['create']);
});

test('an address that changes is an update, also where the port changes with it', () => {
  const { model, round } = world(custom(one));
  model.apply(round());
  const other = custom([{ addresses: ips('10.2.3.4'), ports: [{ port: 80 }] }]);
  expect(round(other).map(({ verb }) => verb)).toEqual(['update']);
  const port = custom([{ addresses: ips('10.2.3.4'), ports: [{ port: 81 }] }]);
  model.apply(round(port));
  expect(shown(model.list(endpointSlices))).toEqual(['IPv4 [=81/TCP] 10.2.3.4']);
  expect(round(port)).toEqual([]);
});

test('addresses beyond the bound are left out, those that are not ready first, and an event says so', () => {
  const subset = {
    addresses: ips('10.0.0.1', '10.0.0.2', '10.0.0.3'),
    notReadyAddresses: ips('10.0.0.4'),
    ports: [{ port: 80 }],
  };
  const { model, round } = world(custom([subset]), 2);
  model.apply(round());
  expect(shown(model.list(endpointSlices))).toEqual(['IPv4 [=80/TCP] 10.0.0.1 10.0.0.2']);
  expect(model.events.map(({ reason, message }) => `${reason}: ${message}`)).toEqual([
    'TooManyAddressesToMirror: A max of 2 addresses can be mirrored to EndpointSlices per Endpoints subset. 2 addresses were skipped',
  ]);
  expect(round()).toEqual([]);
});

test('the controller follows Endpoints and Services', async () => {
  const world = new World();
  const manager = world.manager();
  const options = { concurrency: 1, maxPerSubset: 1000, batchMs: 0 };
  void startMirroringController(options, manager.context);
  const key = { namespace: 'n', name: 's' };
  const until = async (expected: string[]): Promise<void> => {
    await expect
      .poll(async () => {
        await world.clock.advanceAsync(1_000);
        return shown(world.list(endpointSlices));
      })
      .toEqual(expected);
  };
  await world.user.create(endpointsResource, custom(one, { uid: '' }));
  await until([]);
  await world.user.create(services, service);
  await until(['IPv4 [=80/TCP] 10.1.2.3']);
  const current = await world.user.get(endpointsResource, key);
  await world.user.update(endpointsResource, { ...current, subsets: [{ addresses: ips('10.2.3.4'), ports: [{ port: 80 }] }] });
  await until(['IPv4 [=80/TCP] 10.2.3.4']);
  await world.user.delete(endpointsResource, key);
  await until([]);
  manager.crash();
});
