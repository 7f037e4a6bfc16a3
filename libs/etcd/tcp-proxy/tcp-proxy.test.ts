import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { silentLog } from '@drydock/foundation/log.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from '../testing/free-ports.ts';
import { type Endpoint, parseEndpoint, TcpProxy } from './tcp-proxy.ts';

const host = '127.0.0.1';
const clock = new SystemClock();

/** Says its name, then repeats what it hears. */
async function member(name: string, port = 0): Promise<{ endpoint: Endpoint; server: Server }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.write(`${name}:`);
    socket.pipe(socket);
  });
  server.listen(port, host);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { endpoint: { host, port: (server.address() as { port: number }).port }, server };
}

async function proxyTo(endpoints: readonly Endpoint[], retryMs: number): Promise<Endpoint> {
  const proxy = new TcpProxy({ endpoints, retryMs, clock, log: silentLog });
  const listen = { host, port: await freePort() };
  await proxy.listen(listen);
  onTestFinished(() => proxy.stop());
  return listen;
}

/** What comes back for `text`, until the other side is done. */
async function say(listen: Endpoint, text: string): Promise<string> {
  const socket = connect({ ...listen, allowHalfOpen: true });
  let heard = '';
  socket.on('data', (data) => {
    heard += data;
  });
  socket.on('error', () => {});
  socket.end(text);
  await once(socket, 'close');
  return heard;
}

test('connections go to one member after another, whole in both directions', async () => {
  const members = [await member('a'), await member('b')];
  const listen = await proxyTo(
    members.map(({ endpoint }) => endpoint),
    60_000,
  );
  const long = 'x'.repeat(300_000);
  expect(await say(listen, 'one')).toBe('a:one');
  expect(await say(listen, long)).toBe(`b:${long}`);
  expect(await say(listen, 'three')).toBe('a:three');
});

test('a member that does not listen is left out until it does', async () => {
  const [up, port] = [await member('up'), await freePort()];
  const listen = await proxyTo([{ host, port }, up.endpoint], 50);
  for (const text of ['one', 'two']) expect(await say(listen, text)).toBe(`up:${text}`);
  await member('back', port);
  await expect.poll(() => say(listen, ''), { timeout: 5000 }).toBe('back:');
});

test('where nobody listens, the connection ends', async () => {
  const listen = await proxyTo([{ host, port: await freePort() }], 60_000);
  expect(await say(listen, 'anybody')).toBe('');
});

test.each([
  ['127.0.0.1:2379', { host: '127.0.0.1', port: 2379 }],
  ['http://member:1', { host: 'member', port: 1 }],
  ['[::1]:1', { host: '::1', port: 1 }],
  ['member', undefined],
  ['member:port', undefined],
])('%s is %j', (text, endpoint) => {
  expect(parseEndpoint(text)).toEqual(endpoint);
});
