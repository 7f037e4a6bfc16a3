// Runs a scenario again and again, each time with another mishap at another call of the kubelet, and checks every run.
import { violations } from './checks.ts';
import { KubeletWorld, type WorldOptions } from './kubelet-world.ts';
import type { Fate, Point } from './life.ts';

/** `npm run siege` */
export const isLong = process.env.DRYDOCK_SIEGE === 'long';
/** Of every call; the last one is hardly another than that before the next call: left to `npm run siege`. */
const everyFate = ['error', 'lost', 'crash before', 'crash during', 'crash after'] as const;
export const fates = everyFate.slice(0, isLong ? 5 : 4);
/** What only looks: whether its answer is lost or it was not carried out, is the same. */
const look = /^(engine (list|sandboxIps|container|image$)|api (get|list)|disk (open|opendir|readlink)$|driver \w*Get\w+$)/;

/** Asked for every second or about the node alone: left to `npm run siege`. */
const everyday =
  /^(engine (listSandboxes all|listContainers all|version|status|images|setPodCidr)|api \w+ (events|leases|nodes))/;
/** So many calls of the disk are passed over: each has tests of its own where it is made. */
const diskStride = 19;

/** A sweep takes two seconds of one processor, `npm run siege` minutes. */
export const sweepTime = { timeout: isLong ? 3_600_000 : 120_000 };

export interface Scenario {
  readonly options?: WorldOptions;
  /** Throws where the world does not come to what is expected in the virtual time that it states. */
  readonly run: (world: KubeletWorld) => Promise<void>;
  /** At the end nothing is left. */
  readonly leavesNothing?: boolean;
}

/** What was wrong with a run; empty where nothing was. */
export async function runOnce(scenario: Scenario, fate: (point: Point) => Fate = () => undefined): Promise<string[]> {
  const world = new KubeletWorld(scenario.options);
  try {
    await world.boot();
    world.fate = fate;
    await scenario.run(world);
    world.fate = () => undefined;
    // What nobody waits for may take a round more.
    if (scenario.leavesNothing !== false) {
      for (let tries = 0; tries < 60 && (await world.leaks()).length > 0; tries++) await world.advance(1_000);
    }
    return [
      ...violations(world.journal),
      ...world.driverFaults,
      ...(scenario.leavesNothing === false ? [] : await world.leaks()),
    ];
  } catch (error) {
    return [(error as Error).message, ...violations(world.journal)];
  } finally {
    await world.remove();
  }
}

/** Gives what was wrong, each line with its mishap; and how many runs there were. */
export async function withEveryMishap(
  scenario: Scenario,
  fate: (typeof fates)[number],
): Promise<{ readonly runs: number; readonly wrong: string[] }> {
  const points: Point[] = [];
  const wrong = await runOnce(scenario, (point) => {
    points.push(point);
    return undefined;
  });
  let runs = 1;
  if (wrong.length > 0) return { runs, wrong: wrong.map((text) => `no mishap: ${text}`) };
  for (const [at, point] of points.entries()) {
    if (!isChosen(point, at, fate)) continue;
    let count = 0;
    const found = await runOnce(scenario, () => (count++ === at ? fate : undefined));
    runs++;
    wrong.push(...found.map((text) => `${fate} at call ${at}, ${point.port} ${point.name}: ${text}`));
  }
  return { runs, wrong };
}

function isChosen({ port, name }: Point, at: number, fate: (typeof fates)[number]): boolean {
  if (isLong) return true;
  const text = `${port} ${name}`;
  if (everyday.test(text)) return false;
  if (look.test(text) && (fate === 'lost' || fate === 'crash during')) return false;
  return port !== 'disk' || at % diskStride === 0;
}
