// What a gRPC service of the store is, without a transport: methods by path, bytes in, bytes out; the tables of messages.ts read
// and write them. The client port serves them on HTTP/2, the simulator in memory.
import { EtcdError } from '../errors.ts';
import { decode, encode, type MessageOf, type Schema } from './protobuf.ts';
import { CodecError } from './wire.ts';

/** What a client sends along with a call. */
export interface CallMetadata {
  /** By lower-case name; of a name that was sent twice, the last. */
  get(name: string): string | undefined;
}

/** What a handler knows of the call it serves. */
export interface Call {
  /** The client's address, `host:port`. */
  readonly peer: string;
  readonly metadata: CallMetadata;
  /** The subject's common name in the client's certificate, where one was verified. */
  readonly commonName: string | undefined;
  /**
   * Makes an answer of any size once the client has taken enough of what it was sent before, and sends it in the same turn, so that
   * no other one is made in between. Rejects where the call is over before that, or with what `make` throws.
   */
  sendWhenRoom?(make: () => Buffer): Promise<Buffer>;
}

/** A call whose answer is a stream. Nothing here throws after the end; it has no effect then. */
export interface StreamCall extends Call {
  /** Queues one message. The buffer must not be changed afterwards. */
  write(message: Buffer): void;
  /** Queues one message whose bytes are those of `parts`; what several messages have in common need not be copied into each. */
  writeParts(parts: readonly Buffer[]): void;
  /** Bytes written that the client has not taken yet: what it does not read stays here. */
  readonly waitingBytes: number;
  /** Whether so much waits on the whole connection that a call with something waiting should write no more for now. */
  readonly isCrowded?: boolean;
  /** Ends the call, after what was written: with success, or with an error's status. `closed` is not called after it. */
  end(error?: unknown): void;
}

/** What becomes of a streaming call's events. */
export interface StreamHandler {
  /** One message of the client; while a promise of it is pending the client may send no more than its window. */
  message(raw: Buffer): void | Promise<void>;
  /** The client sends no more. */
  end?(): void;
  /** The client has cancelled, or its connection is gone. */
  closed(): void;
  /** `waitingBytes` has become less. */
  drained?(): void;
}

/** For a method that takes one request: what the client says after it is not looked at, as in grpc-go. */
export function oneRequest(handler: StreamHandler): StreamHandler {
  let isTaken = false;
  return {
    ...handler,
    message: (raw) => {
      if (isTaken) return;
      isTaken = true;
      return handler.message(raw);
    },
  };
}

export interface UnaryMethod {
  readonly kind: 'unary';
  /** Rejects with an error for `toStatus`. */
  readonly handle: (request: Buffer, call: Call) => Promise<Buffer>;
}

/** `open` may throw an error for `toStatus`. */
export interface StreamMethod {
  readonly kind: 'stream';
  readonly open: (call: StreamCall) => StreamHandler;
}

export type Method = UnaryMethod | StreamMethod;

export interface Service {
  /** By path: `/etcdserverpb.KV/Put`. */
  readonly methods: ReadonlyMap<string, Method>;
}

/** `name` is qualified: `etcdserverpb.KV`. */
export function service(name: string, methods: Readonly<Record<string, Method>>): Service {
  return { methods: new Map(Object.entries(methods).map(([method, handler]) => [`/${name}/${method}`, handler])) };
}

/** All methods of several services. */
export function methodsOf(services: readonly Service[]): Map<string, Method> {
  return new Map(services.flatMap(({ methods }) => [...methods]));
}

/** A unary method. `raw` is the request as it came, for what passes it on. */
export function unary<I extends Schema, O extends Schema>(
  input: I,
  output: O,
  run: (request: MessageOf<I>, raw: Buffer, call: Call) => Promise<Partial<MessageOf<O>>>,
): UnaryMethod {
  return { kind: 'unary', handle: async (raw, call) => encode(output, await run(decode(input, raw), raw, call)) };
}

/** A unary method that encodes its response itself. */
export function encodedUnary<I extends Schema>(
  input: I,
  run: (request: MessageOf<I>, call: Call, raw: Buffer) => Promise<Buffer>,
): UnaryMethod {
  return { kind: 'unary', handle: async (raw, call) => run(decode(input, raw), call, raw) };
}

/** The answer of a unary call that may be large; see `Call.sendWhenRoom`. */
export async function answerWhenRoom(call: Call, make: () => Buffer): Promise<Buffer> {
  return call.sendWhenRoom === undefined ? make() : call.sendWhenRoom(make);
}

/** gRPC status numbers that the wire itself needs, https://grpc.github.io/grpc/core/md_doc_statuscodes.html. */
export const grpcCodes = { ok: 0, unknown: 2, exhausted: 8, unimplemented: 12, internal: 13, unavailable: 14 } as const;

export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
}

/** A failure with a gRPC status of its own, where no EtcdError fits. */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly grpcCode: number;

  constructor(grpcCode: number, details: string, options?: ErrorOptions) {
    super(details, options);
    this.grpcCode = grpcCode;
  }
}

/** What a failure is on the wire. */
export function toStatus(error: unknown): GrpcStatus {
  if (error instanceof EtcdError || error instanceof StatusError) return { code: error.grpcCode, details: error.message };
  if (error instanceof CodecError) {
    return { code: grpcCodes.internal, details: `grpc: error unmarshalling request: ${error.message}` };
  }
  // What a leader has answered to a call that was passed on keeps its status.
  const { code, details } = error as { code?: unknown; details?: unknown };
  if (typeof code === 'number' && typeof details === 'string') return { code, details };
  return { code: grpcCodes.unknown, details: error instanceof Error ? error.message : String(error) };
}

/** Refuses calls of clients that ask for a member with a leader (`hasleader` metadata) while there is none. */
export function requireLeader(metadata: CallMetadata, hasLeader: boolean): void {
  if (!hasLeader && metadata.get('hasleader') === 'true') throw new EtcdError('noLeader');
}
