// The soak: stores of real processes, round after round under faults, each round's history checked.
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { render, type Violation } from '@drydock/sim/checkers/violation.ts';
import type { History } from '@drydock/sim/history/history.ts';
import { toLines } from '@drydock/sim/history/json-lines.ts';
import type { Operation } from '@drydock/sim/history/operation.ts';
import { Client, credentials } from '@grpc/grpc-js';
import { ourProgram, Store } from '../integration/store/members.ts';
import { runRound } from './round.ts';

export interface SoakOptions {
  readonly totalMs: number;
  readonly roundMs: number;
  /** Sizes of the stores, in turn. */
  readonly sizes: readonly number[];
  readonly seed: string;
  readonly program: readonly string[];
  readonly flags: readonly string[];
  /** Where histories with violations go; a folder of its own where it is not given. */
  readonly folder?: string;
  readonly signal: AbortSignal;
  readonly report: (line: string) => void;
}

export interface Tally {
  rounds: number;
  operations: number;
  unknown: number;
  watchEvents: number;
  /** Terms whose leader is known. */
  terms: number;
  violations: number;
  readonly faults: Map<string, number>;
}

/** Rounds with one store; then comes the next one. */
const roundsPerStore = 4;
/** A round is not shorter, so that faults strike at all. */
const roundMinMs = 5000;
/** Snapshots and cuts of the log should happen, too. */
export const soakFlags = ['--snapshot-count=500'];

export async function soak(options: SoakOptions): Promise<Tally> {
  const tally: Tally = { rounds: 0, operations: 0, unknown: 0, watchEvents: 0, terms: 0, violations: 0, faults: new Map() };
  const end = performance.now() + options.totalMs;
  for (let i = 0; performance.now() < end && !options.signal.aborted; i++) {
    const size = options.sizes[i % options.sizes.length] ?? 3;
    await withStore(options, size, end, tally);
  }
  return tally;
}

async function withStore(options: SoakOptions, size: number, end: number, tally: Tally): Promise<void> {
  const { program, signal } = options;
  const store = await startStore(options, size);
  const clients = store.endpoints.map((url) => new Client(new URL(url).host, credentials.createInsecure(), channel));
  try {
    let lost: readonly Operation[] = [];
    for (let i = 0; i < roundsPerStore && (i === 0 || performance.now() < end) && !signal.aborted; i++) {
      const seed = `${options.seed}/${tally.rounds}`;
      const ms = Math.min(options.roundMs, Math.max(end - performance.now(), roundMinMs));
      const ours = program === ourProgram;
      const result = await runRound({ store, ours, clients, random: new SeededRandom(seed), ms, lost, signal });
      const own = result.history.operations.filter(({ invoke }) => invoke > 0);
      lost = own.filter(({ request, outcome }) => outcome.kind === 'unknown' && request.kind !== 'range');
      count(tally, own, result.history, result.struck);
      tally.violations += result.violations.length;
      options.report(
        `round ${tally.rounds} (seed ${seed}, ${size} members): ${own.length} operations, ` +
          `${lost.length} unknown, ${[...result.struck.values()].reduce((a, b) => a + b, 0)} faults, ` +
          `${result.violations.length} violations; checked in ${Math.round(result.checkMs)} ms`,
      );
      if (result.violations.length > 0) {
        keep(options, seed, store, result.history, result.violations);
        // What follows could only be more of the same.
        return;
      }
    }
  } finally {
    for (const client of clients) client.close();
    await store.stop();
  }
}

/** On a machine with much else to do a first start may take longer than its tests wait. */
async function startStore({ program, flags, report }: SoakOptions, size: number): Promise<Store> {
  for (let left = startTriesMax; ; left--) {
    try {
      return await Store.start({ size, program, flags, cuttable: true });
    } catch (error) {
      if (left <= 1) throw error;
      report(`a store did not start: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

const startTriesMax = 3;

/** A member that comes back should be found soon. */
const channel = { 'grpc.initial_reconnect_backoff_ms': 50, 'grpc.max_reconnect_backoff_ms': 500 };

function count(
  tally: Tally,
  operations: readonly Operation[],
  { watches, leaders }: History,
  struck: ReadonlyMap<string, number>,
): void {
  tally.rounds++;
  tally.terms += new Set(leaders.map(({ term }) => term)).size;
  tally.operations += operations.length;
  tally.unknown += operations.filter(({ outcome }) => outcome.kind === 'unknown').length;
  for (const { responses } of watches) for (const { events } of responses) tally.watchEvents += events.length;
  for (const [name, times] of struck) tally.faults.set(name, (tally.faults.get(name) ?? 0) + times);
}

/** The whole history, the members' logs, and what is wrong. */
function keep(options: SoakOptions, seed: string, store: Store, history: History, violations: readonly Violation[]): void {
  const parent = options.folder ?? mkdtempSync(join(tmpdir(), 'drydock-soak-'));
  const folder = join(parent, seed.replaceAll('/', '-'));
  mkdirSync(folder, { recursive: true });
  const text = violations.map(render).join('\n');
  writeFileSync(join(folder, 'history.jsonl'), `${[...toLines(history)].join('\n')}\n`);
  writeFileSync(join(folder, 'violations.txt'), `${text}\n`);
  for (const { logFile, name } of store.members) cpSync(logFile, join(folder, `${name}.log`));
  options.report(`${text}\nhistory, violations and logs: ${folder}`);
}

export function renderTally(tally: Tally, ms: number): string {
  const faults = [...tally.faults].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, times]) => `  ${name}: ${times}`);
  return [
    `${(ms / 60_000).toFixed(1)} minutes, ${tally.rounds} rounds`,
    `operations checked: ${tally.operations} (outcome unknown: ${tally.unknown}), watch events: ${tally.watchEvents}, terms: ${tally.terms}`,
    `faults injected: ${[...tally.faults.values()].reduce((a, b) => a + b, 0)}`,
    ...faults,
    `violations: ${tally.violations}`,
  ].join('\n');
}
