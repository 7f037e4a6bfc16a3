// Runs the checks, then the test projects stage by stage, and counts across all of them.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { execa } from '@drydock/foundation/child-process.ts';
import { stopwatch } from './busy.ts';
import { beginRun, sweep } from './leave-nothing.ts';

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages?: readonly string[] | null;
    }[];
  }[];
}

const repository = fileURLToPath(new URL('..', import.meta.url));

const checks: readonly (readonly [string, readonly string[]])[] = [
  ['types', ['tsc', '-p', 'tsconfig.json']],
  ['lint and format', ['biome', 'check', '--error-on-warnings', '.']],
  ['import direction, determinism, size, habits', ['node', 'test/tidy/main.ts']],
];

/**
 * What runs after what; as root on Linux everything does, elsewhere what needs root reports itself as skipped, with its reason in its
 * name. The first of a stage is shown. The others use what it leaves of the processors, and are shown at its end: labs wait most of the
 * time, for leases and rollouts. The integration tests measure times of their own and run without others.
 */
const stages: readonly (readonly [string, ...string[]])[] = [['e2e', 'unit'], ['sim'], ['integration'], ['swap']];

/** Everything below is of this run, and goes with it. */
const run = beginRun();

const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
const skippedNames: string[] = [];
/** What failed, each with the first lines of why: said once more at the very end. */
const failures: string[] = [];
const failureLinesMax = 5;
const only = process.argv.slice(2);

for (const [name, command] of checks) {
  const [program = '', ...args] = command;
  const result = await execa(program, args, { stdio: 'inherit', reject: false });
  console.log(`check: ${name}: ${result.exitCode === 0 ? 'passed' : 'FAILED'}`);
  if (result.exitCode === 0) tally.passed++;
  else {
    tally.failed++;
    failures.push(`check: ${name}`);
  }
}
// An interrupted suite has no teardown of its own, and one that failed may have left something.
process.once('exit', () => {
  const left = sweep(run, () => false);
  if (left.length > 0) console.log(`the run had left, and it was removed:\n${left.map((line) => `  ${line}`).join('\n')}`);
});
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)
  process.once(signal, () => process.exit(code));
for (const stage of stages) {
  const [shown, ...beside] = stage.filter(isWanted);
  if (shown === undefined) continue;
  const time = stopwatch();
  await Promise.all([runProject(shown, 'shown'), ...beside.map((project) => runProject(project, 'beside'))]);
  console.log(`${[shown, ...beside].join(' and ')}: ${time()}`);
}
if (skippedNames.length > 0) console.log(`skipped:\n${skippedNames.map((name) => `  ${name}`).join('\n')}`);
if (failures.length > 0) console.log(`failed:\n${failures.map((failure) => `  ${failure}`).join('\n')}`);
console.log(`${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
process.exitCode = tally.failed === 0 ? 0 : 1;

function isWanted(project: string): boolean {
  return only.length === 0 || only.includes(project);
}

async function runProject(project: string, place: 'shown' | 'beside'): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'drydock-test-'));
  const reportFile = join(folder, 'report.json');
  try {
    const runner = execa(
      'vitest',
      [
        'run',
        '--project',
        project,
        '--passWithNoTests',
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${reportFile}`,
      ],
      place === 'shown'
        ? { stdio: ['ignore', 'inherit', 'inherit'], reject: false }
        : { stdin: 'ignore', all: true, detached: true, reject: false },
    );
    if (place === 'beside') yieldTo(runner.pid);
    const result = await runner;
    if (place === 'beside') console.log(result.all);
    const report = JSON.parse(readFileSync(reportFile, 'utf8')) as VitestReport;
    tally.passed += report.numPassedTests;
    tally.failed += report.numFailedTests;
    tally.skipped += report.numPendingTests + report.numTodoTests;
    const failedBefore = tally.failed - report.numFailedTests;
    for (const file of report.testResults) {
      for (const test of file.assertionResults) {
        if (test.status === 'pending' || test.status === 'skipped') skippedNames.push(`${project}: ${test.fullName}`);
        if (test.status === 'failed')
          failures.push(
            failureOf(`${project}: ${relative(repository, file.name)}: ${test.fullName}`, test.failureMessages?.[0]),
          );
      }
      if (file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')) {
        // A file that does not load has no failed test of its own, and must not pass for that.
        tally.failed++;
        failures.push(failureOf(`${project}: ${relative(repository, file.name)}`, file.message));
      }
    }
    if (result.exitCode !== 0 && tally.failed === failedBefore) {
      tally.failed++;
      failures.push(`${project}: the runner ended with ${result.exitCode ?? result.signal} though no test failed: see above`);
    }
  } catch (error) {
    failures.push(`${project}: the runner itself failed: ${error instanceof Error ? error.message : String(error)}`);
    tally.failed++;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Gives the session that `pid` leads, and all it starts, less of the processors than others: the scheduler shares them out by session,
 * and a nice value counts only within one (sched(7), autogrouping). Where there is no such thing, they share alike.
 */
function yieldTo(pid: number | undefined): void {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, '5');
  } catch {
    // It takes longer, no more.
  }
}

function failureOf(name: string, reason = ''): string {
  const lines = stripVTControlCharacters(reason).split('\n').slice(0, failureLinesMax);
  return [name, ...lines.map((line) => `    ${line}`)].join('\n');
}
