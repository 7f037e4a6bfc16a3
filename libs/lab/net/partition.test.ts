import { expect, test } from 'vitest';
import { testTopology } from '../testing.ts';
import { describePartition, parsePartition, partitionRules } from './partition.ts';

const topology = testTopology({ workers: 2, schedulers: 1, controllerManagers: 1, apiservers: 1, etcd: 3 });

test.each<[string, string[], boolean, string[]]>([
  ['one string with a bar', ['worker-2 | etcd-1,etcd-2'], false, ['worker-2 | etcd-1,etcd-2']],
  ['words with a bar between', ['worker-2', '|', 'etcd-1,etcd-2'], false, ['worker-2 | etcd-1,etcd-2']],
  ['two words', ['worker-2', 'host'], false, ['worker-2 | host']],
  ['an alias', ['worker-1', 'etcd'], false, ['worker-1 | etcd-1,etcd-2,etcd-3']],
  [
    'rest is what is not named, without the host',
    ['etcd-1 | rest'],
    false,
    [
      'etcd-1 | etcd-2,etcd-3,apiserver-1,apiserver-lb,scheduler-1,controller-manager-1,dns-1,worker-1,worker-2,ingress-1,ingress-2,cloud-controller-manager-1,metrics-1',
    ],
  ],
  [
    'three groups cut each other',
    ['etcd-1 | etcd-2 | etcd-3'],
    false,
    ['etcd-1 | etcd-2', 'etcd-1 | etcd-3', 'etcd-2 | etcd-3'],
  ],
  ['one way', ['etcd-1', 'etcd-2'], true, ['etcd-1 -> etcd-2']],
])('%s', (_, words, oneWay, expected) => {
  expect(parsePartition(topology, words, oneWay).map(describePartition)).toEqual(expected);
});

test.each<[string[], boolean, RegExp]>([
  [['worker-1'], false, /expected two groups/],
  [['worker-1 |'], false, /expected two groups/],
  [['worker-9 | etcd-1'], false, /unknown member: worker-9 \(one of: etcd-1, .*control-plane/],
  [['worker-1,etcd-1 | etcd'], false, /etcd-1 is on both sides/],
  [['etcd-1 | etcd-2 | etcd-3'], true, /exactly two groups/],
])('%j is refused', (words, oneWay, message) => {
  expect(() => parsePartition(topology, words, oneWay)).toThrow(message);
});

test('rules cut both ways unless one way, and replace what was there', () => {
  const both = partitionRules(topology, parsePartition(topology, ['etcd-1 | host'], false));
  expect(both).toContain('elements = { "p1" . "host", "host" . "p1" }');
  expect(both).toMatch(/^table bridge drydock\ndelete table bridge drydock\n/);
  const oneWay = partitionRules(topology, parsePartition(topology, ['etcd-1 | host'], true));
  expect(oneWay).toContain('elements = { "p1" . "host" }');
  expect(partitionRules(topology, [])).toBe('table bridge drydock\ndelete table bridge drydock\n');
});
