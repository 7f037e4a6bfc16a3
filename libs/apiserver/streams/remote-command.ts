// exec and attach for clients that speak v5.channel.k8s.io over WebSocket, onto the SPDY of a kubelet: v5 can say that input has
// ended, which no engine's WebSocket can be told (k8s.io/apiserver/pkg/util/proxy: StreamTranslatorHandler). Clients of older
// protocols are passed on as they are.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ApiError } from '@drydock/api/status.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { WebSocket } from 'ws';
import { streamBufferMaxBytes, streamIdleMs, streamPingMs } from '../limits.ts';
import { clientStatus, internal } from './exec-status.ts';
import { endWhenIdle } from './joined-sockets.ts';
import { SpdyConnection, type SpdyStream } from './spdy/connection.ts';
import { acceptor, closeWhenTold } from './web-socket.ts';

export const closeProtocol = 'v5.channel.k8s.io';

/** Channels of a frame's first byte. */
const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
/** The second byte names a channel on which the sender is done. */
const closeChannel = 255;
/** What a kubelet may say of how a command ended. */
const statusMaxBytes = 64 * 1024;
/** A size of a terminal, as JSON: what is longer is none, and is not parsed. */
const sizeMaxBytes = 1024;

const accept = acceptor([closeProtocol]);

export interface RemoteCommand {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
  readonly clock: Clock;
  /** Dials the kubelet, until `gone` aborts. Fails with what it answered. */
  readonly connect: (gone: AbortSignal) => Promise<{ readonly socket: Duplex; readonly head: Buffer }>;
}

/** Takes the client over, then dials: what fails from then on is said on the error channel. */
export function serveRemoteCommand(req: IncomingMessage, socket: Duplex, head: Buffer, command: RemoteCommand): void {
  accept(req, socket, head, (client) => {
    // Input that comes before there is anybody to give it to.
    client.pause();
    // A client that is paused is not heard leaving: what is sent to it tells.
    const pings = every(command.clock, streamPingMs, () => client.isPaused && client.ping());
    const gone = new AbortController();
    socket.once('close', () => {
      pings.cancel();
      gone.abort(new Error('the client went away'));
    });
    client.on('error', () => socket.destroy());
    endWhenIdle(socket, streamIdleMs);
    const { stdout, stderr } = command;
    // An empty frame tells the client that the connection stands.
    client.send(Buffer.of(stdout ? channels.stdout : stderr ? channels.stderr : channels.error));
    command.connect(gone.signal).then(
      (kubelet) => join(client, socket, kubelet, command),
      (error: Error) => finish(client, error instanceof ApiError ? error.status : internal(error.message)),
    );
  });
}

function finish(client: WebSocket, status: object): void {
  client.send(Buffer.concat([Buffer.of(channels.error), Buffer.from(JSON.stringify(status))]));
  closeWhenTold(client);
}

function join(
  client: WebSocket,
  clientSocket: Duplex,
  kubelet: { readonly socket: Duplex; readonly head: Buffer },
  { stdin, stdout, stderr, tty }: RemoteCommand,
): void {
  let status = '';
  let isFinished = false;
  /** Streams of the kubelet that have more to say. */
  const open = new Set<string>();
  const done = (said: object) => {
    if (isFinished) return;
    isFinished = true;
    finish(client, said);
    connection.destroy();
  };
  const endOf = (name: string) => () => {
    open.delete(name);
    if (open.size === 0) done(clientStatus(status));
  };
  const output = (channel: number) => (bytes: Buffer) => {
    client.send(Buffer.concat([Buffer.of(channel), bytes]), () => {
      if (client.bufferedAmount <= streamBufferMaxBytes) connection.resume();
    });
    // A client that does not read makes the process wait, not this server keep what it says.
    if (client.bufferedAmount > streamBufferMaxBytes) connection.pause();
  };
  const connection = new SpdyConnection(kubelet.socket, kubelet.head, {
    drain: () => client.resume(),
    close: (error) => done(status === '' ? internal(lost(error)) : clientStatus(status)),
  });
  const stream = (streamType: string, data: (bytes: Buffer) => void): SpdyStream => {
    const isOutput = streamType !== 'stdin' && streamType !== 'resize';
    if (isOutput) open.add(streamType);
    return connection.open({ streamtype: streamType }, { data, end: isOutput ? endOf(streamType) : () => {} });
  };
  stream('error', (bytes) => {
    status = (status + bytes.toString()).slice(0, statusMaxBytes);
  });
  const input = stdin ? stream('stdin', () => {}) : undefined;
  if (stdout) stream('stdout', output(channels.stdout));
  if (stderr && !tty) stream('stderr', output(channels.stderr));
  const sizes = tty ? stream('resize', () => {}) : undefined;
  client.on('message', (data: Buffer) => {
    const body = data.subarray(1);
    if (data[0] === channels.stdin && body.length > 0 && input?.write(body) === false) client.pause();
    if (data[0] === channels.resize && sizes?.write(sizeOf(body)) === false) client.pause();
    if (data[0] === closeChannel && body[0] === channels.stdin) input?.end();
  });
  clientSocket.once('close', () => connection.destroy());
  if (clientSocket.destroyed) connection.destroy();
  client.resume();
}

function lost(error: Error | undefined): string {
  return `error reading from error stream: ${error?.message ?? 'EOF'}`;
}

/** A terminal's size as a kubelet reads it; empty where it is none. Field names are those of Go: in any case. */
function sizeOf(body: Buffer): Buffer {
  if (body.length > sizeMaxBytes) return Buffer.alloc(0);
  try {
    const fields = Object.entries(JSON.parse(body.toString()) as object);
    const side = (name: string) => {
      const value: unknown = fields.find(([each]) => each.toLowerCase() === name)?.[1] ?? 0;
      return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 0xffff ? Number(value) : 0;
    };
    return Buffer.from(`${JSON.stringify({ Width: side('width'), Height: side('height') })}\n`);
  } catch {
    return Buffer.alloc(0);
  }
}

/** Calls `then` again and again, until it is cancelled. */
function every(clock: Clock, ms: number, then: () => unknown): { cancel(): void } {
  const round = () => {
    then();
    timer = clock.timer(ms, round);
  };
  let timer = clock.timer(ms, round);
  return { cancel: () => timer.cancel() };
}
