// Adapter: upstream's HTTPS API of a kubelet: logs, exec, attach, port-forward, pods, stats (pkg/kubelet/server).
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import { authorize } from './authorize.ts';
import { healthAnswer } from './health.ts';
import { readLog } from './log-reader.ts';
import { findContainer } from './pods-view.ts';
import type { ServerPorts } from './servers.ts';
import { summary } from './stats.ts';

export function httpsServer(ports: ServerPorts): Service {
  const { config } = ports;
  let server: Server | undefined;
  return {
    name: 'https',
    start: () =>
      new Promise((resolve, reject) => {
        const ca =
          config.clientCaFile === ''
            ? {}
            : { ca: readFileSync(config.clientCaFile), requestCert: true, rejectUnauthorized: false };
        server = createServer(
          { cert: readFileSync(config.certFile), key: readFileSync(config.keyFile), ...ca },
          (request, response) => {
            void serve(ports, request, response).catch((error: Error) => {
              if (!response.headersSent) response.writeHead(500);
              response.end(error.message);
            });
          },
        );
        server.on('upgrade', (request, socket) => {
          void upgrade(ports, request, socket).catch((error: Error) => refuse(socket, 500, error.message));
        });
        server.once('error', (error) => reject(new StartupError(`--port ${config.port}: ${error.message}`)));
        server.listen(config.port, config.address, resolve);
      }),
    stop: async () => {
      server?.closeAllConnections();
      server?.close();
    },
  };
}

async function serve(ports: ServerPorts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://kubelet');
  const path = url.pathname;
  const [code, text] = await authorize(ports, request.socket as TLSSocket, request.method ?? 'GET', path);
  if (code !== 200) return void response.writeHead(code).end(text);
  const json = (body: object) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (path === '/healthz') {
    const { code, body } = healthAnswer(ports.kubelet.health());
    response.writeHead(code).end(body);
  } else if (path === '/pods') json({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: ports.kubelet.manager.all() });
  else if (path === '/stats/summary') json(await summary(ports));
  else if (path === '/metrics')
    response
      .writeHead(200, { 'content-type': 'text/plain; version=0.0.4' })
      .end(`# TYPE kubelet_running_pods gauge\nkubelet_running_pods ${ports.kubelet.manager.all().length}\n`);
  else if (path.startsWith('/containerLogs/')) await containerLogs(ports, url, request, response);
  else response.writeHead(404).end('404 page not found\n');
}

async function containerLogs(ports: ServerPorts, url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, , namespace = '', pod = '', container = ''] = url.pathname.split('/');
  const query = url.searchParams;
  const found = findContainer(ports.kubelet, namespace, pod, container, query.get('previous') === 'true');
  if (typeof found === 'string')
    return void response.writeHead(/not found$/.test(found) && !/previous/.test(found) ? 404 : 400).end(found);
  const stop = new AbortController();
  request.on('close', () => stop.abort());
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
  const ended = async () => (await ports.engine.container(found.id).catch(() => undefined))?.state !== 'running';
  await readLog(found.logPath, options, (text) => response.write(text), stop.signal, ended);
  response.end();
}

function refuse(socket: Duplex, code: number, message: string): void {
  socket.end(
    `HTTP/1.1 ${code} Error\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(message)}\r\nconnection: close\r\n\r\n${message}`,
  );
}

/** Passes the connection on to the engine's streaming server: whatever protocol the two ends speak. */
async function upgrade(ports: ServerPorts, request: IncomingMessage, socket: Duplex): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://kubelet');
  const [, verb, namespace = '', pod = '', third = '', fourth = ''] = url.pathname.split('/');
  const [code, text] = await authorize(ports, request.socket as TLSSocket, 'POST', url.pathname);
  if (code !== 200) return refuse(socket, code, text);
  const container = fourth || third;
  if (ports.kubelet.manager.worker(namespace, pod) === undefined) return refuse(socket, 404, 'pod does not exist');
  const target = await streamTarget(ports, url, verb ?? '', namespace, pod, container);
  if (target === undefined) return refuse(socket, 500, `container not found (${JSON.stringify(container)})`);
  const to = new URL(target);
  const back = connect({ host: to.hostname, port: Number(to.port) }, () => {
    const headers = Object.entries(request.headers).flatMap(([name, value]) =>
      [value ?? []].flat().map((each) => `${name}: ${name === 'host' ? to.host : each}`),
    );
    back.write(`${request.method} ${to.pathname}${to.search} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`);
    back.pipe(socket);
    socket.pipe(back);
  });
  back.on('error', () => socket.destroy());
  socket.on('error', () => back.destroy());
  back.on('close', () => socket.end());
}

async function streamTarget(
  ports: ServerPorts,
  url: URL,
  verb: string,
  namespace: string,
  pod: string,
  container: string,
): Promise<string | undefined> {
  if (verb === 'portForward') {
    const sandbox = ports.kubelet.manager.worker(namespace, pod)?.observed.sandboxes[0];
    return sandbox === undefined
      ? undefined
      : ports.engine.portForwardUrl(sandbox.id, url.searchParams.getAll('port').map(Number));
  }
  if (verb !== 'exec' && verb !== 'attach') return undefined;
  const found = findContainer(ports.kubelet, namespace, pod, container);
  if (typeof found === 'string') return undefined;
  const is = (name: string) => ['1', 'true'].includes(url.searchParams.get(name) ?? '');
  const tty = is('tty');
  return ports.engine.streamUrl({
    containerId: found.id,
    stdin: is('input'),
    stdout: is('output'),
    stderr: !tty && is('error'),
    tty,
    command: verb === 'exec' ? url.searchParams.getAll('command') : undefined,
  });
}
