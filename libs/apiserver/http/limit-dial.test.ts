// The time of a connection is bounded, that of an answer is not.
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { expect, onTestFinished, test } from 'vitest';
import { limitDial } from './limit-dial.ts';

const limitMs = 30;
const host = '127.0.0.1';

async function listen(server: Server): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test('a connection that is not there in time is given up: without TLS it is not there', async () => {
  const port = await listen(createTcpServer((socket) => socket.on('error', () => {})));
  const sent = httpsRequest({ host, port, rejectUnauthorized: false });
  limitDial(sent, { host, port }, limitMs);
  sent.end();
  const [error] = (await once(sent, 'error')) as [Error];
  expect(error.message).toBe(`dial tcp ${host}:${port}: i/o timeout`);
});

test('an answer may come later, on a new connection and on one that was there', async () => {
  const server = createServer((_, res) => void new SystemClock().sleep(3 * limitMs).then(() => res.end('late')));
  const port = await listen(server);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const reused: boolean[] = [];
  for (let i = 0; i < 2; i++) {
    const sent = request({ host, port, agent });
    limitDial(sent, { host, port }, limitMs);
    sent.end();
    const [response] = await once(sent, 'response');
    response.resume();
    await once(response, 'close');
    reused.push(sent.reusedSocket);
  }
  agent.destroy();
  expect(reused).toEqual([false, true]);
});
