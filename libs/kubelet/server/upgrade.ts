// Adapter: exec, attach and port-forward: the caller's connection is passed on to the engine's streaming server, whatever protocol
// the two ends speak.
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { findContainer } from './pods-view.ts';
import type { ServerPorts } from './servers.ts';

export function refuse(socket: Duplex, code: number, message: string): void {
  const body = Buffer.from(message);
  socket.end(
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${body.length}\r\n` +
      `connection: close\r\n\r\n${message}`,
  );
}

/** KubeletConfiguration's default of streamingConnectionIdleTimeout. */
const idleMs = 4 * 3_600_000;

export interface UpgradeTarget {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** @param head what the caller has sent already. The socket has its listener of errors. */
export async function upgrade(
  ports: ServerPorts,
  { path, query }: UpgradeTarget,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<void> {
  const [, verb = '', namespace = '', pod = '', third = '', fourth = ''] = path.split('/');
  const container = fourth || third;
  if (ports.kubelet.manager.worker(namespace, pod) === undefined) return refuse(socket, 404, 'pod does not exist');
  const target = await streamTarget(ports, query, verb, namespace, pod, container);
  if (target === undefined) return refuse(socket, 500, `container not found (${JSON.stringify(container)})`);
  // It may have gone while the engine was asked: nobody would ever end what is begun for it now.
  if (socket.destroyed) return;
  join(socket, head, request, new URL(target));
}

/**
 * Who the caller is towards the kubelet is no affair of the engine's; a body, which no such request has a use for, is read and thrown
 * away by node, and an engine that was told of one would wait for it.
 */
const ownHeaders: ReadonlySet<string> = new Set(['authorization', 'content-length', 'transfer-encoding', 'expect', 'trailer']);

function join(socket: Duplex, head: Buffer, request: IncomingMessage, to: URL): void {
  const back = connect({ host: to.hostname, port: Number(to.port) }, () => {
    const headers = Object.entries(request.headers)
      .filter(([name]) => !ownHeaders.has(name))
      .flatMap(([name, value]) => [value ?? []].flat().map((each) => `${name}: ${name === 'host' ? to.host : each}`));
    if (request.method !== 'GET') headers.push('content-length: 0');
    back.write(`${request.method} ${to.pathname}${to.search} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
    if (head.length > 0) back.write(head);
    back.pipe(socket);
    socket.pipe(back);
    // A caller who is not read from is not heard leaving.
    back.setTimeout(idleMs, () => back.destroy());
  });
  back.on('error', () => socket.destroy());
  back.on('close', () => {
    socket.end();
    // What it says now is for nobody; unread, it would hide that the caller has ended, too.
    socket.unpipe(back);
    socket.resume();
  });
  socket.on('close', () => back.destroy());
}

/** Those of clients that speak WebSocket: every other names each port when it opens a stream for it. */
function portsOf(query: URLSearchParams): number[] {
  const named = query.getAll('port').flatMap((each) => each.split(','));
  return named.map(Number).filter((port) => Number.isInteger(port) && port > 0 && port < 65536);
}

async function streamTarget(
  ports: ServerPorts,
  query: URLSearchParams,
  verb: string,
  namespace: string,
  pod: string,
  container: string,
): Promise<string | undefined> {
  if (verb === 'portForward') {
    const sandbox = ports.kubelet.manager.worker(namespace, pod)?.observed.sandboxes[0];
    return sandbox === undefined ? undefined : ports.engine.portForwardUrl(sandbox.id, portsOf(query));
  }
  if (verb !== 'exec' && verb !== 'attach') return undefined;
  const found = findContainer(ports.kubelet, namespace, pod, container);
  if (typeof found === 'string') return undefined;
  const is = (name: string) => ['1', 'true'].includes(query.get(name) ?? '');
  const tty = is('tty');
  return ports.engine.streamUrl({
    containerId: found.id,
    stdin: is('input'),
    stdout: is('output'),
    stderr: !tty && is('error'),
    tty,
    command: verb === 'exec' ? query.getAll('command') : undefined,
  });
}
