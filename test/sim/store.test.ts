// The corpus of seeds, with faults and checks, as a part of `npm test`.
import { readFileSync } from 'node:fs';
import { runSeed } from '@drydock/sim/store-sim.ts';
import { expect, test } from 'vitest';

const seeds = readFileSync(new URL('seeds.txt', import.meta.url), 'utf8')
  .split('\n')
  .map((line) => line.split('#')[0]?.trim() ?? '')
  .filter((line) => line !== '');
/** The first ones are run a second time, for the hash. */
const repeated = 3;

test.each(seeds.map((seed, i) => ({ seed, again: i < repeated })))(
  'seed $seed',
  { timeout: 120_000 },
  async ({ seed, again }) => {
    const first = await runSeed(seed, { safetySeconds: 30 });
    expect(first.error, `npm run sim:store -- --seed ${seed} --seconds 30`).toBeUndefined();
    expect(first.operations).toBeGreaterThan(0);
    if (!again) return;
    const second = await runSeed(seed, { safetySeconds: 30 });
    expect(second.hash).toBe(first.hash);
  },
);

/** Where nobody looked between, two orders of what locks and leases delete explain all answers; the checkers take neither for certain. */
test.each(['301375', '303588'])('seed %s, whose answers two orders explain', async (seed) => {
  const { error } = await runSeed(seed, { safetySeconds: 15 });
  expect(error, `npm run sim:store -- --seed ${seed} --seconds 15`).toBeUndefined();
});
