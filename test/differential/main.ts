// `npm run diff:store -- --ops N --seed S`: the same random requests to the original and to ours. Exit code 1 and the shortest
// sequence found where two answers differ.
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ourProgram, upstreamProgram } from '../integration/store/members.ts';
import type { Operation } from './operation.ts';
import { run } from './run.ts';
import { show } from './show.ts';

const { values } = parseArgs({
  options: { ops: { type: 'string', default: '10000' }, seed: { type: 'string', default: '1' } },
});
const debian = '/usr/bin/etcd';
const original = upstreamProgram('etcd') ?? (existsSync(debian) ? debian : undefined);
if (original === undefined) throw new Error('no original etcd: set DRYDOCK_UPSTREAM or install the package etcd-server');

const started = performance.now();
const seconds = (): string => ((performance.now() - started) / 1000).toFixed(0);
const result = await run({
  operations: Number(values.ops),
  seed: values.seed,
  original: [original],
  ours: ourProgram,
  onProgress: (played) => {
    if (played % 3000 === 0) process.stderr.write(`${played} operations, ${seconds()} s\n`);
  },
});
const { difference, shortest, played } = result;
if (difference === undefined) {
  process.stdout.write(`${played} operations with seed ${values.seed}, ${seconds()} s: 0 differences\n`);
} else {
  const list = (operations: readonly Operation[]): string => operations.map((operation) => `  ${show(operation)}\n`).join('');
  process.stdout.write(
    `a difference after ${played} operations with seed ${values.seed}, at\n  ${show(difference.operation)}\n` +
      `etcd:\n${difference.theirs}\nours:\n${difference.ours}\n` +
      (shortest.length === 0 ? 'not seen again on fresh stores\n' : `shortest sequence:\n${list(shortest)}`),
  );
  process.exitCode = 1;
}
