// Adapter: the gRPC NodeAgent, for our apiserver: logs, exec, attach, stats. Mutual TLS.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import {
  type GrpcObject,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
  type ServiceClientConstructor,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { joinStream, type StreamInputs } from './cri-stream.ts';
import { readLog } from './log-reader.ts';
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

interface Input {
  readonly start?: {
    namespace: string;
    pod: string;
    container: string;
    command: string[];
    stdin: boolean;
    stdout: boolean;
    stderr: boolean;
    tty: boolean;
  };
  readonly stdin?: Buffer;
  readonly resize?: { width: number; height: number };
  readonly close_stdin?: boolean;
}

const protoFile = fileURLToPath(new URL('../../../proto/drydock/kubelet/v1/node_agent.proto', import.meta.url));

export function agentServer(ports: ServerPorts): Service {
  const { config } = ports;
  const server = new Server();
  const definition = loadSync(protoFile, { keepCase: true, longs: String, defaults: true, oneofs: true });
  const loaded = loadPackageDefinition(definition) as unknown as { drydock: { kubelet: { v1: GrpcObject } } };
  const service = loaded.drydock.kubelet.v1.NodeAgent as ServiceClientConstructor;
  server.addService(service.service, {
    Logs: (call: ServerWritableStream<LogsRequest, object>) => void logs(ports, call),
    Exec: (call: ServerDuplexStream<Input, object>) => stream(ports, call, false),
    Attach: (call: ServerDuplexStream<Input, object>) => stream(ports, call, true),
    PortForward: (call: ServerDuplexStream<object, object>) => {
      call.write({ error: 'port-forward over the agent is not served by this kubelet' });
      call.end();
    },
    Stats: (_call: unknown, callback: (error: Error | null, answer?: object) => void) => {
      summary(ports).then(
        (text) => callback(null, { summary: Buffer.from(JSON.stringify(text)) }),
        (error: Error) => callback(error),
      );
    },
  });
  const pair = { cert_chain: readFileSync(config.certFile), private_key: readFileSync(config.keyFile) };
  const credentials = ServerCredentials.createSsl(readFileSync(config.clientCaFile), [pair], true);
  return {
    name: 'node-agent',
    start: () =>
      new Promise((resolve, reject) => {
        server.bindAsync(`${config.address}:${config.agentPort}`, credentials, (error) =>
          error === null ? resolve() : reject(new StartupError(`--node-agent-port: ${error.message}`)),
        );
      }),
    stop: async () => server.forceShutdown(),
  };
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
  const ended = async () => (await ports.engine.container(found.id).catch(() => undefined))?.state !== 'running';
  try {
    await readLog(found.logPath, options, (text) => call.write({ data: Buffer.from(text) }), stop.signal, ended);
    call.end();
  } catch (error) {
    call.emit('error', { code: status.INTERNAL, details: (error as Error).message });
  }
}

function stream(ports: ServerPorts, call: ServerDuplexStream<Input, object>, attach: boolean): void {
  let inputs: StreamInputs | undefined;
  const fail = (details: string) => call.emit('error', { code: status.INTERNAL, details });
  const begin = async (start: NonNullable<Input['start']>): Promise<void> => {
    const found = findContainer(ports.kubelet, start.namespace, start.pod, start.container);
    if (typeof found === 'string')
      return void fail(`unable to upgrade connection: container not found (${JSON.stringify(start.container)})`);
    const { command, stdin, stdout, stderr, tty } = start;
    const url = await ports.engine.streamUrl({
      containerId: found.id,
      stdin,
      stdout,
      stderr,
      tty,
      command: attach ? undefined : command,
    });
    if (url === undefined) return void fail('this container engine has no streams');
    inputs = joinStream(url, {
      stdout: (data) => call.write({ stdout: data }),
      stderr: (data) => call.write({ stderr: data }),
      exit: (data) => {
        call.write({ exit: data });
        call.end();
      },
      error: (error) => fail(error.message),
    });
  };
  let ready = Promise.resolve();
  call.on('data', (message: Input) => {
    if (message.start) ready = begin(message.start).catch((error: Error) => void fail(error.message));
    else void ready.then(() => pass(inputs, message));
  });
  call.on('end', () => void ready.then(() => inputs?.closeStdin()));
  call.on('cancelled', () => void ready.then(() => inputs?.close()));
}

function pass(inputs: StreamInputs | undefined, message: Input): void {
  if (message.stdin) inputs?.stdin(message.stdin);
  else if (message.resize) inputs?.resize(message.resize.width, message.resize.height);
  else if (message.close_stdin) inputs?.closeStdin();
}
