import { expect, test } from 'vitest';
import { ClusterCache } from './cache.ts';
import type { ClusterEvent } from './cluster-event.ts';
import { podInfoOf } from './node-info.ts';
import { node, pod } from './testing.ts';

const kinds = (events: readonly ClusterEvent[]) => events.map(({ kind }) => kind);

const requested = (cache: ClusterCache, name: string) =>
  cache
    .cluster()
    .nodes.find((info) => info.name === name)
    ?.requested.get('cpu') ?? 0;

test('an assumed pod counts until it is forgotten', () => {
  const cache = new ClusterCache();
  cache.setNode(node('n1'));
  cache.assume(podInfoOf(pod('p', { cpu: '1' })), 'n1');
  expect(requested(cache, 'n1')).toBe(1000);
  expect(kinds(cache.forget('uid-p'))).toEqual(['podGone']);
  expect(requested(cache, 'n1')).toBe(0);
});

test('confirmation replaces the assumption, wherever the pod really went', () => {
  const cache = new ClusterCache();
  cache.setNode(node('n1'));
  cache.setNode(node('n2'));
  cache.assume(podInfoOf(pod('p', { cpu: '1' })), 'n1');
  cache.setPod(pod('p', { cpu: '1', spec: { nodeName: 'n2' } }));
  expect([requested(cache, 'n1'), requested(cache, 'n2')]).toEqual([0, 1000]);
  expect(cache.forget('uid-p')).toEqual([]);
  expect(requested(cache, 'n2')).toBe(1000);
});

test('a pod may be seen before its node', () => {
  const cache = new ClusterCache();
  cache.setPod(pod('p', { cpu: '1', spec: { nodeName: 'n1' } }));
  expect(kinds(cache.setNode(node('n1')))).toEqual(['nodeAdded']);
  expect(requested(cache, 'n1')).toBe(1000);
});

test('a pod that has ended frees its node', () => {
  const cache = new ClusterCache();
  cache.setNode(node('n1'));
  cache.setPod(pod('p', { cpu: '1', spec: { nodeName: 'n1' } }));
  expect(kinds(cache.setPod(pod('p', { cpu: '1', spec: { nodeName: 'n1' }, status: { phase: 'Succeeded' } })))).toEqual([
    'podGone',
  ]);
  expect(requested(cache, 'n1')).toBe(0);
});

test.each([
  ['allocatable', node('n1', { cpu: '8' }), ['nodeAllocatable']],
  ['labels', node('n1', { labels: { a: 'b' } }), ['nodeLabels']],
  ['cordon', node('n1', { spec: { unschedulable: true } }), ['nodeTaints']],
  ['nothing', node('n1'), []],
] as const)('a change of %s is told', (_, changed, events) => {
  const cache = new ClusterCache();
  cache.setNode(node('n1'));
  expect(kinds(cache.setNode(changed))).toEqual(events);
});
