// Adapter: unary gRPC calls to a plugin's unix socket. A plugin may hang, die or talk too much: every call has an end, every answer
// a bound.
import { fileURLToPath } from 'node:url';
import {
  type Client,
  credentials,
  type GrpcObject,
  loadPackageDefinition,
  type ServiceClientConstructor,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const answerBytesMax = 4 * 1024 * 1024;
/** An error's text ends up in events and conditions. */
const errorTextMax = 1024;

export type Message = Record<string, unknown>;

/** What a plugin answered, or that it did not; the text is that of a gRPC status as Go prints it. */
export class PluginError extends Error {
  override readonly name = 'PluginError';
  /** Of gRPC, as `NotFound`. */
  readonly code: string;

  constructor(code: string, details: string, options?: ErrorOptions) {
    super(`rpc error: code = ${code} desc = ${details.slice(0, errorTextMax)}`, options);
    this.code = code;
  }
}

export interface SocketClient {
  /** Throws PluginError. */
  call(method: string, request: Message, timeoutMs: number): Promise<Message>;
  close(): void;
}

export type OpenSocket = (service: PluginService, path: string) => SocketClient;

/** Where a service's definition is: the file below `proto/`, and its full name. */
export interface PluginService {
  readonly file: string;
  readonly name: string;
}

/** `wallMs`: deadlines of gRPC are given as wall time. Connects with the first call. */
export function socketOpener(wallMs: () => number): OpenSocket {
  // A definition is read once, however many sockets there are and however often they are tried.
  const constructors = new Map<string, ServiceClientConstructor>();
  return (service, path) => {
    const { name } = service;
    const Service = constructors.get(name) ?? constructorOf(service);
    constructors.set(name, Service);
    const client: Client = new Service(`unix://${path}`, credentials.createInsecure(), {
      'grpc.default_authority': 'localhost',
      'grpc.max_receive_message_length': answerBytesMax,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 3000,
      // A driver that was started anew has another socket of the same name.
      'grpc.use_local_subchannel_pool': 1,
    });
    return {
      call: (method, request, timeoutMs) =>
        new Promise((resolve, reject) => {
          const call = (client as unknown as Record<string, UnaryMethod | undefined>)[method];
          if (call === undefined) throw new Error(`${name} has no method ${method}`);
          call.call(client, request, { deadline: new Date(wallMs() + timeoutMs) }, (error, answer) => {
            if (error === null) resolve(answer);
            else reject(new PluginError(codeName(error.code), detailsOf(error), { cause: error }));
          });
        }),
      close: () => client.close(),
    };
  };
}

function constructorOf({ file, name }: PluginService): ServiceClientConstructor {
  const root = fileURLToPath(new URL('../../../proto', import.meta.url));
  const options = { keepCase: true, longs: String, enums: String, defaults: true, oneofs: true, includeDirs: [root] };
  let found: unknown = loadPackageDefinition(loadSync(`${root}/${file}`, options));
  for (const part of name.split('.')) found = (found as GrpcObject)[part];
  return found as ServiceClientConstructor;
}

type UnaryMethod = (
  request: Message,
  options: { deadline: Date },
  callback: (error: ServiceError | null, answer: Message) => void,
) => void;

/** Those of a deadline of our own are Go's: the library's would be another text each time, and so another event. */
function detailsOf({ code, details }: ServiceError): string {
  return code === status.DEADLINE_EXCEEDED ? 'context deadline exceeded' : details;
}

/** `NOT_FOUND` is `NotFound`, as Go calls it. */
function codeName(code: number): string {
  if (code === status.CANCELLED) return 'Canceled';
  const words = (status[code] ?? 'UNKNOWN').toLowerCase().split('_');
  return words.map((word) => (word === 'ok' ? 'OK' : `${word[0]?.toUpperCase()}${word.slice(1)}`)).join('');
}
