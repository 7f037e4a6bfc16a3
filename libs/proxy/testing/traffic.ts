// Runs inside a kernel of testing/kernel.ts: endpoints that answer their own address, and connections to whatever is asked for.
// Arguments: a JSON list of questions, each with the addresses to serve at first. Prints a JSON list of answers.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import process from 'node:process';

/** One connection; `from` is the address to come from. */
export interface Question {
  readonly to: string;
  readonly port: number;
  readonly from?: string;
}

/** How long a packet that is dropped is waited for, in milliseconds: nothing here leaves the machine. */
const droppedMs = 400;

function ask({ to, port, from }: Question): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: to, port, ...(from === undefined ? {} : { localAddress: from }) });
    socket.setTimeout(droppedMs, () => {
      resolve('dropped');
      socket.destroy();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
    socket.on('data', (answer) => resolve(String(answer)));
  });
}

const [endpoints, questions] = JSON.parse(process.argv[2] ?? '[[], []]') as [string[], Question[]];
const servers = endpoints.map((host) => createServer((socket) => socket.end(host)).listen(8080, host));
await Promise.all(servers.map((server) => once(server, 'listening')));
const answers: string[] = [];
for (const question of questions) answers.push(await ask(question));
process.stdout.write(JSON.stringify(answers));
process.exit();
