// Damages logs and reads them back. What must hold:
//
// 1. Reading gives what the log says, or fails with a WalError that says where and what to do. Nothing else is thrown.
// 2. What it gives is what the log said after some number of its records: never a value that was not written, never one record
//    without those before it.
// 3. Where a record is left whole in its place, everything that was durable when it was written is there too.
// 4. What was read can be written on.
//
// A cut at the end of a record with nothing whole behind it is a shorter log, and no log can know better: 3 does not apply. The
// member still refuses it where its data are further than the log (raft/open-member.ts).
import { SeededRandom } from '@drydock/foundation/random.ts';
import { WalError } from '../errors.ts';
import { type FrameReader, recover } from '../recover.ts';
import { openWal } from '../wal.ts';
import { damages } from './damage.ts';
import { describe, diskOf, folder, type History, type Image, makeHistory, segmentBytes } from './history.ts';

const casesPerHistory = 200;
const damagesMax = 3;
/** One in so many that were read is also written on. */
const writtenOnEvery = 8;

export interface FuzzOptions {
  readonly cases: number;
  readonly seed: number;
  /** A test gives a wrong one. */
  readonly reader?: FrameReader;
}

export interface Finding {
  readonly case: number;
  readonly damages: readonly string[];
  readonly what: string;
}

export interface FuzzReport {
  /** How many cases ended how: `whole`, `shorter`, `refused`. */
  readonly outcomes: Readonly<Record<'whole' | 'shorter' | 'refused', number>>;
  readonly byDamage: ReadonlyMap<string, number>;
  /** Stops at the first. */
  readonly finding: Finding | undefined;
}

export async function fuzzWal({ cases, seed, reader }: FuzzOptions): Promise<FuzzReport> {
  const outcomes = { whole: 0, shorter: 0, refused: 0 };
  const byDamage = new Map<string, number>();
  const random = new SeededRandom(seed);
  const names = Object.keys(damages);
  let history = await makeHistory(random.stream('history'));
  for (let number = 0; number < cases; number++) {
    if (number % casesPerHistory === 0) history = await makeHistory(random.stream('history'));
    const choices = random.stream('damage');
    const done = Array.from({ length: 1 + choices.int(damagesMax) }, () => names[choices.int(names.length)] ?? '');
    const files = new Map(history.image);
    for (const name of done) {
      if (files.size > 0) damages[name]?.(files, history, choices);
      byDamage.set(name, (byDamage.get(name) ?? 0) + 1);
    }
    const result = await judge(history, files, reader, number % writtenOnEvery === 0);
    if (typeof result !== 'string') return { outcomes, byDamage, finding: { case: number, damages: done, what: result.wrong } };
    outcomes[result]++;
  }
  return { outcomes, byDamage, finding: undefined };
}

type Verdict = 'whole' | 'shorter' | 'refused' | { readonly wrong: string };

async function judge(history: History, files: Image, reader: FrameReader | undefined, writeOn: boolean): Promise<Verdict> {
  const disk = await diskOf(files);
  let said: string;
  try {
    said = describe(await recover(disk, folder, reader));
  } catch (error) {
    if (!(error instanceof WalError)) return { wrong: `threw ${error instanceof Error ? error.stack : String(error)}` };
    return explains(error) ? 'refused' : { wrong: `does not say what to do: ${error.message}` };
  }
  const records = history.states.get(said);
  if (records === undefined) return { wrong: `says what was never saved:\n${said}` };
  const needed = neededBy(history, files);
  if (records < needed)
    return { wrong: `says ${records} records of ${history.records}, but ${needed} were durable for certain` };
  if (writeOn) {
    const why = await writesOn(files, said);
    if (why !== undefined) return { wrong: why };
  }
  return records === history.records ? 'whole' : 'shorter';
}

function explains(error: WalError): boolean {
  if (error.code === 'missing') return error.message.includes(folder);
  return error.code === 'damaged' && /\.wal|segment/.test(error.message) && error.message.includes('etcdctl');
}

/** Records that must be there, because somebody is left who was written after them. */
function neededBy(history: History, files: Image): number {
  let needed = 0;
  for (const { file, from, to, needs } of history.frames) {
    const [before, now] = [history.image.get(file), files.get(file)];
    if (before === undefined || now === undefined || needs <= needed || now.length < to) continue;
    if (Buffer.compare(before.subarray(from, to), now.subarray(from, to)) === 0) needed = needs;
  }
  return needed;
}

async function writesOn(files: Image, said: string): Promise<string | undefined> {
  const disk = await diskOf(files);
  const { wal, recovered } = await openWal({ disk, folder, segmentBytes });
  if (describe(recovered) !== said) return 'opening says something else than reading';
  const { term, vote, commit } = recovered.hardState;
  const hardState = { term: term + 1, vote: vote + 1n, commit };
  await wal.save(hardState, [], true);
  await wal.close();
  const again = await recover(disk, folder);
  return describe(again) === describe({ ...recovered, hardState }) ? undefined : 'what was written on is not there';
}
