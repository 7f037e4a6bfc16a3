import type { Node } from '@drydock/api/generated/types.ts';
import { nodes as nodeResource } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { Model } from '../testing/model.ts';
import { firstFreeBlock, formatCidr, parseCidr } from './cidr.ts';
import { type ClusterNetwork, planNodeCidrs } from './plan.ts';

const network: ClusterNetwork = { clusterCidrs: ['10.244.0.0/16'], maskSizeIpv4: 24, maskSizeIpv6: 64, reserved: [] };
const node = (name: string, podCIDR?: string): Node => ({
  metadata: { name, uid: `uid-${name}`, resourceVersion: '1' },
  spec: podCIDR === undefined ? {} : { podCIDR, podCIDRs: [podCIDR] },
});

function blocks(nodes: Node[], net = network, assigned = new Map<string, string[]>()): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, [action]] of planNodeCidrs(nodes, net, assigned).actions) {
    if (action?.verb === 'patch') result[name] = (action.patch.body as Node).spec?.podCIDRs;
    if (action?.verb === 'event') result[name] = action.reason;
  }
  return result;
}

const cases: [string, Node[], ClusterNetwork, Record<string, unknown>][] = [
  ['one each', [node('a'), node('b')], network, { a: ['10.244.0.0/24'], b: ['10.244.1.0/24'] }],
  [
    'taken ones are skipped',
    [node('a', '10.244.0.0/24'), node('b'), node('c', '10.244.1.0/24')],
    network,
    { b: ['10.244.2.0/24'] },
  ],
  [
    'the service range is left alone',
    [node('a')],
    { ...network, clusterCidrs: ['10.0.0.0/8'], reserved: ['10.0.0.0/12'] },
    { a: ['10.16.0.0/24'] },
  ],
  [
    'two families',
    [node('a', undefined), node('b')],
    { ...network, clusterCidrs: ['10.244.0.0/16', 'fd00:10::/48'] },
    { a: ['10.244.0.0/24', 'fd00:10::/64'], b: ['10.244.1.0/24', 'fd00:10:0:1::/64'] },
  ],
  [
    'none left',
    [node('a'), node('b')],
    { ...network, clusterCidrs: ['10.244.0.0/24'] },
    { a: ['10.244.0.0/24'], b: 'CIDRNotAvailable' },
  ],
];

test.each(cases)('%s', (_, nodes, net, expected) => {
  expect(blocks(nodes, net)).toEqual(expected);
});

test('a block that was given out and not yet seen is not given again, and its node keeps it', () => {
  expect(blocks([node('a'), node('b')], network, new Map([['uid-b', ['10.244.0.0/24']]]))).toEqual({
    a: ['10.244.1.0/24'],
    b: ['10.244.0.0/24'],
  });
});

test('fixpoint: nodes with blocks are left alone', () => {
  const model = new Model();
  model.add(nodeResource, node('a'), node('b'));
  const plan = () => planNodeCidrs(model.list(nodeResource), network, new Map()).actions;
  for (const actions of plan().values()) model.apply(actions);
  expect([...plan()]).toEqual([]);
});

test.each(['10.244.0.0/16', '0.0.0.0/0', 'fd00:10::/48', '::/0', '2001:db8:1:2:3:4:5:6/128'])('%s reads back', (text) => {
  const range = parseCidr(text);
  expect(range && formatCidr(range.base, range.prefix, range.bits).replace(/^0::/, '::')).toBe(text);
});

test.each(['10.244.0.0', '10.244.0/16', '10.0.0.256/8', '10.0.0.0/33', 'fd00::1::/64', 'x/8'])('%s is no range', (text) => {
  expect(parseCidr(text)).toBeUndefined();
});

test('a wide range with much in use is searched without trying every block', () => {
  const cluster = parseCidr('fd00::/16');
  const used = parseCidr('fd00::/17');
  if (cluster === undefined || used === undefined) throw new Error('unreadable');
  expect(firstFreeBlock(cluster, 64, [used])).toBe('fd00:8000::/64');
});
