// What a request for a WebSocket asks for, and taking it over (k8s.io/apimachinery/pkg/util/httpstream/wsstream).
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { withoutToken } from '../http/credentials.ts';
import { type HttpRequest, headerOf } from '../http/exchange.ts';
import { webSocketMessageMaxBytes } from '../limits.ts';

export function asksForWebSocket(req: HttpRequest): boolean {
  const connection = headerOf(req, 'connection').toLowerCase().split(/[ ,]+/);
  return headerOf(req, 'upgrade').toLowerCase() === 'websocket' && connection.includes('upgrade');
}

/** The subprotocols that the client offers, in its order; without the token that may be among them. */
export function offeredProtocols(req: HttpRequest): string[] {
  const offered = withoutToken(headerOf(req, 'sec-websocket-protocol')).split(',');
  return offered.map((each) => each.trim()).filter((each) => each !== '');
}

type Accept = (req: IncomingMessage, socket: Duplex, head: Buffer, taken: (client: WebSocket) => void) => void;

const bounds = {
  noServer: true,
  clientTracking: false,
  maxPayload: webSocketMessageMaxBytes,
  perMessageDeflate: false,
} as const;

/** A way to take WebSockets over that speaks these subprotocols: the first that a client offers is taken. */
export function acceptor(protocols: readonly string[]): Accept {
  const choose = (offered: Set<string>) => [...offered].find((each) => protocols.includes(each)) ?? false;
  const server = new WebSocketServer({ ...bounds, handleProtocols: choose });
  // A request that is none of RFC 6455 is answered by the library, and taken for nothing.
  return (req, socket, head, taken) => server.handleUpgrade(req, socket, head, taken);
}

/** As `acceptor`, of one protocol that the client has offered and whose name the library takes for none; undefined: of none. */
export function acceptorOf(protocol: string | undefined): Accept {
  const server = new WebSocketServer(bounds);
  if (protocol !== undefined) server.on('headers', (lines) => lines.push(`Sec-WebSocket-Protocol: ${protocol}`));
  return (req, socket, head, taken) => {
    delete req.headers['sec-websocket-protocol'];
    server.handleUpgrade(req, socket, head, taken);
  };
}

/** Closes once the client has everything: the time for its answer runs from then. */
export function closeWhenTold(client: WebSocket): void {
  client.resume();
  client.ping('', false, () => client.close(1000));
}
