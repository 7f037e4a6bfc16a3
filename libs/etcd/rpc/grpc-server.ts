// gRPC over HTTP/2 (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md): calls of `service.ts` on streams. Texts are
// those of grpc-go, as a client of etcd sees them.
import { EtcdError } from '../errors.ts';
import type { Http2Connection } from '../http2/connection.ts';
import { encodeHeaders, type Headers } from '../http2/hpack.ts';
import type { Http2Stream, StreamUser } from '../http2/stream.ts';
import { MessageReader } from './message-reader.ts';
import type { Incomplete, RequestBudget } from './request-budget.ts';
import {
  type GrpcStatus,
  grpcCodes,
  type Method,
  StatusError,
  type StreamCall,
  type StreamHandler,
  toStatus,
  type UnaryMethod,
} from './service.ts';
import { CodecError } from './wire.ts';

const status200 = [':status', '200'] as const;
const contentType = ['content-type', 'application/grpc'] as const;
const responseBlock = encodeHeaders([status200, contentType]);
const okTrailers = encodeHeaders([['grpc-status', String(grpcCodes.ok)]]);
const notGrpcBlock = encodeHeaders([[':status', '415']]);

/** Who is at the other end of a connection. */
export interface Client {
  readonly connection: Http2Connection;
  readonly peer: string;
  readonly commonName: string | undefined;
}

export interface GrpcOptions {
  readonly methods: ReadonlyMap<string, Method>;
  /** Of one request. */
  readonly receiveBytesMax: number;
  readonly budget: RequestBudget;
}

/** Begins the call that a stream's headers ask for. */
export function beginCall(options: GrpcOptions, client: Client, stream: Http2Stream, headers: Headers): void {
  const { connection } = client;
  if (headers.get('content-type')?.startsWith('application/grpc') !== true) {
    connection.finish(stream, notGrpcBlock, true);
    return;
  }
  const path = headers.get(':path') ?? '';
  const method = options.methods.get(path);
  const call = new GrpcCall(options, client, stream, headers, method);
  if (method === undefined) call.end(unknownMethod(options, path));
  else call.begin();
}

function unknownMethod({ methods }: GrpcOptions, path: string): StatusError {
  const at = path.lastIndexOf('/');
  const [name, method] = [path.slice(1, at), path.slice(at + 1)];
  if (at <= 0) return new StatusError(grpcCodes.unimplemented, `malformed method name: ${JSON.stringify(path)}`);
  const isKnown = [...methods.keys()].some((key) => key.startsWith(`/${name}/`));
  const text = isKnown ? `unknown method ${method} for service ${name}` : `unknown service ${name}`;
  return new StatusError(grpcCodes.unimplemented, text);
}

class GrpcCall implements StreamCall, StreamUser, Incomplete {
  readonly metadata: Headers;
  readonly #options: GrpcOptions;
  readonly #client: Client;
  readonly #stream: Http2Stream;
  readonly #method: Method | undefined;
  readonly #reader: MessageReader;
  #handler: StreamHandler | undefined;
  #request: Buffer | undefined;
  /** A unary call's handler is at work; what it is to do when it is done although its stream was cancelled. */
  #working = false;
  #abandoned: { readonly done: () => void } | undefined;
  #responding = false;
  #answered = false;
  #over = false;

  constructor(options: GrpcOptions, client: Client, stream: Http2Stream, headers: Headers, method: Method | undefined) {
    this.#options = options;
    this.#client = client;
    this.#stream = stream;
    this.metadata = headers;
    this.#method = method;
    this.#reader = new MessageReader({
      accept: (compressed, length) => this.#accept(compressed, length),
      message: (message) => this.#message(message),
    });
  }

  get peer(): string {
    return this.#client.peer;
  }

  get commonName(): string | undefined {
    return this.#client.commonName;
  }

  get waitingBytes(): number {
    return this.#stream.queuedBytes;
  }

  get isCrowded(): boolean {
    return this.#client.connection.isCrowded;
  }

  async sendWhenRoom(make: () => Buffer): Promise<Buffer> {
    // Nothing is awaited where there is room: a whole burst would be let through before its first answer counts.
    const room = this.#client.connection.room(this.#stream);
    if (room !== undefined) await room;
    const answer = make();
    this.write(answer);
    this.#answered = true;
    return answer;
  }

  get keptBytes(): number {
    return this.#reader.keptBytes + (this.#request?.length ?? 0);
  }

  begin(): void {
    this.#stream.user = this;
    if (this.#method?.kind !== 'stream') return;
    try {
      this.#handler = this.#method.open(this);
    } catch (error) {
      this.end(error);
    }
  }

  write(message: Buffer): void {
    if (this.#over) return;
    this.#respond();
    this.#client.connection.message(this.#stream, message);
  }

  writeParts(parts: readonly Buffer[]): void {
    if (this.#over) return;
    this.#respond();
    this.#client.connection.message(this.#stream, ...parts);
  }

  end(error?: unknown): void {
    if (this.#over) return;
    this.#finish();
    const trailers = error === undefined ? okTrailers : statusBlock(toStatus(error), this.#responding);
    if (error === undefined) this.#respond();
    this.#client.connection.finish(this.#stream, trailers);
  }

  received(bytes: Buffer, last: boolean): void {
    if (this.#over) return;
    const before = this.keptBytes;
    this.#reader.read(bytes);
    if (this.#over) return;
    // What is complete and waits for the end of its stream is not to keep all that was read with it.
    if (!last && this.#request !== undefined && this.#request.buffer === bytes.buffer)
      this.#request = Buffer.from(this.#request);
    if (!last && this.keptBytes !== before) this.#options.budget.grown(this);
  }

  ended(): void {
    this.#options.budget.completed(this);
    if (this.#over) return;
    if (this.#method?.kind !== 'unary') this.#handler?.end?.();
    else if (this.#request === undefined) this.end(new StatusError(grpcCodes.unknown, 'EOF'));
    else this.#work(this.#method, this.#request);
  }

  reset(): void {
    if (this.#over) return;
    this.#finish();
    if (this.#working) this.#abandoned = this.#client.connection.abandon();
    this.#handler?.closed();
  }

  drained(): void {
    if (!this.#over) this.#handler?.drained?.();
  }

  evict(): void {
    this.#abort(new StatusError(grpcCodes.exhausted, 'grpc: too many requests that are not complete'));
  }

  #work(method: UnaryMethod, request: Buffer): void {
    const { budget } = this.#options;
    if (!budget.mayWork(request.length)) {
      this.end(new EtcdError('tooManyRequests'));
      return;
    }
    this.#request = undefined;
    this.#working = true;
    const done = (): void => {
      this.#working = false;
      budget.worked(request.length);
      this.#abandoned?.done();
    };
    method.handle(request, this).then(
      (response) => {
        done();
        if (!this.#answered) this.write(response);
        this.end();
      },
      (error) => {
        done();
        this.end(error);
      },
    );
  }

  #accept(compressed: boolean, length: number): boolean {
    const { receiveBytesMax } = this.#options;
    if (compressed) {
      const encoding = this.metadata.get('grpc-encoding') ?? '';
      const text = `grpc: Decompressor is not installed for grpc-encoding ${JSON.stringify(encoding)}`;
      this.#abort(new StatusError(grpcCodes.unimplemented, text));
      return false;
    }
    if (length <= receiveBytesMax) return true;
    const text = `grpc: received message larger than max (${length} vs. ${receiveBytesMax})`;
    this.#abort(new StatusError(grpcCodes.exhausted, text));
    return false;
  }

  /** Ends the call from this side; the handler hears of it as of a cancellation. */
  #abort(error: unknown): void {
    const handler = this.#handler;
    this.end(error);
    handler?.closed();
  }

  #finish(): void {
    this.#over = true;
    this.#request = undefined;
    this.#reader.stop();
    this.#options.budget.completed(this);
  }

  #message(raw: Buffer): void {
    if (this.#handler === undefined) {
      this.#request = raw;
      return;
    }
    let work: void | Promise<void>;
    try {
      work = this.#handler.message(raw);
    } catch (error) {
      // What is wrong with a message is the client's affair; anything else is this member's, and ends it.
      if (!(error instanceof CodecError)) throw error;
      this.#abort(error);
      return;
    }
    if (work === undefined) return;
    this.#stream.held++;
    const release = (): void => this.#client.connection.release(this.#stream);
    work.then(release, (error) => {
      release();
      if (!this.#over) this.#abort(error);
    });
  }

  #respond(): void {
    if (this.#responding) return;
    this.#responding = true;
    this.#client.connection.headers(this.#stream, responseBlock);
  }
}

/** The last header block of a call that failed; the only one where nothing was sent before. */
function statusBlock({ code, details }: GrpcStatus, isTrailer: boolean): Buffer {
  const status = [
    ['grpc-status', String(code)],
    ['grpc-message', percentEncoded(details)],
  ] as const;
  return encodeHeaders(isTrailer ? status : [status200, contentType, ...status]);
}

/** Bytes of UTF-8 that are not printable, and `%`. */
function percentEncoded(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replace(/[^ -$&-~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}
