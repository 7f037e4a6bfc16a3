// port-forward over WebSocket, where its client goes.
import { createServer, request } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { expect, onTestFinished, test } from 'vitest';
import { serveTunnel } from './port-forward.ts';

const headers = ['X-Stream-Protocol-Version', 'portforward.k8s.io'];
const piece = Buffer.alloc(64 * 1024, 1);

/** A client of `kubelet`, as clients of port-forward ask. */
async function connected(kubelet: Duplex): Promise<Socket> {
  const server = createServer();
  server.on('upgrade', (req, socket, head) =>
    serveTunnel(req, socket, head, { type: 'upgraded', headers, socket: kubelet, head: Buffer.alloc(0) }),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    kubelet.destroy();
    server.close();
  });
  const asked = request({
    port: (server.address() as AddressInfo).port,
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      'sec-websocket-protocol': 'SPDY/3.1+portforward.k8s.io',
    },
  });
  asked.end();
  return new Promise((resolve, reject) => {
    asked.on('error', reject);
    asked.on('upgrade', (_response, socket) => resolve(socket));
  });
}

test('a client that goes from the middle of what it is sent leaves no connection to the kubelet', async () => {
  const kubelet = new Duplex({
    read() {
      setImmediate(() => this.push(piece));
    },
    write: (_chunk, _encoding, done) => done(),
  });
  const client = await connected(kubelet);
  client.on('error', () => {});
  await new Promise((resolve) => client.once('data', resolve));
  client.destroy();
  await expect.poll(() => kubelet.destroyed).toBe(true);
});
