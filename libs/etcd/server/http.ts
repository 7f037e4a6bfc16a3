// What etcd serves over plain HTTP beside gRPC: health in its forms, /version, /metrics, and the gateway.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Log } from '@drydock/foundation/log.ts';
import { isGatewayPath } from '../gateway/routes.ts';
import { healthReason, livezChecks, readyzChecks, runChecks } from './health.ts';
import { misdirected, misdirectedText, unknownHost } from './host-whitelist.ts';
import { renderMetrics } from './metrics.ts';
import { answer, checkMethod, refuse } from './plain-answer.ts';
import type { EtcdServer } from './server.ts';
import { clusterVersion, serverVersion } from './version.ts';

export interface HttpOptions {
  /** The API in JSON; undefined where it is turned off. */
  readonly gateway?: (request: IncomingMessage, response: ServerResponse, path: string) => void;
  /** `--cors`: origins that may read the answers in a browser; `*` is all. */
  readonly cors?: readonly string[];
  /** `--host-whitelist`; `*` is all. */
  readonly hosts?: readonly string[];
  readonly log?: Log;
}

const unavailable = 503;
const notFound = 404;

/** A request handler for node:http. */
export function httpHandler(
  server: EtcdServer,
  { gateway, cors = ['*'], hosts = ['*'], log }: HttpOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const host = unknownHost(request, hosts);
    if (host !== undefined) {
      log?.warn({ host }, 'rejecting HTTP request to prevent DNS rebinding attacks');
      refuse(response, misdirected, misdirectedText(host).slice(0, -1));
      return;
    }
    const url = new URL(request.url ?? '/', 'http://localhost');
    allowOrigin(request, response, cors);
    if (request.method === 'OPTIONS') response.end();
    else if (gateway !== undefined && isGatewayPath(url.pathname)) gateway(request, response, url.pathname);
    else serveState(server, url, request, response);
  };
}

/** What `--listen-metrics-urls` are for: whoever may read those sees nothing else. */
export function metricsHandler(server: EtcdServer): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (url.pathname === '/version') refuse(response, notFound, '404 page not found');
    else serveState(server, url, request, response);
  };
}

export function versionsText(): string {
  return JSON.stringify({ etcdserver: serverVersion, etcdcluster: clusterVersion, storage: clusterVersion });
}

function allowOrigin({ headers }: IncomingMessage, response: ServerResponse, cors: readonly string[]): void {
  const { origin } = headers;
  const allowed = cors.includes('*') ? '*' : origin !== undefined && cors.includes(origin) ? origin : undefined;
  if (allowed === undefined) return;
  response.setHeader('access-control-allow-headers', 'accept, content-type, authorization');
  response.setHeader('access-control-allow-methods', 'POST, GET, OPTIONS, PUT, DELETE');
  response.setHeader('access-control-allow-origin', allowed);
}

function serveState(server: EtcdServer, url: URL, request: IncomingMessage, response: ServerResponse): void {
  const { pathname } = url;
  const checks = checksOf(url);
  if (pathname === '/metrics') {
    answer(response, 200, renderMetrics(server), {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores',
    });
  } else if (!['/health', '/version'].includes(pathname) && checks === undefined)
    refuse(response, notFound, '404 page not found');
  else if (!checkMethod(request, response, 'GET')) return;
  else if (pathname === '/version') answer(response, 200, versionsText(), { 'content-type': 'application/json' });
  else serveHealth(server, url, checks, response).catch(() => response.destroy());
}

async function serveHealth(
  server: EtcdServer,
  url: URL,
  checks: readonly string[] | undefined,
  response: ServerResponse,
): Promise<void> {
  if (checks !== undefined) {
    const { ok, text } = await runChecks(server, checks);
    // In the form of an error also where all is well, as the original.
    if (ok) refuse(response, 200, url.searchParams.has('verbose') ? `${text}ok` : 'ok');
    else refuse(response, unavailable, text);
    return;
  }
  const serializable = url.searchParams.get('serializable') === 'true';
  const reason = await healthReason(server, url.searchParams.getAll('exclude'), serializable);
  if (reason === '') server.instruments.healthSuccess++;
  else server.instruments.healthFailures++;
  answer(response, reason === '' ? 200 : unavailable, JSON.stringify({ health: String(reason === ''), reason }));
}

/** The checks that a path names, `/readyz` or one of them as `/readyz/non_learner`; undefined where it names none. */
function checksOf(url: URL): readonly string[] | undefined {
  const [, root, single, ...more] = url.pathname.split('/');
  const all: readonly string[] | undefined = root === 'livez' ? livezChecks : root === 'readyz' ? readyzChecks : undefined;
  if (all === undefined || more.length > 0) return undefined;
  if (single === undefined) return all.filter((name) => !url.searchParams.getAll('exclude').includes(name));
  return all.includes(single) ? [single] : undefined;
}
