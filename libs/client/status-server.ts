// Adapter: the small HTTP servers of components: health, readiness, metrics.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Server as TcpServer } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { ApiError } from '@drydock/api/status.ts';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import { http1Bounds, type ServingTimes, tcpBounds, tlsBounds } from '@drydock/foundation/serving/bounds.ts';
import { ConnectionGate } from '@drydock/foundation/serving/connection-gate.ts';
import { guardServer } from '@drydock/foundation/serving/guard.ts';

export interface StatusAnswer {
  readonly code: number;
  readonly body: string;
  readonly type?: string | undefined;
  /** Further ones. */
  readonly headers?: Readonly<Record<string, string>>;
}

export type StatusRoutes = Readonly<Record<string, () => StatusAnswer>>;

export const ok: StatusAnswer = { code: 200, body: 'ok' };

/** As the original writes it, with line breaks. */
export function statusAnswerOf({ code, status }: ApiError): StatusAnswer {
  return { code, body: JSON.stringify(status, undefined, 2), type: 'application/json' };
}

/** The content type of Prometheus' text format. */
export const metricsType = 'text/plain; version=0.0.4; charset=utf-8';

/** Reads `host:port`, `[v6]:port` or `:port`. Undefined where it is neither. */
export function parseHostPort(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  if (match === null || Number(match[3]) > 65_535) return undefined;
  return { host: match[1] ?? match[2] ?? '', port: Number(match[3]) };
}

/** Connections at once: probes and scrapers, none of whom says who they are. */
export const statusConnectionsMax = 128;

/** Their times, in milliseconds: shorter than those of an API, for whoever asks here asks little and at once. */
export const statusTimes: ServingTimes = {
  graceMs: 1_000,
  handshakeMs: 5_000,
  headersMs: 5_000,
  idleMs: 30_000,
  sweepMs: 1_000,
};

/** Options of the server; for `createServer` of node:http and node:https. */
export function statusBounds(times: ServingTimes = statusTimes) {
  // Nobody sends a body here: the time for headers and the whole of a request is one.
  return { ...tcpBounds, ...tlsBounds(times), ...http1Bounds(times), requestTimeout: times.headersMs };
}

/** Puts the server behind a gate, which it gives; an answer that is not read for `idleMs` ends its connection. */
export function guardStatus(server: Server & TcpServer, times: ServingTimes = statusTimes): ConnectionGate {
  const gate = new ConnectionGate({ now: () => performance.now(), max: statusConnectionsMax, graceMs: times.graceMs });
  guardServer(server, gate);
  server.setTimeout(times.idleMs);
  server.on(
    'checkContinue',
    (request: IncomingMessage, response: ServerResponse) => void server.emit('request', request, response),
  );
  return gate;
}

/** Ends the exchange with an answer; what is still to come of a body is not waited for. */
export function sendStatus(request: IncomingMessage, response: ServerResponse, answer: StatusAnswer): void {
  const { code, body, type } = answer;
  const headers = {
    ...answer.headers,
    'content-type': type ?? 'text/plain; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  };
  const bodied = request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0;
  response.writeHead(code, bodied ? { ...headers, connection: 'close' } : headers);
  response.end(request.method === 'HEAD' ? undefined : body);
  if (bodied) response.once('finish', () => request.socket.destroySoon());
}

/** Serves GET of those paths, or whatever is asked for by one answer. `start` rejects where the address is taken. */
export function statusServer(
  name: string,
  address: { host: string; port: number },
  routes: StatusRoutes | (() => StatusAnswer),
  times: ServingTimes = statusTimes,
): Service {
  let server: Server | undefined;
  return {
    name,
    start: () =>
      new Promise((resolve, reject) => {
        server = createServer(statusBounds(times), (request, response) => {
          const path = (request.url ?? '/').split('?')[0] ?? '/';
          const answer = typeof routes === 'function' ? routes : Object.hasOwn(routes, path) ? routes[path] : undefined;
          sendStatus(request, response, answer?.() ?? { code: 404, body: '404 page not found\n' });
        });
        guardStatus(server, times);
        server.once('error', reject);
        server.listen(address.port, address.host === '' ? undefined : address.host, () => resolve());
      }),
    stop: () =>
      new Promise((resolve) => {
        if (server === undefined || !server.listening) resolve();
        else {
          server.close(() => resolve());
          server.closeAllConnections();
        }
      }),
  };
}
