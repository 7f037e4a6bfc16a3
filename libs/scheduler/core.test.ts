import type { Pod } from '@drydock/api/generated/types.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { expect, test } from 'vitest';
import { SchedulerCore } from './core.ts';
import { defaultProfile } from './profile.ts';
import { node, pod } from './testing.ts';

function core(): SchedulerCore {
  return new SchedulerCore(defaultProfile(), new SeededRandom(1).stream('test'));
}

const on = (object: Pod, nodeName: string): Pod => ({
  ...object,
  spec: { ...object.spec, containers: object.spec?.containers ?? [], nodeName },
});

test('two pods do not share the room of one, though neither binding is confirmed yet', () => {
  const scheduler = core();
  scheduler.nodeChanged(node('n1', { cpu: '1' }), 0);
  scheduler.podChanged(pod('a', { cpu: '1' }), 0);
  scheduler.podChanged(pod('b', { cpu: '1' }), 0);
  expect(scheduler.next(0)).toMatchObject({ kind: 'bind', node: 'n1' });
  expect(scheduler.next(0)).toMatchObject({ kind: 'unschedulable' });
});

test('a failed binding frees the room and the pod is tried again', () => {
  const scheduler = core();
  scheduler.nodeChanged(node('n1', { cpu: '1' }), 0);
  scheduler.podChanged(pod('a', { cpu: '1' }), 0);
  scheduler.next(0);
  scheduler.bindFailed('uid-a', 10);
  expect(scheduler.next(10)).toBeUndefined();
  expect(scheduler.nextWakeMs()).toBe(1_010);
  expect(scheduler.next(1_010)).toMatchObject({ kind: 'bind', node: 'n1' });
});

test('a stale event of a pod that was just placed does not queue it again', () => {
  const scheduler = core();
  scheduler.nodeChanged(node('n1'), 0);
  scheduler.podChanged(pod('a'), 0);
  scheduler.next(0);
  scheduler.podChanged(pod('a'), 1);
  scheduler.bound('uid-a');
  scheduler.podChanged(pod('a'), 2);
  expect(scheduler.next(3)).toBeUndefined();
});

test('a pod of another scheduler is counted when it has a node, and left alone before', () => {
  const scheduler = core();
  scheduler.nodeChanged(node('n1', { cpu: '1' }), 0);
  const foreign = pod('x', { cpu: '1', spec: { schedulerName: 'other' } });
  scheduler.podChanged(foreign, 0);
  expect(scheduler.next(0)).toBeUndefined();
  scheduler.podChanged(on(foreign, 'n1'), 0);
  scheduler.podChanged(pod('a', { cpu: '1' }), 0);
  expect(scheduler.next(0)).toMatchObject({ kind: 'unschedulable' });
});

test('a node that arrives wakes who waited for one', () => {
  const scheduler = core();
  scheduler.podChanged(pod('a'), 0);
  expect(scheduler.next(0)).toMatchObject({ kind: 'unschedulable', message: 'no nodes available to schedule pods' });
  scheduler.nodeChanged(node('n1'), 2_000);
  expect(scheduler.next(2_000)).toMatchObject({ kind: 'bind', node: 'n1' });
});

test('the room that victims leave is kept for the pod they left for', () => {
  const scheduler = core();
  scheduler.nodeChanged(node('n1', { cpu: '1' }), 0);
  scheduler.podChanged(on(pod('low', { cpu: '1' }), 'n1'), 0);
  scheduler.podChanged(pod('high', { cpu: '1', spec: { priority: 10 } }), 0);
  expect(scheduler.next(0)).toMatchObject({ kind: 'unschedulable', nominate: 'n1', victims: [{ metadata: { name: 'low' } }] });
  scheduler.podDeleted('uid-low', 100);
  scheduler.podChanged(pod('late', { cpu: '1' }), 100);
  expect(scheduler.next(100)).toMatchObject({ kind: 'unschedulable', pod: { metadata: { name: 'late' } } });
  expect(scheduler.next(1_100)).toMatchObject({ kind: 'bind', pod: { metadata: { name: 'high' } } });
});

test('a pod that is being deleted is not placed', () => {
  const scheduler = core();
  scheduler.nodeChanged(node('n1'), 0);
  const leaving = pod('a');
  scheduler.podChanged({ ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } }, 0);
  expect(scheduler.next(0)).toBeUndefined();
});
