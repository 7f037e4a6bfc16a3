// What the random load is said to do to a store, it does: every kind of fault is injected, and has its effect, within some 50 seeds
// (what is rare depends on moments that any change of the store moves).
import { faultKinds, type SimOptions } from '@drydock/sim/options.ts';
import { runSeed } from '@drydock/sim/store-sim.ts';
import { effects } from '@drydock/sim/tally.ts';
import { expect, test } from 'vitest';

/** Each of these holds, however soon nothing is missing; `npm run sim:store` runs more. */
const seedsMin = 15;
const seedsMax = 150;
const safetySeconds = 30;
/** More and more often than most seeds would have it, so that the rarest come up. */
const harder = (options: SimOptions): SimOptions => ({
  ...options,
  faultEverySeconds: 2,
  thinkMs: Math.min(options.thinkMs, 100),
  valueBytes: 5000,
});

test('every fault is injected and has its effect', { timeout: 120_000 }, async () => {
  const counts = new Map<string, number>([...faultKinds, ...effects].map((name) => [name, 0]));
  const missing = () => [...counts].filter(([, count]) => count === 0).map(([name]) => name);
  for (let seed = 1; seed <= seedsMin || (missing().length > 0 && seed <= seedsMax); seed++) {
    const { error, ...run } = await runSeed(String(seed), { safetySeconds, adjust: harder });
    expect(error, `seed ${seed}`).toBeUndefined();
    for (const [name, count] of [...run.faults, ...run.effects]) counts.set(name, (counts.get(name) ?? 0) + count);
  }
  expect(missing()).toEqual([]);
});
