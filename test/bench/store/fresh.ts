// Stores that have just been started: what their first second and their first ten seconds are like for clients.
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { execa } from '@drydock/foundation/child-process.ts';
import { Store } from '../../integration/store/members.ts';
import type { FreshLoad, Window } from './measured.ts';
import type { Result } from './report.ts';
import { leaderFirst } from './status.ts';

const script = fileURLToPath(new URL('fresh-load.ts', import.meta.url));
const windowsMs = [1_000, 10_000];
const practiseMs = 3_000;
const kinds = [
  { kind: 'put', clients: 32 },
  { kind: 'put', clients: 256 },
  { kind: 'get', clients: 32 },
] as const;

const endpointsOf = (store: Store): string[] => store.endpoints.map((url) => new URL(url).host);

/** Measures one new store of `program` for each kind of load; `partner` is the store that the load practises on. */
export async function fresh(
  program: readonly string[],
  size: number,
  partner: Store,
  report: (result: Omit<Result, 'name' | 'size'>) => void,
): Promise<void> {
  for (const { kind, clients } of kinds) {
    const load: FreshLoad = { kind, clients, valueBytes: 256, windowsMs, practiseMs, practiseOn: endpointsOf(partner) };
    const child = execa(process.execPath, ['--max-semi-space-size=32', script, JSON.stringify(load)], { stdin: 'pipe' });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const practised = await lines.next();
    if (practised.value !== 'practised') throw new Error(`the load said ${practised.value}`);
    const start = performance.now();
    const store = await Store.start({ size, program, diskFaults: false });
    try {
      const endpoints = await leaderFirst(endpointsOf(store));
      const startMs = performance.now() - start;
      child.stdin.write(`${JSON.stringify(endpoints)}\n`);
      const windows = JSON.parse((await lines.next()).value ?? '[]') as Window[];
      await child;
      const name = `fresh ${kind} 256 B, ${clients} clients`;
      report({ load: name, figures: { startMs } });
      for (const { windowMs, ...figures } of windows) report({ load: `${name}, first ${windowMs / 1000} s`, figures });
    } finally {
      child.kill('SIGKILL');
      await store.stop();
    }
  }
}
