// Adapter: upstream's HTTPS API of a kubelet: logs, exec, attach, port-forward, pods, stats (pkg/kubelet/server). Whoever connects
// costs no more than a bound before they are known (foundation/serving), and what is authorised is the path that is served.
import { readFileSync } from 'node:fs';
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { anonymous } from '@drydock/client/access/caller.ts';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import { http1Bounds, servingTimes, tcpBounds, tlsBounds } from '@drydock/foundation/serving/bounds.ts';
import { ConnectionGate, peerOf } from '@drydock/foundation/serving/connection-gate.ts';
import { dropInput } from '@drydock/foundation/serving/drop-input.ts';
import { guardServer } from '@drydock/foundation/serving/guard.ts';
import { Turns } from '@drydock/foundation/serving/turns.ts';
import type { NodeAccess } from './access.ts';
import { healthAnswer } from './health.ts';
import { pathOf, subresourcesOf, verbOf } from './paths.ts';
import { resourceMetrics } from './resource-metrics.ts';
import { sendLog } from './send-log.ts';
import type { ServerPorts } from './servers.ts';
import { summary } from './stats.ts';
import { refuse, upgrade } from './upgrade.ts';
import { volumeMetrics } from './volume-metrics.ts';

interface Asked {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** An answer other than what was asked for. */
interface Refusal {
  readonly code: number;
  readonly text: string;
}

export function httpsServer(ports: ServerPorts, access: NodeAccess): Service {
  const { config, clock } = ports;
  const { times = servingTimes, strangersMax } = ports.bounds ?? {};
  const gate = new ConnectionGate({ now: () => clock.monotonicMs(), max: strangersMax, graceMs: times.graceMs });
  let server: Server | undefined;
  const turns = new Turns();
  const admit = (request: IncomingMessage, method: string) => turns.take(request.socket, () => admitNow(request, method));
  const admitNow = async (request: IncomingMessage, method: string): Promise<Asked | Refusal> => {
    const asked = pathOf(request.url ?? '/');
    const admitted = handlerOf(config, asked);
    const refusal = await refusalOf(access, request, method, asked?.path ?? '/', () => gate.trust(peerOf(request.socket)));
    return refusal ?? admitted;
  };
  return {
    name: 'https',
    start: () =>
      new Promise((resolve, reject) => {
        const ca =
          config.clientCaFile === ''
            ? {}
            : { ca: readFileSync(config.clientCaFile), requestCert: true, rejectUnauthorized: false };
        const pair = { cert: readFileSync(config.certFile), key: readFileSync(config.keyFile) };
        const made = createServer({ ...pair, ...ca, ...config.tls, ...tcpBounds, ...tlsBounds(times), ...http1Bounds(times) });
        guardServer(made, gate, times.idleMs);
        made.on('request', (request, response) => {
          admit(request, request.method ?? 'GET')
            .then((asked) => serve(ports, asked, request, response))
            .catch((error: Error) => fail(request, response, ports, error));
        });
        made.on('upgrade', (request, socket, head) => {
          // Also while it is asked who this is: a reset in that time is the caller's affair.
          socket.on('error', () => socket.destroy());
          // As a POST, whatever it is: upgrades run commands, and a right to read is not enough for that.
          admit(request, 'POST')
            .then((asked) =>
              'code' in asked ? refuse(socket, asked.code, asked.text) : upgrade(ports, asked, request, socket, head),
            )
            .catch((error: Error) => refuse(socket, 500, error.message));
        });
        made.once('error', (error) => reject(new StartupError(`--port ${config.port}: ${error.message}`)));
        made.listen(config.port, config.address, resolve);
        server = made;
      }),
    stop: async () => {
      server?.closeAllConnections();
      server?.close();
    },
  };
}

/** For debugging, the original says, and may be switched off. */
const debugging = /^\/(run|exec|attach|portForward|containerLogs|logs|debug)(\/|$)/;

function handlerOf({ debuggingHandlers = true }: ServerPorts['config'], asked: Asked | undefined): Asked | Refusal {
  if (asked === undefined) return { code: 404, text: '404 page not found\n' };
  return debuggingHandlers || !debugging.test(asked.path) ? asked : { code: 405, text: 'Debug endpoints are disabled.\n' };
}

/** @param known called where the caller is somebody: anonymous ones stay strangers, whatever they may do. */
async function refusalOf(
  access: NodeAccess,
  request: IncomingMessage,
  method: string,
  path: string,
  known: () => void,
): Promise<Refusal | undefined> {
  const socket = request.socket as TLSSocket;
  const certificate = socket.authorized ? socket.getPeerCertificate() : undefined;
  const isRefused = certificate === undefined && Object.keys(socket.getPeerCertificate()).length > 0;
  const caller = await access.callerOf(certificate, request.headers.authorization, isRefused);
  if (caller === undefined) return { code: 401, text: 'Unauthorized' };
  if (caller !== anonymous) known();
  const verb = verbOf(method);
  const subresources = subresourcesOf(path);
  if (verb !== '' && (await access.allows(caller, verb, subresources))) return undefined;
  const what = `user=${caller.user}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}]`;
  return { code: 403, text: `Forbidden (${what})\n` };
}

function fail(request: IncomingMessage, response: ServerResponse, { clock }: ServerPorts, error: Error): void {
  dropInput(request, response, clock);
  if (!response.headersSent) response.writeHead(500);
  response.end(error.message);
}

async function metrics({ kubelet }: ServerPorts): Promise<string> {
  const running = `# TYPE kubelet_running_pods gauge\nkubelet_running_pods ${kubelet.manager.all().length}\n`;
  return `${running}${volumeMetrics((await kubelet.volumeStats?.()) ?? [])}`;
}

async function serve(
  ports: ServerPorts,
  asked: Asked | Refusal,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { kubelet, clock } = ports;
  // Who has gone meanwhile wants nothing any more: what is begun now, nobody would end.
  if (response.destroyed) return;
  // No request here has a body that anybody reads.
  dropInput(request, response, clock);
  const text = (code: number, body: string) => response.writeHead(code).end(body);
  if ('code' in asked) return void text(asked.code, asked.text);
  const json = (body: object) => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const { path, query } = asked;
  if (request.method !== 'GET') text(405, `405: ${STATUS_CODES[405]}\n`);
  else if (path === '/healthz') {
    const { code, body } = healthAnswer(kubelet.health());
    text(code, body);
  } else if (path === '/pods') json({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items: kubelet.manager.all() });
  else if (path === '/stats/summary') json(await summary(ports));
  else if (path === '/metrics/resource')
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(await resourceMetrics(ports));
  else if (path === '/metrics')
    response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' }).end(await metrics(ports));
  else if (path.startsWith('/containerLogs/')) await sendLog(ports, path, query, response);
  else if (/^\/(exec|attach|portForward)\//.test(path)) text(400, 'Upgrade request required\n');
  else text(404, '404 page not found\n');
}
