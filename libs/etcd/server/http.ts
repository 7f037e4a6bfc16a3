// What etcd serves over plain HTTP beside gRPC: /health, /version and /metrics.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { alarmType } from '../rpc/messages.ts';
import { renderMetrics } from './metrics.ts';
import type { EtcdServer } from './server.ts';
import { clusterVersion, serverVersion } from './version.ts';

/** A request handler for node:http. */
export function httpHandler(server: EtcdServer): (request: IncomingMessage, response: ServerResponse) => void {
  const json = (response: ServerResponse, code: number, body: object): void => {
    response.writeHead(code, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  };
  return (request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET' });
      response.end('Method Not Allowed\n');
    } else if (url.pathname === '/health' || url.pathname === '/readyz' || url.pathname === '/livez') {
      health(server, url).then(
        (reason) => json(response, reason === '' ? 200 : 503, { health: String(reason === ''), reason }),
        () => response.destroy(),
      );
    } else if (url.pathname === '/version') {
      json(response, 200, { etcdserver: serverVersion, etcdcluster: clusterVersion, storage: clusterVersion });
    } else if (url.pathname === '/metrics') {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
      response.end(renderMetrics(server));
    } else {
      response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
      response.end('404 page not found\n');
    }
  };
}

/** Why the member is not healthy, or ''. */
async function health(server: EtcdServer, url: URL): Promise<string> {
  const excluded = url.searchParams.getAll('exclude');
  const { alarms } = server.machine;
  if (alarms.has(alarmType.noSpace) && !excluded.includes('NOSPACE')) return 'ALARM NOSPACE';
  if (alarms.has(alarmType.corrupt) && !excluded.includes('CORRUPT')) return 'ALARM CORRUPT';
  if (!server.hasLeader) return 'RAFT NO LEADER';
  if (url.searchParams.get('serializable') === 'true') return '';
  try {
    await server.readPoint();
    return '';
  } catch (error) {
    return `RANGE ERROR:${error instanceof Error ? error.message : String(error)}`;
  }
}
