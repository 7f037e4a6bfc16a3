// Our store beside the original, the same load on both in turn: `npm run bench:store [-- --rounds N --seconds S --check-perf]`.
// The original is etcd of DRYDOCK_UPSTREAM, or Debian's; without either only ours is measured.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { ourProgram, Store, upstreamProgram } from '../integration/store/members.ts';
import type { Load, Measured } from './store-load.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '2' },
    'check-perf': { type: 'boolean', default: false },
  },
});
const script = fileURLToPath(new URL('store-load.ts', import.meta.url));
const debian = '/usr/bin/etcd';
const original = upstreamProgram('etcd') ?? (existsSync(debian) ? debian : undefined);
const programs = [
  { name: 'ours', program: ourProgram },
  ...(original === undefined ? [] : [{ name: 'etcd', program: [original] }]),
] as const;
const sizes = [1, 3] as const;
const loads = [
  { kind: 'put', clients: 1 },
  { kind: 'put', clients: 32 },
  { kind: 'put', clients: 256 },
  { kind: 'get', clients: 1 },
  { kind: 'get', clients: 32 },
  { kind: 'list', clients: 32 },
] as const;
const mebibyte = 1024;

/** Of each program, by size and load: every round's figures. */
const results = new Map<string, Measured[]>();
const memory = new Map<string, number>();
const keyOf = (name: string, size: number, load: Pick<Load, 'kind' | 'clients'>): string =>
  `${name} ${size} ${load.kind} ${load.clients}`;

for (let round = 0; round < Number(values.rounds); round++) {
  for (const size of sizes) {
    for (const { name, program } of programs) {
      const store = await Store.start({ size, program });
      try {
        const endpoints = store.endpoints.map((url) => new URL(url).host);
        for (const load of loads) {
          const full: Load = { ...load, endpoints, durationMs: Number(values.seconds) * 1000 };
          const { stdout } = await execa(process.execPath, [script, JSON.stringify(full)]);
          const key = keyOf(name, size, load);
          results.set(key, [...(results.get(key) ?? []), JSON.parse(stdout) as Measured]);
        }
        memory.set(`${name} ${size}`, rssMebibytes(store));
        if (values['check-perf'] && round === 0) await checkPerf(name, size, store);
      } finally {
        await store.stop();
      }
    }
  }
}

/** The largest member's. */
function rssMebibytes(store: Store): number {
  const rss = store.members.map((_, i) => /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${store.pid(i)}/status`, 'utf8'))?.[1]);
  return Math.max(...rss.map(Number)) / mebibyte;
}

async function checkPerf(name: string, size: number, store: Store): Promise<void> {
  const env = { ...store.env, ETCDCTL_ENDPOINTS: store.endpoint(0).replace('http://', '') };
  const { all } = await execa('etcdctl', ['check', 'perf', '--load=s'], { env, all: true, reject: false });
  const lines = (all ?? '').split(/[\r\n]/).filter((line) => /PASS|FAIL|Slowest|Stddev|too/.test(line));
  console.log(`etcdctl check perf --load=s: ${name}, ${size} member(s)\n  ${lines.join('\n  ')}`);
}

const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] ?? 0;
const rounded = (n: number): number => Number(n.toPrecision(3));

console.table(
  sizes.flatMap((size) =>
    loads.map((load) => {
      const of = (name: string, figure: keyof Measured): number =>
        median((results.get(keyOf(name, size, load)) ?? []).map((row) => row[figure]));
      const row: Record<string, number | string> = { members: size, load: load.kind, clients: load.clients };
      for (const { name } of programs) {
        row[`${name}/s`] = Math.round(of(name, 'perSecond'));
        row[`${name} p50 ms`] = rounded(of(name, 'p50Ms'));
        row[`${name} p99 ms`] = rounded(of(name, 'p99Ms'));
      }
      if (programs.length > 1) row.ratio = rounded(of('ours', 'perSecond') / of('etcd', 'perSecond'));
      row.failed = programs.reduce((sum, { name }) => sum + of(name, 'failed'), 0);
      return row;
    }),
  ),
);
console.log(
  'RSS of the largest member after the load, MiB:',
  Object.fromEntries([...memory].map(([k, v]) => [k, Math.round(v)])),
);
