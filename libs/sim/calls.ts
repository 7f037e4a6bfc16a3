// Clients' calls without sockets: what grpc-js is between a client and the services' handlers, on the simulated network.
import { EventEmitter } from 'node:events';
import type { Method, Service } from '@drydock/etcd/rpc/service.ts';
import { Metadata } from '@grpc/grpc-js';
import type { Network, OneWayStream } from './network.ts';
import type { SimProcess } from './process.ts';

const unavailable = 14;
const deadlineExceeded = 4;
const unimplemented = 12;

/** A call that failed. `reached`: whether the server may have seen the request. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly code: number;
  readonly reached: boolean;

  constructor(code: number, message: string, reached: boolean) {
    super(message);
    this.code = code;
    this.reached = reached;
  }
}

/** A process that serves, at a place of the network. */
export interface Serving {
  readonly life: SimProcess;
  readonly handlers: ReadonlyMap<string, Method['handler']>;
}

/** Handlers by path. */
export function handlersOf(services: readonly Service[]): Map<string, Method['handler']> {
  const handlers = new Map<string, Method['handler']>();
  for (const { definition, handlers: byName } of services) {
    for (const [name, { path }] of Object.entries(definition)) handlers.set(path, byName[name] as Method['handler']);
  }
  return handlers;
}

export interface CallOptions {
  readonly client: SimProcess;
  readonly network: Network;
  readonly place: string;
  /** Who serves there now. */
  readonly serving: Serving | undefined;
  readonly path: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

type HandlerCall = (call: ServerCall, callback: (error: StatusLike | null, response?: Buffer) => void) => void;

interface StatusLike {
  readonly code?: number;
  readonly details?: string;
}

/** One request, one answer. Rejects with CallError, also after `timeoutUs` without an answer. */
export function unaryCall(options: CallOptions, request: Buffer, timeoutUs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = new ClientCall(options, request);
    const timer = options.client.after(timeoutUs, () => {
      stream.cancel();
      reject(new CallError(deadlineExceeded, 'context deadline exceeded', true));
    });
    stream.onData = (response) => {
      timer.cancel();
      resolve(response);
    };
    stream.onEnd = (error) => {
      timer.cancel();
      reject(error ?? new CallError(unavailable, 'the stream has ended without an answer', true));
    };
  });
}

/** The client's end of a call. */
export class ClientCall {
  readonly #options: CallOptions;
  readonly #up: OneWayStream;
  readonly #down: OneWayStream;
  readonly #server: ServerCall | undefined;
  readonly #forget: () => void;
  #reached = false;
  #over = false;
  #reading = true;
  #unread: (() => void)[] = [];
  onData: (response: Buffer) => void = () => {};
  /** Once; without an error where the server has ended the stream. */
  onEnd: (error: CallError | undefined) => void = () => {};

  /** @param request of a unary call; undefined for a stream. */
  constructor(options: CallOptions, request?: Buffer) {
    const { client, network, place, serving } = options;
    this.#options = options;
    this.#up = network.stream(client.name, place);
    this.#down = network.stream(place, client.name);
    const broken = (): void => this.#lost('the connection is broken');
    this.#up.onBreak = broken;
    this.#down.onBreak = broken;
    if (serving === undefined || !serving.life.alive) {
      this.#forget = () => {};
      this.#lost('connection refused');
      return;
    }
    this.#forget = serving.life.onDeath(() => this.#lost('the connection is reset'));
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(options.metadata ?? {})) metadata.set(name, value);
    this.#server = new ServerCall(serving.life, request ?? Buffer.alloc(0), metadata, client.name, {
      send: (message, read) => this.#down.send(() => client.after(0, () => this.#receive(message, read))),
      end: (error) => this.#down.send(() => client.after(0, () => this.#finish(error))),
    });
    const handler = serving.handlers.get(options.path) as HandlerCall | undefined;
    this.#atServer((server) => {
      this.#reached = true;
      if (handler === undefined) server.emit('error', { code: unimplemented, details: `unknown method ${options.path}` });
      else if (request === undefined) handler(server, () => {});
      else handler(server, (error, response) => server.answer(error, response));
    });
  }

  write(message: Buffer): void {
    this.#atServer((server) => server.emit('data', message));
  }

  /** No more requests. */
  end(): void {
    this.#atServer((server) => server.emit('end'));
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#forget();
    this.#cancelServer();
  }

  /** Stops or goes on taking what arrives. */
  read(on: boolean): void {
    this.#reading = on;
    if (on) for (const take of this.#unread.splice(0)) take();
  }

  #atServer(action: (server: ServerCall) => void): void {
    const server = this.#server;
    if (server === undefined) return;
    this.#up.send(() => server.life.after(0, () => !server.closed && action(server)));
  }

  #receive(message: Buffer, read: () => void): void {
    if (this.#over) return;
    const take = (): void => {
      read();
      if (!this.#over) this.onData(message);
    };
    if (this.#reading) take();
    else this.#unread.push(take);
  }

  #finish(error: CallError | undefined): void {
    const end = (): void => {
      if (this.#over) return;
      this.#over = true;
      this.#forget();
      this.onEnd(error);
    };
    if (this.#reading) end();
    else this.#unread.push(end);
  }

  #lost(why: string): void {
    const { client, network, place } = this.#options;
    client.after(network.delayUs(place, client.name), () => this.#finish(new CallError(unavailable, why, this.#reached)));
    this.#cancelServer();
  }

  /** The server hears of it a little later. */
  #cancelServer(): void {
    const server = this.#server;
    const { client, network, place } = this.#options;
    server?.life.after(network.delayUs(client.name, place), () => server.cancel());
  }
}

interface Downlink {
  send(message: Buffer, read: () => void): void;
  end(error: CallError | undefined): void;
}

/** The server's end, with what the handlers use of grpc-js's call objects. */
class ServerCall extends EventEmitter {
  readonly life: SimProcess;
  readonly request: Buffer;
  readonly metadata: Metadata;
  readonly #peer: string;
  readonly #down: Downlink;
  cancelled = false;
  closed = false;

  constructor(life: SimProcess, request: Buffer, metadata: Metadata, peer: string, down: Downlink) {
    super();
    this.life = life;
    this.request = request;
    this.metadata = metadata;
    this.#peer = peer;
    this.#down = down;
    this.on('error', (error: StatusLike) => this.#end(error));
  }

  getPeer(): string {
    return this.#peer;
  }

  write(message: Buffer, done?: () => void): boolean {
    if (this.closed) return false;
    const copy = Buffer.from(message);
    this.life.effect('send', () => this.#down.send(copy, () => this.life.after(0, () => done?.())));
    return true;
  }

  end(): void {
    this.#end(undefined);
  }

  answer(error: StatusLike | null, response?: Buffer): void {
    if (error !== null) this.#end(error);
    else if (response !== undefined) {
      this.write(response);
      this.closed = true;
    }
  }

  cancel(): void {
    if (this.closed) return;
    this.cancelled = true;
    this.closed = true;
    this.emit('cancelled');
    this.emit('close');
  }

  #end(error: StatusLike | undefined): void {
    if (this.closed) return;
    this.closed = true;
    const status = error === undefined ? undefined : new CallError(error.code ?? 2, error.details ?? 'unknown error', true);
    this.life.effect('send', () => this.#down.end(status));
    this.emit('close');
  }
}
