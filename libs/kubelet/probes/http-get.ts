// Adapter: a GET of a probe or a hook, as upstream sends it and follows its redirects (pkg/probe/http).
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { HTTPGetAction } from '@drydock/api/generated/types.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { dialText, joinHostPort, speaksPlainHttp } from './dial-text.ts';

/** What is read of a body; the rest is not waited for. */
export const bodyBytesMax = 10 * 1024;
const headerBytesMax = 10 * 1024 * 1024;
const redirectsMax = 10;
/** What Go's client follows with a GET. */
const redirectCodes: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export interface GetRequest {
  readonly get: HTTPGetAction;
  /** Where the action names no host. */
  readonly podIp: string;
  readonly port: number;
  readonly purpose: 'probe' | 'lifecycle';
  /** For all of it, redirects and body too; undefined: no limit. */
  readonly timeoutMs: number | undefined;
}

export interface GetAnswer {
  /** Of the last request: a redirect that was not followed is its own answer. */
  readonly status: number;
  /** Its beginning. Empty for a hook: nobody waits for it. */
  readonly body: string;
}

/** There is no answer. `isBody`: there was one, but it did not end in time. */
export class GetError extends Error {
  override readonly name = 'GetError';
  readonly isBody: boolean;
  /** A server that speaks HTTP was asked for TLS. */
  readonly isPlainHttp: boolean;

  constructor(message: string, { isBody = false, isPlainHttp = false, cause = undefined as unknown } = {}) {
    super(message, { cause });
    this.isBody = isBody;
    this.isPlainHttp = isPlainHttp;
  }
}

/** The address that is asked. A path is taken as it is written, but for what cannot stand in a request line. */
export function urlOf({ get, podIp, port }: Pick<GetRequest, 'get' | 'podIp' | 'port'>): URL {
  const scheme = (get.scheme ?? 'HTTP').toLowerCase();
  const path = (get.path ?? '').replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?]*/i, '');
  return new URL(`${scheme}://${joinHostPort(get.host || podIp, port)}${/^[/?]/.test(path) ? path : `/${path}`}`);
}

/** Names in lower case; several of one name are several headers. */
export function headersOf(get: HTTPGetAction, purpose: GetRequest['purpose']): Record<string, string | string[]> {
  const given = new Map<string, string[]>();
  for (const { name, value } of get.httpHeaders ?? []) {
    const known = given.get(name.toLowerCase());
    if (known === undefined) given.set(name.toLowerCase(), [value]);
    else known.push(value);
  }
  const headers = new Map<string, string[]>([['user-agent', [`kube-${purpose}/1.36`]], ['accept', ['*/*']], ...given]);
  // An empty one is how to send none.
  for (const name of ['user-agent', 'accept']) if (headers.get(name)?.[0] === '') headers.delete(name);
  const [host] = headers.get('host') ?? [];
  headers.delete('host');
  if (host !== undefined && host !== '') headers.set('host', [host]);
  headers.set('connection', ['close']);
  return Object.fromEntries([...headers].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]));
}

/** Throws GetError, whose message is what upstream says of it. */
export async function httpGet(request: GetRequest, clock: Clock): Promise<GetAnswer> {
  const deadline = new AbortController();
  const timer =
    request.timeoutMs === undefined ? undefined : clock.timer(request.timeoutMs, () => deadline.abort(new Error('timeout')));
  try {
    return await follow(request, deadline.signal);
  } finally {
    timer?.cancel();
  }
}

async function follow(request: GetRequest, signal: AbortSignal): Promise<GetAnswer> {
  const first = urlOf(request);
  let headers = headersOf(request.get, request.purpose);
  let url = first;
  for (let count = 0; ; count++) {
    const response = await ask(url, headers, signal);
    const status = response.statusCode ?? 0;
    const location = redirectCodes.has(status) ? response.headers.location : undefined;
    const next = location === undefined ? undefined : resolved(location, url);
    if (location === undefined || next?.hostname !== first.hostname) {
      if (location !== undefined && next === undefined) {
        response.destroy();
        throw new GetError(`Get "${url}": failed to parse Location header ${JSON.stringify(location)}`);
      }
      return { status, body: request.purpose === 'lifecycle' ? discarded(response) : await bodyOf(response, signal) };
    }
    response.destroy();
    if (count + 1 >= redirectsMax) throw new GetError(`Get "${url}": stopped after ${redirectsMax} redirects`);
    headers = onwards(headers, url, next, location);
    url = next;
  }
}

/** A name of one's own for the host holds on only where the redirect names no other. */
function onwards(headers: Record<string, string | string[]>, from: URL, to: URL, location: string) {
  const { host, referer: _, ...others } = headers;
  const isAbsolute = /^[a-z][a-z0-9+.-]*:/i.test(location);
  return {
    ...others,
    ...(host === undefined || isAbsolute ? {} : { host }),
    ...(from.protocol === 'https:' && to.protocol === 'http:' ? {} : { referer: from.href }),
  };
}

function resolved(location: string, base: URL): URL | undefined {
  return URL.canParse(location, base) ? new URL(location, base) : undefined;
}

function ask(url: URL, headers: Record<string, string | string[]>, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const fail = (message: string, error: Error & { code?: string }) =>
      reject(
        new GetError(`Get "${url.href}": ${message}`, {
          cause: error,
          isPlainHttp: speaksPlainHttp(error),
        }),
      );
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      const scheme = url.protocol.slice(0, -1);
      fail(`unsupported protocol scheme ${JSON.stringify(scheme)}`, new Error('scheme'));
      return;
    }
    const options: RequestOptions & { rejectUnauthorized: boolean } = {
      headers,
      agent: false,
      // Go's client takes what is nearly HTTP, and headers of 10 MiB: who is well there is not to be restarted here.
      insecureHTTPParser: true,
      maxHeaderSize: headerBytesMax,
      // Nobody says whom a container's certificate is to name.
      rejectUnauthorized: false,
    };
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options);
    const end = () => request.destroy(new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)'));
    if (signal.aborted) end();
    signal.addEventListener('abort', end, { once: true });
    request.on('response', (response) => {
      signal.removeEventListener('abort', end);
      response.on('error', () => {});
      resolve(response);
    });
    request.on('error', (error) => {
      signal.removeEventListener('abort', end);
      fail(dialText(error, url.hostname.replace(/^\[|\]$/g, ''), Number(url.port)), error);
    });
    request.end();
  });
}

function discarded(response: IncomingMessage): string {
  response.destroy();
  return '';
}

function bodyOf(response: IncomingMessage, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const end = () => {
      signal.removeEventListener('abort', late);
      response.destroy();
    };
    const late = () => {
      end();
      const message = 'context deadline exceeded (Client.Timeout or context cancellation while reading body)';
      reject(new GetError(message, { isBody: true }));
    };
    const done = () => {
      end();
      resolve(Buffer.concat(chunks).subarray(0, bodyBytesMax).toString());
    };
    if (signal.aborted) late();
    signal.addEventListener('abort', late, { once: true });
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= bodyBytesMax) done();
    });
    response.on('end', done);
    response.on('error', (error) => {
      end();
      reject(new GetError(`unexpected EOF`, { isBody: true, cause: error }));
    });
  });
}
