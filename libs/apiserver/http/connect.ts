// Streaming subresources: logs, exec, attach, port-forward and proxies.
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { ApiError, apiError } from '@drydock/api/status.ts';
import type { User } from '../request.ts';
import type { Exchange } from './exchange.ts';
import type { PathInfo } from './request-info.ts';

export interface Connector {
  /** Answers a plain HTTP request. */
  serve(exchange: Exchange, info: PathInfo, user: User, signal: AbortSignal): Promise<void>;
  /** Takes over an upgraded connection; `signal` aborts when it is gone. */
  upgrade(exchange: Exchange, info: PathInfo, user: User, upgrade: Upgrade): Promise<void>;
}

/** A connection that asks to become something else than HTTP. */
export interface Upgrade {
  readonly socket: Duplex;
  /** What came after the request's headers. */
  readonly head: Buffer;
  readonly signal: AbortSignal;
}

/** Subresources in which even a GET does more than read. */
export function isCommand(subresource: string): boolean {
  return subresource === 'exec' || subresource === 'attach' || subresource === 'portforward';
}

/** Subresources whose requests may ask for an upgrade; elsewhere the header is not heeded, as in Go's servers. */
export function mayUpgrade(info: PathInfo, protocol: string): boolean {
  if (!info.isResource) return false;
  const { subresource } = info.target;
  if (isCommand(subresource) || subresource === 'proxy') return true;
  return subresource === 'log' && protocol.toLowerCase() === 'websocket';
}

/** Ends an upgrade that failed before it began: the answer, and the end of the connection, whatever the client still sends. */
export function refuseUpgrade(socket: Duplex, error: unknown): void {
  if (socket.destroyed) return;
  const status =
    error instanceof ApiError
      ? error.status
      : apiError('InternalError', `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`).status;
  const body = `${JSON.stringify(status)}\n`;
  const code = status.code ?? 500;
  const head = [
    `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? 'Error'}`,
    'cache-control: no-cache, private',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
