// Requests that another server answers: passed on, after this one has authenticated and authorised the caller, with the caller's name
// (kube-aggregator: proxyHandler). What was authorised is what is sent: path and query are written anew from the one parse of them.
import type { IncomingMessage } from 'node:http';
import type { APIService } from '@drydock/api/generated/types.ts';
import { ApiError, apiError, notServed } from '@drydock/api/status.ts';
import type { RequestHeaderNames } from '@drydock/foundation/serving/request-header.ts';
import type { Upgrade } from '../http/connect.ts';
import { type Exchange, sendText } from '../http/exchange.ts';
import { type ForwardTarget, forward } from '../http/forward.ts';
import { escapedPath, type PathInfo } from '../http/request-info.ts';
import { backendAnswerMaxBytes } from '../limits.ts';
import type { User } from '../request.ts';
import { proxyUpgrade } from '../streams/proxy-upgrade.ts';
import { type Asked, ask, unreachable } from './ask.ts';
import type { Backends, BackendTls } from './backends.ts';
import { isAvailable } from './condition.ts';
import { userHeaders, userHeaderTest } from './user-headers.ts';

export class Aggregator {
  readonly #backends: Backends;
  readonly #isOwn: (header: string) => boolean;

  /** @param names by which this server itself is told for whom it is asked: those behind it believe them, too. */
  constructor(backends: Backends, names: RequestHeaderNames) {
    this.#backends = backends;
    this.#isOwn = userHeaderTest(names);
  }

  /** Whether it is, or may be, another server that answers this path. */
  mayFind(info: PathInfo): boolean {
    return !this.#backends.isKnown || this.find(info) !== undefined;
  }

  /**
   * The APIService whose server answers this path: `/apis/GROUP/VERSION`, all below it, and the OpenAPI document of that version. Fails
   * with Unavailable where that is not known.
   */
  find({ path, isResource, target }: Pick<PathInfo, 'path' | 'isResource' | 'target'>): APIService | undefined {
    const openApi = /^\/openapi\/v3\/apis\/([^/]+)\/([^/]+)$/.exec(path);
    if (openApi !== null) return this.#backends.find(openApi[1] ?? '', openApi[2] ?? '');
    if (!path.startsWith('/apis/')) return undefined;
    if (isResource) return this.#backends.find(target.group, target.version);
    const [, group = '', version = '', ...more] = path.replace(/^\/|\/$/g, '').split('/');
    return more.length > 0 ? undefined : this.#backends.find(group, version);
  }

  /** Answers in plain text, as the original, where it is this server that has something to say. */
  async serve(exchange: Exchange, info: PathInfo, user: User, signal: AbortSignal): Promise<void> {
    try {
      exchange.res.setHeader('cache-control', 'no-cache, private');
      await forward(exchange, this.#target(exchange.query, info, user), '', signal);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 503 || exchange.res.headersSent) throw error;
      sendText(exchange, 503, `${error.message}\n`);
    }
  }

  async upgrade(exchange: Exchange, info: PathInfo, user: User, upgrade: Upgrade): Promise<void> {
    return proxyUpgrade(exchange.req as IncomingMessage, this.#target(exchange.query, info, user), upgrade);
  }

  /**
   * The value of an answer, for callers over our own wire. Fails with the Status that the other server answers, or with Unavailable.
   * @param sent a GET unless given.
   */
  async read(
    info: PathInfo,
    query: URLSearchParams,
    user: User,
    signal: AbortSignal,
    sent: Pick<Asked, 'method' | 'body'> = {},
  ): Promise<unknown> {
    const { host, port, path, tls } = this.#target(query, info, user);
    const headers = userHeaders(user);
    const asked = { ...sent, place: { host, port }, tls, path, headers, maxBytes: backendAnswerMaxBytes, signal };
    const { code, body } = await ask(asked).catch((error: Error) => {
      throw signal.aborted ? error : unreachable(error.message);
    });
    const value = parsed(body);
    if (code >= 200 && code <= 299 && value !== undefined) return value;
    const status = value as { kind?: string; message?: string } | undefined;
    if (status?.kind === 'Status') throw new ApiError({ ...status, code });
    throw apiError('ServiceUnavailable', `the server behind ${info.path} answered ${code}`);
  }

  #target(query: URLSearchParams, info: PathInfo, user: User): ForwardTarget & { readonly tls: BackendTls } {
    const apiService = this.find(info);
    if (apiService === undefined || !isPlain(info.path)) throw notServed();
    if (!isAvailable(apiService) && info.path.startsWith('/openapi/')) throw notServed();
    if (!isAvailable(apiService)) throw apiError('ServiceUnavailable', 'service unavailable');
    const place = this.#backends.placeOf(apiService);
    if ('problem' in place) throw apiError('ServiceUnavailable', 'service unavailable');
    const sorted = new URLSearchParams(query);
    sorted.sort();
    const text = sorted.size === 0 ? '' : `?${sorted}`;
    return {
      scheme: 'https',
      ...place,
      path: escapedPath(info.path) + text,
      tls: this.#backends.tlsOf(apiService),
      onBehalf: { headers: userHeaders(user), isOwn: this.#isOwn },
    };
  }
}

/** Whether all servers read the path as this one did: it has no steps and no empty parts. */
function isPlain(path: string): boolean {
  const parts = path.replace(/^\/|\/$/g, '').split('/');
  return parts.every((part) => part !== '' && part !== '.' && part !== '..');
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}
