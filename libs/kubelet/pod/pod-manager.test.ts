// The loop over what the engine has, whatever else of the node fails.
import { silentLog } from '@drydock/foundation/log.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { expect, onTestFinished, test } from 'vitest';
import { StaticPods } from '../static/static-pods.ts';
import { type ManagerPorts, PodManager } from './pod-manager.ts';

function world(ports: object) {
  const clock = new VirtualClock();
  const said: string[] = [];
  const log = { ...silentLog, warn: (_: object, text: string) => void said.push(text) };
  const removed: string[] = [];
  const manager = new PodManager({
    clock,
    log,
    informer: { hasSynced: true, subscribe: () => {} },
    engine: { listSandboxes: async () => [], listContainers: async () => [] },
    volumes: { folders: {}, pods: async () => ['gone'], remove: async (uid: string) => void removed.push(uid) },
    references: { release: () => {} },
    settings: { podLogsDir: '/nowhere' },
    staticPods: new StaticPods([], { clock, refused: () => {} }),
    mirrors: { lookAgain: () => {}, stop: () => {} },
    ...ports,
  } as unknown as ManagerPorts);
  onTestFinished(() => manager.stop());
  manager.start();
  manager.follow();
  return { clock, manager, said, removed };
}

test('what is on the host of a pod that is gone is removed', async () => {
  const { clock, manager, removed } = world({});
  await clock.advanceAsync(10);
  await expect.poll(() => removed).toEqual(['gone']);
  expect(manager.engineProblem).toBeUndefined();
});

test.each([
  ['folders', { volumes: { pods: () => Promise.reject(new Error('EIO')) } }],
  ['cgroups', { cgroups: { pods: () => Promise.reject(new Error('cgroup controller "cpu" is not available')) } }],
])('that %s of pods cannot be listed is said once, and not blamed on the engine', async (_, ports) => {
  const { clock, manager, said } = world(ports);
  await clock.advanceAsync(60_500);
  expect([manager.engineProblem, manager.lastRelistMs]).toEqual([undefined, 60_000]);
  expect(said).toEqual(['what is left of pods that are gone cannot be looked for']);
});

test('an engine that does not answer is', async () => {
  const { clock, manager, said } = world({
    engine: { listSandboxes: () => Promise.reject(new Error('down')), listContainers: async () => [] },
  });
  await clock.advanceAsync(60_500);
  expect([manager.engineProblem, manager.lastRelistMs, said]).toEqual([
    'down',
    Number.NEGATIVE_INFINITY,
    ['the container engine does not answer'],
  ]);
});
