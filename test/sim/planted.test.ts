// A simulator is trusted after it has caught bugs: each planted one within a few seeds, and nothing where none is planted.
import { adjusted, plantedBugs } from '@drydock/sim/planted.ts';
import { runSeed } from '@drydock/sim/store-sim.ts';
import { expect, test } from 'vitest';

const seedsMax = 8;
const safetySeconds = 20;

test.each(plantedBugs.map((bug) => ({ name: bug.name, bug })))('$name is caught', { timeout: 120_000 }, async ({ bug }) => {
  for (let seed = 1; seed <= seedsMax; seed++) {
    const run = { safetySeconds, adjust: (options: Parameters<typeof adjusted>[0]) => adjusted(options, bug) };
    const { verdict, error } = await runSeed(String(seed), { ...run, plant: bug.plant });
    if (verdict === 'ok') continue;
    expect(String(error)).toMatch(bug.caughtAs);
    expect((await runSeed(String(seed), run)).error).toBeUndefined();
    return;
  }
  expect.unreachable(`not within ${seedsMax} seeds`);
});
