// How pods end, in a world of their own: hooks, order, one grace for all.
import type { CoreEvent } from '@drydock/api/generated/types.ts';
import { expect, test } from 'vitest';
import { container, pod, postStart, preStop, sidecar } from '../testing/pods.ts';
import { happened, scene } from '../testing/scene.ts';

test('sidecars end after the main containers, the last one first, within one grace period', async () => {
  const world = await scene();
  const initContainers = [sidecar('s1', { termMs: null }), sidecar('s2', { termMs: 1_000 })];
  await world.create(pod('p', [container('a', { termMs: 4_000 }), container('b', { termMs: 2_000 })], { initContainers }));
  await world.untilReady('p', 10_000);
  await world.delete('p');
  await world.untilGone('p', 15_000);
  expect(happened(world, 'term', 'kill', 'end')).toEqual([
    'term a 0',
    'term b 0',
    'end b 2',
    'end a 4',
    'term s2 4',
    'end s2 5',
    'term s1 5',
    'kill s1 10',
    'end s1 10',
  ]);
});

test('sidecars that must wait too long get what upstream gives everybody: two seconds', async () => {
  const world = await scene();
  const initContainers = [sidecar('s1', { termMs: null }), sidecar('s2', { termMs: null })];
  await world.create(pod('p', [container('a', { termMs: null })], { initContainers }));
  await world.untilReady('p', 10_000);
  await world.delete('p');
  await world.untilGone('p', 15_000);
  expect(happened(world, 'term', 'kill')).toEqual([
    'term a 0',
    'kill a 10',
    'term s1 10',
    'term s2 10',
    'kill s1 12',
    'kill s2 12',
  ]);
});

test('all preStop hooks run at once, those of sidecars too', async () => {
  const world = await scene();
  const initContainers = [sidecar('s1', {}, { lifecycle: preStop(3_000) })];
  await world.create(pod('p', [container('a', { termMs: 1_000 }, { lifecycle: preStop(4_000) })], { initContainers }));
  await world.untilReady('p', 10_000);
  await world.delete('p');
  await world.untilGone('p', 15_000);
  expect(happened(world, 'hook', 'term', 'end')).toEqual([
    'hook s1 0',
    'hook a 0',
    'term a 4',
    'end a 5',
    'term s1 5',
    'end s1 5',
  ]);
});

test('a preStop hook that hangs takes the whole grace, and two seconds are left for SIGTERM', async () => {
  const world = await scene();
  await world.create(pod('p', [container('a', { termMs: null }, { lifecycle: preStop(3_600_000) })]));
  await world.untilReady('p', 10_000);
  await world.delete('p');
  await world.untilGone('p', 15_000);
  expect(happened(world, 'hook', 'term', 'kill')).toEqual(['hook a 0', 'term a 10', 'kill a 12']);
});

test('a second deletion shortens the grace, whatever is being waited for', async () => {
  const world = await scene();
  const initContainers = [sidecar('s1', { termMs: null })];
  const hooked = container('h', { termMs: null }, { lifecycle: preStop(3_600_000) });
  const spec = { terminationGracePeriodSeconds: 600, initContainers };
  await world.create(pod('p', [container('a', { termMs: null }), hooked], spec));
  await world.untilReady('p', 10_000);
  await world.delete('p');
  await world.advance(5_000);
  await world.delete('p', 10);
  await world.untilGone('p', 15_000);
  expect(happened(world, 'hook', 'kill')).toEqual(['hook h 0', 'kill a 15', 'kill s1 17', 'kill h 17']);
});

test('a postStart hook that hangs does not keep its pod from ending', async () => {
  const world = await scene();
  await world.create(pod('p', [container('a', { termMs: 1_000 }, { lifecycle: postStart(3_600_000) })]));
  await world.advance(5_000);
  expect(happened(world, 'start')).toHaveLength(1);
  await world.delete('p');
  await world.untilGone('p', 5_000);
});

test('a container whose postStart hook fails is ended and started again', async () => {
  const world = await scene();
  await world.create(pod('p', [container('a', { termMs: 1_000 }, { lifecycle: postStart(2_000, 1) })]));
  await world.advance(20_000);
  expect(happened(world, 'start', 'end')).toEqual(['start a 0', 'end a 3', 'start a 3', 'end a 6', 'start a 16', 'end a 19']);
  expect(world.pod('p')?.status?.containerStatuses?.[0]?.restartCount).toBe(2);
  const reasons = (world.store.list('events') as CoreEvent[]).map(({ reason }) => reason);
  expect(reasons).toContain('FailedPostStartHook');
  await world.delete('p');
  await world.untilGone('p', 15_000);
});

test('a pod that is deleted while an unhealthy container of it is being ended, ends all of them now', async () => {
  const world = await scene();
  const unhealthy = container(
    'a',
    { termMs: null },
    { livenessProbe: { exec: { command: ['probe', 'live'] }, periodSeconds: 5, failureThreshold: 1 } },
  );
  await world.create(pod('p', [unhealthy, container('b', { termMs: 1_000 })]));
  await world.untilReady('p', 10_000);
  world.engine.probes.set('live', 1);
  await world.until('a is told to end', () => happened(world, 'term').length > 0, 10_000);
  await world.advance(3_000);
  await world.delete('p');
  await world.untilGone('p', 15_000);
  expect(happened(world, 'term', 'kill').slice(0, 4)).toEqual(['term a 0', 'term a 3', 'term b 3', 'kill a 10']);
});

test.each(['error', 'lost', 'crash before'] as const)('a removal that is broken off is no step back: %s', async (fate) => {
  const world = await scene();
  await world.create(pod('p', [container('a', { runMs: [1_000, null], exitCode: 1 }), container('b')]));
  await world.until('a runs again', () => happened(world, 'start').length === 3, 10_000);
  let removals = 0;
  world.fate = ({ name }) => (name === 'removeContainer' && ++removals === 2 ? fate : undefined);
  await world.delete('p');
  await world.untilGone('p', 15_000);
  expect(removals).toBeGreaterThan(2);
});

test('a container that could not be told to end, nor to hurry, is told again in the time that it has', async () => {
  const world = await scene();
  await world.create(pod('p', [container('a', { termMs: null }), container('b', { termMs: null })]));
  await world.untilReady('p', 10_000);
  let stops = 0;
  world.fate = ({ name }) => (name === 'stopContainer' && [1, 4].includes(++stops) ? 'error' : undefined);
  await world.delete('p', 60);
  await world.advance(5_000);
  await world.delete('p', 10);
  await world.untilGone('p', 15_000);
  expect(happened(world, 'kill')).toHaveLength(2);
  expect(stops).toBe(6);
});
