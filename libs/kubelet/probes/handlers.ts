// Adapter: carries out probes and lifecycle hooks: exec, HTTP, TCP, gRPC.
import { connect } from 'node:net';
import type { Container, HTTPGetAction, LifecycleHandler, Probe } from '@drydock/api/generated/types.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { type ContainerEngine, EngineError } from '../engine/engine.ts';
import { dialText, joinHostPort } from './dial-text.ts';
import { grpcHealth } from './grpc-health.ts';
import { GetError, type GetRequest, httpGet, urlOf } from './http-get.ts';

export interface HandlerResult {
  readonly success: boolean;
  readonly output: string;
  /** Nothing was learned of the container: the engine did not answer, or it did without end. It counts neither way. */
  readonly unknown?: boolean;
  /** Worth an event, although it went well. */
  readonly warning?: { readonly reason: string; readonly message: string };
}

export interface HandlerTarget {
  readonly containerId: string;
  readonly container: Container;
  readonly podIp: string;
  /** For all of it; 0: for ever. */
  readonly timeoutSeconds: number;
  /** A hook is content with any answer. */
  readonly purpose?: 'probe' | 'lifecycle';
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
      if (handler.httpGet !== undefined) return await this.#http(handler.httpGet, target);
      if (handler.tcpSocket !== undefined)
        return await tcp(
          handler.tcpSocket.host || target.podIp,
          portOf(handler.tcpSocket.port, target.container),
          target.timeoutSeconds * 1000,
          this.#clock,
        );
      if (handler.grpc !== undefined)
        return await grpcHealth(
          joinHostPort(target.podIp, handler.grpc.port),
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

  #http(get: HTTPGetAction, { container, podIp, timeoutSeconds, purpose = 'probe' }: HandlerTarget): Promise<HandlerResult> {
    const port = portOf(get.port, container);
    const timeoutMs = timeoutSeconds > 0 ? timeoutSeconds * 1000 : undefined;
    const request = { get, podIp, port, purpose, timeoutMs };
    return purpose === 'lifecycle' ? hookHttp(request, this.#clock) : probeHttp(request, this.#clock);
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

/** A probe: 2xx is well, 3xx is well but worth a warning, as a redirect that was not followed is. */
async function probeHttp(request: GetRequest, clock: Clock): Promise<HandlerResult> {
  try {
    const { status, body } = await httpGet(request, clock);
    if (status < 200 || status >= 400) return { success: false, output: `HTTP probe failed with statuscode: ${status}` };
    if (status < 300) return { success: true, output: body };
    const message = `Probe terminated redirects, Response body: ${body}`;
    return { success: true, output: message, warning: { reason: 'ProbeWarning', message } };
  } catch (error) {
    if (!(error instanceof GetError)) throw error;
    return { success: false, output: error.message, ...(error.isBody ? { unknown: true } : {}) };
  }
}

/** A hook: whatever is answered is an answer; where TLS was asked of a server without it, it is asked without. */
async function hookHttp(request: GetRequest, clock: Clock): Promise<HandlerResult> {
  const well = { success: true, output: '' };
  try {
    await httpGet(request, clock);
    return well;
  } catch (error) {
    if (!(error instanceof GetError) || !error.isPlainHttp) throw error;
    const httpHeaders = (request.get.httpHeaders ?? []).filter(({ name }) => name.toLowerCase() !== 'authorization');
    await httpGet({ ...request, get: { ...request.get, scheme: 'HTTP', httpHeaders } }, clock);
    const host = urlOf(request).host;
    const message = `request to HTTPS lifecycle hook ${host} got HTTP response, retry with HTTP succeeded`;
    return { ...well, warning: { reason: 'LifecycleHTTPFallback', message } };
  }
}

/** Whether a connection comes about in time. */
function tcp(host: string, port: number, timeoutMs: number, clock: Clock): Promise<HandlerResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (success: boolean, output: string) => {
      timer.cancel();
      socket.destroy();
      resolve({ success, output });
    };
    const timer = clock.timer(timeoutMs, () => end(false, `dial tcp ${joinHostPort(host, port)}: i/o timeout`));
    socket.on('connect', () => end(true, ''));
    socket.on('error', (error) => {
      const text = dialText(error, host, port);
      end(false, text.startsWith('dial tcp') ? text : `dial tcp ${joinHostPort(host, port)}: ${text}`);
    });
  });
}
