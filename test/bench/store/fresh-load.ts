// The load of ./fresh.ts, a process of its own: `node fresh-load.ts JSON` with a FreshLoad. It is slow itself until V8 has compiled
// it, so it practises on another store first, says `practised`, waits for a line with the endpoints to be measured (JSON), and
// begins at once. Prints a Window for each of `windowsMs`, as JSON.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { connect, drive } from './drive.ts';
import type { FreshLoad, Window } from './measured.ts';

const load = JSON.parse(process.argv[2] ?? '{}') as FreshLoad;
const lines = createInterface({ input: process.stdin });

async function practise(): Promise<void> {
  const connections = await connect(load.practiseOn, load.clients);
  await drive(connections, { ...load, calls: Infinity, durationMs: load.practiseMs }, () => {});
  for (const connection of connections) connection.close();
}

await practise();
const told = once(lines, 'line');
process.stdout.write('practised\n');
const [line] = (await told) as [string];
lines.close();

const endedMs: number[] = [];
const tookMs: number[] = [];
let failed = 0;
const connections = await connect(JSON.parse(line) as string[], load.clients);
const start = performance.now();
await drive(connections, { ...load, calls: Infinity, durationMs: Math.max(...load.windowsMs) }, (began, took, answered) => {
  endedMs.push(began + took - start);
  tookMs.push(took);
  if (!answered) failed++;
});

const windows = load.windowsMs.map((windowMs): Window => {
  const within = tookMs.filter((_, i) => (endedMs[i] ?? Infinity) <= windowMs).sort((a, b) => a - b);
  const quantile = (q: number): number => within[Math.floor(q * (within.length - 1))] ?? Number.NaN;
  return { windowMs, perSecond: (within.length / windowMs) * 1000, p50Ms: quantile(0.5), p99Ms: quantile(0.99), failed };
});
console.log(JSON.stringify(windows));
for (const connection of connections) connection.close();
