// Somebody does something at every moment of a pod's life: between any two calls of the kubelet.
import { expect, test } from 'vitest';
import type { KubeletWorld } from '../testing/kubelet-world.ts';
import { runOnce, type Scenario, sweepTime } from '../testing/mishaps.ts';
import { container, pod, postStart, preStop, sidecar } from '../testing/pods.ts';

const patienceMs = 60_000;
/** Between two moments: what the disk is asked comes in long rows. */
const stride = 7;

/** Gives what was wrong when `act` comes at one call of the start, for each of them. */
async function atEveryMoment(act: (world: KubeletWorld) => Promise<void>, end: Scenario['run']): Promise<string[]> {
  const wrong: string[] = [];
  for (let at = 0, isOver = false; !isOver; at += stride) {
    let count = 0;
    let acted: Promise<void> | undefined;
    const scenario: Scenario = {
      run: async (world) => {
        const before = world.fate;
        world.fate = (point) => {
          if (count++ === at) acted ??= act(world);
          return before(point);
        };
        const initContainers = [container('i', { runMs: 1_000 }), sidecar('s', { termMs: 2_000 })];
        const lifecycle = { ...postStart(1_000), ...preStop(1_000) };
        await world.create(pod('p', [container('a', { termMs: null }, { lifecycle })], { initContainers }));
        await world.until('it is begun', () => acted !== undefined || world.pod('p')?.status?.phase === 'Running', patienceMs);
        isOver = acted === undefined;
        acted ??= act(world);
        await acted;
        await end(world);
      },
    };
    wrong.push(...(await runOnce(scenario)).map((text) => `at call ${at}: ${text}`));
  }
  return wrong;
}

test('a pod that is deleted at any moment of its start ends, and nothing of it is started any more', sweepTime, async () => {
  const wrong = await atEveryMoment(
    (world) => world.delete('p'),
    (world) => world.untilGone('p', patienceMs),
  );
  expect(wrong).toEqual([]);
});

test('a pod that is removed by force at any moment of its start leaves nothing', sweepTime, async () => {
  const wrong = await atEveryMoment(
    (world) => world.delete('p', 0),
    async (world) => {
      await world.until('nothing runs', () => world.engine.isIdle, patienceMs);
    },
  );
  expect(wrong).toEqual([]);
});
