// For single runs: a world that has a kubelet, is checked and goes with its test.
import { expect, onTestFinished } from 'vitest';
import { violations } from './checks.ts';
import { KubeletWorld, type WorldOptions } from './kubelet-world.ts';

/** At the end of the test nothing may have been wrong; `leavesNothing: false` where pods are still there. */
export async function scene(options: WorldOptions = {}): Promise<KubeletWorld> {
  const world = new KubeletWorld(options);
  onTestFinished(async () => {
    try {
      expect([...violations(world.journal), ...world.driverFaults]).toEqual([]);
      for (let tries = 0; tries < 60 && (await world.leaks()).length > 0; tries++) await world.advance(1_000);
      expect(await world.leaks()).toEqual([]);
    } finally {
      await world.remove();
    }
  });
  await world.boot();
  return world;
}

/** `start a at 0`, ...: what happened to containers, in seconds from the first of these. */
export function happened(world: KubeletWorld, ...kinds: string[]): string[] {
  const found = world.journal.filter((entry) => 'id' in entry && kinds.includes(entry.what));
  const firstMs = found[0]?.atMs ?? 0;
  return found.map((entry) => `${entry.what} ${'name' in entry ? entry.name : ''} ${(entry.atMs - firstMs) / 1000}`);
}
