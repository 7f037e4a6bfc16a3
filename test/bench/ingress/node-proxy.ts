// The data plane that is not used: requests through node:http, for comparison. Arguments: its port, then those of its backends.
import { Agent, createServer, request } from 'node:http';
import process from 'node:process';

const [port = '0', ...backends] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true, maxSockets: 320 });
let turn = 0;

const server = createServer((incoming, answer) => {
  const { method, url, headers } = incoming;
  const to = Number(backends[turn++ % backends.length]);
  const outgoing = request({ host: '127.0.0.1', port: to, method, path: url, headers, agent }, (answered) => {
    answer.writeHead(answered.statusCode ?? 502, answered.headers);
    answered.pipe(answer);
  });
  outgoing.on('error', () => {
    if (answer.headersSent) answer.destroy();
    else answer.writeHead(502).end();
  });
  incoming.pipe(outgoing);
});
server.keepAliveTimeout = 75_000;
server.listen(Number(port), '127.0.0.1');
