// Clients of streams over WebSocket: of exec, attach, port-forward and logs.
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { onTestFinished } from 'vitest';
import { type RawData, WebSocket } from 'ws';
import type { TlsParts } from './wire.ts';

export interface Opened {
  readonly socket: WebSocket;
  /** Channel and text of every message, or the whole text; then `closed CODE`. */
  readonly messages: string[];
  readonly bytes: () => number;
  closed: Promise<number>;
}

/**
 * A client of the subresource `path`, with its query, of the pod at `podUrl`. Rejects with code and text where the upgrade is refused.
 */
export function openStream(
  podUrl: string,
  tls: TlsParts,
  path: string,
  protocols: string[],
  headers: Record<string, string> = {},
): Promise<Opened> {
  const url = `${podUrl}/${path}`;
  const tunnels = protocols.some((each) => each.includes('/'));
  const socket = tunnels
    ? new WebSocket(null as unknown as string, undefined, {})
    : new WebSocket(url, protocols, { ...tls, headers, perMessageDeflate: false });
  onTestFinished(() => (socket.readyState === socket.CONNECTING ? undefined : socket.terminate()));
  const messages: string[] = [];
  let bytes = 0;
  const isChannels = !path.startsWith('log') && !path.startsWith('portforward');
  socket.on('message', (data: RawData, isBinary) => {
    const body = data as Buffer;
    bytes += body.length;
    if (body.length > 4096) return;
    if (isChannels && isBinary) messages.push(`${body[0]}:${body.subarray(1)}`);
    else messages.push(`${isBinary ? 'binary' : 'text'}:${body}`);
  });
  const closed = new Promise<number>((resolve) => socket.once('close', resolve));
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.once('open', () => resolve({ socket, messages, closed, bytes: () => bytes }));
    const refused = (response: IncomingMessage) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => {
        const message = text.startsWith('{') ? (JSON.parse(text) as { message: string }).message : text;
        reject(new Error(`${response.statusCode} ${message.trim()}`));
      });
    };
    socket.once('unexpected-response', (_request, response: IncomingMessage) => refused(response));
    if (tunnels) openTunnel(socket, url, tls, protocols, headers).catch(refused);
  });
}

/** The library's client refuses to ask for what clients of port-forward ask for: that has a slash in it. */
function openTunnel(
  socket: WebSocket,
  url: string,
  tls: TlsParts,
  protocols: string[],
  headers: Record<string, string>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { ...tls, headers: { ...headers, ...handshake(protocols) } }, reject);
    sent.on('upgrade', (response, stream, head) => {
      // No names of the library's own: a client's end of a connection that stands.
      const ours = socket as unknown as { _isServer: boolean; _protocol: unknown; setSocket(...args: unknown[]): void };
      ours._isServer = false;
      ours._protocol = response.headers['sec-websocket-protocol'];
      ours.setSocket(stream, head, { maxPayload: 1 << 24, allowSynchronousEvents: true, skipUTF8Validation: false });
      resolve();
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** The headers that ask for a WebSocket of one of the protocols (RFC 6455, 4.1). */
export function handshake(protocols: readonly string[]): Record<string, string> {
  return {
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    'sec-websocket-protocol': protocols.join(', '),
  };
}
