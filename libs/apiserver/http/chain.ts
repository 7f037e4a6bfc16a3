// The way of one HTTP request, in upstream's order: who asks, a place among the requests in flight, may they, and only then
// what they send is read (k8s.io/apiserver/pkg/server.DefaultBuildHandlerChain).
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { negotiate, parseMediaType } from '@drydock/api/negotiate.ts';
import { findResource, groups } from '@drydock/api/scheme.ts';
import { apiError, methodNotAllowed, notServed } from '@drydock/api/status.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { ClientAuthorities } from '@drydock/foundation/serving/client-authorities.ts';
import { dropInput } from '@drydock/foundation/serving/drop-input.ts';
import type { Aggregator } from '../aggregated/aggregator.ts';
import type { WatchStream } from '../cache/watch-stream.ts';
import { attributesOf } from '../call.ts';
import type { InFlight } from '../in-flight.ts';
import type { Pipeline } from '../pipeline.ts';
import { renderList, renderObject } from '../render.ts';
import type { ApiRequest, ApiResponse, Credentials, OutputForm, User, Verb } from '../request.ts';
import { routeOf } from '../route.ts';
import { readBody } from './body.ts';
import { type Connector, isCommand, mayUpgrade, refuseUpgrade } from './connect.ts';
import { credentialsOf } from './credentials.ts';
import { closeStream, startDeadline, timeoutError, unlessAborted } from './deadline.ts';
import {
  addWarnings,
  type Exchange,
  type HttpRequest,
  type HttpResponse,
  headerOf,
  sendError,
  sendText,
  sendValue,
} from './exchange.ts';
import type { RequestMetrics } from './metrics.ts';
import type { NonResource } from './non-resource.ts';
import { deleteOptionsOf, optionsOf } from './options.ts';
import { type PathInfo, pathInfo } from './request-info.ts';
import { writeWatch } from './watch-writer.ts';

export interface ChainParts {
  readonly pipeline: Pipeline;
  readonly nonResource: NonResource;
  readonly connector: Connector;
  readonly aggregator: Aggregator;
  readonly authorities: ClientAuthorities;
  readonly metrics: RequestMetrics;
  readonly inFlight: InFlight;
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly log: Log;
  /** --request-timeout. */
  readonly requestTimeoutMs: number;
  /** Told of every request whether its caller is known: their credentials were checked and are good. */
  readonly onCaller: (req: HttpRequest, known: boolean) => void;
}

/** Verbs that run longer than --request-timeout by design. */
const connectSubresources: ReadonlySet<string> = new Set(['log', 'exec', 'attach', 'portforward', 'proxy']);

/** What one request has on its way. */
interface Passage {
  readonly exchange: Exchange;
  readonly info: PathInfo;
  readonly controller: AbortController;
  readonly long: boolean;
  /** Asks a client that waits for it to send its body; does nothing for others. */
  readonly askForBody: () => void;
  release: () => void;
  /** The caller has said who they are, and it is so. */
  known: boolean;
}

export class RequestChain {
  readonly #parts: ChainParts;
  readonly #streams = new Set<WatchStream>();

  constructor(parts: ChainParts) {
    this.#parts = parts;
  }

  /** Ends all watches. */
  endWatches(): void {
    for (const stream of this.#streams) stream.end();
  }

  /**
   * Answers a request. `waits`: its client sends the body when it is told to (Expect: 100-continue). Never fails: an answer that
   * cannot be written costs the client its stream, and nobody else theirs.
   */
  serve(req: HttpRequest, res: HttpResponse, waits: boolean): Promise<void> {
    return this.#serve(req, res, waits).catch((error: unknown) => {
      this.#parts.log.error({ err: error, path: req.url }, 'a request could not be answered');
      closeStream(res);
    });
  }

  async #serve(req: HttpRequest, res: HttpResponse, waits: boolean): Promise<void> {
    const { clock, metrics, random, requestTimeoutMs } = this.#parts;
    const started = clock.monotonicMs();
    const exchange = exchangeOf(req, res);
    const info = pathInfo(exchange.method, exchange.path, exchange.query);
    const asked = headerOf(req, 'audit-id');
    res.setHeader('audit-id', asked === '' ? random.uuid() : asked);
    const long = info.verb === 'watch' || connectSubresources.has(info.target.subresource);
    const controller = new AbortController();
    const askForBody = () => (waits ? (res as ServerResponse).writeContinue() : undefined);
    const passage: Passage = { exchange, info, controller, long, askForBody, release: () => {}, known: false };
    res.on('error', () => {});
    res.once('close', () => controller.abort(apiError('Timeout', 'the client went away', {})));
    startDeadline(res, controller, long ? Number.POSITIVE_INFINITY : requestTimeoutMs, clock);
    try {
      await this.#answer(passage);
    } catch (error) {
      if (!long || !res.headersSent) this.#fail(exchange, error, passage.known);
    } finally {
      passage.release();
      metrics.observe(info, exchange, (clock.monotonicMs() - started) / 1000);
    }
  }

  /** Whether the request's `Upgrade` header is heeded. */
  upgrades(req: HttpRequest): boolean {
    const exchange = exchangeOf(req, undefined as unknown as HttpResponse);
    const info = pathInfo(exchange.method, exchange.path, exchange.query);
    return mayUpgrade(info, headerOf(req, 'upgrade')) || this.#parts.aggregator.mayFind(info);
  }

  /** Takes over an upgraded connection, or refuses it. Its client may be gone at any moment of this. */
  async upgrade(req: HttpRequest, socket: Duplex, head: Buffer): Promise<void> {
    const controller = new AbortController();
    const gone = apiError('Timeout', 'the client went away', {});
    socket.on('error', () => socket.destroy());
    socket.once('close', () => controller.abort(gone));
    const late = this.#parts.clock.timer(this.#parts.requestTimeoutMs, () => controller.abort(timeoutError()));
    const { signal } = controller;
    const exchange = exchangeOf(req, undefined as unknown as HttpResponse);
    const info = pathInfo(exchange.method, exchange.path, exchange.query);
    try {
      const credentials = credentialsOf(req, this.#parts.authorities);
      const caller = await unlessAborted(this.#authenticate(exchange, credentials), signal);
      const user = this.#authorize(exchange, info, caller, credentials);
      if (this.#parts.aggregator.find(info) !== undefined) {
        await unlessAborted(this.#parts.aggregator.upgrade(exchange, info, user, { socket, head, signal }), signal);
        return;
      }
      checkRoute(exchange, info);
      this.#authorizeConnection(info, user);
      await unlessAborted(this.#parts.connector.upgrade(exchange, info, user, { socket, head, signal }), signal);
    } catch (error) {
      refuseUpgrade(socket, error);
    } finally {
      late.cancel();
    }
  }

  #fail(exchange: Exchange, error: unknown, known: boolean): void {
    if (!(error instanceof Error && error.name === 'ApiError'))
      this.#parts.log.error({ err: error, path: exchange.path }, 'request failed');
    dropInput(exchange.req, exchange.res, this.#parts.clock);
    // A stranger who was refused has no more to ask: what they sent after it is not looked at.
    const { res } = exchange;
    if (!known && !('stream' in res) && !res.headersSent) res.setHeader('connection', 'close');
    sendError(exchange, error);
  }

  async #authenticate(exchange: Exchange, credentials: Credentials): Promise<User> {
    const { pipeline, onCaller } = this.#parts;
    try {
      const user = await pipeline.authenticate({ credentials });
      onCaller(exchange.req, isNamed(credentials));
      return user;
    } catch (error) {
      onCaller(exchange.req, false);
      throw error;
    }
  }

  async #answer(passage: Passage): Promise<void> {
    const { pipeline, nonResource, connector, aggregator, inFlight } = this.#parts;
    const { exchange, info, controller, long } = passage;
    const { signal } = controller;
    const { refusal } = info;
    // What upstream's server cannot even take for a request.
    if (refusal?.type === 'malformed') return sendText(exchange, refusal.code, `${refusal.text}\n`);
    const credentials = credentialsOf(exchange.req, this.#parts.authorities);
    const caller = await unlessAborted(this.#authenticate(exchange, credentials), signal);
    passage.known = isNamed(credentials);
    if (!long) passage.release = inFlight.enter(info.verb);
    const user = this.#authorize(exchange, info, caller, credentials);
    if (refusal?.type !== 'no-page' && aggregator.find(info) !== undefined) {
      const leave = long ? () => {} : inFlight.enterElsewhere(info.verb);
      passage.askForBody();
      await aggregator.serve(exchange, info, user, signal).finally(leave);
      return;
    }
    if (!info.isResource) {
      if (refusal !== undefined) return sendText(exchange, 404, '404 page not found\n');
      await unlessAborted(nonResource.serve({ ...exchange, path: info.path }), signal);
      return;
    }
    if (isStream(info)) {
      checkRoute(exchange, info);
      passage.askForBody();
      await connector.serve(exchange, info, user, signal);
      return;
    }
    if (refusal?.type === 'no-page' || !servesGroup(info)) return sendText(exchange, 404, '404 page not found\n');
    if (refusal !== undefined || !hasVerb(exchange)) {
      checkRoute(exchange, info);
      throw methodNotAllowed();
    }
    const head = headOf(exchange, info, credentials, signal);
    passage.askForBody();
    const request = await withBody(exchange, head, signal);
    const response = await unlessAborted(pipeline.serve(request, user), signal);
    await this.#write(exchange, request, response);
  }

  /** The user as whom the caller acts, after impersonation. */
  #authorize({ query }: Exchange, info: PathInfo, caller: User, credentials: Credentials): User {
    const { isResource, verb, target, path } = info;
    if (!isResource) return this.#parts.pipeline.admit(caller, { verb, ...target, path, isResource }, credentials);
    const options = { fieldSelector: query.get('fieldSelector') ?? undefined };
    return this.#parts.pipeline.admit(caller, attributesOf({ verb, target, options }), credentials);
  }

  /** A right to read is not enough for what a GET can begin here (AuthorizePodWebsocketUpgradeCreatePermission). */
  #authorizeConnection({ verb, target }: PathInfo, user: User): void {
    if (verb === 'get' && isCommand(target.subresource))
      this.#parts.pipeline.authorize({ ...attributesOf({ verb: 'create', target, options: {} }), user });
  }

  async #write(exchange: Exchange, request: ApiRequest, response: ApiResponse): Promise<void> {
    const { res } = exchange;
    const { group, version, resource } = request.target;
    const info = findResource(group, version, resource);
    if (info === undefined) throw notServed();
    addWarnings(res, response.warnings);
    const { yaml } = negotiate(headerOf(exchange.req, 'accept'));
    const now = this.#parts.clock.wallMs();
    switch (response.type) {
      case 'object':
        return sendValue(exchange, response.code, renderObject(info, response.object, request.form, now), yaml);
      case 'list':
        return sendValue(exchange, response.code, renderList(info, response.list, request.form, now), yaml);
      case 'watch': {
        const { stream } = response;
        this.#streams.add(stream);
        stream.onEnd(() => this.#streams.delete(stream));
        await writeWatch(res, stream);
      }
    }
  }
}

/** Whether these, where they are good, are somebody's. */
function isNamed({ certificate, proxy, bearerToken }: Credentials): boolean {
  return certificate !== undefined || proxy !== undefined || bearerToken !== undefined;
}

function servesGroup({ target: { group } }: PathInfo): boolean {
  return group === '' || groups.some((each) => each.name === group);
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

/** Fails unless path and method together exist. */
function checkRoute(exchange: Exchange, { target, verb, refusal }: PathInfo): void {
  if (refusal !== undefined && refusal.type !== 'no-method') throw notServed();
  const proxied = target.subresource === 'proxy' && ['HEAD', 'OPTIONS'].includes(exchange.method);
  routeOf(target, proxied ? 'get' : hasVerb(exchange) ? verb : '');
}

/** The request without its body. */
function headOf(exchange: Exchange, info: PathInfo, credentials: Credentials, signal: AbortSignal): ApiRequest {
  const { req, query } = exchange;
  const { form } = negotiate(headerOf(req, 'accept'));
  const include = query.get('includeObject');
  const includeObject: OutputForm['includeObject'] = include === 'None' || include === 'Object' ? include : 'Metadata';
  return {
    verb: info.verb as Verb,
    target: info.target,
    credentials,
    options: optionsOf(query, info.verb),
    body: undefined,
    form: { ...form, includeObject },
    userAgent: headerOf(req, 'user-agent'),
    signal,
  };
}

async function withBody(exchange: Exchange, request: ApiRequest, signal: AbortSignal): Promise<ApiRequest> {
  const { req, method, query } = exchange;
  if (method === 'GET' || method === 'HEAD') return request;
  let bytes = await readBody(req, signal);
  // The options of a deletion are those of its body where it has one, and the query's otherwise: never both.
  const byBody = method === 'DELETE' && bytes.length > 0;
  if (method === 'DELETE' && !byBody) bytes = deleteOptionsOf(query) ?? bytes;
  const given = parseMediaType(headerOf(req, 'content-type')).type;
  const options = byBody ? { ...request.options, dryRun: false } : request.options;
  return { ...request, options, body: { contentType: method === 'PATCH' ? given : given || 'application/json', bytes } };
}
