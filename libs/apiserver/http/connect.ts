// Streaming subresources: logs, exec, attach, port-forward and proxies.
import type { Duplex } from 'node:stream';
import { ApiError, apiError } from '@drydock/api/status.ts';
import type { User } from '../request.ts';
import type { Exchange } from './exchange.ts';
import type { PathInfo } from './request-info.ts';

export interface Connector {
  /** Answers a plain HTTP request. */
  serve(exchange: Exchange, info: PathInfo, user: User, signal: AbortSignal): Promise<void>;
  /** Takes over an upgraded connection. */
  upgrade(exchange: Exchange, info: PathInfo, user: User, socket: Duplex, head: Buffer): Promise<void>;
  /** Ends an upgrade that failed before it began. */
  refuse(socket: Duplex, error: unknown): void;
}

export function refuseUpgrade(socket: Duplex, error: unknown): void {
  const status = error instanceof ApiError ? error.status : apiError('InternalError', String(error)).status;
  const body = JSON.stringify(status);
  socket.end(
    `HTTP/1.1 ${status.code ?? 500} ${status.reason ?? 'Error'}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
