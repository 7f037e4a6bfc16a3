// A container's log as the answer to GET /containerLogs/NAMESPACE/POD/CONTAINER.
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { followLog } from './follow-log.ts';
import { findContainer } from './pods-view.ts';
import type { ServerPorts } from './servers.ts';

export async function sendLog(
  ports: ServerPorts,
  path: string,
  query: URLSearchParams,
  response: ServerResponse,
): Promise<void> {
  const [, , namespace = '', pod = '', container = ''] = path.split('/');
  const found = findContainer(ports.kubelet, namespace, pod, container, query.get('previous') === 'true');
  if (typeof found === 'string')
    return void response.writeHead(/not found$/.test(found) && !/previous/.test(found) ? 404 : 400).end(found);
  const stop = new AbortController();
  response.on('close', () => stop.abort());
  const seconds = Number(query.get('sinceSeconds') ?? 0);
  const time = query.get('sinceTime');
  const which = query.get('stream');
  const options = {
    follow: query.get('follow') === 'true',
    timestamps: query.get('timestamps') === 'true',
    tailLines: Number(query.get('tailLines') ?? -1),
    limitBytes: Number(query.get('limitBytes') ?? 0),
    sinceMs: seconds > 0 ? ports.clock.wallMs() - seconds * 1000 : time === null ? 0 : Date.parse(time),
    stream: which === 'Stdout' ? 'stdout' : which === 'Stderr' ? 'stderr' : '',
  } as const;
  response.writeHead(200, { 'content-type': 'text/plain', 'transfer-encoding': 'chunked' });
  response.flushHeaders();
  const write = async (bytes: Buffer): Promise<void> => {
    if (!response.write(bytes)) await once(response, 'drain', { signal: stop.signal });
  };
  await followLog(ports, found, options, write, stop.signal);
  response.end();
}
