// Sends frames, header blocks and messages by chance to a real member: `npm run fuzz:http2 -- [--cases N] [--seed S]`. Ends with 1 at
// the first finding (test/fuzz/http2/fuzz.ts has the rules).
import { parseArgs } from 'node:util';
import { fuzzHttp2 } from './http2/fuzz.ts';

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } },
});
const cases = Number(values.cases);
if (!Number.isInteger(cases) || cases < 1) throw new Error(`--cases: ${values.cases} is no number of cases`);
const startMs = performance.now();
const report = await fuzzHttp2({ cases, seed: values.seed, told: (line) => console.error(line) });
const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
console.log(`seed ${values.seed}: ${report.cases} cases on ${report.connections} connections in ${seconds} s`);
console.log(`  connections ended: ${[...report.endings].map(([code, count]) => `${code} ${count}`).join(', ')}`);
console.log(`  memory: ${(report.growthBytes / 2 ** 20).toFixed(0)} MiB more at most`);
if (report.finding !== undefined) {
  console.error(report.finding);
  process.exitCode = 1;
}
