// Stores that have just been started: what their first second and their first ten seconds are like for clients.
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { execa } from '@drydock/foundation/child-process.ts';
import { Store } from '../../integration/store/members.ts';
import type { FreshLoad, Window } from './measured.ts';
import { cpuUs } from './measurement.ts';
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

/**
 * Measures one new store of `program` for each kind of load; `partner` is the store that the load practises on.
 * `startCpuMs` and `serverCpuUs` are processor time of the members: on a machine that does other things too they say more than rates.
 */
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
      const pids = store.members.map((_, i) => store.pid(i));
      const startCpuMs = cpuUs(pids) / 1000;
      child.stdin.write(`${JSON.stringify(endpoints)}\n`);
      const name = `fresh ${kind} 256 B, ${clients} clients`;
      report({ load: name, figures: { startMs, startCpuMs } });
      for (let i = 0; i < windowsMs.length; i++) {
        const { windowMs, operations, ...figures } = JSON.parse((await lines.next()).value ?? '{}') as Window;
        const serverCpuUs = (cpuUs(pids) - startCpuMs * 1000) / Math.max(1, operations);
        report({ load: `${name}, first ${windowMs / 1000} s`, figures: { ...figures, serverCpuUs } });
      }
      await child;
    } finally {
      child.kill('SIGKILL');
      await store.stop();
    }
  }
}
