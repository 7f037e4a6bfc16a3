// Damages write-ahead logs and reads them back: `npm run fuzz:wal -- [--cases N] [--seed S]`. Ends with 1 at the first case in which
// the log says what it never said, or fails without saying why (libs/etcd/wal/fuzz/fuzz.ts has the rules).
import { parseArgs } from 'node:util';
import { fuzzWal } from '@drydock/etcd/wal/fuzz/fuzz.ts';

const { values } = parseArgs({
  options: { cases: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
});
const [cases, seed] = [Number(values.cases), Number(values.seed)];
const startMs = performance.now();
const { outcomes, byDamage, finding } = await fuzzWal({ cases, seed });
const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
console.log(`seed ${seed}: ${cases} cases in ${seconds} s`);
console.log(`  read whole ${outcomes.whole}, read up to a cut ${outcomes.shorter}, refused with a message ${outcomes.refused}`);
console.log(`  ${[...byDamage].map(([name, count]) => `${name} ${count}`).join(', ')}`);
if (finding !== undefined) {
  console.error(`case ${finding.case} (${finding.damages.join(', ')}): ${finding.what}`);
  process.exitCode = 1;
}
