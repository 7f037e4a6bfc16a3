// A pod's life in a world of its own: from its creation to its end, whatever befalls the kubelet at any of its calls.
import { existsSync, readFileSync } from 'node:fs';
import type { ConfigMap } from '@drydock/api/generated/types.ts';
import { configMaps } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import { fates, type Scenario, sweepTime, withEveryMishap } from '../testing/mishaps.ts';
import { container, namespace, pod, preStop, probe } from '../testing/pods.ts';
import { happened, scene } from '../testing/scene.ts';

/** Longer than a scenario's own time: a struck kubelet waits, restarts, and gives a grace anew. */
const patienceMs = 60_000;

const life: Scenario = {
  run: async (world) => {
    await world.create(pod('p', [container('a', { termMs: null }), container('b', {}, { lifecycle: preStop(2_000) })]));
    await world.untilReady('p', patienceMs);
    await world.delete('p');
    await world.untilGone('p', patienceMs);
  },
};

test.each(fates)('a pod is created, runs and ends, with one mishap at any call: %s', sweepTime, async (fate) => {
  const { runs, wrong } = await withEveryMishap(life, fate);
  expect(wrong).toEqual([]);
  expect(runs).toBeGreaterThan(15);
});

test('what is left of a pod that went away while there was no kubelet, is ended and removed', async () => {
  const world = await scene({ restartMs: 60_000 });
  const { metadata } = await world.create(pod('p', [container('a', { termMs: 3_000 })]));
  await world.untilReady('p', 10_000);
  world.crash();
  await world.delete('p', 0);
  expect(world.pod('p')).toBeUndefined();
  await world.advance(30_000);
  expect(world.engine.runningOf(metadata?.uid ?? '')).toHaveLength(1);
  await world.advance(30_000);
  await world.until('a is over', () => world.engine.runningOf(metadata?.uid ?? '').length === 0, 10_000);
  expect(happened(world, 'term', 'kill')).toEqual(['term a 0']);
});

test('a pod in the place of another of its name has containers of its own', async () => {
  const world = await scene({ restartMs: 10_000 });
  await world.create(pod('p', [container('a', { termMs: 3_000 })]));
  await world.untilReady('p', 10_000);
  world.crash();
  await world.delete('p', 0);
  const { metadata } = await world.create(pod('p', [container('a')]));
  await world.untilReady('p', 20_000);
  const running = (await world.engine.all()).filter(({ state }) => state === 'running');
  expect(running.map(({ podUid }) => podUid)).toContain(metadata?.uid);
  await world.advance(20_000);
  expect((await world.engine.all()).map(({ podUid }) => podUid)).toEqual([metadata?.uid]);
});

test('a kubelet that starts anew takes over what runs', async () => {
  const world = await scene();
  await world.create(pod('p', [container('a', {}, { readinessProbe: probe('ready') })]));
  await world.untilReady('p', 30_000);
  const before = world.pod('p')?.status;
  world.crash();
  await world.advance(30_000);
  expect(happened(world, 'start', 'end')).toEqual(['start a 0']);
  expect(world.pod('p')?.status).toEqual(before);
});

test('after a reboot of the machine pods run in new sandboxes', async () => {
  const world = await scene({ restartMs: 5_000 });
  await world.create(pod('p', [container('a')]));
  await world.untilReady('p', 10_000);
  world.crash();
  await world.engine.reboot();
  await world.advance(6_000);
  await world.untilReady('p', 60_000);
  expect(world.pod('p')?.status?.containerStatuses?.[0]?.restartCount).toBe(1);
  expect((await world.engine.listSandboxes()).filter(({ ready }) => ready)).toHaveLength(1);
});

test('an engine that is away for a minute ends and restarts nothing', async () => {
  const world = await scene();
  await world.create(pod('p', [container('a', {}, { livenessProbe: probe('live') })]));
  await world.untilReady('p', 10_000);
  world.engine.isDown = true;
  await world.advance(10_000);
  await world.create(pod('q', [container('a')]));
  await world.advance(50_000);
  expect(world.pod('q')?.status?.containerStatuses?.[0]?.state?.running).toBeUndefined();
  world.engine.isDown = false;
  await world.untilReady('q', 10_000);
  expect(happened(world, 'start', 'term', 'end')).toEqual(['start a 0', 'start a 61']);
});

test('a pod that is deleted while the engine is away ends when it is back', async () => {
  const world = await scene();
  await world.create(pod('p', [container('a', { termMs: 1_000 })]));
  await world.untilReady('p', 10_000);
  world.engine.isDown = true;
  await world.delete('p');
  await world.advance(60_000);
  expect(world.pod('p')).toBeDefined();
  // Its grace begins when it can be told.
  world.journal.push({ what: 'restart', atMs: world.nowMs() });
  world.engine.isDown = false;
  await world.untilGone('p', 15_000);
});

test('a config map that changes is seen in its volume, by a kubelet that was started anew too', async () => {
  const world = await scene();
  const map = (text: string): ConfigMap => ({ metadata: { namespace, name: 'settings' }, data: { key: text } });
  await world.user.create(configMaps, map('one'));
  const volumes = [{ name: 'settings', configMap: { name: 'settings' } }];
  const { metadata } = await world.create(pod('p', [container('a')], { volumes }));
  await world.untilReady('p', 10_000);
  const path = `${world.folder}/root/pods/${metadata?.uid}/volumes/kubernetes.io~configmap/settings/key`;
  const shows = (text: string) => world.until(`it is ${text}`, () => readFileSync(path, 'utf8') === text, 10_000);
  await shows('one');
  await world.user.update(configMaps, map('two'));
  await shows('two');
  world.crash();
  await world.user.update(configMaps, map('three'));
  await shows('three');
  await world.delete('p');
  await world.untilGone('p', 20_000);
  expect(existsSync(path)).toBe(false);
});

test('what fails for many pods at once is not tried again by all at once', async () => {
  const world = await scene();
  const tries = new Map<string, number[]>();
  world.fate = ({ name }) => {
    if (world.nowMs() > 10_000 || (name !== 'runSandbox' && name !== 'patch pods/status')) return undefined;
    tries.set(name, [...(tries.get(name) ?? []), world.nowMs()]);
    return 'error';
  };
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) await world.create(pod(name, [container('a')]));
  await world.advance(30_000);
  for (const times of tries.values()) {
    const again = times.slice(6, 12);
    expect(new Set(times.slice(0, 6)).size).toBe(1);
    expect(new Set(again).size).toBe(6);
  }
  expect([...tries.keys()].sort()).toEqual(['patch pods/status', 'runSandbox']);
});

test('a pod that was turned away says so and is never begun', async () => {
  const world = await scene({ cpus: 1 });
  const big = container('a', {}, { resources: { requests: { cpu: '2' } } });
  await world.create(pod('p', [big]));
  await world.untilPhase('p', 'Failed', 10_000);
  expect(world.pod('p')?.status?.reason).toBe('OutOfcpu');
  world.crash();
  await world.advance(10_000);
  expect(world.pod('p')?.status?.reason).toBe('OutOfcpu');
  expect(happened(world, 'start')).toEqual([]);
  await world.delete('p');
  await world.untilGone('p', 10_000);
});
