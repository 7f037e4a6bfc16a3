// The two ends of an exec over WebSocket: neither makes the server hold what the other does not take, and a node says anything.
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import type { Pod } from '@drydock/api/generated/types.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { afterEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { streamBufferMaxBytes } from '../limits.ts';
import { serveExec } from './exec.ts';
import type { NodeAgent } from './kubelet.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** The stream of a node's agent, of which a test is the node. */
class AgentStream extends Duplex {
  readonly written: object[] = [];
  #takes = true;
  #waiting = () => {};

  constructor() {
    super({ objectMode: true, highWaterMark: 16 });
  }

  cancel(): void {}

  /** From now on takes nothing that is written, or everything again. */
  set takes(takes: boolean) {
    this.#takes = takes;
    if (takes) this.#waiting();
  }

  override _read(): void {}

  override _write(message: object, _encoding: string, done: () => void): void {
    this.written.push(message);
    if (this.#takes) done();
    else this.#waiting = done;
  }
}

async function execution(protocol: string): Promise<{ client: WebSocket; stream: AgentStream }> {
  const stream = new AgentStream();
  const agent = { Exec: () => stream, Attach: () => stream, close: () => {} } as unknown as NodeAgent;
  const server = createServer();
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    const query = new URLSearchParams('stdin=1&stdout=1');
    serveExec(req, socket, head, { pod: {} as Pod, container: 'c', query, agent, attach: false });
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, [protocol]);
  closers.push(
    () => client.terminate(),
    () => server.close(),
  );
  await new Promise((resolve, reject) => client.once('open', resolve).once('error', reject));
  return { client, stream };
}

const chunk = Buffer.alloc(64 * 1024);

test('a client that does not read makes the process wait, and gets everything once it reads', async () => {
  const { client, stream } = await execution('v5.channel.k8s.io');
  client.pause();
  // Beyond what the kernel's buffers take.
  const sent = 400;
  for (let at = 0; at < sent; at++) stream.push({ stdout: chunk });
  await vi.waitFor(() => expect(stream.isPaused()).toBe(true), 10_000);
  const left = stream.readableLength;
  expect(left).toBeGreaterThan((sent * chunk.length - 16 * streamBufferMaxBytes) / chunk.length);
  let read = 0;
  client.on('message', (data: Buffer) => {
    read += Math.max(0, data.length - 1);
  });
  client.resume();
  await vi.waitFor(() => expect(read).toBe(sent * chunk.length), 10_000);
}, 30_000);

test('a process that does not read makes the client wait, and gets everything once it reads', async () => {
  const { client, stream } = await execution('v5.channel.k8s.io');
  await vi.waitFor(() => expect(stream.written.length).toBe(1));
  stream.takes = false;
  const sent = 1000;
  for (let at = 0; at < sent; at++) client.send(Buffer.concat([Buffer.of(0), chunk]));
  let answered = false;
  const pong = new Promise<void>((resolve) => {
    client.once('pong', () => {
      answered = true;
      resolve();
    });
  });
  client.ping();
  await vi.waitFor(() => expect(stream.writableLength).toBeGreaterThanOrEqual(16), 10_000);
  // A server that goes on reading comes to the ping.
  await Promise.race([pong, new SystemClock().sleep(1_000)]);
  expect([answered, stream.writableLength < 200]).toEqual([false, true]);
  stream.takes = true;
  await pong;
  await vi.waitFor(() => expect(stream.written.length).toBe(sent + 1), 10_000);
}, 30_000);

test.each(['no JSON', 'null', '{"status":1,"message":{}}'])('a node that ends with %s ends its own exec only', async (exit) => {
  const { client, stream } = await execution('channel.k8s.io');
  const closed = new Promise((resolve) => client.once('close', resolve));
  stream.push({ exit: Buffer.from(exit) });
  expect(await closed).toBe(1000);
});
