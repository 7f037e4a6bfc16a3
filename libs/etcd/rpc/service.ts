// How the services hang in grpc-js: bytes in, bytes out; the tables of messages.ts read and write them.
import {
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  type ServerUnaryCall,
  status,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { EtcdError } from '../errors.ts';
import { decode, encode, type MessageOf, type Schema } from './protobuf.ts';
import { CodecError } from './wire.ts';

const passThrough = (bytes: Buffer): Buffer => bytes;

type Handler =
  | handleUnaryCall<Buffer, Buffer>
  | handleServerStreamingCall<Buffer, Buffer>
  | handleBidiStreamingCall<Buffer, Buffer>;

/** One gRPC service as grpc-js wants it. */
export interface Service {
  readonly definition: Readonly<Record<string, MethodDefinition<Buffer, Buffer>>>;
  readonly handlers: UntypedServiceImplementation;
}

export interface Method {
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly handler: Handler;
}

/** `name` is qualified: `etcdserverpb.KV`. */
export function service(name: string, methods: Readonly<Record<string, Method>>): Service {
  const definition: Record<string, MethodDefinition<Buffer, Buffer>> = {};
  const handlers: Record<string, Handler> = {};
  for (const [method, { requestStream, responseStream, handler }] of Object.entries(methods)) {
    definition[method] = {
      path: `/${name}/${method}`,
      requestStream,
      responseStream,
      requestSerialize: passThrough,
      requestDeserialize: passThrough,
      responseSerialize: passThrough,
      responseDeserialize: passThrough,
    };
    handlers[method] = handler;
  }
  return { definition, handlers };
}

/** A unary method. `raw` is the request as it came, for what passes it on. */
export function unary<I extends Schema, O extends Schema>(
  input: I,
  output: O,
  run: (request: MessageOf<I>, raw: Buffer, call: ServerUnaryCall<Buffer, Buffer>) => Promise<Partial<MessageOf<O>>>,
): Method {
  const handler: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    let answer: Promise<Partial<MessageOf<O>>>;
    try {
      answer = run(decode(input, call.request), call.request, call);
    } catch (error) {
      answer = Promise.reject(error);
    }
    answer.then(
      (response) => callback(null, encode(output, response)),
      (error) => callback(toStatus(error)),
    );
  };
  return { requestStream: false, responseStream: false, handler };
}

/** What a failure is on the wire. */
export function toStatus(error: unknown): { code: status; details: string; metadata: Metadata } {
  const metadata = new Metadata();
  if (error instanceof EtcdError) return { code: error.grpcCode as status, details: error.message, metadata };
  if (error instanceof CodecError) {
    return { code: status.INTERNAL, details: `grpc: error unmarshalling request: ${error.message}`, metadata };
  }
  return { code: status.UNKNOWN, details: error instanceof Error ? error.message : String(error), metadata };
}

/** Refuses calls of clients that ask for a member with a leader (`hasleader` metadata) while there is none. */
export function requireLeader(metadata: Metadata, hasLeader: boolean): void {
  if (!hasLeader && metadata.get('hasleader')[0] === 'true') throw new EtcdError('noLeader');
}
