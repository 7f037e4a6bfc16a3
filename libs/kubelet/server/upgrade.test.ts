// Connections that are passed on to the engine, where one end ends before the other.
import type { IncomingMessage } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { Duplex } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { nothingObserved } from '../pod/observation.ts';
import type { ServerPorts } from './servers.ts';
import { upgrade } from './upgrade.ts';

const piece = Buffer.alloc(64 * 1024, 1);

test('a caller who still sends when the engine has ended leaves no connection behind', async () => {
  const engine = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.pause();
      socket.end('all', () => socket.resume());
    });
  });
  await new Promise<void>((resolve) => engine.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void engine.close());
  const url = `http://127.0.0.1:${(engine.address() as AddressInfo).port}/stream`;
  const containers = [{ id: 'c1', name: 'c', state: 'running' }];
  const pod = { metadata: { name: 'web', namespace: 'default' }, spec: { containers: [{ name: 'c' }] } };
  const ports = {
    kubelet: { manager: { worker: () => ({ pod, observed: { ...nothingObserved, containers } }) } },
    engine: { streamUrl: async () => url },
  } as unknown as ServerPorts;
  let told = '';
  let isTold = false;
  const caller = new Duplex({
    // Sends until it has been told everything, a little more, and then its end.
    read() {
      setImmediate(() => {
        this.push(piece);
        if (isTold) this.push(null);
      });
    },
    write: (chunk: Buffer, _encoding, done) => {
      told += chunk;
      done();
    },
    final: (done) => {
      isTold = true;
      done();
    },
  });
  onTestFinished(() => void caller.destroy());
  const request = { method: 'POST', headers: { connection: 'Upgrade', upgrade: 'SPDY/3.1' } } as unknown as IncomingMessage;
  const target = { path: '/exec/default/web/c', query: new URLSearchParams('command=id') };
  await upgrade(ports, target, request, caller, Buffer.alloc(0));
  await expect.poll(() => caller.destroyed).toBe(true);
  expect(told).toBe('all');
});
