// The API over plain HTTP: a POST with JSON is a call of the same services that gRPC reaches. Streams answer with one JSON object
// per line.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import {
  type Call,
  grpcCodes,
  type Method,
  methodsOf,
  type Service,
  StatusError,
  type StreamCall,
  type StreamMethod,
  toStatus,
} from '../rpc/service.ts';
import { loadCodecs, type MethodCodec } from './json-codec.ts';
import { JsonSplitter, JsonStreamError, parse } from './json-stream.ts';
import { methodOfPath } from './routes.ts';
import { Slots } from './slots.ts';

const invalidArgument = 3;
const notFound = 5;
/** gRPC status to HTTP, https://github.com/grpc-ecosystem/grpc-gateway (runtime/errors.go); others are 500. */
const httpStatus: Readonly<Record<number, number>> = {
  1: 499,
  3: 400,
  4: 504,
  5: 404,
  6: 409,
  7: 403,
  8: 429,
  9: 400,
  10: 409,
  11: 400,
  12: 501,
  14: 503,
  16: 401,
};
const internalError = 500;

type Handler = (request: IncomingMessage, response: ServerResponse, path: string) => void;

/** Handles the paths below `/v3/`. `bodyBytesMax` bounds one request in JSON, `callsMax` how many run at a time: others wait. */
export function gateway(services: readonly Service[], bodyBytesMax: number, callsMax = Infinity): Handler {
  const slots = new Slots(callsMax);
  const methods = methodsOf(services);
  let codecs: ReadonlyMap<string, MethodCodec> | undefined;
  return (request, response, path) => {
    const name = methodOfPath(path);
    const method = name === undefined ? undefined : methods.get(name);
    if (name === undefined || method === undefined) {
      refuse(response, new StatusError(notFound, 'Not Found'));
      return;
    }
    if (request.method !== 'POST') {
      refuse(response, new StatusError(grpcCodes.unimplemented, 'Method Not Allowed'));
      return;
    }
    codecs ??= loadCodecs();
    const codec = codecs.get(name);
    if (codec === undefined) refuse(response, new StatusError(notFound, 'Not Found'));
    else slots.run(response, () => serve(request, response, method, codec, bodyBytesMax));
  };
}

function serve(request: IncomingMessage, response: ServerResponse, method: Method, codec: MethodCodec, bytesMax: number): void {
  const call: Call = {
    peer: `${request.socket.remoteAddress}:${request.socket.remotePort}`,
    metadata: { get: (name) => metadataOf(request.headers, name) },
    // The certificate is the gateway's in etcd, which therefore takes no name from it.
    commonName: undefined,
  };
  if (method.kind === 'stream') {
    new GatewayStream(request, response, method, codec, call, bytesMax);
    return;
  }
  readBody(request, bytesMax)
    .then((body) => method.handle(codec.request(body.trim() === '' ? {} : parse(body)), call))
    .then(
      (answer) => {
        response.writeHead(200, { 'content-type': 'application/json', 'grpc-metadata-content-type': 'application/grpc' });
        response.end(JSON.stringify(codec.response(answer)));
      },
      (error) => refuse(response, error),
    );
}

function metadataOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[`grpc-metadata-${name}`] ?? (name === 'authorization' ? headers.authorization : undefined);
  return Array.isArray(value) ? value.at(-1) : value;
}

async function readBody(request: IncomingMessage, bytesMax: number): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > bytesMax) throw new JsonStreamError('http: request body too large');
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

function errorBody(error: unknown): { code: number; message: string } {
  // What the codec refuses is the client's mistake.
  if (error instanceof JsonStreamError || error instanceof TypeError) return { code: invalidArgument, message: error.message };
  const { code, details } = toStatus(error);
  if (error instanceof Error && error.message === 'invalid encoding')
    return { code: invalidArgument, message: 'invalid base64' };
  return { code, message: details };
}

function refuse(response: ServerResponse, error: unknown): void {
  const body = errorBody(error);
  response.writeHead(httpStatus[body.code] ?? internalError, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** A stream with one line of JSON per message. Of a method with a single answer that answer stands alone. */
class GatewayStream implements StreamCall {
  readonly peer: string;
  readonly metadata: Call['metadata'];
  readonly commonName: string | undefined;
  readonly #response: ServerResponse;
  readonly #codec: MethodCodec;
  #ended = false;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    method: StreamMethod,
    codec: MethodCodec,
    call: Call,
    bytesMax: number,
  ) {
    this.peer = call.peer;
    this.metadata = call.metadata;
    this.commonName = call.commonName;
    this.#response = response;
    this.#codec = codec;
    try {
      const handler = method.open(this);
      response.on('drain', () => handler.drained?.());
      response.on('close', () => {
        if (!this.#ended) handler.closed();
        this.#ended = true;
      });
      this.#feed(request, new JsonSplitter(bytesMax), (message) => handler.message(message)).then(
        () => this.#ended || handler.end?.(),
        (error) => this.end(error),
      );
    } catch (error) {
      this.end(error);
    }
  }

  get waitingBytes(): number {
    return this.#response.writableLength;
  }

  write(message: Buffer): void {
    if (this.#ended) return;
    const value = this.#codec.response(message);
    this.#line(this.#codec.streams ? { result: value } : value);
  }

  writeParts(parts: readonly Buffer[]): void {
    this.write(Buffer.concat(parts));
  }

  end(error?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    if (error === undefined) this.#response.end();
    else if (!this.#response.headersSent) refuse(this.#response, error);
    else {
      this.#line({ error: errorBody(error) });
      this.#response.end();
    }
  }

  async #feed(
    request: IncomingMessage,
    splitter: JsonSplitter,
    send: (message: Buffer) => void | Promise<void>,
  ): Promise<void> {
    request.setEncoding('utf8');
    for await (const piece of request as AsyncIterable<string>) {
      for (const value of splitter.push(piece)) await send(this.#codec.request(value));
    }
  }

  #line(value: object): void {
    if (!this.#response.headersSent) {
      this.#response.writeHead(200, { 'content-type': 'application/json', 'grpc-metadata-content-type': 'application/grpc' });
    }
    this.#response.write(`${JSON.stringify(value)}\n`);
  }
}
