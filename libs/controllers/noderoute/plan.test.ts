// Which routes lead to the pods of nodes, and what nodes say of that.
import type { Node } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { parseCidr, type Range } from '../nodeipam/cidr.ts';
import { epochMs } from '../testing/objects.ts';
import { planCondition, planRoutes } from './plan.ts';

const cluster = [parseCidr('10.244.0.0/16')].filter((range): range is Range => range !== undefined);
const node = (name: string, podCIDRs: string[], addresses: string[], created = 1): Node => ({
  metadata: { name, uid: name, creationTimestamp: `2026-01-0${created}T00:00:00Z` },
  spec: { podCIDRs },
  status: { addresses: addresses.map((address) => ({ type: 'InternalIP', address })) },
});
const a = node('a', ['10.244.1.0/24'], ['10.0.0.1', '10.0.0.11']);
const b = node('b', ['10.244.2.0/24', 'fd00::/64'], ['fd01::2', '10.0.0.2']);

test.each<[string, Node[], Record<string, string>, string[], Record<string, string>]>([
  ['new nodes', [a, b], {}, ['a 10.244.1.0/24 10.0.0.1', 'b 10.244.2.0/24 10.0.0.2'], { a: 'False', b: 'False' }],
  ['what leads to any address of the node stays', [a], { '10.244.1.0/24': '10.0.0.11' }, [], { a: 'False' }],
  ['another address', [a], { '10.244.1.0/24': '10.0.0.9' }, ['a 10.244.1.0/24 10.0.0.1'], { a: 'False' }],
  [
    'a node that is gone',
    [a],
    { '10.244.1.0/24': '10.0.0.1', '10.244.7.0/24': '10.0.0.7' },
    ['close 10.244.7.0/24'],
    { a: 'False' },
  ],
  ['routes elsewhere', [], { '10.96.0.0/16': '10.0.0.1', '192.0.2.1': '10.0.0.1' }, [], {}],
  ['a node without an address', [node('c', ['10.244.3.0/24'], [])], {}, [], { c: 'True' }],
  ['a node without a range', [node('c', [], ['10.0.0.3'])], {}, [], {}],
  [
    'one range twice: the older node has it',
    [node('new', ['10.244.1.0/24'], ['10.0.0.5'], 2), a],
    {},
    ['a 10.244.1.0/24 10.0.0.1'],
    { a: 'False', new: 'True' },
  ],
  [
    'a part of the range of an older node: its traffic goes where it went',
    [node('new', ['10.244.1.128/25'], ['10.0.0.5'], 2), a],
    {},
    ['a 10.244.1.0/24 10.0.0.1'],
    { a: 'False', new: 'True' },
  ],
  [
    'a range around that of an older node',
    [node('new', ['10.244.0.0/16'], ['10.0.0.5'], 2), a],
    {},
    ['a 10.244.1.0/24 10.0.0.1'],
    { a: 'False', new: 'True' },
  ],
  [
    'ranges that are not of the cluster, as those of Services, of a load balancer, of everything',
    [
      node('c', ['10.96.0.0/16'], ['10.0.0.3']),
      node('d', ['10.251.0.5/32'], ['10.0.0.4']),
      node('e', ['0.0.0.0/0'], ['10.0.0.5']),
    ],
    {},
    [],
    { c: 'True', d: 'True', e: 'True' },
  ],
  [
    'a range with the address of a pod, and one of a single pod: as the table has them',
    [node('c', ['10.244.3.7/24'], ['10.0.0.3']), node('d', ['10.244.4.1/32'], ['10.0.0.4'])],
    {},
    ['c 10.244.3.0/24 10.0.0.3', 'd 10.244.4.1 10.0.0.4'],
    { c: 'False', d: 'False' },
  ],
  [
    'what is no range or no address, or is spelled so that others read another one',
    [
      node('c', ['10.244.3.0/24/x', '010.244.3.0/24'], ['10.0.0.3']),
      node('d', ['10.244.4.0/24'], ['10.0.0.4/8', '010.0.0.4', '10.4', 'x.y']),
    ],
    {},
    [],
    { d: 'True' },
  ],
])('%s', (_, nodes, before, expected, conditions) => {
  const routes = new Map(Object.entries(before));
  const actions = planRoutes(nodes, routes, cluster);
  const said = actions.map((each) =>
    each.kind === 'close' ? `close ${each.destination}` : `${each.node.metadata?.name} ${each.destination} ${each.to}`,
  );
  expect(said).toEqual(expected);
  for (const action of actions) {
    if (action.kind === 'close') routes.delete(action.destination);
    else routes.set(action.destination, action.to);
  }
  expect(planRoutes(nodes, routes, cluster)).toEqual([]);
  const told = nodes.flatMap((each) =>
    planCondition(each, routes, epochMs).map((action) => [each.metadata?.name, statusOf(action)]),
  );
  expect(Object.fromEntries(told)).toEqual(conditions);
});

const statusOf = (action: ReturnType<typeof planCondition>[number]) =>
  (action.verb === 'patch' ? (action.patch.body as { status: { conditions: { status: string }[] } }) : undefined)?.status
    .conditions[0]?.status;

test('a condition that says so already is left alone, whoever has written it', () => {
  const conditions = [{ type: 'NetworkUnavailable', status: 'False', reason: 'CalicoIsUp' }];
  const known = { ...a, status: { ...a.status, conditions } };
  expect(planCondition(known, new Map([['10.244.1.0/24', '10.0.0.1']]), epochMs)).toEqual([]);
  expect(planCondition(known, new Map(), epochMs)).toMatchObject([
    {
      patch: {
        body: { status: { conditions: [{ reason: 'NoRouteCreated', message: 'RouteController failed to create a route' }] } },
      },
    },
  ]);
});
