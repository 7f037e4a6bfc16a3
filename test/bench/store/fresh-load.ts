// The load of ./fresh.ts, a process of its own: `node fresh-load.ts JSON` with a FreshLoad. It is slow itself until V8 has compiled
// it, so it practises on another store first, says `practised`, waits for a line with the endpoints to be measured (JSON), and
// begins at once. Prints a Window for each of `windowsMs` when it is over, as JSON.
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

const tookMs: number[] = [];
let failed = 0;
const quantile = (sorted: readonly number[], q: number): number => sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN;

function tell(windowMs: number): void {
  const sorted = tookMs.toSorted((a, b) => a - b);
  const { length: operations } = sorted;
  const perSecond = (operations / windowMs) * 1000;
  const told: Window = { windowMs, operations, perSecond, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99), failed };
  process.stdout.write(`${JSON.stringify(told)}\n`);
}

const connections = await connect(JSON.parse(line) as string[], load.clients);
for (const windowMs of load.windowsMs) setTimeout(tell, windowMs, windowMs);
const durationMs = Math.max(...load.windowsMs);
await drive(connections, { ...load, calls: Infinity, durationMs }, (took, answered) => {
  tookMs.push(took);
  if (!answered) failed++;
});
for (const connection of connections) connection.close();
