// One HTTP exchange, whatever its protocol version: what the handlers need of node's request and response.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { gzipSync } from 'node:zlib';
import { ApiError, apiError } from '@drydock/api/status.ts';
import { stringifyYaml } from '@drydock/foundation/lazy-yaml.ts';
import { gzipMinBytes } from '../limits.ts';
import { warningHeaders } from './warning-header.ts';

export type HttpRequest = IncomingMessage | Http2ServerRequest;
export type HttpResponse = ServerResponse | Http2ServerResponse;

export interface Exchange {
  readonly req: HttpRequest;
  readonly res: HttpResponse;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
}

/** The value of a header that occurs once. */
export function headerOf(req: HttpRequest, name: string): string {
  const value = req.headers[name];
  return Array.isArray(value) ? (value[0] ?? '') : (value ?? '');
}

/** Writes head and body at once. */
export function send(
  exchange: Exchange,
  code: number,
  type: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): void {
  const { req, res, method } = exchange;
  if (res.headersSent) return;
  let bytes = typeof body === 'string' ? Buffer.from(body) : body;
  res.statusCode = code;
  res.setHeader('content-type', type);
  res.setHeader('cache-control', 'no-cache, private');
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  if (bytes.length > gzipMinBytes && headerOf(req, 'accept-encoding').includes('gzip')) {
    bytes = gzipSync(bytes, { level: 1 });
    res.setHeader('content-encoding', 'gzip');
    res.setHeader('vary', 'Accept-Encoding');
  }
  res.setHeader('content-length', bytes.length);
  if (method === 'HEAD') (res as ServerResponse).end();
  else (res as ServerResponse).end(bytes);
}

/** Says that what is asked for is at `location`, for good. */
export function sendRedirect({ res }: Exchange, location: string): void {
  res.setHeader('cache-control', 'no-cache, private');
  res.setHeader('content-length', 0);
  res.setHeader('location', location);
  res.statusCode = 301;
  (res as ServerResponse).end();
}

export function sendText(exchange: Exchange, code: number, text: string): void {
  send(exchange, code, 'text/plain; charset=utf-8', text, { 'x-content-type-options': 'nosniff' });
}

/** Sends a value as JSON (indented for people, as upstream does) or YAML. */
export function sendValue(
  exchange: Exchange,
  code: number,
  value: unknown,
  yaml = false,
  headers: Record<string, string> = {},
): void {
  if (yaml) {
    send(exchange, code, 'application/yaml', stringifyYaml(value, { aliasDuplicateObjects: false }), headers);
    return;
  }
  const text = wantsPretty(exchange) ? JSON.stringify(value, undefined, 2) : `${JSON.stringify(value)}\n`;
  send(exchange, code, 'application/json', text, headers);
}

/** Tells the client beside the answer. */
export function addWarnings(res: HttpResponse, texts: readonly string[]): void {
  for (const value of warningHeaders(texts)) (res as ServerResponse).appendHeader('warning', value);
}

/** Sends an error as the Status it is; anything that is no ApiError is a fault of ours and says so. */
export function sendError(exchange: Exchange, error: unknown): void {
  const status =
    error instanceof ApiError
      ? error.status
      : apiError('InternalError', `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`).status;
  if (error instanceof ApiError) addWarnings(exchange.res, error.warnings);
  const retry = status.details?.retryAfterSeconds;
  sendValue(exchange, status.code ?? 500, status, false, retry === undefined ? {} : { 'retry-after': String(retry) });
}

function wantsPretty(exchange: Exchange): boolean {
  const asked = exchange.query.get('pretty');
  if (asked !== null) return asked === '' || asked === 'true' || asked === '1';
  return /^(curl|Wget|Mozilla\/5\.0)/.test(headerOf(exchange.req, 'user-agent'));
}
