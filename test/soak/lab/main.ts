// `npm run soak:lab -- --minutes 60 [--turn-seconds 4] [--lab NAME --dir FOLDER] [--port-base N] [--out FILE]`: a lab at steady
// work, its memory looked at every minute, process by process. Exit code 1: something grows after the first ten minutes
// (rule.ts). Brings up a lab of its own on loopback with simulated pods, which needs no root, and takes it down; with --lab it
// works on one that runs.
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
const folder = mkdtempSync(join(tmpdir(), 'drydock-soak-'));
const dir = values.dir ?? join(folder, 'lab');
const flags = ['--name', values.lab ?? 'soak', '--dir', dir];
const drydock = (...words: string[]) => execa(join(repository, 'drydock'), words, { stdin: 'ignore' });
const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort());

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

async function work(churn: Churn): Promise<void> {
  const turnMs = Number(values['turn-seconds']) * 1000;
  while (!abort.signal.aborted) {
    const began = performance.now();
    await churn.turn();
    await sleep(Math.max(0, turnMs - (performance.now() - began)), undefined, { signal: abort.signal }).catch(() => {});
  }
}

let failed = false;
try {
  if (own) await drydock('up', ...flags, '--network=loopback', '--engine=hollow', '--port-base', values['port-base']);
  const ports = { clock: new SystemClock(), random: new SystemRandom() };
  const client = await connect(join(dir, 'admin.kubeconfig'), ports);
  const churn = new Churn(client);
  await churn.prepare();
  const working = work(churn);
  const samples = await look(0);
  const start = performance.now();
  for (let minute = 1; minute <= Number(values.minutes) && !abort.signal.aborted; minute++) {
    await sleep(start + minute * 60_000 - performance.now(), undefined, { signal: abort.signal }).catch(() => {});
    samples.push(...(await look(minute)));
  }
  abort.abort();
  await working;
  client.close();
  say(`${churn.turns} turns, ${churn.failures} steps of them failed`);
  say('alive after a collection:');
  for (const { name, pid } of await processes()) {
    const memory = await memoryOf(pid, true);
    if (memory !== undefined)
      say(`  ${name.padEnd(22)} heap ${memory.heapUsed.toFixed(0)} external ${memory.external.toFixed(0)} MB`);
  }
  const judged = verdicts(samples);
  failed = judged === undefined || judged.some(({ grows }) => grows);
  say(judged === undefined ? 'too short for a verdict' : judged.map(render).join('\n'));
} finally {
  if (own) await drydock('down', ...flags);
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
