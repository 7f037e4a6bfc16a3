// More lives of pods with a mishap at every call, for `npm run siege`: minutes.
import type { ConfigMap } from '@drydock/api/generated/types.ts';
import { configMaps } from '@drydock/api/resource.ts';
import { expect, test } from 'vitest';
import type { KubeletWorld } from './kubelet-world.ts';
import { fates, isLong, runOnce, type Scenario, sweepTime, withEveryMishap } from './mishaps.ts';
import { container, namespace, pod, sidecar } from './pods.ts';

const patienceMs = 300_000;

async function end(world: KubeletWorld): Promise<void> {
  await world.delete('p');
  await world.untilGone('p', patienceMs);
}

const scenarios: Readonly<Record<string, Scenario>> = {
  'containers that end again and again': {
    run: async (world) => {
      const initContainers = [sidecar('s', { runMs: [3_000, null] })];
      await world.create(pod('p', [container('a', { runMs: [1_000, 1_000, null], exitCode: 1 })], { initContainers }));
      const restarts = () => world.pod('p')?.status?.containerStatuses?.[0]?.restartCount ?? 0;
      await world.until('a was started thrice', () => restarts() >= 2, patienceMs);
      await world.untilReady('p', patienceMs);
      await end(world);
    },
  },
  'a reboot': {
    options: { restartMs: 3_000 },
    run: async (world) => {
      await world.create(pod('p', [container('a')], { initContainers: [container('i', { runMs: 1_000 })] }));
      await world.untilReady('p', patienceMs);
      world.crash();
      await world.engine.reboot();
      await world.advance(4_000);
      await world.untilReady('p', patienceMs);
      await end(world);
    },
  },
  'a config map': {
    run: async (world) => {
      const map: ConfigMap = { metadata: { namespace, name: 'settings' }, data: { key: 'one' } };
      await world.user.create(configMaps, map);
      const env = [{ name: 'KEY', valueFrom: { configMapKeyRef: { name: 'settings', key: 'key' } } }];
      const volumes = [{ name: 'settings', configMap: { name: 'settings' } }];
      await world.create(pod('p', [container('a', {}, { env })], { volumes }));
      await world.untilReady('p', patienceMs);
      await end(world);
    },
  },
  'a deadline': {
    run: async (world) => {
      await world.create(pod('p', [container('a', { termMs: 2_000 })], { activeDeadlineSeconds: 5 }));
      await world.untilPhase('p', 'Failed', patienceMs);
      await end(world);
    },
  },
  'an init container that fails for good': {
    run: async (world) => {
      const initContainers = [sidecar('s', { termMs: 1_000 }), container('i', { runMs: 500, exitCode: 3 })];
      await world.create(pod('p', [container('a')], { restartPolicy: 'Never', initContainers }));
      await world.untilPhase('p', 'Failed', patienceMs);
      await end(world);
    },
  },
  'another pod in its place': {
    run: async (world) => {
      const { metadata } = await world.create(pod('p', [container('a', { termMs: 3_000 })]));
      await world.untilReady('p', patienceMs);
      await world.delete('p', 0);
      await world.create(pod('p', [container('a', { termMs: 3_000 })]));
      await world.untilReady('p', patienceMs);
      await world.until('it is over', () => world.engine.runningOf(metadata?.uid ?? '').length === 0, patienceMs);
      await end(world);
    },
  },
};

for (const [name, scenario] of Object.entries(scenarios))
  test.each(isLong ? fates : [])(`${name}, with one mishap at any call: %s`, sweepTime, async (fate) => {
    const { runs, wrong } = await withEveryMishap(scenario, fate);
    expect(wrong).toEqual([]);
    expect(runs).toBeGreaterThan(15);
  });

test.each(Object.entries(scenarios))('%s, without a mishap', async (_, scenario) => {
  expect(await runOnce(scenario)).toEqual([]);
});
