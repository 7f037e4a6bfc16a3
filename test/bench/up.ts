// `npm run bench:up`: from `up` to an application answering through its Service, memory and CPU at rest. Needs root.
// With DRYDOCK_UPSTREAM set the upstream programs are measured in the same run, and ratios are printed.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const launcher = join(repository, 'drydock');
const labFlags = ['--name', 'bench'];
const warmRounds = 3;
const restSeconds = 30;
const clockTicksPerSecond = 100;

interface Usage {
  readonly name: string;
  readonly pid: number;
  readonly rssMb: number;
  readonly ticks: number;
}

async function timeToAnswer(): Promise<{ upMs: number; answerMs: number }> {
  const started = performance.now();
  await execa(launcher, ['up', ...labFlags], { stdin: 'ignore' });
  const upMs = performance.now() - started;
  const kubeconfig = /KUBECONFIG=['"]?([^'"\n]+)/.exec((await execa(launcher, ['env', ...labFlags])).stdout)?.[1] ?? '';
  const kubectl = (...args: string[]) => execa('kubectl', ['--kubeconfig', kubeconfig, ...args], { stdin: 'ignore' });
  await kubectl('create', 'deployment', 'web', '--image=drydock/echo:1', '--replicas=2', '--port=8080');
  await kubectl('expose', 'deployment/web', '--type=NodePort', '--port=80', '--target-port=8080');
  const port = (await kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.ports[0].nodePort}')).stdout;
  const path = 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}';
  const address = (await kubectl('get', 'nodes', '-o', path)).stdout;
  for (;;) {
    try {
      const response = await fetch(`http://${address}:${port}/`, { signal: AbortSignal.timeout(1_000) });
      if (response.ok) break;
    } catch {
      await sleep(50);
    }
  }
  return { upMs, answerMs: performance.now() - started };
}

/** All processes of the lab, told by what their command lines say. */
function processes(mark: RegExp): Usage[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
        if (!mark.test(command)) return [];
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const rss = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1];
        const program = /apps\/([\w-]+)\/main\.ts/.exec(command)?.[1] ?? command.split(' ')[0]?.split('/').at(-1) ?? '';
        return [
          { name: program, pid: Number(name), rssMb: Number(rss ?? 0) / 1024, ticks: Number(fields[11]) + Number(fields[12]) },
        ];
      } catch {
        return [];
      }
    });
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const mark = /drydock\/bench|dd-bench/;
try {
  await execa(launcher, ['down', ...labFlags], { reject: false });
  const rounds: { upMs: number; answerMs: number }[] = [];
  for (let i = 0; i <= warmRounds; i++) {
    const round = await timeToAnswer();
    console.log(
      `${i === 0 ? 'first' : 'warm '} up ${(round.upMs / 1000).toFixed(1)} s, application answers after ${(round.answerMs / 1000).toFixed(1)} s`,
    );
    if (i > 0) rounds.push(round);
    if (i < warmRounds) await execa(launcher, ['down', ...labFlags]);
  }
  console.log(
    `warm, median of ${warmRounds}: application answers after ${(median(rounds.map((round) => round.answerMs)) / 1000).toFixed(1)} s`,
  );
  await sleep(10_000);
  const before = processes(mark);
  await sleep(restSeconds * 1000);
  const after = processes(mark);
  const byName = new Map<string, { count: number; rssMb: number; ticks: number }>();
  for (const usage of after) {
    const start = before.find((other) => other.pid === usage.pid);
    const row = byName.get(usage.name) ?? { count: 0, rssMb: 0, ticks: 0 };
    byName.set(usage.name, {
      count: row.count + 1,
      rssMb: row.rssMb + usage.rssMb,
      ticks: row.ticks + usage.ticks - (start?.ticks ?? usage.ticks),
    });
  }
  const percent = (ticks: number) => ((ticks / clockTicksPerSecond / restSeconds) * 100).toFixed(1);
  console.log(`\n${'program'.padEnd(28)} ${'n'.padStart(3)} ${'RSS MB'.padStart(8)} ${'CPU %'.padStart(7)}`);
  let rss = 0;
  let ticks = 0;
  for (const [name, row] of [...byName].sort(([a], [b]) => (a < b ? -1 : 1))) {
    console.log(
      `${name.padEnd(28)} ${String(row.count).padStart(3)} ${row.rssMb.toFixed(0).padStart(8)} ${percent(row.ticks).padStart(7)}`,
    );
    rss += row.rssMb;
    ticks += row.ticks;
  }
  console.log(`${'all'.padEnd(32)} ${rss.toFixed(0).padStart(8)} ${percent(ticks).padStart(7)}`);
} finally {
  await execa(launcher, ['down', ...labFlags], { reject: false });
}
