// Writes many rules into the network namespace that its arguments lead into, and is killed meanwhile. With PIPE=1 it does so as one
// must not: through a pipe, of which it has written a part when it says so.
import process from 'node:process';
import { spawn } from '@drydock/foundation/child-process.ts';
import { nftSink } from '../nft.ts';
import { tableName } from '../plan.ts';
import { transaction } from '../rule-set.ts';
import { manyRules } from './many-rules.ts';

const enter = process.argv.slice(2);
const sink = nftSink(enter);
const lines = transaction(tableName, await sink.contents(tableName, []), manyRules());
if (process.env.PIPE === '1') {
  const [command = '', ...args] = [...enter, 'nft', '-f', '-'];
  const child = spawn(command, args, { stdio: ['pipe', 'inherit', 'inherit'] });
  child.stdin.write(`${lines.slice(0, lines.length / 2).join('\n')}\n`, () => process.stdout.write('written\n'));
} else {
  process.stdout.write('begun\n');
  await sink.apply(lines);
}
