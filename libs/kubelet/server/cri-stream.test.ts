// The engine's streams as a caller gets them: nobody's slowness fills the kubelet's memory.
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { joinStream, type StreamEvents } from './cri-stream.ts';

const count = 1024;
const piece = Buffer.alloc(64 << 10, 1);
const total = count * piece.length;
let engine: WebSocketServer;
let url = '';
/** What the engine does with a connection. */
let serve: (socket: WebSocket) => void = () => {};

beforeAll(async () => {
  engine = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  engine.on('connection', (socket) => serve(socket));
  await new Promise((resolve) => engine.once('listening', resolve));
  url = `http://127.0.0.1:${(engine.address() as AddressInfo).port}/exec`;
});
afterAll(() => {
  for (const socket of engine.clients) socket.terminate();
  engine.close();
});

const events = (more: Partial<StreamEvents>): StreamEvents => ({
  stdout: () => true,
  stderr: () => true,
  hold: () => {},
  exit: () => {},
  error: () => {},
  ...more,
});

test.each([
  ['stdout', 1],
  ['stderr', 2],
] as const)('%s is not read faster than its caller takes it', { timeout: 60_000 }, async (name, channel) => {
  serve = (socket) => {
    for (let i = 0; i < count; i++) socket.send(Buffer.concat([Buffer.of(channel), piece]));
  };
  const take = (hasRoom: () => boolean) => {
    const state = { bytes: 0 };
    const write = (data: Buffer) => {
      state.bytes += data.length;
      return hasRoom();
    };
    return { state, inputs: joinStream(url, events({ [name]: write })) };
  };
  let hasRoom = false;
  const slow = take(() => hasRoom);
  await expect.poll(() => slow.state.bytes).toBeGreaterThan(0);
  const quick = take(() => true);
  await expect.poll(() => quick.state.bytes, { timeout: 30_000 }).toBe(total);
  expect(slow.state.bytes).toBeLessThan(total / 8);
  hasRoom = true;
  slow.inputs.resume();
  await expect.poll(() => slow.state.bytes, { timeout: 30_000 }).toBe(total);
  for (const { inputs } of [slow, quick]) inputs.close();
});

test('input that the container does not read holds its caller back, until it is read', { timeout: 60_000 }, async () => {
  let peer: WebSocket | undefined;
  let read = 0;
  serve = (socket) => {
    peer = socket;
    socket.pause();
    socket.on('message', (data: Buffer) => {
      read += data.length - 1;
    });
  };
  let isFull = false;
  const inputs = joinStream(
    url,
    events({
      hold: (full) => {
        isFull = full;
      },
    }),
  );
  let sent = 0;
  for (; !isFull && sent < total; sent += piece.length) inputs.stdin(piece);
  // Before there is a connection at all.
  expect(sent).toBeLessThan(total / 8);
  await expect.poll(() => peer).toBeDefined();
  peer?.resume();
  await expect.poll(() => isFull).toBe(false);
  await expect.poll(() => read).toBe(sent);
  inputs.close();
});
