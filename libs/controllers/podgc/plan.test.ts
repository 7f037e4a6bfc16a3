import type { Pod } from '@drydock/api/generated/types.ts';
import { pods as podResource } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { Model } from '../testing/model.ts';
import { epochMs, pod } from '../testing/objects.ts';
import { planPodGc } from './plan.ts';

const absentNodes = new Set(['gone']);
const outOfServiceNodes = new Set(['broken']);
const plan = (pods: Pod[], terminatedPodsMax = 0) =>
  planPodGc({ pods, absentNodes, outOfServiceNodes, terminatedPodsMax }, epochMs);

const cases: [string, Pod[], number, string[]][] = [
  ['a pod on a living node stays', [pod('a')], 0, []],
  ['a pod on a node that is gone fails first', [pod('a', { node: 'gone' })], 0, ['patch a', 'delete a']],
  ['a finished one on a node that is gone', [pod('a', { node: 'gone', phase: 'Succeeded' })], 0, ['delete a']],
  ['deleted before it was scheduled', [pod('a', { node: '', deleting: true })], 0, ['delete a']],
  ['waiting to be scheduled', [pod('a', { node: '' })], 0, []],
  [
    'terminating on a node out of service',
    [pod('a', { node: 'broken', deleting: true }), pod('b', { node: 'broken' })],
    0,
    ['patch a', 'delete a'],
  ],
  [
    'finished pods above the threshold, oldest first',
    [pod('new', { phase: 'Failed', ageS: 1 }), pod('old', { phase: 'Succeeded', ageS: 9 }), pod('run')],
    1,
    ['delete old'],
  ],
];

test.each(cases)('%s', (_, pods, max, expected) => {
  const text = plan(pods, max)
    .flat()
    .map((action) => ('key' in action ? `${action.verb} ${action.key.name}` : action.verb));
  expect(text).toEqual(expected);
});

test('fixpoint: what is collected is gone', () => {
  const model = new Model();
  model.add(podResource, pod('a', { node: 'gone' }), pod('b'), pod('c', { node: '', deleting: true }));
  for (const actions of plan(model.list(podResource))) model.apply(actions);
  expect(plan(model.list(podResource))).toEqual([]);
});
