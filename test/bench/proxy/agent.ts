// Stands in a network namespace beside a kube-proxy: serves as the endpoint, and says when an address begins or ceases to lead to it.
// Reads `{ip, port, want}` lines, answers each with the wall time, in milliseconds, at which it was so.
import { connect, createServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Order {
  readonly ip: string;
  readonly port: number;
  readonly want: 'open' | 'closed';
}

const pollMs = 1;
/** A packet that nobody answers: there are no rules yet. */
const silenceMs = 100;

function opens({ ip, port }: Order): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, ip).setTimeout(silenceMs);
    const end = (open: boolean) => () => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false));
  });
}

const [host = '', port = ''] = process.argv.slice(2);
createServer((socket) => socket.on('error', () => {}).resume()).listen(Number(port), host, () =>
  process.stdout.write('ready\n'),
);
for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Order;
  while ((await opens(order)) !== (order.want === 'open')) await sleep(pollMs);
  process.stdout.write(`${performance.timeOrigin + performance.now()}\n`);
}
process.exit();
