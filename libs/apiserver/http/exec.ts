// pods/exec and pods/attach over WebSocket, onto the node's agent: channels in the first byte of each frame
// (k8s.io/apiserver/pkg/util/wsstream, remotecommand v4 and v5).
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Pod } from '@drydock/api/generated/types.ts';
import { ApiError, apiError } from '@drydock/api/status.ts';
import { type WebSocket, WebSocketServer } from 'ws';
import { streamBufferMaxBytes } from '../limits.ts';
import type { ExecOutput, NodeAgent } from './kubelet.ts';
import { agentError } from './logs.ts';
import { flag } from './options.ts';

const stdinChannel = 0;
const stdoutChannel = 1;
const stderrChannel = 2;
const errorChannel = 3;
const resizeChannel = 4;
/** Of v5: the rest of the frame names a channel that the client has closed. */
const closeChannel = 255;

/** Subprotocols in the order of preference. */
const protocols: readonly string[] = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
];

const sockets = new WebSocketServer({
  noServer: true,
  maxPayload: 8 * 1024 * 1024,
  perMessageDeflate: false,
  handleProtocols: (offered) => protocols.find((each) => offered.has(each)) ?? false,
});

/** Whether the client offers a protocol that is spoken here. */
export function speaksChannels(offered: string): boolean {
  return offered
    .split(',')
    .map((each) => each.trim())
    .some((each) => protocols.includes(each));
}

export interface ExecRequest {
  readonly pod: Pod;
  readonly container: string;
  readonly query: URLSearchParams;
  readonly agent: NodeAgent;
  readonly attach: boolean;
}

/** Upgrades the connection and joins it with an exec or attach of the agent. */
export function serveExec(req: IncomingMessage, socket: Duplex, head: Buffer, request: ExecRequest): void {
  sockets.handleUpgrade(req, socket, head, (client) => join(client, request));
}

function join(client: WebSocket, request: ExecRequest): void {
  const { query, agent, attach, pod, container } = request;
  const base64 = client.protocol.includes('base64');
  const tty = flag(query, 'tty') ?? false;
  const wants = {
    stdin: flag(query, 'stdin') ?? false,
    stdout: flag(query, 'stdout') ?? false,
    stderr: !tty && (flag(query, 'stderr') ?? false),
  };
  const stream = attach ? agent.Attach() : agent.Exec();
  const send = (channel: number, data: Buffer) => {
    if (client.readyState !== client.OPEN) return;
    const frame = base64 ? `${channel}${data.toString('base64')}` : Buffer.concat([Buffer.of(channel), data]);
    client.send(frame, { binary: !base64 }, () => {
      if (client.bufferedAmount <= streamBufferMaxBytes) stream.resume();
    });
    // A client that does not read makes the process wait, not this server keep what it says.
    if (client.bufferedAmount > streamBufferMaxBytes) stream.pause();
  };
  const finish = (status: Buffer) => {
    send(errorChannel, client.protocol.startsWith('v') ? status : legacyStatus(status));
    client.close(1000);
  };
  stream.on('data', (message: ExecOutput) => {
    if (message.stdout !== undefined) send(stdoutChannel, message.stdout);
    else if (message.stderr !== undefined) send(stderrChannel, message.stderr);
    else if (message.exit !== undefined) finish(message.exit);
  });
  stream.on('error', (error: Error) => {
    const failure = agentError(error);
    finish(
      Buffer.from(
        JSON.stringify(failure instanceof ApiError ? failure.status : apiError('InternalError', failure.message).status),
      ),
    );
  });
  stream.on('end', () => client.close(1000));
  client.on('message', (data: Buffer, isBinary: boolean) => {
    const [channel, body] =
      isBinary || !base64
        ? [data[0] ?? 0, data.subarray(1)]
        : [Number(data.toString()[0]), Buffer.from(data.toString().slice(1), 'base64')];
    if (!receive(stream, channel, body)) client.pause();
  });
  stream.on('drain', () => client.resume());
  client.on('close', () => stream.cancel());
  client.on('error', () => stream.cancel());
  const { namespace = '', name = '' } = pod.metadata ?? {};
  stream.write({ start: { namespace, pod: name, container, command: query.getAll('command'), ...wants, tty } });
  // An empty frame tells the client that the connection stands.
  send(wants.stdout ? stdoutChannel : wants.stderr ? stderrChannel : errorChannel, Buffer.alloc(0));
}

/** False where the stream is full, and says so when it is not any more. */
function receive(stream: ReturnType<NodeAgent['Exec']>, channel: number, body: Buffer): boolean {
  if (channel === stdinChannel) return body.length === 0 || stream.write({ stdin: body });
  if (channel === resizeChannel) {
    const size = parseSize(body);
    return size === undefined || stream.write({ resize: size });
  }
  return channel !== closeChannel || body[0] !== stdinChannel || stream.write({ close_stdin: true });
}

function parseSize(body: Buffer): { width: number; height: number } | undefined {
  try {
    const { Width = 0, Height = 0 } = JSON.parse(body.toString()) as { Width?: number; Height?: number };
    return { width: Width, height: Height };
  } catch {
    return undefined;
  }
}

/** Before v4 the error channel carried a plain text, empty for success. What a node says may be anything. */
function legacyStatus(status: Buffer): Buffer {
  try {
    const { status: outcome, message } = JSON.parse(status.toString()) as { status?: unknown; message?: unknown };
    return Buffer.from(outcome === 'Success' ? '' : String(message ?? ''));
  } catch {
    return status;
  }
}
