// port-forward for clients that speak SPDY within WebSocket messages: the SPDY is the kubelet's affair, only the wrapping is
// taken off (k8s.io/apiserver/pkg/util/proxy: TunnelingHandler).
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { apiError } from '@drydock/api/status.ts';
import type { WebSocket } from 'ws';
import type { Upgraded } from '../http/ask-upgrade.ts';
import type { UpgradeAsk } from '../http/kubelet.ts';
import { withoutHeaders } from '../http/raw-headers.ts';
import { streamBufferMaxBytes, streamIdleMs, streamLingerMs } from '../limits.ts';
import { endWhenIdle } from './joined-sockets.ts';
import { acceptorOf, closeWhenTold, offeredProtocols } from './web-socket.ts';

const prefix = 'SPDY/3.1+';
const versionHeader = 'x-stream-protocol-version';
/** Those of a request for a WebSocket that one for SPDY has otherwise, or not at all. */
const webSocketHeaders: ReadonlySet<string> = new Set([
  'upgrade',
  versionHeader,
  'sec-websocket-protocol',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-extensions',
]);

/** The protocols of those offered that are tunnelled, as SPDY's clients name them. */
export function tunnelled(offered: readonly string[]): string[] {
  return offered.filter((each) => each.startsWith(prefix)).map((each) => each.slice(prefix.length));
}

/**
 * The ports that a query names: each value is a list of them. Fails with BadRequest, in the original's words, for what is no number of
 * 16 bits.
 */
export function forwardedPorts(query: URLSearchParams): number[] {
  return query.getAll('ports').flatMap((list) =>
    list.split(',').map((text) => {
      if (/^\d+$/.test(text) && Number(text) <= 0xffff) return Number(text);
      const why = /^\d+$/.test(text) ? 'value out of range' : 'invalid syntax';
      throw apiError('BadRequest', `cannot convert to []int32: strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`);
    }),
  );
}

/** The request for a WebSocket as one for SPDY. */
export function asSpdy({ path, headers }: UpgradeAsk, protocols: readonly string[]): UpgradeAsk {
  const kept = [...withoutHeaders(headers, webSocketHeaders), 'Upgrade', 'SPDY/3.1'];
  for (const protocol of protocols) kept.push('X-Stream-Protocol-Version', protocol);
  return { method: 'POST', path, headers: kept };
}

/**
 * Takes the client over with the protocol that the kubelet chose, and passes on what its messages hold. A kubelet that names none, or
 * one that the client has not offered, makes a WebSocket of no protocol, as on the original.
 */
export function serveTunnel(req: IncomingMessage, socket: Duplex, head: Buffer, kubelet: Upgraded): void {
  const at = kubelet.headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === versionHeader);
  const chosen = at < 0 ? undefined : prefix + (kubelet.headers[at + 1] ?? '');
  const accept = acceptorOf(offeredProtocols(req).find((each) => each === chosen));
  // Also where it is no WebSocket after all.
  socket.once('close', () => leave(kubelet.socket));
  accept(req, socket, head, (client) => tunnel(client, socket, kubelet));
  if (socket.destroyed) kubelet.socket.destroy();
}

/** What the client has said still reaches the kubelet; what that says is for nobody now, and would hold the connection unread. */
function leave(kubelet: Duplex): void {
  kubelet.end(() => kubelet.destroy());
  endWhenIdle(kubelet, streamLingerMs);
}

function tunnel(client: WebSocket, clientSocket: Duplex, { socket: kubelet, head }: Upgraded): void {
  kubelet.on('data', (bytes: Buffer) => {
    client.send(bytes, () => {
      if (client.bufferedAmount <= streamBufferMaxBytes) kubelet.resume();
    });
    if (client.bufferedAmount > streamBufferMaxBytes) kubelet.pause();
  });
  kubelet.on('end', () => closeWhenTold(client));
  kubelet.on('close', () => (kubelet.readableEnded ? undefined : client.terminate()));
  kubelet.on('drain', () => client.resume());
  client.on('message', (bytes: Buffer, isBinary) => {
    if (!isBinary) client.close(1003);
    else if (!kubelet.writable) client.close(1000);
    else if (!kubelet.write(bytes)) client.pause();
  });
  client.on('error', () => clientSocket.destroy());
  endWhenIdle(clientSocket, streamIdleMs);
  if (head.length > 0) kubelet.unshift(head);
}
