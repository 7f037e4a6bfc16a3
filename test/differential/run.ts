// A differential run: episodes of random operations on the original and on ours, until all are played or two answers differ;
// then the episode is shortened on fresh stores as long as a difference stays.
import { SeededRandom } from '@drydock/foundation/random.ts';
import { Store } from '../integration/store/members.ts';
import { Generator } from './generate.ts';
import type { Operation } from './operation.ts';
import { type Difference, empty, type Pair, play, playOne } from './play.ts';
import { shorten } from './shorten.ts';
import { Side } from './side.ts';

/** Stores are emptied after so many operations: what matters for a difference is then near it. */
const episodeOperations = 300;
/** Sequences tried while shortening. */
const triesMax = 400;

export interface RunOptions {
  readonly operations: number;
  readonly seed: string;
  readonly original: readonly string[];
  readonly ours: readonly string[];
  readonly onProgress?: (played: number) => void;
}

export interface RunResult {
  readonly played: number;
  readonly difference: Difference | undefined;
  /** The shortest sequence found that shows a difference on fresh stores; empty where it needs what came before. */
  readonly shortest: readonly Operation[];
}

export async function run(options: RunOptions): Promise<RunResult> {
  const found = await withStores(options, (pair) => search(pair, options));
  if (found.difference === undefined) return { ...found, shortest: [] };
  return withStores(options, async (pair) => {
    let { difference } = found;
    const differs = async (operations: readonly Operation[]): Promise<boolean> => {
      await Promise.all([empty(pair.theirs), empty(pair.ours)]);
      const seen = await play(pair, operations);
      difference = seen ?? difference;
      return seen !== undefined;
    };
    const shortest = await shorten(found.episode, differs, triesMax);
    if (shortest.length > 0) await differs(shortest);
    return { played: found.played, difference, shortest };
  });
}

async function search(pair: Pair, { operations, seed, onProgress }: RunOptions) {
  const generator = new Generator(new SeededRandom(seed).stream('differential'));
  let episode: Operation[] = [];
  let difference: Difference | undefined;
  let played = 0;
  for (; played < operations && difference === undefined; played++) {
    if (episode.length >= episodeOperations || episode.length === 0) {
      const [revision] = await Promise.all([empty(pair.theirs), empty(pair.ours)]);
      generator.revision = revision;
      episode = [];
      onProgress?.(played);
    }
    const last = played === operations - 1 || episode.length === episodeOperations - 1;
    const operation = last ? ({ kind: 'compareWatchers' } as const) : generator.next();
    episode.push(operation);
    const outcome = await playOne(pair, operation, episode.length - 1);
    difference = outcome.difference;
    generator.revision = outcome.revision ?? generator.revision;
  }
  return { played, difference, episode };
}

async function withStores<T>({ original, ours }: RunOptions, body: (pair: Pair) => Promise<T>): Promise<T> {
  const stores: Store[] = [];
  const sides: Side[] = [];
  try {
    for (const program of [original, ours]) {
      const store = await Store.start({ size: 1, program });
      stores.push(store);
      sides.push(new Side(new URL(store.endpoint(0)).host));
    }
    const [theirs, mine] = sides;
    if (theirs === undefined || mine === undefined) throw new Error('a side is missing');
    return await body({ theirs, ours: mine });
  } finally {
    for (const side of sides) side.close();
    await Promise.all(stores.map((store) => store.stop()));
  }
}
