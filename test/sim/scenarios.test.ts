// The scenarios of the failure modes, each with a few seeds.
import { scenarios } from '@drydock/sim/scenarios/all.ts';
import { playScenario } from '@drydock/sim/scenarios/scenario.ts';
import { expect, test } from 'vitest';

const seeds = ['1', '2'];

test.each(scenarios.map((scenario) => ({ name: scenario.name, scenario })))(
  '$name',
  { timeout: 120_000 },
  async ({ scenario }) => {
    for (const seed of seeds) {
      const { virtualSeconds } = await playScenario(scenario, seed);
      expect(virtualSeconds, `npm run sim:store -- --scenario ${scenario.name} --seed ${seed}`).toBeGreaterThan(0);
    }
  },
);
