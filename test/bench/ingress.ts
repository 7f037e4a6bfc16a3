// `npm run bench:ingress`: what carries an Ingress, beside what could: requests a second, times, memory, and what a reload costs clients.
// All in one run on one machine, one worker each; the clients are this process.
import { load } from './ingress/load.ts';
import {
  backends,
  bareNginx,
  cleanUp,
  cpuSeconds,
  haproxy,
  host,
  memoryMiB,
  nginxMissing,
  nodeProxy,
  ours,
  type Plane,
} from './ingress/planes.ts';

const backendPorts = [28_081, 28_082];
const connections = 32;
const warmSeconds = 2;
const seconds = 5;
const rounds = 3;
const reloads = 5;

interface Row {
  readonly name: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of processor time a request. On a busy machine this is the figure to compare. */
  readonly cpuMicros: number;
  readonly memory: number;
  readonly fresh: string;
  readonly kept: string;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Failures of `reloads` reloads under load, of how many requests. */
async function underReload(plane: Plane, fresh: boolean): Promise<string> {
  const { reload } = plane;
  if (reload === undefined) return 'no reload';
  const loaded = load({ port: plane.port, host, connections: 8, seconds: reloads * 1.2 + 1, fresh });
  for (let round = 1; round <= reloads; round++) {
    await reload(fresh ? round : round + reloads);
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
  const { failures, requests } = await loaded;
  return `${failures} of ${requests}`;
}

async function measure(plane: Plane): Promise<Row> {
  await load({ port: plane.port, host, connections, seconds: warmSeconds });
  const results = [];
  const before = cpuSeconds(plane.pids());
  for (let round = 0; round < rounds; round++) results.push(await load({ port: plane.port, host, connections, seconds }));
  const failed = results.reduce((sum, { failures }) => sum + failures, 0);
  if (failed > 0) throw new Error(`${plane.name}: ${failed} failures without a reload`);
  const requests = results.reduce((sum, result) => sum + result.requests, 0);
  return {
    name: plane.name,
    cpuMicros: ((cpuSeconds(plane.pids()) - before) * 1e6) / requests,
    perSecond: median(results.map((result) => result.perSecond)),
    p50Ms: median(results.map((result) => result.p50Ms)),
    p99Ms: median(results.map((result) => result.p99Ms)),
    memory: memoryMiB(plane.pids()),
    fresh: await underReload(plane, true),
    kept: await underReload(plane, false),
  };
}

if (nginxMissing()) {
  console.error('nginx is not installed: apt-get install nginx libnginx-mod-http-lua');
  process.exit(1);
}
const close = await backends(backendPorts);
const rows: Row[] = [];
try {
  for (const make of [bareNginx, ours, haproxy, nodeProxy]) {
    const plane = await make(backendPorts, 28_090 + rows.length);
    if (plane === undefined) continue;
    try {
      rows.push(await measure(plane));
    } finally {
      await plane.close();
    }
  }
} finally {
  await close();
  cleanUp();
}
console.log(
  `${connections} connections, one worker, ${rounds} rounds of ${seconds} s (medians); ${reloads} reloads under 8 connections\n`,
);
console.log(
  '| | CPU µs a request | requests/s | p50 ms | p99 ms | memory MiB | lost at reloads: new connections | kept connections |',
);
console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
for (const row of rows)
  console.log(
    `| ${row.name} | ${row.cpuMicros.toFixed(0)} | ${row.perSecond.toFixed(0)} | ${row.p50Ms.toFixed(2)} | ${row.p99Ms.toFixed(2)} | ${row.memory.toFixed(1)} | ${row.fresh} | ${row.kept} |`,
  );
