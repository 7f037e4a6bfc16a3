// exec and attach over WebSocket, beside a kubelet that does not read.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { closeProtocol, serveRemoteCommand } from './remote-command.ts';

const streams = { stdin: true, stdout: true, stderr: false, tty: true, clock: new SystemClock() };

/** A client of a command; `socket`: the server's end of its connection. */
async function attached(kubelet: Duplex): Promise<{ client: WebSocket; socket: Duplex }> {
  const server = createServer();
  const taken = new Promise<Duplex>((resolve) =>
    server.on('upgrade', (request, socket, head) => {
      serveRemoteCommand(request, socket, head, {
        ...streams,
        connect: async () => ({ socket: kubelet, head: Buffer.alloc(0) }),
      });
      resolve(socket);
    }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`, [closeProtocol]);
  onTestFinished(() => {
    client.terminate();
    server.close();
  });
  await new Promise((resolve) => client.once('open', resolve));
  return { client, socket: await taken };
}

test('sizes of a terminal that nobody reads make the client wait', async () => {
  const kubelet = new Duplex({ read: () => {}, write: () => {} });
  const { client, socket } = await attached(kubelet);
  const size = Buffer.concat([Buffer.of(4), Buffer.from('{"Width":80,"Height":24}')]);
  for (let i = 0; i < 20_000; i++) client.send(size);
  await expect.poll(() => socket.isPaused()).toBe(true);
  await new Promise((resolve) => setImmediate(resolve));
  expect(kubelet.writableLength).toBeLessThan(256 * 1024);
  kubelet.destroy();
});

test('what is too long for a size is none', async () => {
  const written: Buffer[] = [];
  const kubelet = new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      written.push(chunk);
      done();
    },
  });
  const { client } = await attached(kubelet);
  const size = (padding: number) => Buffer.from(`\x04${' '.repeat(padding)}{"Width":${padding},"Height":24}`);
  client.send(size(2000));
  client.send(size(1));
  await expect.poll(() => Buffer.concat(written).toString()).toContain('{"Width":1,"Height":24}');
  expect(Buffer.concat(written).toString()).not.toContain('2000');
  kubelet.destroy();
});
