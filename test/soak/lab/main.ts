// `npm run soak:lab -- --minutes 60 [--turn-seconds 4] [--lab NAME --dir FOLDER] [--port-base N] [--out FILE]`: a lab at steady
// work, its memory looked at every minute, process by process. Exit code 1: something grows after the first ten minutes
// (rule.ts). Brings up a lab of its own on loopback with simulated pods, which needs no root, and takes it down, however it ends;
// with --lab it works on one that runs.

import { once } from 'node:events';
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { connect } from '@drydock/client/connect.ts';
import { execa } from '@drydock/foundation/child-process.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { repository } from '../../e2e/lab.ts';
import { beginRun, sweep } from '../../leave-nothing.ts';
import { Churn } from './churn.ts';
import { memoryOf } from './inspect.ts';
import { type Sample, type Verdict, verdicts } from './rule.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    'turn-seconds': { type: 'string', default: '4' },
    lab: { type: 'string' },
    dir: { type: 'string' },
    'port-base': { type: 'string', default: '28000' },
    out: { type: 'string' },
  },
});
const own = values.lab === undefined;
if (own) {
  // What is below would not be reached by an error that nobody caught.
  const run = beginRun();
  process.once('exit', () => sweep(run, () => false));
}
const folder = mkdtempSync(join(tmpdir(), 'drydock-soak-'));
const dir = values.dir ?? join(folder, 'lab');
const flags = ['--name', values.lab ?? 'soak', '--dir', dir];
const launcher = join(repository, 'drydock');
const drydock = (...words: string[]) => execa(launcher, words, { stdin: 'ignore' });
const abort = new AbortController();
// Each time: a terminal signals all of its group and npm passes that on, so a Ctrl-C comes twice, and the second must find somebody.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => abort.abort());
// Nobody reads any more: whoever did was ended by the same Ctrl-C.
process.stdout.on('error', () => abort.abort());

function say(line: string): void {
  console.log(line);
  if (values.out !== undefined) appendFileSync(values.out, `${line}\n`);
}

async function processes(): Promise<{ name: string; pid: number }[]> {
  const status = JSON.parse((await drydock('status', ...flags, '--json')).stdout) as {
    processes: { name: string; pid?: number }[];
  };
  // containerd is another's program.
  return status.processes.flatMap(({ name, pid }) => (pid && !name.startsWith('containerd') ? [{ name, pid }] : []));
}

async function look(minute: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const { name, pid } of await processes()) {
    const memory = await memoryOf(pid);
    if (memory !== undefined) samples.push({ minute, name, memory });
  }
  const mb = (value: number) => value.toFixed(0).padStart(5);
  say(`minute ${minute}: ${samples.reduce((sum, { memory }) => sum + memory.rss, 0).toFixed(0)} MB in all`);
  for (const { name, memory } of samples) {
    const { rss, anon, file, heapUsed, heapTotal, external } = memory;
    const heap = `heap ${mb(heapUsed)} of ${mb(heapTotal)} external ${mb(external)}`;
    say(`  ${name.padEnd(22)} rss ${mb(rss)} anon ${mb(anon)} file ${mb(file)} ${heap}`);
  }
  return samples;
}

function render({ name, heap, anon, grows }: Verdict): string {
  const change = ([first, last]: readonly [number, number]) => `${first.toFixed(0)} -> ${last.toFixed(0)} MB`;
  return `${grows ? 'GROWS' : 'flat '} ${name.padEnd(22)} alive ${change(heap)}, anonymous ${change(anon)}`;
}

let over = false;

async function work(churn: Churn): Promise<void> {
  const turnMs = Number(values['turn-seconds']) * 1000;
  while (!over && !abort.signal.aborted) {
    const began = performance.now();
    await churn.turn();
    await sleep(Math.max(0, turnMs - (performance.now() - began)), undefined, { signal: abort.signal }).catch(() => {});
  }
}

const samples: Sample[] = [];

async function soak(): Promise<void> {
  const ports = { clock: new SystemClock(), random: new SystemRandom() };
  const client = await connect(join(dir, 'admin.kubeconfig'), ports);
  const churn = new Churn(client);
  await churn.prepare();
  const working = work(churn);
  samples.push(...(await look(0)));
  const start = performance.now();
  for (let minute = 1; minute <= Number(values.minutes); minute++) {
    await sleep(start + minute * 60_000 - performance.now());
    samples.push(...(await look(minute)));
  }
  over = true;
  await working;
  client.close();
  say(`${churn.turns} turns, ${churn.failures} steps of them failed`);
  say('alive after a collection:');
  for (const { name, pid } of await processes()) {
    const memory = await memoryOf(pid, true);
    if (memory !== undefined)
      say(`  ${name.padEnd(22)} heap ${memory.heapUsed.toFixed(0)} external ${memory.external.toFixed(0)} MB`);
  }
}

/** Without waiting for what is under way: on a machine that does much else that can take minutes. */
async function untilAborted(work: Promise<void>): Promise<void> {
  // What goes on fails when the lab goes.
  work.catch(() => {});
  if (!abort.signal.aborted) await Promise.race([work, once(abort.signal, 'abort')]);
}

let failed = true;
try {
  if (own) {
    const words = ['up', ...flags, '--network=loopback', '--engine=hollow', '--port-base', values['port-base']];
    await execa(launcher, words, { stdin: 'ignore', cancelSignal: abort.signal });
  }
  await untilAborted(soak());
  const judged = verdicts(samples);
  failed = judged === undefined || judged.some(({ grows }) => grows);
  say(judged === undefined ? 'too short for a verdict' : judged.map(render).join('\n'));
} catch (error) {
  if (!abort.signal.aborted) throw error;
} finally {
  // In a group of its own: what is signalled to this one is not for it.
  if (own) await execa(launcher, ['down', ...flags], { stdin: 'ignore', detached: true, cleanup: false });
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
