// Our HTTP/2 beside bare node:http2, under the same member: `npm run bench:http2 [-- --rounds 5 --seconds 5]`. Puts of 256 B by 32
// clients and gets by 256, in alternating rounds, each round on new members. The processor time for each call says more than the rates
// where the machine does other things too.
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { freePort } from '@drydock/etcd/testing/free-ports.ts';
import { spawn } from '@drydock/foundation/child-process.ts';
import { type NamedLoad, nameOf } from './store/loads.ts';
import { runLoad } from './store/measurement.ts';
import { printRatios, type Result } from './store/report.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, seconds: { type: 'string', default: '5' } },
});
const durationMs = 1000 * Number(values.seconds);
/** As the store is run (apps/node-flags.txt). */
const nodeFlags = ['--max-semi-space-size=8', '--disable-warning=ExperimentalWarning'];
const program = fileURLToPath(new URL('http2/member.ts', import.meta.url));
const kinds = ['ours', 'node:http2'];
const loads: readonly NamedLoad[] = [
  { part: 'put', kind: 'put', clients: 32, valueBytes: 256 },
  { part: 'get', kind: 'get', clients: 256, valueBytes: 256 },
];

async function round(name: string): Promise<Result[]> {
  const folder = mkdtempSync(join(tmpdir(), 'drydock-http2-'));
  const port = await freePort();
  const child = spawn(process.execPath, [...nodeFlags, program, name, String(port), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    for await (const line of createInterface({ input: child.stdout })) if (line === 'serving') break;
    const results: Result[] = [];
    for (const load of loads) {
      const figures = await runLoad({ ...load, endpoints: [`127.0.0.1:${port}`], durationMs, calls: 0 }, [child.pid ?? 0]);
      console.error(`${name}, ${nameOf(load)}: ${JSON.stringify(figures)}`);
      results.push({ name, size: 1, load: nameOf(load), figures });
    }
    return results;
  } finally {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    rmSync(folder, { recursive: true, force: true });
  }
}

const results: Result[] = [];
for (let i = 0; i < Number(values.rounds); i++) {
  for (const name of i % 2 === 0 ? kinds : kinds.toReversed()) results.push(...(await round(name)));
}
printRatios(results, 'node:http2');
