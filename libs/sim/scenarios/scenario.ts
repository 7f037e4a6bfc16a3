// A scenario: a small play about one way in which a store may fail, with what is expected of it.
import type { SimCluster } from '../cluster.ts';
import { judge } from '../judge.ts';
import { World } from '../world.ts';
import { ExpectationError, Stage, type StageOptions } from './stage.ts';

export interface Scenario {
  readonly name: string;
  readonly stage: StageOptions;
  readonly play: (stage: Stage) => Promise<void>;
}

export interface Played {
  readonly hash: string;
  readonly virtualSeconds: number;
}

const longestUs = 600_000_000;

/** Plays it, with a bug where one is planted; rejects where something is not as expected. */
export async function playScenario(
  scenario: Scenario,
  seed: string,
  onLine?: (line: string) => void,
  plant?: (cluster: SimCluster) => void,
): Promise<Played> {
  const world = new World(`${scenario.name}/${seed}`, onLine);
  const stage = new Stage(world, seed, scenario.stage);
  plant?.(stage.cluster);
  let ended = false;
  world.schedule(1, () => {
    scenario.play(stage).then(
      () => {
        ended = true;
      },
      (error) => world.fail(error),
    );
  });
  await world.run(longestUs, () => ended);
  if (!ended) throw new ExpectationError(`${scenario.name} has no end`);
  const violation = judge(stage.recorder.history());
  if (violation !== undefined) throw violation;
  return { hash: world.log.digest(), virtualSeconds: world.nowUs / 1_000_000 };
}
