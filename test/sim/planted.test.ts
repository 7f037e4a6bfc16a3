// A simulator is trusted after it has caught bugs: each planted one within a few seeds, and nothing where none is planted.
import { plantedBugs } from '@drydock/sim/planted.ts';
import { adjusted } from '@drydock/sim/planting.ts';
import { scenarios } from '@drydock/sim/scenarios/all.ts';
import { playScenario } from '@drydock/sim/scenarios/scenario.ts';
import { runSeed } from '@drydock/sim/store-sim.ts';
import { expect, test } from 'vitest';

const seedsMax = 8;
const safetySeconds = 10;

const inLoad = plantedBugs.filter((bug) => bug.scenario === undefined);
const inScenarios = plantedBugs.filter((bug) => bug.scenario !== undefined);

test.each(inScenarios.map((bug) => ({ name: bug.name, bug })))('$name is caught', { timeout: 120_000 }, async ({ bug }) => {
  const scenario = scenarios.find(({ name }) => name === bug.scenario);
  if (scenario === undefined) throw new Error(`no scenario ${bug.scenario}`);
  await expect(playScenario(scenario, '1', undefined, bug.plant)).rejects.toThrow(bug.caughtAs);
});

test.each(inLoad.map((bug) => ({ name: bug.name, bug })))('$name is caught', { timeout: 120_000 }, async ({ bug }) => {
  const { firstSeed = 1 } = bug;
  for (let seed = firstSeed; seed < firstSeed + seedsMax; seed++) {
    const run = { safetySeconds, adjust: (options: Parameters<typeof adjusted>[0]) => adjusted(options, bug) };
    const { verdict, error, virtualSeconds } = await runSeed(String(seed), { ...run, plant: bug.plant });
    if (verdict === 'ok') continue;
    expect(String(error)).toMatch(bug.caughtAs);
    // The same world until then, without the bug.
    const seconds = Math.min(safetySeconds, Math.ceil(virtualSeconds));
    expect((await runSeed(String(seed), { ...run, safetySeconds: seconds })).error).toBeUndefined();
    return;
  }
  expect.unreachable(`not within ${seedsMax} seeds`);
});
