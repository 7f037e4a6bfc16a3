// `npm run bench:up`: from `up` to an application answering through its Service, memory and CPU at rest. Needs root.
// With DRYDOCK_UPSTREAM set the upstream programs are measured in the same run, and ratios are printed. Upstream's script
// makes one member of each kind and two workers: a lab of that shape is measured as well, so that ratios compare like with like.
// The time of upstream contains the import of the images into its workers, as ours contains the linking of its stores.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from '@drydock/foundation/child-process.ts';
import { processesMarked, summarize, type Totals, type Usage, usageOf } from './usage.ts';

interface Cluster {
  up(): Promise<void>;
  down(): Promise<void>;
  kubeconfig(): Promise<string>;
  processes(): Promise<{ name: string; pid: number }[]>;
}

interface Result {
  /** Medians of the warm rounds, in seconds. */
  readonly upSeconds: number;
  readonly answerSeconds: number;
  readonly totals: Totals;
}

const launcher = fileURLToPath(new URL('../../drydock', import.meta.url));
const warmRounds = 3;
const settleMs = 15_000;
const restSeconds = 60;
const answerTimeoutMs = 120_000;
const labFlags = ['--name', 'bench'];
/** Apart from the ranges of a user's own lab on the same machine. */
const ranges = ['--fabric-cidr', '10.247.0.0/24', '--cluster-cidr', '10.246.0.0/16'];
const small = ['--etcd=1', '--apiservers=1', '--schedulers=1', '--controller-managers=1', '--workers=2'];
const upstreamFolder = '/tmp/drydock-bench';
const upstreamPort = 17453;

function lab(shape: readonly string[]): Cluster {
  return {
    up: async () => {
      await execa(launcher, ['up', ...labFlags, ...ranges, ...shape], { stdin: 'ignore' });
    },
    down: async () => {
      await execa(launcher, ['down', ...labFlags], { reject: false });
    },
    kubeconfig: async () => /KUBECONFIG='([^']+)'/.exec((await execa(launcher, ['env', ...labFlags])).stdout)?.[1] ?? '',
    processes: async () => {
      const { stdout } = await execa(launcher, ['status', ...labFlags, '--json']);
      const status = JSON.parse(stdout) as { processes: { program: string; pid?: number }[] };
      return status.processes.flatMap(({ program, pid }) => (pid === undefined ? [] : [{ name: program, pid }]));
    },
  };
}

function upstream(script: string): Cluster {
  const folder = ['--dir', upstreamFolder];
  return {
    up: async () => {
      const archive = (await execa(launcher, ['image', 'build'])).stdout.trim();
      await execa(script, ['up', ...folder, '--port', String(upstreamPort), '--nodes', '2'], { stdin: 'ignore' });
      await execa(script, ['load', archive, ...folder]);
    },
    down: async () => {
      await execa(script, ['down', ...folder], { reject: false });
    },
    kubeconfig: () => Promise.resolve(join(upstreamFolder, 'admin.kubeconfig')),
    processes: () => Promise.resolve(processesMarked(upstreamFolder)),
  };
}

async function timeToAnswer(cluster: Cluster): Promise<{ up: number; answer: number }> {
  const started = performance.now();
  await cluster.up();
  const up = (performance.now() - started) / 1000;
  const kubeconfig = await cluster.kubeconfig();
  const kubectl = async (...args: string[]) =>
    (await execa('kubectl', ['--kubeconfig', kubeconfig, ...args], { stdin: 'ignore' })).stdout;
  await kubectl('create', 'deployment', 'web', '--image=drydock/echo:1', '--replicas=2', '--port=8080');
  await kubectl('expose', 'deployment/web', '--type=NodePort', '--port=80', '--target-port=8080');
  const port = await kubectl('get', 'service', 'web', '-o', 'jsonpath={.spec.ports[0].nodePort}');
  const path = 'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}';
  const address = await kubectl('get', 'nodes', '-o', path);
  const deadline = performance.now() + answerTimeoutMs;
  while (performance.now() < deadline) {
    try {
      const response = await fetch(`http://${address}:${port}/`, { signal: AbortSignal.timeout(1_000) });
      if (response.ok) return { up, answer: (performance.now() - started) / 1000 };
    } catch {
      await sleep(50);
    }
  }
  throw new Error(`http://${address}:${port}/ does not answer after ${answerTimeoutMs / 1000} s`);
}

async function look(cluster: Cluster): Promise<Usage[]> {
  return (await cluster.processes()).flatMap(({ name, pid }) => usageOf(name, pid) ?? []);
}

async function measure(title: string, cluster: Cluster): Promise<Result> {
  console.log(`\n${title}`);
  await cluster.down();
  try {
    const rounds: { up: number; answer: number }[] = [];
    for (let i = 0; i <= warmRounds; i++) {
      const round = await timeToAnswer(cluster);
      console.log(
        `${i === 0 ? 'first' : 'warm '} up ${round.up.toFixed(1)} s, application answers after ${round.answer.toFixed(1)} s`,
      );
      if (i > 0) rounds.push(round);
      if (i < warmRounds) await cluster.down();
    }
    await sleep(settleMs);
    const before = await look(cluster);
    await sleep(restSeconds * 1000);
    const { table, totals } = summarize(before, await look(cluster), restSeconds);
    console.log(table);
    return {
      upSeconds: median(rounds.map((round) => round.up)),
      answerSeconds: median(rounds.map((round) => round.answer)),
      totals,
    };
  } finally {
    await cluster.down();
  }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function summary(name: string, result: Result): string {
  const { totals } = result;
  return `${name}: up ${result.upSeconds.toFixed(1)} s, answers after ${result.answerSeconds.toFixed(1)} s (warm medians of ${warmRounds}); ${totals.processes} processes, RSS ${totals.rssMb.toFixed(0)} MB, PSS ${totals.pssMb.toFixed(0)} MB, ${totals.cpuPercent.toFixed(1)} % of a core at rest`;
}

const whole = await measure('default lab', lab([]));
const lines = [summary('default lab', whole)];
const script = join(process.env.DRYDOCK_UPSTREAM ?? '', 'cluster');
if (process.env.DRYDOCK_UPSTREAM === undefined || !existsSync(script)) {
  lines.push('upstream: not measured, DRYDOCK_UPSTREAM is not set to the folder of the upstream programs');
} else {
  const ours = await measure("lab of upstream's shape: one of each, two workers", lab(small));
  const theirs = await measure('upstream programs: one of each, two workers (the most its script makes)', upstream(script));
  const ratio = (of: (result: Result) => number) => (of(ours) / of(theirs)).toFixed(2);
  lines.push(
    summary('small lab', ours),
    summary('upstream', theirs),
    `ratios, small lab to upstream: answer ${ratio((result) => result.answerSeconds)}, RSS ${ratio((result) => result.totals.rssMb)}, PSS ${ratio((result) => result.totals.pssMb)}, CPU at rest ${ratio((result) => result.totals.cpuPercent)}`,
  );
}
console.log(`\n${lines.join('\n')}`);
