// Our store beside the original, the same load on both in alternating rounds, on the same disk:
// `npm run bench:store [-- --only put,get --members 3 --rounds 3 --seconds 2 --keys 1000000 --check-perf m --beside NAME=COMMAND]`.
// `--only fresh`: the first second and the first ten of stores that have just been started. `--beside`: a further program, as words.
// The original is etcd of DRYDOCK_UPSTREAM, or Debian's; without either only ours is measured. Besides rates there is the
// processor time of the members for each operation: on a machine that does other things too, that says more.
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { execa } from '@drydock/foundation/child-process.ts';
import { ourProgram, Store, upstreamProgram } from '../integration/store/members.ts';
import { fresh } from './store/fresh.ts';
import { loads, type NamedLoad } from './store/loads.ts';
import { Measurement } from './store/measurement.ts';
import { printRatios, type Result } from './store/report.ts';

const parts = ['put', 'get', 'range', 'txn', 'watch', 'keepalive', 'million', 'check', 'fresh'] as const;

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: parts.join() },
    members: { type: 'string', default: '1,3' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    clients: { type: 'string' },
    keys: { type: 'string', default: '1000000' },
    'check-perf': { type: 'string', default: 's,m,l' },
    ours: { type: 'boolean', default: false },
    beside: { type: 'string', multiple: true, default: [] },
  },
});
const debian = '/usr/bin/etcd';
const original = upstreamProgram('etcd') ?? (existsSync(debian) ? debian : undefined);
const etcdctl = upstreamProgram('etcdctl') ?? 'etcdctl';
const programs = [
  { name: 'ours', program: ourProgram },
  ...(original === undefined || values.ours ? [] : [{ name: 'etcd', program: [original] }]),
  ...values.beside.map((text) => {
    const [name = '', command = ''] = text.split(/=(.*)/s);
    return { name, program: command.split(' ') };
  }),
];
const only = new Set(values.only.split(','));
const clients = values.clients?.split(',').map(Number);
const wanted = loads.filter((load) => only.has(load.part) && (clients === undefined || clients.includes(load.clients)));
const durationMs = Number(values.seconds) * 1000;
const results: Result[] = [];

async function withStore(name: string, size: number, program: readonly string[], use: (m: Measurement) => Promise<void>) {
  const store = await Store.start({ size, program, diskFaults: false });
  try {
    const measurement = await Measurement.of(store, (load: string, figures) => {
      results.push({ name, size, load, figures });
      console.error(`${name}, ${size} member(s), ${load}: ${JSON.stringify(figures)}`);
    });
    await use(measurement);
  } finally {
    await store.stop();
  }
}

async function loadsOf(m: Measurement): Promise<void> {
  await m.memory('idle');
  for (const load of wanted) await m.load(load, durationMs);
  await m.memory('after the loads');
}

/** `etcdctl check perf` wants an empty store each time. */
async function checkPerf(m: Measurement, load: string): Promise<void> {
  const env = { ...m.store.env, ETCDCTL_ENDPOINTS: m.endpoints.join() };
  const { all } = await execa(etcdctl, ['check', 'perf', `--load=${load}`], { env, all: true, reject: false });
  const text = all ?? '';
  const figure = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? Number.NaN);
  m.report(`check perf --load=${load}`, {
    perSecond: figure(/(?:Throughput is|too low:) (\d+)/),
    slowestMs: figure(/(?:Slowest request took(?: too long)?:?) ([\d.]+)s/) * 1000,
    failed: /^FAIL$/m.test(text.trim().split(/\r?\n/).at(-1) ?? '') ? 1 : 0,
  });
}

// Every module is in Node's compile cache afterwards, as in a project that was installed and not changed.
await execa(ourProgram[0], [...ourProgram.slice(1), '--help']);

const million: NamedLoad = { part: 'million', kind: 'fill', clients: 8, valueBytes: 256 };
const sizes = values.members.split(',').map(Number);
for (let round = 0; round < Number(values.rounds); round++) {
  for (const size of sizes) {
    // The order alternates too: who comes second finds caches of the first.
    for (const { name, program } of round % 2 === 0 ? programs : programs.toReversed()) {
      if (wanted.length > 0) await withStore(name, size, program, loadsOf);
    }
  }
}
if (only.has('fresh')) {
  const partner = await Store.start({ size: 1, program: programs.at(-1)?.program ?? ourProgram, diskFaults: false });
  try {
    for (let round = 0; round < Number(values.rounds); round++) {
      for (const { name, program } of round % 2 === 0 ? programs : programs.toReversed()) {
        const size = Math.max(...sizes);
        await fresh(program, size, partner, (result) => {
          results.push({ name, size, ...result });
          console.error(`${name}, ${size} member(s), ${result.load}: ${JSON.stringify(result.figures)}`);
        });
      }
    }
  } finally {
    await partner.stop();
  }
}
if (only.has('million')) {
  for (const { name, program } of programs) {
    await withStore(name, 1, program, async (m) => {
      await m.load(million, 0, Number(values.keys));
      await m.memory(`with ${values.keys} keys`);
      await m.restart();
      await m.memory(`with ${values.keys} keys, restarted`);
    });
  }
}
if (only.has('check')) {
  for (const load of values['check-perf'].split(',')) {
    for (const { name, program } of programs) await withStore(name, Math.max(...sizes), program, (m) => checkPerf(m, load));
  }
}
printRatios(results);
