// The REST front end: HTTP/1.1 and HTTP/2 over TLS into the pipeline and back.
import type { ServerResponse } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import type { Duplex } from 'node:stream';
import { findResource, groups } from '@drydock/api/scheme.ts';
import { apiError } from '@drydock/api/status.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { WatchStream } from '../cache/watch-stream.ts';
import type { Pipeline } from '../pipeline.ts';
import { methodNotAllowed, notServed } from '../registry/errors.ts';
import { renderList, renderObject } from '../render.ts';
import type { ApiRequest, ApiResponse, OutputForm, User, Verb } from '../request.ts';
import { routeOf } from '../route.ts';
import type { Connector } from './connect.ts';
import { credentialsOf } from './credentials.ts';
import {
  type Exchange,
  type HttpRequest,
  type HttpResponse,
  headerOf,
  readBody,
  sendError,
  sendText,
  sendValue,
} from './exchange.ts';
import type { RequestMetrics } from './metrics.ts';
import { negotiate, parseMediaType } from './negotiate.ts';
import type { NonResource } from './non-resource.ts';
import { deleteOptionsOf, optionsOf } from './options.ts';
import { type PathInfo, pathInfo } from './request-info.ts';

export interface FrontEndOptions {
  readonly pipeline: Pipeline;
  readonly nonResource: NonResource;
  readonly connector: Connector;
  readonly metrics: RequestMetrics;
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly log: Log;
  readonly tls: { readonly cert: string; readonly key: string; readonly clientCa: string | undefined };
  /** --request-timeout. */
  readonly requestTimeoutMs: number;
  readonly maxReadsInFlight: number;
  readonly maxWritesInFlight: number;
}

/** Verbs that run longer than --request-timeout by design. */
const connectSubresources: ReadonlySet<string> = new Set(['log', 'exec', 'attach', 'portforward', 'proxy']);

export class FrontEnd {
  readonly #options: FrontEndOptions;
  readonly #server: Http2SecureServer;
  #reads = 0;
  #writes = 0;
  readonly #streams = new Set<WatchStream>();
  readonly #sessions = new Set<{ close(): void; destroy(): void }>();

  constructor(options: FrontEndOptions) {
    this.#options = options;
    const { cert, key, clientCa } = options.tls;
    this.#server = createSecureServer({
      allowHTTP1: true,
      cert,
      key,
      ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true }),
      rejectUnauthorized: false,
      settings: { maxConcurrentStreams: 1000, initialWindowSize: 256 * 1024 },
    });
    this.#server.on('request', (req: HttpRequest, res: HttpResponse) => void this.#serve(req, res));
    this.#server.on('upgrade', (req: HttpRequest, socket: Duplex, head: Buffer) => void this.#upgrade(req, socket, head));
    this.#server.on('session', (session) => {
      this.#sessions.add(session);
      session.on('close', () => this.#sessions.delete(session));
      session.on('error', () => session.destroy());
    });
    this.#server.on('sessionError', () => {});
    this.#server.on('tlsClientError', () => {});
    this.#server.setTimeout(0);
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const stream of this.#streams) stream.end();
    for (const session of this.#sessions) session.close();
    const grace = this.#options.clock.timer(2_000, () => {
      for (const session of this.#sessions) session.destroy();
      (this.#server as unknown as { closeAllConnections?: () => void }).closeAllConnections?.();
    });
    (this.#server as unknown as { closeIdleConnections?: () => void }).closeIdleConnections?.();
    const limit = this.#options.clock.sleep(3_000);
    await Promise.race([closed, limit]);
    grace.cancel();
  }

  async #serve(req: HttpRequest, res: HttpResponse): Promise<void> {
    const { clock, metrics, random } = this.#options;
    const started = clock.monotonicMs();
    const exchange = exchangeOf(req, res);
    const info = pathInfo(exchange.method, exchange.path, exchange.query);
    const asked = headerOf(req, 'audit-id');
    res.setHeader('audit-id', asked === '' ? random.uuid() : asked);
    const long = info.verb === 'watch' || connectSubresources.has(info.target.subresource);
    const release = long ? () => {} : this.#enter(exchange, info);
    if (release === undefined) return;
    const abort = new AbortController();
    res.on('close', () => abort.abort());
    try {
      await this.#answer(exchange, info, abort.signal, long);
    } catch (error) {
      if (!long || !res.headersSent) this.#fail(exchange, error);
    } finally {
      release();
      metrics.observe(info, res.statusCode, (clock.monotonicMs() - started) / 1000);
    }
  }

  #fail(exchange: Exchange, error: unknown): void {
    if (!(error instanceof Error && error.name === 'ApiError'))
      this.#options.log.error({ err: error, path: exchange.path }, 'request failed');
    sendError(exchange, error);
  }

  /** Takes a place among the requests in flight; undefined, and 429 sent, where there is none. */
  #enter(exchange: Exchange, info: PathInfo): (() => void) | undefined {
    const { maxReadsInFlight, maxWritesInFlight } = this.#options;
    const read = ['get', 'list', 'head', 'options'].includes(info.verb);
    const full = read ? this.#reads >= maxReadsInFlight : this.#writes >= maxWritesInFlight;
    if (full) {
      sendError(exchange, apiError('TooManyRequests', 'Too many requests, please try again later.', { retryAfterSeconds: 1 }));
      return undefined;
    }
    if (read) this.#reads++;
    else this.#writes++;
    return () => {
      if (read) this.#reads--;
      else this.#writes--;
    };
  }

  async #answer(exchange: Exchange, info: PathInfo, signal: AbortSignal, long: boolean): Promise<void> {
    const { pipeline, nonResource, connector, clock } = this.#options;
    if (!info.isResource) {
      if (refusedUnasked(exchange, info)) return;
      const user = await pipeline.authenticate({ credentials: credentialsOf(exchange.req) });
      pipeline.authorize({ user, verb: info.verb, ...info.target, path: info.path, isResource: false });
      if (info.refusal === undefined) await nonResource.serve({ ...exchange, path: info.path });
      else sendText(exchange, 404, '404 page not found\n');
      return;
    }
    if (isStream(info)) {
      const user = await this.#user(exchange, info);
      checkRoute(exchange, info);
      await connector.serve(exchange, info, user, signal);
      return;
    }
    if (info.refusal !== undefined || !hasVerb(exchange) || !servesGroup(info)) {
      await this.#user(exchange, info);
      if (info.refusal?.type === 'no-page' || !servesGroup(info)) return sendText(exchange, 404, '404 page not found\n');
      checkRoute(exchange, info);
      throw methodNotAllowed();
    }
    const request = await requestOf(exchange, info, signal);
    const handled = pipeline.handle(request);
    const response = long ? await handled : await withTimeout(handled, this.#options.requestTimeoutMs, clock);
    await this.#write(exchange, request, response);
  }

  /** Authenticates and authorises a request that does not reach the pipeline's object path. */
  async #user(exchange: Exchange, info: PathInfo): Promise<User> {
    const { pipeline } = this.#options;
    const user = await pipeline.authenticate({ credentials: credentialsOf(exchange.req) });
    pipeline.authorize({ user, verb: info.verb, ...info.target, path: '', isResource: true });
    return user;
  }

  async #upgrade(req: HttpRequest, socket: Duplex, head: Buffer): Promise<void> {
    const exchange = { ...exchangeOf(req, undefined as unknown as HttpResponse) };
    const info = pathInfo(exchange.method, exchange.path, exchange.query);
    const { connector } = this.#options;
    try {
      const user = await this.#user(exchange, info);
      checkRoute(exchange, info);
      await connector.upgrade(exchange, info, user, socket, head);
    } catch (error) {
      connector.refuse(socket, error);
    }
  }

  async #write(exchange: Exchange, request: ApiRequest, response: ApiResponse): Promise<void> {
    const { res } = exchange;
    const { group, version, resource } = request.target;
    const info = findResource(group, version, resource);
    if (info === undefined) throw notServed();
    for (const text of response.warnings) {
      const line = `299 - ${JSON.stringify(text)}`;
      (res as ServerResponse).appendHeader('warning', line);
    }
    const yaml = negotiate(headerOf(exchange.req, 'accept')).yaml;
    switch (response.type) {
      case 'object':
        sendValue(
          exchange,
          response.code,
          renderObject(info, response.object, request.form, this.#options.clock.wallMs()),
          yaml,
        );
        return;
      case 'list':
        sendValue(exchange, response.code, renderList(info, response.list, request.form, this.#options.clock.wallMs()), yaml);
        return;
      case 'watch':
        await this.#stream(exchange, response.stream);
    }
  }

  /** Sends frames until the watch or the connection ends; a connection that is slow to read holds frames in the stream. */
  async #stream(exchange: Exchange, stream: WatchStream): Promise<void> {
    const res = exchange.res as ServerResponse;
    this.#streams.add(stream);
    stream.onEnd(() => this.#streams.delete(stream));
    res.on('error', () => stream.end());
    res.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
    res.flushHeaders?.();
    for (let frame = await stream.next(); frame !== undefined; frame = await stream.next()) {
      const more = stream.drain();
      const data = more.length === 0 ? frame.line : Buffer.concat([frame.line, ...more.map((each) => each.line)]);
      if (!res.write(data)) await stream.drained(res);
    }
    res.end();
  }
}

function exchangeOf(req: HttpRequest, res: HttpResponse): Exchange {
  const url = req.url ?? '/';
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  return { req, res, method: req.method ?? 'GET', path, query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)) };
}

/** Methods of which objects have some; a request with another, HEAD among them, is for proxies only. */
function hasVerb({ method }: Exchange): boolean {
  return ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].includes(method);
}

function isStream({ target: { group, version, resource, subresource } }: PathInfo): boolean {
  return connectSubresources.has(subresource) && findResource(group, version, resource) !== undefined;
}

function servesGroup({ target: { group } }: PathInfo): boolean {
  return group === '' || groups.some((each) => each.name === group);
}

/** Fails unless path and method together exist. */
function checkRoute(exchange: Exchange, { target, verb, refusal }: PathInfo): void {
  if (refusal !== undefined && refusal.type !== 'no-method') throw notServed();
  const proxied = target.subresource === 'proxy' && ['HEAD', 'OPTIONS'].includes(exchange.method);
  routeOf(target, proxied ? 'get' : hasVerb(exchange) ? verb : '');
}

/** Answers what upstream's server cannot even take for a request. */
function refusedUnasked(exchange: Exchange, { refusal }: PathInfo): boolean {
  if (refusal?.type !== 'malformed') return false;
  sendText(exchange, refusal.code, `${refusal.text}\n`);
  return true;
}

async function requestOf(exchange: Exchange, info: PathInfo, signal: AbortSignal): Promise<ApiRequest> {
  const { req, method, query } = exchange;
  const { form } = negotiate(headerOf(req, 'accept'));
  const include = query.get('includeObject');
  const includeObject: OutputForm['includeObject'] = include === 'None' || include === 'Object' ? include : 'Metadata';
  const hasBody = method !== 'GET' && method !== 'HEAD';
  let bytes = hasBody ? await readBody(req) : Buffer.alloc(0);
  if (method === 'DELETE' && bytes.length === 0) bytes = deleteOptionsOf(query) ?? bytes;
  const contentType = parseMediaType(headerOf(req, 'content-type')).type;
  return {
    verb: info.verb as Verb,
    target: info.target,
    credentials: credentialsOf(req),
    options: optionsOf(query, info.verb),
    body: hasBody ? { contentType: method === 'PATCH' ? contentType : contentType || 'application/json', bytes } : undefined,
    form: { ...form, includeObject },
    userAgent: headerOf(req, 'user-agent'),
    signal,
  };
}

async function withTimeout<T>(work: Promise<T>, timeoutMs: number, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.timer(timeoutMs, () =>
      reject(apiError('Timeout', 'Timeout: request did not complete within the allotted timeout', {})),
    );
    work.then(resolve, reject).finally(() => timer.cancel());
  });
}
