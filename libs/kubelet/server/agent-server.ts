// Adapter: the gRPC NodeAgent, for our apiserver: logs and stats. Mutual TLS.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import { servingTimes, tcpBounds } from '@drydock/foundation/serving/bounds.ts';
import { ConnectionGate, peerOf } from '@drydock/foundation/serving/connection-gate.ts';
import { guardServer } from '@drydock/foundation/serving/guard.ts';
import {
  type GrpcObject,
  loadPackageDefinition,
  Server,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceClientConstructor,
  type StatusObject,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { NodeAccess } from './access.ts';
import { RequiredClientCertificate } from './agent-credentials.ts';
import { followLog } from './follow-log.ts';
import { findContainer } from './pods-view.ts';
import type { ServerPorts } from './servers.ts';
import { summary } from './stats.ts';

interface LogsRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tail_lines: string;
  readonly limit_bytes: string;
  readonly since_seconds: string;
  readonly since_time: string;
  readonly stream: string;
}

const protoFile = fileURLToPath(new URL('../../../proto/drydock/kubelet/v1/node_agent.proto', import.meta.url));

/** What a method is to the authoriser, as the same on the HTTPS API is. */
const rights = {
  Logs: ['get', ['proxy']],
  Stats: ['get', ['stats']],
} as const satisfies Record<string, readonly [string, readonly string[]]>;
type MethodName = keyof typeof rights;

/** Messages name a container and what of its log is wanted. */
const requestMaxBytes = 64 << 10;

export function agentServer(ports: ServerPorts, access: NodeAccess): Service {
  const { config, clock } = ports;
  const { times = servingTimes, strangersMax } = ports.bounds ?? {};
  const server = new Server({
    'grpc.max_receive_message_length': requestMaxBytes,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
  });
  const definition = loadSync(protoFile, { keepCase: true, longs: String, defaults: true, oneofs: true });
  const loaded = loadPackageDefinition(definition) as unknown as { drydock: { kubelet: { v1: GrpcObject } } };
  const service = loaded.drydock.kubelet.v1.NodeAgent as ServiceClientConstructor;
  const gate = new ConnectionGate({ now: () => clock.monotonicMs(), max: strangersMax, graceMs: times.graceMs });
  const check = (call: AgentCall, method: MethodName) => refusalOf(access, call, method, gate);
  const streaming =
    <C extends AgentStream>(method: MethodName, run: (call: C) => void) =>
    (call: C) =>
      void check(call, method).then((refusal) => {
        // Who has gone meanwhile wants nothing any more: what is begun now, nobody would end.
        if (refusal !== undefined) call.emit('error', refusal);
        else if (!call.cancelled) run(call);
      });
  server.addService(service.service, {
    Logs: streaming('Logs', (call: ServerWritableStream<LogsRequest, object>) => void logs(ports, call)),
    Stats: (
      call: ServerUnaryCall<object, object>,
      callback: (error: Partial<StatusObject> | null, answer?: object) => void,
    ) => {
      const answer = async (): Promise<void> => {
        const refusal = await check(call, 'Stats');
        if (refusal !== undefined) callback(refusal);
        else callback(null, { summary: Buffer.from(JSON.stringify(await summary(ports))) });
      };
      answer().catch((error: Error) => callback({ code: status.INTERNAL, details: error.message }));
    },
  });
  const certificate = { cert: readFileSync(config.certFile), key: readFileSync(config.keyFile) };
  const credentials = new RequiredClientCertificate(
    { ...certificate, ca: readFileSync(config.clientCaFile) },
    times,
    config.tls,
  );
  const injector = server.createConnectionInjector(credentials);
  const sockets = new Set<Socket>();
  // Our own listener: grpc-js has no bound on connections, and hands none out.
  const listener = createServer(tcpBounds);
  guardServer(listener, gate);
  listener.on('connection', (socket: Socket) => {
    if (socket.destroyed) return;
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    injector.injectConnection(socket);
  });
  return {
    name: 'node-agent',
    start: () =>
      new Promise((resolve, reject) => {
        listener.once('error', (error) => reject(new StartupError(`--node-agent-port: ${error.message}`)));
        listener.listen(config.agentPort, config.address, resolve);
      }),
    stop: async () => {
      listener.close();
      injector.destroy();
      server.forceShutdown();
      for (const socket of sockets) socket.destroy();
    },
  };
}

type AgentCall = Pick<ServerUnaryCall<object, object>, 'getAuthContext' | 'getPeer'>;
interface AgentStream extends AgentCall {
  readonly cancelled: boolean;
  emit(event: 'error', refusal: object): boolean;
}

/** Undefined: the caller may. What cannot be found out is refused. */
async function refusalOf(
  access: NodeAccess,
  call: AgentCall,
  method: MethodName,
  gate: ConnectionGate,
): Promise<{ code: status; details: string } | undefined> {
  try {
    const caller = await access.callerOf(call.getAuthContext().sslPeerCertificate, undefined);
    if (caller === undefined) return { code: status.UNAUTHENTICATED, details: 'Unauthorized' };
    const peer = call.getPeer();
    const colon = peer.lastIndexOf(':');
    gate.trust(
      peerOf({ remoteAddress: peer.slice(0, colon).replace(/^\[|\]$/g, ''), remotePort: Number(peer.slice(colon + 1)) }),
    );
    const [verb, subresources] = rights[method];
    if (await access.allows(caller, verb, subresources)) return undefined;
    const what = `user=${caller.user}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(' ')}]`;
    return { code: status.PERMISSION_DENIED, details: `Forbidden (${what})` };
  } catch (error) {
    return { code: status.UNAVAILABLE, details: `Authorization error: ${(error as Error).message}` };
  }
}

async function logs(ports: ServerPorts, call: ServerWritableStream<LogsRequest, object>): Promise<void> {
  const request = call.request;
  const found = findContainer(ports.kubelet, request.namespace, request.pod, request.container, request.previous);
  if (typeof found === 'string') {
    call.emit('error', { code: status.NOT_FOUND, details: found });
    return;
  }
  const stop = new AbortController();
  call.on('cancelled', () => stop.abort());
  const sinceMs =
    Number(request.since_seconds) > 0
      ? ports.clock.wallMs() - Number(request.since_seconds) * 1000
      : request.since_time === ''
        ? 0
        : Date.parse(request.since_time);
  const only = request.stream === 'Stdout' ? 'stdout' : request.stream === 'Stderr' ? 'stderr' : '';
  const options = {
    follow: request.follow,
    timestamps: request.timestamps,
    tailLines: Number(request.tail_lines),
    limitBytes: Number(request.limit_bytes),
    sinceMs,
    stream: only,
  } as const;
  const write = async (data: Buffer): Promise<void> => {
    if (!call.write({ data })) await once(call, 'drain', { signal: stop.signal });
  };
  try {
    await followLog(ports, found, options, write, stop.signal);
    call.end();
  } catch (error) {
    call.emit('error', { code: status.INTERNAL, details: (error as Error).message });
  }
}
