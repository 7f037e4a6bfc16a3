import { expect, test } from 'vitest';
import { podInfoOf } from './node-info.ts';
import { SchedulingQueue } from './queue.ts';
import { pod } from './testing.ts';

const info = (name: string, priority = 0) => podInfoOf(pod(name, { spec: { priority } }));
const popName = (queue: SchedulingQueue, nowMs: number) => queue.pop(nowMs)?.info.pod.metadata?.name;

test('higher priority first, then the longest waiting', () => {
  const queue = new SchedulingQueue();
  queue.put(info('a'), 0);
  queue.put(info('b', 10), 1);
  queue.put(info('c', 10), 2);
  expect([popName(queue, 3), popName(queue, 3), popName(queue, 3), popName(queue, 3)]).toEqual(['b', 'c', 'a', undefined]);
});

test('a pod set aside comes back on an event that may help it, after its back-off', () => {
  const queue = new SchedulingQueue();
  queue.put(info('a'), 0);
  queue.pop(0);
  queue.setAside('uid-a', ({ kind }) => kind === 'nodeAdded', 100);
  queue.onEvent({ kind: 'nodeTaints', node: {} }, 200);
  expect(queue.nextWakeMs()).toBe(100 + 300_000);
  queue.onEvent({ kind: 'nodeAdded', node: {} }, 200);
  expect(popName(queue, 1_099)).toBeUndefined();
  expect(queue.nextWakeMs()).toBe(1_100);
  expect(popName(queue, 1_100)).toBe('a');
});

test('the back-off doubles up to its maximum', () => {
  const queue = new SchedulingQueue();
  queue.put(info('a'), 0);
  let now = 0;
  const waits: number[] = [];
  for (let i = 0; i < 6; i++) {
    expect(popName(queue, now)).toBe('a');
    queue.backOff('uid-a', now);
    const due = queue.nextWakeMs() ?? Number.NaN;
    waits.push(due - now);
    now = due;
  }
  expect(waits).toEqual([1000, 2000, 4000, 8000, 10000, 10000]);
});

test('what happens during a try is not lost', () => {
  const queue = new SchedulingQueue();
  queue.put(info('a'), 0);
  queue.pop(0);
  queue.onEvent({ kind: 'nodeAdded', node: {} }, 5);
  queue.setAside('uid-a', ({ kind }) => kind === 'nodeAdded', 10);
  expect(queue.counts()).toEqual({ active: 0, backoff: 1, unschedulable: 0, gated: 0 });
});

test('nothing stays aside for ever', () => {
  const queue = new SchedulingQueue();
  queue.put(info('a'), 0);
  queue.pop(0);
  queue.setAside('uid-a', () => false, 0);
  expect(popName(queue, 299_999)).toBeUndefined();
  expect(popName(queue, 300_000)).toBe('a');
});

test('gated pods wait for their gates to go', () => {
  const queue = new SchedulingQueue();
  const gated = podInfoOf(pod('a', { spec: { schedulingGates: [{ name: 'g' }] } }));
  queue.put(gated, 0, true);
  expect(popName(queue, 0)).toBeUndefined();
  queue.put(info('a'), 1);
  expect(popName(queue, 1)).toBe('a');
});

test('a pod that is gone is not handed out', () => {
  const queue = new SchedulingQueue();
  queue.put(info('a'), 0);
  queue.remove('uid-a');
  expect(popName(queue, 0)).toBeUndefined();
});
