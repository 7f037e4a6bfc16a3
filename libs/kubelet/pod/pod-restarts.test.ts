// What becomes of containers that end or are unhealthy, in a world of their own.
import { expect, test } from 'vitest';
import type { KubeletWorld } from '../testing/kubelet-world.ts';
import { fates, type Scenario, sweepTime, withEveryMishap } from '../testing/mishaps.ts';
import { container, pod, probe, sidecar } from '../testing/pods.ts';
import { happened, scene } from '../testing/scene.ts';

const reasonOf = (world: KubeletWorld, name: string): string | undefined =>
  world.pod(name)?.status?.containerStatuses?.[0]?.state?.waiting?.reason;

test.each([
  ['Never', 0, 'Succeeded', 1],
  ['Never', 1, 'Failed', 1],
  ['OnFailure', 0, 'Succeeded', 1],
  ['OnFailure', 1, 'Running', 3],
  ['Always', 0, 'Running', 3],
])('restartPolicy %s, exit code %i: %s', async (restartPolicy, exitCode, phase, starts) => {
  const world = await scene();
  await world.create(pod('p', [container('a', { runMs: 2_000, exitCode })], { restartPolicy }));
  await world.advance(20_000);
  expect(world.pod('p')?.status?.phase).toBe(phase);
  expect(happened(world, 'start')).toHaveLength(starts);
  await world.delete('p');
  await world.untilGone('p', 15_000);
});

test('a container that ends again and again waits 10 s, 20 s, ... 5 minutes, and 10 s after it has run for ten', async () => {
  const world = await scene();
  const runs = [1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 1_000, 660_000, 1_000];
  await world.create(pod('p', [container('a', { runMs: runs, exitCode: 1 })]));
  await world.advance(5_000);
  expect(reasonOf(world, 'p')).toBe('CrashLoopBackOff');
  await world.advance(1_900_000);
  const times = world.journal.filter(({ what }) => what === 'start' || what === 'end').map(({ atMs }) => atMs / 1000);
  const waits: number[] = [];
  for (let at = 2; at < times.length; at += 2) waits.push(Math.round((times[at] ?? 0) - (times[at - 1] ?? 0)));
  expect(waits.slice(0, 10)).toEqual([0, 10, 20, 40, 80, 160, 300, 300, 0, 10]);
});

test.each([0, 1])(
  'what fails its liveness probe is ended with its grace and started again, told %i times in vain',
  async (vain) => {
    const world = await scene();
    let stops = 0;
    world.fate = ({ name }) => (name === 'stopContainer' && stops++ < vain ? 'error' : undefined);
    const { name: _, ...rest } = container('a', { termMs: null });
    await world.create(pod('p', [{ ...rest, name: 'a', livenessProbe: probe('live') }]));
    await world.untilReady('p', 10_000);
    world.engine.probes.set('live', 1);
    await world.until('a is told to end', () => happened(world, 'term').length > 0, 10_000);
    world.engine.probes.set('live', 0);
    await world.until('a is started again', () => happened(world, 'start').length > 1, 20_000);
    expect(happened(world, 'term', 'kill', 'end', 'start').slice(1)).toHaveLength(4);
    expect(happened(world, 'term', 'kill', 'end')).toEqual(['term a 0', 'kill a 10', 'end a 10']);
  },
);

test('no other probe is asked before the startup probe has passed, and a pod is ready when all say so', async () => {
  const world = await scene();
  world.engine.probes.set('up', 1).set('live', 1).set('ready', 1);
  const probed = {
    startupProbe: probe('up', { failureThreshold: 10 }),
    livenessProbe: probe('live'),
    readinessProbe: probe('ready'),
  };
  await world.create(pod('p', [container('a', {}, probed)]));
  await world.advance(30_000);
  expect(happened(world, 'start', 'term')).toEqual(['start a 0']);
  expect(world.pod('p')?.status?.containerStatuses?.[0]?.started).toBe(false);
  world.engine.probes.set('live', 0).set('up', 0);
  await world.until('it has started', () => world.pod('p')?.status?.containerStatuses?.[0]?.started === true, 10_000);
  await world.advance(20_000);
  await world.untilReady('p', 1, 'False');
  world.engine.probes.set('ready', 0);
  await world.untilReady('p', 10_000);
  world.engine.probes.set('ready', 1);
  await world.untilReady('p', 10_000, 'False');
  expect(happened(world, 'start', 'term')).toEqual(['start a 0']);
});

test('init containers run one after the other, sidecars beside them in their order', async () => {
  const world = await scene();
  const initContainers = [
    container('i1', { runMs: 2_000 }),
    sidecar('s1', {}, { startupProbe: probe('up') }),
    container('i2', { runMs: [1_000, 1_000], exitCode: 0 }),
    sidecar('s2'),
  ];
  world.engine.probes.set('up', 0);
  await world.create(pod('p', [container('a')], { initContainers }));
  await world.untilReady('p', 30_000);
  expect(happened(world, 'start').map((line) => line.split(' ')[1])).toEqual(['i1', 's1', 'i2', 's2', 'a']);
  const last = (await world.engine.all()).find(({ name }) => name === 's1')?.id ?? '';
  await world.engine.exit(last, 1);
  await world.advance(5_000);
  expect(happened(world, 'start').map((line) => line.split(' ')[1])).toEqual(['i1', 's1', 'i2', 's2', 'a', 's1']);
});

const job: Scenario = {
  run: async (world) => {
    const initContainers = [container('i', { runMs: 1_000 }), sidecar('s', { termMs: 1_000 })];
    await world.create(pod('p', [container('a', { runMs: 4_000 })], { initContainers, restartPolicy: 'Never' }));
    await world.untilPhase('p', 'Succeeded', 90_000);
    await world.delete('p');
    await world.untilGone('p', 60_000);
  },
};

test.each(fates)('a job with a sidecar is over when its work is, with one mishap at any call: %s', sweepTime, async (fate) => {
  const { runs, wrong } = await withEveryMishap(job, fate);
  expect(wrong).toEqual([]);
  expect(runs).toBeGreaterThan(15);
});

const failing = () =>
  pod('p', [container('a')], {
    restartPolicy: 'Never',
    initContainers: [sidecar('s', { termMs: 1_000 }), container('i', { runMs: 500, exitCode: 3 })],
  });

test('a sidecar is not started again when an init container has failed for good', async () => {
  const world = await scene();
  let stops = 0;
  world.fate = ({ name }) => (name === 'stopSandbox' && ++stops === 1 ? 'error' : undefined);
  await world.create(failing());
  await world.untilPhase('p', 'Failed', 10_000);
  await world.advance(10_000);
  expect(happened(world, 'start').map((line) => line.split(' ')[1])).toEqual(['s', 'i']);
  await world.delete('p');
  await world.untilGone('p', 15_000);
});

test('a container whose start was not answered and that has ended for good, says how', async () => {
  const world = await scene();
  let starts = 0;
  world.fate = ({ name }) => (name === 'startContainer' && ++starts === 2 ? 'lost' : undefined);
  await world.create(failing());
  await world.untilPhase('p', 'Failed', 10_000);
  expect(world.pod('p')?.status?.initContainerStatuses?.[1]?.state?.terminated?.exitCode).toBe(3);
  await world.delete('p');
  await world.untilGone('p', 15_000);
});
