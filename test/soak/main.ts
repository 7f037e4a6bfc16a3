// `npm run soak:store -- --minutes M [--members 3,5] [--seed S] [--round-seconds 60] [--program etcd] [--keep FOLDER]`:
// clients on stores of real processes under kill -9, pauses and cuts of the network, with what they were told checked against
// etcd's guarantees. Exit code 1: a violation. `--program etcd` does the same to the original (DRYDOCK_UPSTREAM, or of the PATH).
// `--check FILE` only checks a history that was kept.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { checkHistory } from '@drydock/sim/checkers/all.ts';
import { render } from '@drydock/sim/checkers/violation.ts';
import { fromLines } from '@drydock/sim/history/json-lines.ts';
import { ourProgram, upstreamProgram } from '../integration/store/members.ts';
import { renderTally, soak, soakFlags } from './soak.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    members: { type: 'string', default: '3,5' },
    seed: { type: 'string', default: String(Date.now()) },
    'round-seconds': { type: 'string', default: '60' },
    program: { type: 'string' },
    keep: { type: 'string' },
    check: { type: 'string' },
  },
});

if (values.check !== undefined) {
  const { violations, steps } = checkHistory(fromLines(readFileSync(values.check, 'utf8').split('\n')));
  console.log([...violations.map(render), `${violations.length} violations, ${steps} steps`].join('\n'));
  process.exit(violations.length > 0 ? 1 : 0);
}

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort());
const started = performance.now();
console.log(`seed ${values.seed}`);
const named = values.program === 'etcd' ? (upstreamProgram('etcd') ?? 'etcd') : values.program;
const tally = await soak({
  totalMs: Number(values.minutes) * 60_000,
  roundMs: Number(values['round-seconds']) * 1000,
  sizes: values.members.split(',').map(Number),
  seed: values.seed,
  program: named === undefined ? ourProgram : [named],
  flags: soakFlags,
  ...(values.keep === undefined ? {} : { folder: values.keep }),
  signal: abort.signal,
  report: (line) => console.log(line),
});
console.log(renderTally(tally, performance.now() - started));
process.exit(tally.violations > 0 ? 1 : 0);
