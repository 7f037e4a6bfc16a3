// Adapter: carries out probes and lifecycle hooks: exec, HTTP, TCP, gRPC.
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Container, LifecycleHandler, Probe } from '@drydock/api/generated/types.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { type ContainerEngine, EngineError } from '../engine/engine.ts';

export interface HandlerResult {
  readonly success: boolean;
  readonly output: string;
  /** Nothing was learned of the container: the engine did not answer. Such a result counts neither way. */
  readonly unknown?: boolean;
}

export interface HandlerTarget {
  readonly containerId: string;
  readonly container: Container;
  readonly podIp: string;
  readonly timeoutSeconds: number;
}

/** The output of a failing probe that goes into an event. */
const outputCharsMax = 10_240;

/** Carries out probes and hooks. Never throws: what cannot be carried out is a failure with a text. */
export interface HandlerRunner {
  run(handler: Probe & LifecycleHandler, target: HandlerTarget): Promise<HandlerResult>;
}

export class Handlers implements HandlerRunner {
  readonly #engine: ContainerEngine;
  readonly #clock: Clock;

  constructor(engine: ContainerEngine, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
  }

  async run(handler: Probe & LifecycleHandler, target: HandlerTarget): Promise<HandlerResult> {
    try {
      if (handler.exec !== undefined) return await this.#exec(handler.exec.command ?? [], target);
      if (handler.httpGet !== undefined) return await http(handler.httpGet, target);
      if (handler.tcpSocket !== undefined)
        return await tcp(
          handler.tcpSocket.host || target.podIp,
          portOf(handler.tcpSocket.port, target.container),
          target.timeoutSeconds,
        );
      if (handler.grpc !== undefined)
        return await grpcHealth(
          `${target.podIp}:${handler.grpc.port}`,
          handler.grpc.service ?? '',
          this.#clock.wallMs() + target.timeoutSeconds * 1000,
        );
      if (handler.sleep !== undefined) {
        await this.#clock.sleep(handler.sleep.seconds * 1000);
        return { success: true, output: '' };
      }
      return { success: false, output: 'missing probe handler' };
    } catch (error) {
      const message = (error as Error).message;
      if (!(error instanceof EngineError)) return { success: false, output: message };
      if (error.code !== 'DeadlineExceeded') return { success: false, output: message, unknown: true };
      return { success: false, output: `command timed out: ${message}` };
    }
  }

  async #exec(command: readonly string[], target: HandlerTarget): Promise<HandlerResult> {
    const result = await this.#engine.execSync(target.containerId, command, target.timeoutSeconds);
    const output = `${Buffer.from(result.stdout).toString()}${Buffer.from(result.stderr).toString()}`.slice(0, outputCharsMax);
    return { success: result.exitCode === 0, output };
  }
}

export function portOf(port: number | string, container: Container): number {
  if (typeof port === 'number') return port;
  const named = container.ports?.find(({ name }) => name === port)?.containerPort;
  const value = named ?? Number(port);
  if (!Number.isInteger(value)) throw new Error(`couldn't find port: ${port}`);
  return value;
}

function http(get: NonNullable<Probe['httpGet']>, target: HandlerTarget): Promise<HandlerResult> {
  const secure = (get.scheme ?? 'HTTP') === 'HTTPS';
  const host = get.host || target.podIp;
  const port = portOf(get.port, target.container);
  const path = get.path ?? '/';
  const headers: Record<string, string> = { 'user-agent': 'kube-probe/1.36', accept: '*/*', connection: 'close' };
  for (const { name, value } of get.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  const url = `${secure ? 'https' : 'http'}://${host}:${port}${path}`;
  return new Promise((resolve) => {
    const options = {
      host,
      port,
      path,
      headers,
      agent: false,
      timeout: target.timeoutSeconds * 1000,
      rejectUnauthorized: false,
    };
    const request = (secure ? httpsRequest : httpRequest)(options, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => {
        if (body.length < outputCharsMax) body += chunk.toString();
      });
      response.on('end', () => {
        const code = response.statusCode ?? 0;
        if (code >= 200 && code < 400) resolve({ success: true, output: body });
        else resolve({ success: false, output: `HTTP probe failed with statuscode: ${code}` });
      });
      response.on('error', (error) => resolve({ success: false, output: `Get "${url}": ${error.message}` }));
    });
    request.on('timeout', () =>
      request.destroy(new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)')),
    );
    request.on('error', (error) => resolve({ success: false, output: `Get "${url}": ${error.message}` }));
    request.end();
  });
}

function tcp(host: string, port: number, timeoutSeconds: number): Promise<HandlerResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutSeconds * 1000 });
    const end = (success: boolean, output: string) => {
      socket.destroy();
      resolve({ success, output });
    };
    socket.on('connect', () => end(true, ''));
    socket.on('timeout', () => end(false, `dial tcp ${host}:${port}: i/o timeout`));
    socket.on('error', (error) => end(false, `dial tcp ${host}:${port}: ${error.message}`));
  });
}

/** grpc.health.v1.Health/Check: one string in, one enumeration out, so written by hand. */
async function grpcHealth(address: string, service: string, deadlineMs: number): Promise<HandlerResult> {
  const { Client, credentials } = await import('@grpc/grpc-js');
  const client = new Client(address, credentials.createInsecure());
  const name = Buffer.from(service);
  const request = name.length === 0 ? Buffer.alloc(0) : Buffer.concat([Buffer.of(0x0a, name.length), name]);
  return new Promise((resolve) => {
    const same = (bytes: Buffer) => bytes;
    client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, request, { deadline: deadlineMs }, (error, answer) => {
      client.close();
      if (error !== null) resolve({ success: false, output: `error: health rpc failed: ${error.message}` });
      else if (answer?.[0] === 8 && answer[1] === 1) resolve({ success: true, output: 'service healthy' });
      else resolve({ success: false, output: 'service unhealthy (responded with "NOT_SERVING")' });
    });
  });
}
