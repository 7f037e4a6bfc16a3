// The time without a movement after which a stream is ended, also where the request for it had a body.
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { endWhenIdle, withIdleTime } from './joined-sockets.ts';

test.each([
  ['no body', ''],
  ['a body', 'Content-Length: 4\r\n\r\nbody'],
  ['a body that does not come', 'Content-Length: 4\r\n\r\nbo'],
])('an upgrade with %s ends when nothing moves', async (_, rest) => {
  const server = createServer();
  server.on('upgrade', (req, stream) => {
    stream.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n');
    endWhenIdle(withIdleTime(stream, req.socket), 50);
    stream.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.resume();
  const closed = new Promise<string>((resolve) => client.once('close', () => resolve('closed')));
  client.write(`POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: test\r\n${rest === '' ? '\r\n' : rest}`);
  expect(await closed).toBe('closed');
});
