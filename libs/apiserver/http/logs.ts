// pods/log: the kubelet's log stream, passed on as it comes.
import type { ServerResponse } from 'node:http';
import type { Pod } from '@drydock/api/generated/types.ts';
import { apiError } from '@drydock/api/status.ts';
import { type Exchange, send } from './exchange.ts';
import { collect, type KubeletAddress, type Kubelets } from './kubelet.ts';
import { limitDial } from './limit-dial.ts';
import { flag } from './options.ts';
import { containerOf } from './pod-target.ts';

interface LogOptions {
  readonly container: string;
  readonly follow: boolean;
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines: number | undefined;
  readonly limitBytes: number | undefined;
  readonly sinceSeconds: number | undefined;
  readonly sinceTime: string | undefined;
  readonly stream: string | undefined;
}

/** Where a log goes. */
export interface LogSink {
  /** The log is there; once, before anything of it. */
  begin(): void;
  /** Resolves when there is room for more, or nobody is there any more. */
  write(bytes: Buffer): Promise<void>;
  end(): void;
  /** There is no log to come: the pod is on no node yet. */
  none(): void;
}

/** Streams the log of a container of `pod`. Fails where it has not begun; a log that breaks off later ends. */
export async function serveLogs(
  query: URLSearchParams,
  pod: Pod,
  address: KubeletAddress | undefined,
  kubelets: Kubelets,
  sink: LogSink,
  signal: AbortSignal,
): Promise<void> {
  const options = logOptions(query, pod);
  // Who has gone meanwhile wants nothing any more: what is begun now, nobody would end.
  signal.throwIfAborted();
  if (address === undefined) return sink.none();
  const { namespace = '', name = '' } = pod.metadata ?? {};
  if (address.agentPort === undefined) return proxyLogs(namespace, name, options, address, kubelets, sink, signal);
  const call = kubelets.agent(address).Logs({
    namespace,
    pod: name,
    container: options.container,
    follow: options.follow,
    previous: options.previous,
    timestamps: options.timestamps,
    tail_lines: options.tailLines ?? -1,
    limit_bytes: options.limitBytes ?? 0,
    since_seconds: options.sinceSeconds ?? 0,
    since_time: options.sinceTime ?? '',
    stream: options.stream ?? '',
  });
  signal.addEventListener('abort', () => call.cancel(), { once: true });
  let begun = false;
  const begin = () => {
    if (!begun) sink.begin();
    begun = true;
  };
  try {
    call.on('metadata', begin);
    for await (const chunk of call as AsyncIterable<{ data: Buffer }>) {
      begin();
      await sink.write(chunk.data);
    }
    begin();
    sink.end();
  } catch (error) {
    if (begun) sink.end();
    else throw agentError(error);
  }
}

/** A log as the body of an answer. */
export function answerSink(exchange: Exchange, signal: AbortSignal): LogSink {
  const res = exchange.res as ServerResponse;
  return {
    begin: () => {
      res.writeHead(200, { 'content-type': 'text/plain', 'cache-control': 'no-cache, private' });
      res.flushHeaders?.();
    },
    write: async (bytes) => {
      if (!res.write(bytes)) await drained(res, signal);
    },
    end: () => void res.end(),
    none: () => send(exchange, 204, 'text/plain', ''),
  };
}

/** Resolves when `res` has room again, or its client is gone; leaves no listener behind, however many pauses there are. */
function drained(res: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      res.off('drain', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    res.on('drain', done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}

const badRequestCodes: ReadonlySet<number> = new Set([3, 5, 9]);

/** What the node's agent refused, as the kubelet's HTTP API would have said it. */
function agentError(error: unknown): Error {
  const { code = 2, details } = error as { code?: number; details?: string };
  const message = details ?? (error as Error).message;
  return badRequestCodes.has(code)
    ? apiError('BadRequest', message)
    : apiError('InternalError', `Internal error occurred: ${message}`);
}

function logOptions(query: URLSearchParams, pod: Pod): LogOptions {
  const whole = (name: string): number | undefined => {
    const text = query.get(name);
    if (text === null || text === '') return undefined;
    const value = Number(text);
    const floor = name === 'tailLines' ? 0 : 1;
    if (!Number.isInteger(value) || value < floor) throw invalidOption(pod, name, text, floor);
    return value;
  };
  const options = {
    container: containerOf(pod, query.get('container') ?? ''),
    follow: flag(query, 'follow') ?? false,
    previous: flag(query, 'previous') ?? false,
    timestamps: flag(query, 'timestamps') ?? false,
    tailLines: whole('tailLines'),
    limitBytes: whole('limitBytes'),
    sinceSeconds: whole('sinceSeconds'),
    sinceTime: query.get('sinceTime') ?? undefined,
    stream: query.get('stream') ?? undefined,
  };
  if (options.sinceSeconds !== undefined && options.sinceTime !== undefined) {
    throw apiError(
      'Invalid',
      'PodLogOptions "" is invalid: sinceTime: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
      { kind: 'PodLogOptions' },
    );
  }
  return options;
}

function invalidOption(pod: Pod, name: string, text: string, floor: number) {
  const message = `Invalid value: ${text}: must be greater than ${floor === 0 ? 'or equal to 0' : '0'}`;
  return apiError('Invalid', `PodLogOptions ${JSON.stringify(pod.metadata?.name)} is invalid: ${name}: ${message}`, {
    name: pod.metadata?.name ?? '',
    kind: 'PodLogOptions',
    causes: [{ reason: 'FieldValueInvalid', message, field: name }],
  });
}

function proxyLogs(
  namespace: string,
  pod: string,
  options: LogOptions,
  address: KubeletAddress,
  kubelets: Kubelets,
  sink: LogSink,
  signal: AbortSignal,
): Promise<void> {
  const query = new URLSearchParams();
  for (const name of ['follow', 'previous', 'timestamps'] as const) if (options[name]) query.set(name, 'true');
  for (const name of ['tailLines', 'limitBytes', 'sinceSeconds', 'sinceTime', 'stream'] as const) {
    if (options[name] !== undefined) query.set(name, String(options[name]));
  }
  const path = `/containerLogs/${namespace}/${pod}/${options.container}?${query}`;
  return new Promise((resolve, reject) => {
    const request = kubelets.request(address, 'GET', path, {}, (response) => {
      if (response.statusCode !== 200) {
        collect(response).then(
          (text) => reject(apiError(response.statusCode === 404 ? 'NotFound' : 'BadRequest', text.toString().trim())),
          reject,
        );
        return;
      }
      sink.begin();
      copy(response, sink).then(resolve, () => {
        // The kubelet is gone: a client that follows would wait for ever.
        sink.end();
        resolve();
      });
    });
    limitDial(request, address);
    request.on('error', (error) =>
      reject(apiError('InternalError', `Get "https://${address.host}:${address.port}${path}": ${error.message}`)),
    );
    signal.addEventListener('abort', () => request.destroy(), { once: true });
    request.end();
  });
}

async function copy(response: AsyncIterable<Buffer>, sink: LogSink): Promise<void> {
  for await (const bytes of response) await sink.write(bytes);
  sink.end();
}
