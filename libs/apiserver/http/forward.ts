// Passing requests and upgraded connections on to something else: kubelets, pods, services.
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { pipeline, type Readable } from 'node:stream';
import { apiError } from '@drydock/api/status.ts';
import { bodyChanges, proxiedHeaders } from '../proxied/answer.ts';
import type { ProxyBase } from '../proxied/link.ts';
import { withoutToken } from './credentials.ts';
import { closeStream } from './deadline.ts';
import { addressText, dialText } from './dial-text.ts';
import type { Exchange, HttpRequest } from './exchange.ts';
import { limitDial } from './limit-dial.ts';

export interface ForwardTarget {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** With its leading slash and its query. */
  readonly path: string;
  /** Client TLS for https; the server's certificate is checked only where a CA is given. */
  readonly tls?: object | undefined;
  /** For servers that believe this one who asks; they are told their own host, and may send nobody elsewhere. */
  readonly onBehalf?: OnBehalf | undefined;
}

export interface OnBehalf {
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** Whether a client's header of that name, in lower case, is for this server only to say. */
  readonly isOwn: (name: string) => boolean;
}

const noRedirects = 'the backend attempted to redirect this request, which is not permitted';

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
  // What a connection says is its own (RFC 9110, 7.6.1).
  const named = new Set(req.headers.connection?.toLowerCase().split(/[\s,]+/));
  for (const [name, value] of Object.entries(req.headers)) {
    const own = name.startsWith(':') || hopHeaders.has(name) || named.has(name);
    if (value !== undefined && !own && !name.startsWith('impersonate-')) headers[name] = value;
  }
  const protocols = headers[protocolHeader];
  if (protocols !== undefined) setProtocols(headers, withoutToken(String(protocols)));
  return headers;
}

/**
 * How who is asked is told where the body ends; nothing: there is none. Node by itself says so of no GET or DELETE, and a body would be
 * taken for the next request on the connection: one that nobody was authorised for.
 */
function framing(req: HttpRequest): Record<string, string> {
  const length = req.headers['content-length'];
  if (length !== undefined) return { 'content-length': length };
  const hasBody = 'stream' in req ? !req.stream.endAfterHeaders : req.headers['transfer-encoding'] !== undefined;
  return hasBody ? { 'transfer-encoding': 'chunked' } : {};
}

/** Whether node can pass this status on as that of an answer: what is asked may say anything. */
function isFinalStatus(code: number, http2: boolean): boolean {
  return code >= 200 && code <= (http2 ? 599 : 999);
}

/** RFC 9112, 6.3. What has none is not unpacked: of nothing that fails. */
function mayHaveBody(method: string, code: number): boolean {
  return method !== 'HEAD' && code !== 204 && code !== 304;
}

/** What servers behind this one are told beside who asks: under which number this server's log has the request. */
function told(res: ServerResponse): Record<string, string> {
  return { 'audit-id': String(res.getHeader('audit-id')), 'x-forwarded-proto': 'https' };
}

/** Who asks, by way of whom; empty where that is not known. */
export function forwardedFor(req: HttpRequest): string {
  const before = req.headers['x-forwarded-for'];
  return [before ?? [], req.socket?.remoteAddress ?? []].flat().join(', ');
}

/**
 * Sends the request to `target` and its answer back, with links that lead through the proxy at `prefix`. As with upstream, the
 * backend is told the host by which the client asked.
 */
export function forward(exchange: Exchange, target: ForwardTarget, prefix: string, signal: AbortSignal): Promise<void> {
  const { req, method } = exchange;
  const backend = addressText(target);
  const asked = String(req.headers[':authority'] ?? req.headers.host ?? '') || backend;
  const { onBehalf } = target;
  const base: ProxyBase = { prefix, backend, asked: onBehalf === undefined ? asked : backend };
  const res = exchange.res as ServerResponse;
  const make = target.scheme === 'https' ? httpsRequest : httpRequest;
  const framed = framing(req);
  return new Promise((resolve, reject) => {
    // Who has gone meanwhile wants nothing any more: what is begun now, nobody would end.
    signal.throwIfAborted();
    const upstream = make(
      {
        host: target.host,
        port: target.port,
        method,
        path: target.path,
        headers: {
          ...Object.fromEntries(Object.entries(endToEndHeaders(req)).filter(([name]) => onBehalf?.isOwn(name) !== true)),
          ...framed,
          host: base.asked,
          'x-forwarded-for': forwardedFor(req),
          'x-forwarded-uri': prefix + target.path.replace(/\?.*$/s, ''),
          ...(onBehalf === undefined ? {} : { ...told(res), 'x-forwarded-host': backend, ...onBehalf.headers }),
        },
        ...(target.scheme === 'https' ? (target.tls ?? { rejectUnauthorized: false }) : {}),
      },
      (response: IncomingMessage) => {
        const { statusCode = 0 } = response;
        if (!isFinalStatus(statusCode, 'stream' in req)) {
          response.destroy();
          reject(apiError('ServiceUnavailable', `error trying to reach service: malformed HTTP status code ${statusCode}`));
          return;
        }
        if (onBehalf !== undefined && statusCode < 400 && statusCode >= 300 && response.headers.location) {
          response.destroy();
          res.writeHead(502, { 'content-type': 'text/plain; charset=utf-8', 'content-length': noRedirects.length });
          res.end(noRedirects);
          resolve();
          return;
        }
        let body: Readable = response;
        try {
          const headers = Object.entries(proxiedHeaders(response.headers, base)).filter(([name]) => !hopHeaders.has(name));
          res.writeHead(statusCode, Object.fromEntries(headers) as Record<string, string>);
          // Its errors are those of its last stream, below.
          const changes = mayHaveBody(method, statusCode) ? bodyChanges(response.headers, base) : [];
          if (changes.length > 0) body = pipeline([response, ...changes], () => {}) as unknown as Readable;
        } catch (error) {
          response.destroy();
          reject(error);
          return;
        }
        body.pipe(res);
        body.on('end', resolve).on('error', () => {
          closeStream(res);
          resolve();
        });
      },
    );
    limitDial(upstream, target);
    upstream.on('error', (error) => {
      if (res.headersSent) {
        // An end would say that this was all of the answer.
        closeStream(res);
        resolve();
      } else if (signal.aborted) reject(signal.reason as Error);
      else reject(apiError('ServiceUnavailable', `error trying to reach service: ${dialText(error, target)}`));
    });
    signal.addEventListener('abort', () => upstream.destroy(), { once: true });
    if (Object.keys(framed).length > 0) (req as IncomingMessage).pipe(upstream);
    else {
      req.resume();
      upstream.end();
    }
  });
}
