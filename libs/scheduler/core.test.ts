import type { Pod } from '@drydock/api/generated/types.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { expect, test } from 'vitest';
import { SchedulerCore } from './core.ts';
import { defaultProfile } from './profile.ts';
import { node, pod } from './testing.ts';

function core(): SchedulerCore {
  return new SchedulerCore([defaultProfile()], new SeededRandom(1).stream('test'));
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

const high = (name: string, more: Parameters<typeof pod>[1] = {}, priority = 10) =>
  pod(name, { cpu: '1', ...more, spec: { priority, ...more.spec } });

/** One node of one cpu with a pod of low priority on it, and a pod of high priority that has preempted it. */
function preempting() {
  const scheduler = core();
  scheduler.nodeChanged(node('n1', { cpu: '1' }), 0);
  scheduler.podChanged(on(pod('low', { cpu: '1' }), 'n1'), 0);
  scheduler.podChanged(high('high'), 0);
  expect(scheduler.next(0)).toMatchObject({ nominate: 'n1', victims: [{ metadata: { name: 'low' } }] });
  return scheduler;
}

test('a nomination that the API does not show yet is not lost to an older state of the pod, but to one that takes it back', () => {
  const scheduler = preempting();
  const stale = high('high');
  scheduler.podChanged({ ...stale, metadata: { ...stale.metadata, labels: { seen: 'again' } } }, 10);
  scheduler.podDeleted('uid-low', 20);
  scheduler.podChanged(pod('late', { cpu: '1' }), 20);
  expect(scheduler.next(20)).toMatchObject({ kind: 'unschedulable', pod: { metadata: { name: 'late' } } });
  scheduler.podChanged(high('high', { status: { phase: 'Pending', nominatedNodeName: 'n1' } }), 30);
  scheduler.podChanged(high('high'), 40);
  scheduler.podChanged(pod('later', { cpu: '1' }), 40);
  expect(scheduler.next(40)).toMatchObject({ kind: 'bind', pod: { metadata: { name: 'later' } } });
});

test('a preemption that failed keeps no room and is tried again after the back-off', () => {
  const scheduler = preempting();
  scheduler.preemptionFailed('uid-high', 0);
  scheduler.podDeleted('uid-low', 10);
  scheduler.podChanged(pod('late', { cpu: '1' }), 10);
  expect(scheduler.next(10)).toMatchObject({ kind: 'bind', pod: { metadata: { name: 'late' } } });
  expect(scheduler.nextWakeMs()).toBe(1_000);
});

test('when preemption no longer helps, what was kept for the pod is free, here and in the API', () => {
  const scheduler = core();
  scheduler.nodeChanged(node('n1', { cpu: '1' }), 0);
  scheduler.nodeChanged(node('n2', { cpu: '1' }), 0);
  // Nominated for a node that something more important has taken since, and nothing less important is anywhere.
  scheduler.podChanged(on(high('top', {}, 20), 'n1'), 0);
  scheduler.podChanged(on(high('top2', {}, 20), 'n2'), 0);
  scheduler.podChanged(high('high', { status: { phase: 'Pending', nominatedNodeName: 'n2' } }), 0);
  expect(scheduler.next(0)).toMatchObject({ kind: 'unschedulable', victims: [], nominate: null });
  scheduler.podDeleted('uid-top2', 10);
  scheduler.podChanged(pod('late', { cpu: '1' }), 10);
  expect(scheduler.next(10)).toMatchObject({ kind: 'bind', node: 'n2', pod: { metadata: { name: 'late' } } });
});

test.each([
  ['while its victims are still ending, a pod keeps what it is nominated for', 'PreemptionByScheduler', { victims: [] }],
  ['a pod that ends for another reason is waited for by nobody', 'EvictionByEvictionAPI', { nominate: 'n1' }],
])('%s', (_, reason, expected) => {
  const scheduler = core();
  scheduler.nodeChanged(node('n1', { cpu: '1' }), 0);
  const conditions = [{ type: 'DisruptionTarget', status: 'True', reason }];
  const ending = on(pod('low', { cpu: '1', status: { phase: 'Running', conditions } }), 'n1');
  ending.metadata = { ...ending.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' };
  scheduler.podChanged(ending, 0);
  scheduler.podChanged(high('high', { status: { phase: 'Pending', nominatedNodeName: 'n1' } }), 0);
  expect(scheduler.next(0)).toMatchObject({ kind: 'unschedulable', ...expected });
});

test('a pod whose binding fails is tried again as it is by then', () => {
  const scheduler = core();
  scheduler.nodeChanged(node('n1'), 0);
  scheduler.podChanged(pod('a'), 0);
  scheduler.next(0);
  const spec = { tolerations: [{ key: 'gone', operator: 'Exists' }] };
  scheduler.podChanged(pod('a', { spec }), 1);
  scheduler.bindFailed('uid-a', 10);
  expect(scheduler.next(1_010)).toMatchObject({ kind: 'bind', pod: { spec } });
});

test('where somebody else placed a pod elsewhere, its room is there for who waits', () => {
  const scheduler = core();
  scheduler.nodeChanged(node('n1', { cpu: '1' }), 0);
  scheduler.podChanged(pod('a', { cpu: '1' }), 0);
  expect(scheduler.next(0)).toMatchObject({ kind: 'bind', node: 'n1' });
  scheduler.podChanged(pod('b', { cpu: '1' }), 0);
  expect(scheduler.next(0)).toMatchObject({ kind: 'unschedulable' });
  scheduler.podChanged(on(pod('a', { cpu: '1' }), 'n2'), 20_000);
  expect(scheduler.next(20_000)).toMatchObject({ kind: 'bind', node: 'n1', pod: { metadata: { name: 'b' } } });
});

test('a pod of higher priority takes over the node, and what lower ones were nominated for there is taken back', () => {
  const scheduler = preempting();
  scheduler.podChanged(high('high', { status: { phase: 'Pending', nominatedNodeName: 'n1' } }), 10);
  scheduler.podChanged(high('highest', {}, 99), 20);
  expect(scheduler.next(20)).toMatchObject({
    pod: { metadata: { name: 'highest' } },
    nominate: 'n1',
    displaced: [{ metadata: { name: 'high' } }],
  });
});

test('a nominated pod takes its own node where that fits, whichever would score higher', () => {
  for (let seed = 0; seed < 20; seed++) {
    const scheduler = new SchedulerCore([defaultProfile()], new SeededRandom(seed).stream('test'));
    scheduler.nodeChanged(node('n1', { cpu: '2' }), 0);
    scheduler.nodeChanged(node('n2', { cpu: '64' }), 0);
    scheduler.podChanged(high('high', { status: { phase: 'Pending', nominatedNodeName: 'n1' } }), 0);
    expect(scheduler.next(0)).toMatchObject({ kind: 'bind', node: 'n1' });
  }
});
