// Adapter: gRPC services on a unix socket, for root alone.
import { chmod, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { Server, ServerCredentials, type ServiceError, status } from '@grpc/grpc-js';
import { type CsiCode, CsiError } from './csi-error.ts';
import { clientOf } from './service-definition.ts';

const messageBytesMax = 4 * 1024 * 1024;

const numbers: Readonly<Record<CsiCode, status>> = {
  InvalidArgument: status.INVALID_ARGUMENT,
  NotFound: status.NOT_FOUND,
  AlreadyExists: status.ALREADY_EXISTS,
  ResourceExhausted: status.RESOURCE_EXHAUSTED,
  FailedPrecondition: status.FAILED_PRECONDITION,
  Aborted: status.ABORTED,
  OutOfRange: status.OUT_OF_RANGE,
  Internal: status.INTERNAL,
};

/** The methods of a service that are served, by name; others are answered with Unimplemented. They throw CsiError. */
// biome-ignore lint/suspicious/noExplicitAny: each method has a request of its own
export type Methods = Readonly<Record<string, (request: any) => Promise<object> | object>>;

export interface ServedService {
  /** Below `proto/`. */
  readonly file: string;
  readonly name: string;
  readonly methods: Methods;
}

/** Somebody else serves at the socket: two would write to the same folders. */
export class SocketTakenError extends Error {
  override readonly name = 'SocketTakenError';
}

export class SocketServer implements Service {
  readonly name: string;
  readonly #path: string;
  readonly #server = new Server({ 'grpc.max_receive_message_length': messageBytesMax });

  constructor(path: string, services: readonly ServedService[], log: Log) {
    this.name = `socket ${path}`;
    this.#path = path;
    for (const { file, name, methods } of services) {
      const implementations = Object.entries(methods).map(([method, serve]) => [method, handler(method, serve, log)]);
      this.#server.addService(clientOf(file, name).service, Object.fromEntries(implementations));
    }
  }

  /** What an earlier process left is replaced. Rejects with SocketTakenError where somebody answers there. */
  async start(): Promise<void> {
    if (await isAnswered(this.#path)) throw new SocketTakenError(`${this.#path} is served by another process`);
    await rm(this.#path, { force: true });
    await new Promise<void>((resolve, reject) => {
      const insecure = ServerCredentials.createInsecure();
      this.#server.bindAsync(`unix://${this.#path}`, insecure, (error) => (error === null ? resolve() : reject(error)));
    });
    await chmod(this.#path, 0o600);
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    await rm(this.#path, { force: true });
  }
}

type Answer = (error: Partial<ServiceError> | null, answer?: object) => void;

function handler(method: string, serve: Methods[string], log: Log) {
  return ({ request }: { request: unknown }, answer: Answer): void => {
    Promise.resolve()
      .then(() => serve(request))
      .then(
        (message) => answer(null, message),
        (error: Error) => {
          if (!(error instanceof CsiError)) log.error({ err: error, method }, 'call failed');
          answer({ code: error instanceof CsiError ? numbers[error.code] : status.INTERNAL, details: error.message });
        },
      );
  };
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
