// Clients' calls without sockets: what the client port is between a client and the services, on the simulated network.
import {
  type Method,
  methodsOf,
  type Service,
  type StreamCall,
  type StreamHandler,
  toStatus,
} from '@drydock/etcd/rpc/service.ts';
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
  readonly handlers: ReadonlyMap<string, Method>;
}

/** Handlers by path. */
export function handlersOf(services: readonly Service[]): Map<string, Method> {
  return methodsOf(services);
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
      stream.done();
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
    const metadata = new Map(Object.entries(options.metadata ?? {}));
    this.#server = new ServerCall(serving.life, metadata, client.name, {
      send: (message, read) => this.#down.send(() => client.after(0, () => this.#receive(message, read))),
      end: (error) => this.#down.send(() => client.after(0, () => this.#finish(error))),
    });
    const method = serving.handlers.get(options.path);
    this.#atServer((server) => {
      this.#reached = true;
      if (method === undefined) server.end({ code: unimplemented, details: `unknown method ${options.path}` });
      else server.begin(method, request);
    });
  }

  write(message: Buffer): void {
    this.#atServer((server) => server.message(message));
  }

  /** No more requests. */
  end(): void {
    this.#atServer((server) => server.noMore());
  }

  /** The client has what it wanted, and the server is through as well. */
  done(): void {
    this.#over = true;
    this.#forget();
  }

  cancel(): void {
    if (this.#over) return;
    this.done();
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

/** The server's end. */
class ServerCall implements StreamCall {
  readonly life: SimProcess;
  readonly metadata: ReadonlyMap<string, string>;
  readonly peer: string;
  readonly commonName = undefined;
  readonly #down: Downlink;
  #handler: StreamHandler | undefined;
  waitingBytes = 0;
  closed = false;

  constructor(life: SimProcess, metadata: ReadonlyMap<string, string>, peer: string, down: Downlink) {
    this.life = life;
    this.metadata = metadata;
    this.peer = peer;
    this.#down = down;
  }

  /** @param request of a unary call; undefined for a stream. */
  begin(method: Method, request: Buffer | undefined): void {
    if (method.kind === 'unary') {
      method.handle(request ?? Buffer.alloc(0), this).then(
        (response) => {
          this.write(response);
          this.closed = true;
        },
        (error) => this.end(error),
      );
      return;
    }
    try {
      this.#handler = method.open(this);
    } catch (error) {
      this.end(error);
      return;
    }
    if (request !== undefined) this.message(request);
  }

  message(message: Buffer): void {
    void this.#handler?.message(message);
  }

  noMore(): void {
    this.#handler?.end?.();
  }

  writeParts(parts: readonly Buffer[]): void {
    this.write(Buffer.concat(parts));
  }

  write(message: Buffer): void {
    if (this.closed) return;
    const copy = Buffer.from(message);
    this.waitingBytes += copy.length;
    const read = (): void => {
      this.life.after(0, () => {
        this.waitingBytes -= copy.length;
        if (!this.closed) this.#handler?.drained?.();
      });
    };
    this.life.effect('send', () => this.#down.send(copy, read));
  }

  cancel(): void {
    if (this.closed) return;
    this.closed = true;
    this.#handler?.closed();
  }

  end(error?: unknown): void {
    if (this.closed) return;
    this.closed = true;
    const status = error === undefined ? undefined : toStatus(error);
    const failure = status === undefined ? undefined : new CallError(status.code, status.details, true);
    this.life.effect('send', () => this.#down.end(failure));
  }
}
