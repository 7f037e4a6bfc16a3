// Adapter: the small HTTP servers of components: health, readiness, metrics.
import { createServer, type Server } from 'node:http';
import type { Service } from '@drydock/foundation/lifecycle.ts';

export interface StatusAnswer {
  readonly code: number;
  readonly body: string;
  readonly type?: string | undefined;
}

export type StatusRoutes = Readonly<Record<string, () => StatusAnswer>>;

export const ok: StatusAnswer = { code: 200, body: 'ok' };

/** The content type of Prometheus' text format. */
export const metricsType = 'text/plain; version=0.0.4; charset=utf-8';

/** Reads `host:port`, `[v6]:port` or `:port`. Undefined where it is neither. */
export function parseHostPort(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text);
  if (match === null || Number(match[3]) > 65_535) return undefined;
  return { host: match[1] ?? match[2] ?? '', port: Number(match[3]) };
}

/** Serves GET of those paths. `start` rejects where the address is taken. */
export function statusServer(name: string, address: { host: string; port: number }, routes: StatusRoutes): Service {
  let server: Server | undefined;
  return {
    name,
    start: () =>
      new Promise((resolve, reject) => {
        server = createServer((request, response) => {
          const path = (request.url ?? '/').split('?')[0] ?? '/';
          const answer = Object.hasOwn(routes, path) ? routes[path]?.() : undefined;
          const { code, body, type } = answer ?? { code: 404, body: '404 page not found\n' };
          response.writeHead(code, { 'content-type': type ?? 'text/plain; charset=utf-8' }).end(body);
        });
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
