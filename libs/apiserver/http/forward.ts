// Passing requests and upgraded connections on to something else: kubelets, pods, services.
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { apiError } from '@drydock/api/status.ts';
import { dialMs } from '../limits.ts';
import { withoutToken } from './credentials.ts';
import { closeStream } from './deadline.ts';
import type { Exchange, HttpRequest } from './exchange.ts';

export interface ForwardTarget {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** With its leading slash and its query. */
  readonly path: string;
  /** Client TLS for https; the server's certificate is checked only where a CA is given. */
  readonly tls?: object | undefined;
}

const hopHeaders: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'http2-settings',
  'host',
  'authorization',
]);

const protocolHeader = 'sec-websocket-protocol';

function setProtocols(headers: Record<string, string | string[]>, protocols: string): void {
  if (protocols === '') delete headers[protocolHeader];
  else headers[protocolHeader] = protocols;
}

/** The headers to pass on: none that are about one connection, no credentials, none of HTTP/2's own. */
export function endToEndHeaders(req: HttpRequest): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(req.headers)) {
    if (value !== undefined && !name.startsWith(':') && !hopHeaders.has(name) && !name.startsWith('impersonate-'))
      headers[name] = value;
  }
  const protocols = headers[protocolHeader];
  if (protocols !== undefined) setProtocols(headers, withoutToken(String(protocols)));
  return headers;
}

/** Whether node can pass this status on as that of an answer: what is asked may say anything. */
function isFinalStatus(code: number, http2: boolean): boolean {
  return code >= 200 && code <= (http2 ? 599 : 999);
}

/** Sends the request to `target` and its answer back. */
export function forward(exchange: Exchange, target: ForwardTarget, signal: AbortSignal): Promise<void> {
  const { req, method } = exchange;
  const res = exchange.res as ServerResponse;
  const make = target.scheme === 'https' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    // Who has gone meanwhile wants nothing any more: what is begun now, nobody would end.
    signal.throwIfAborted();
    const upstream = make(
      {
        host: target.host,
        port: target.port,
        method,
        path: target.path,
        headers: { ...endToEndHeaders(req), host: `${target.host}:${target.port}` },
        timeout: dialMs,
        ...(target.scheme === 'https' ? (target.tls ?? { rejectUnauthorized: false }) : {}),
      },
      (response: IncomingMessage) => {
        upstream.setTimeout(0);
        const { statusCode = 0 } = response;
        if (!isFinalStatus(statusCode, 'stream' in req)) {
          response.destroy();
          reject(apiError('ServiceUnavailable', `error trying to reach service: malformed HTTP status code ${statusCode}`));
          return;
        }
        const headers = Object.fromEntries(Object.entries(response.headers).filter(([name]) => !hopHeaders.has(name)));
        try {
          res.writeHead(statusCode, headers as Record<string, string>);
        } catch (error) {
          response.destroy();
          reject(error);
          return;
        }
        response.pipe(res);
        response.on('end', resolve).on('error', () => {
          // An end would say that this was all of the answer.
          closeStream(res);
          resolve();
        });
      },
    );
    upstream.on('timeout', () => upstream.destroy(new Error(`dial tcp ${target.host}:${target.port}: i/o timeout`)));
    upstream.on('error', (error) => {
      if (res.headersSent) {
        res.end();
        resolve();
      } else {
        reject(apiError('ServiceUnavailable', `error trying to reach service: ${error.message}`));
      }
    });
    signal.addEventListener('abort', () => upstream.destroy(), { once: true });
    (req as IncomingMessage).pipe(upstream);
  });
}
