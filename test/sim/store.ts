// `npm run sim:store -- --seed N [--count K] [--seconds S | --minutes M] [--keep-going] [--verbose]`: runs seeds of the
// simulated store, with faults for so long by its own clock;
// with `--scenario NAME` a scenario instead.
// Exit codes: 0 all went well, 127 a member or the simulator crashed, 128 liveness, 129 safety.
import { parseArgs } from 'node:util';
import { describeOptions } from '@drydock/sim/options.ts';
import { scenarios } from '@drydock/sim/scenarios/all.ts';
import { playScenario } from '@drydock/sim/scenarios/scenario.ts';
import { runSeed, type SimResult, type Verdict } from '@drydock/sim/store-sim.ts';

const exitCodes: Readonly<Record<Verdict, number>> = { ok: 0, crash: 127, liveness: 128, safety: 129 };

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '60' },
    minutes: { type: 'string' },
    scenario: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    'keep-going': { type: 'boolean', default: false },
  },
});

const safetySeconds = values.minutes === undefined ? Number(values.seconds) : 60 * Number(values.minutes);
const clock = performance.now.bind(performance);
let worst = 0;
let operations = 0;
let virtualSeconds = 0;
/** How often each kind of fault was injected, and each effect of them was seen. */
const counts = new Map<string, number>();
const started = clock();
process.on('unhandledRejection', (error) => {
  console.error('a promise was rejected and nobody looked:', error);
  process.exit(exitCodes.crash);
});

if (values.scenario !== undefined) {
  await play(values.scenario);
  process.exit();
}
for (let i = 0; i < Number(values.count); i++) {
  const seed = String(Number(values.seed) + i);
  const begun = clock();
  const onLine = values.verbose ? (line: string) => console.log(line) : undefined;
  const result = await runSeed(seed, { safetySeconds, ...(onLine === undefined ? {} : { onLine }) });
  report(seed, result, clock() - begun);
  operations += result.operations;
  virtualSeconds += result.virtualSeconds;
  for (const [name, count] of [...result.faults, ...result.effects]) counts.set(name, (counts.get(name) ?? 0) + count);
  worst = Math.max(worst, exitCodes[result.verdict]);
  if (worst !== 0 && !values['keep-going']) break;
}
const realSeconds = (clock() - started) / 1000;
console.log(
  `${operations} operations, ${virtualSeconds.toFixed(0)} virtual seconds in ${realSeconds.toFixed(1)} s: ${(virtualSeconds / realSeconds).toFixed(0)} per second`,
);
console.log([...counts].map(([name, count]) => `${name} ${count}`).join(', '));
process.exitCode = worst;

async function play(name: string): Promise<void> {
  const scenario = scenarios.find((one) => one.name === name);
  if (scenario === undefined) {
    console.error(`no scenario ${name}; there are: ${scenarios.map((one) => one.name).join(' ')}`);
    process.exitCode = 1;
    return;
  }
  for (let i = 0; i < Number(values.count); i++) {
    const seed = String(Number(values.seed) + i);
    const onLine = values.verbose ? (line: string) => console.log(line) : undefined;
    try {
      const { hash, virtualSeconds } = await playScenario(scenario, seed, onLine);
      console.log(`${name} seed ${seed} as expected, ${hash}, ${virtualSeconds.toFixed(1)} s`);
    } catch (error) {
      console.log(`${name} seed ${seed}:`, error);
      process.exitCode = exitCodes.safety;
    }
  }
}

function report(seed: string, result: SimResult, ms: number): void {
  console.log(
    `seed ${seed} ${result.verdict} ${result.hash} ${result.events} events, ${result.operations} operations, ${result.virtualSeconds.toFixed(0)} s in ${ms.toFixed(0)} ms`,
  );
  if (values.count !== '1' && result.verdict === 'ok') return;
  console.log(`  outcomes: ${outcomes(result)}`);
  console.log(`  ${describeOptions(result.options)}`);
  console.log(`  injected: ${[...result.faults].map(([kind, count]) => `${kind}:${count}`).join(' ') || 'nothing'}`);
  if (result.verdict === 'ok') return;
  if (!values.verbose) for (const line of result.tail.slice(-60)) console.log(`  | ${line}`);
  console.log(`  ${result.error instanceof Error ? result.error.stack : result.error}`);
  for (let { cause } = result.error as Error; cause instanceof Error; cause = cause.cause)
    console.log('  caused by', cause.stack);
}

/** How many operations of each kind ended how. */
function outcomes({ history }: SimResult): string {
  const counts = new Map<string, { ok: number; failed: number; unknown: number }>();
  for (const { request, outcome } of history.operations) {
    const count = counts.get(request.kind) ?? { ok: 0, failed: 0, unknown: 0 };
    count[outcome.kind]++;
    counts.set(request.kind, count);
  }
  const watched = history.watches.reduce((sum, watch) => sum + watch.responses.length, 0);
  const texts = [...counts].map(([kind, { ok, failed, unknown }]) => `${kind} ${ok}/${failed}/${unknown}`);
  return `${texts.join(', ')} (ok/failed/unknown); ${history.watches.length} watches, ${watched} answers`;
}
