// What etcd serves over plain HTTP beside gRPC: health in its forms, /version, /metrics, and the gateway.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isGatewayPath } from '../gateway/routes.ts';
import { healthReason, livezChecks, readyzChecks, runChecks } from './health.ts';
import { renderMetrics } from './metrics.ts';
import type { EtcdServer } from './server.ts';
import { clusterVersion, serverVersion } from './version.ts';

export interface HttpOptions {
  /** The API in JSON; undefined where it is turned off. */
  readonly gateway?: (request: IncomingMessage, response: ServerResponse, path: string) => void;
  /** `--cors`: origins that may read the answers in a browser; `*` is all. */
  readonly cors?: readonly string[];
}

const plainText = { 'content-type': 'text/plain; charset=utf-8' };
const methodNotAllowed = 405;
const unavailable = 503;

/** A request handler for node:http. */
export function httpHandler(
  server: EtcdServer,
  { gateway, cors = ['*'] }: HttpOptions = {},
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    allowOrigin(request, response, cors);
    if (request.method === 'OPTIONS') response.end();
    else if (gateway !== undefined && isGatewayPath(url.pathname)) gateway(request, response, url.pathname);
    else if (url.pathname === '/metrics') {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
      response.end(renderMetrics(server));
    } else serveState(server, url, request, response).catch(() => response.destroy());
  };
}

function allowOrigin({ headers }: IncomingMessage, response: ServerResponse, cors: readonly string[]): void {
  const { origin } = headers;
  const allowed = cors.includes('*') ? '*' : origin !== undefined && cors.includes(origin) ? origin : undefined;
  if (allowed === undefined) return;
  response.setHeader('access-control-allow-headers', 'accept, content-type, authorization');
  response.setHeader('access-control-allow-methods', 'POST, GET, OPTIONS, PUT, DELETE');
  response.setHeader('access-control-allow-origin', allowed);
}

async function serveState(server: EtcdServer, url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const answer = (code: number, text: string, headers: Record<string, string> = plainText): void => {
    response.writeHead(code, headers);
    response.end(text);
  };
  const checks = checksOf(url);
  const known = ['/health', '/version'].includes(url.pathname) || checks !== undefined;
  if (!known) answer(404, '404 page not found\n');
  else if (request.method !== 'GET') answer(methodNotAllowed, 'Method Not Allowed\n', { ...plainText, allow: 'GET' });
  else if (checks !== undefined) {
    const { ok, text } = await runChecks(server, checks);
    if (ok) answer(200, url.searchParams.has('verbose') ? `${text}ok\n` : 'ok\n');
    else answer(unavailable, `${text}\n`);
  } else if (url.pathname === '/version') {
    const versions = { etcdserver: serverVersion, etcdcluster: clusterVersion, storage: clusterVersion };
    answer(200, JSON.stringify(versions), { 'content-type': 'application/json' });
  } else {
    const serializable = url.searchParams.get('serializable') === 'true';
    const reason = await healthReason(server, url.searchParams.getAll('exclude'), serializable);
    if (reason === '') server.instruments.healthSuccess++;
    else server.instruments.healthFailures++;
    answer(reason === '' ? 200 : unavailable, JSON.stringify({ health: String(reason === ''), reason }));
  }
}

/** The checks that a path names, `/readyz` or one of them as `/readyz/non_learner`; undefined where it names none. */
function checksOf(url: URL): readonly string[] | undefined {
  const [, root, single, ...more] = url.pathname.split('/');
  const all: readonly string[] | undefined = root === 'livez' ? livezChecks : root === 'readyz' ? readyzChecks : undefined;
  if (all === undefined || more.length > 0) return undefined;
  if (single === undefined) return all.filter((name) => !url.searchParams.getAll('exclude').includes(name));
  return all.includes(single) ? [single] : undefined;
}
