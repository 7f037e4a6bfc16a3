// The gRPC front end: proto/drydock/apiserver/v1 over TLS into the same pipeline.
import { fileURLToPath } from 'node:url';
import { ApiError, apiError } from '@drydock/api/status.ts';
import {
  type GrpcObject,
  status as grpcStatus,
  loadPackageDefinition,
  Metadata,
  Server,
  type ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceClientConstructor,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { WatchStream } from '../cache/watch-stream.ts';
import { selectedName } from '../http/request-info.ts';
import type { Pipeline } from '../pipeline.ts';
import {
  type ApiRequest,
  type ApiResponse,
  type Credentials,
  plainForm,
  type RequestOptions,
  type Target,
  type Verb,
} from '../request.ts';
import { OptionalClientCertificate, type ServingCertificate } from './credentials.ts';

interface WireTarget {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}

/** The fields of all request messages together; each message has some of them. */
interface Wire {
  readonly target: WireTarget | null;
  readonly resource_version?: string;
  readonly label_selector?: string;
  readonly field_selector?: string;
  readonly resource_version_match?: string;
  readonly limit?: string;
  readonly continue?: string;
  readonly allow_watch_bookmarks?: boolean;
  readonly timeout_seconds?: string;
  readonly send_initial_events?: boolean;
  readonly object?: Buffer;
  readonly dry_run?: boolean;
  readonly field_manager?: string;
  readonly content_type?: string;
  readonly patch?: Buffer;
  readonly force?: boolean;
  readonly options?: Buffer;
}

interface Answer {
  readonly object: Buffer;
}

export interface GrpcOptions {
  readonly pipeline: Pipeline;
  readonly tls: ServingCertificate;
}

const maxMessageBytes = 256 * 1024 * 1024;

export class GrpcFrontEnd {
  readonly #pipeline: Pipeline;
  readonly #server: Server;
  readonly #credentials: ServerCredentials;
  readonly #streams = new Set<WatchStream>();

  constructor(options: GrpcOptions) {
    this.#pipeline = options.pipeline;
    this.#credentials = new OptionalClientCertificate(options.tls);
    this.#server = new Server({
      'grpc.max_receive_message_length': maxMessageBytes,
      'grpc.max_send_message_length': maxMessageBytes,
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
    });
    const path = fileURLToPath(new URL('../../../proto/drydock/apiserver/v1/api.proto', import.meta.url));
    const definition = loadSync(path, { keepCase: true, longs: String, defaults: true, oneofs: true });
    const loaded = loadPackageDefinition(definition) as unknown as { drydock: { apiserver: { v1: GrpcObject } } };
    const service = loaded.drydock.apiserver.v1.Api as ServiceClientConstructor;
    const unary = (verb: Verb) => (call: ServerUnaryCall<Wire, Answer>, callback: sendUnaryData<Answer>) =>
      void this.#unary(verb, call, callback);
    this.#server.addService(service.service, {
      Get: unary('get'),
      List: unary('list'),
      Watch: (call: ServerWritableStream<Wire, unknown>) => void this.#watch(call),
      Create: unary('create'),
      Update: unary('update'),
      Patch: unary('patch'),
      Delete: unary('delete'),
      DeleteCollection: unary('deletecollection'),
    });
  }

  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(`${host.includes(':') ? `[${host}]` : host}:${port}`, this.#credentials, (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
  }

  close(): void {
    for (const stream of this.#streams) stream.end();
    this.#server.forceShutdown();
  }

  async #unary(verb: Verb, call: ServerUnaryCall<Wire, Answer>, callback: sendUnaryData<Answer>): Promise<void> {
    const abort = new AbortController();
    call.on('cancelled', () => abort.abort());
    try {
      const response = await this.#pipeline.handle(requestOf(verb, call, abort.signal));
      callback(null, { object: encode(response) });
    } catch (error) {
      callback(failure(error));
    }
  }

  async #watch(call: ServerWritableStream<Wire, unknown>): Promise<void> {
    const abort = new AbortController();
    call.on('cancelled', () => abort.abort());
    call.on('error', () => abort.abort());
    try {
      const response = await this.#pipeline.handle(requestOf('watch', call, abort.signal));
      if (response.type !== 'watch') throw apiError('InternalError', 'a watch was answered with an object');
      await this.#send(call, response.stream);
    } catch (error) {
      call.emit('error', failure(error));
    }
  }

  async #send(call: ServerWritableStream<Wire, unknown>, stream: WatchStream): Promise<void> {
    this.#streams.add(stream);
    stream.onEnd(() => this.#streams.delete(stream));
    call.sendMetadata(new Metadata());
    for (let frame = await stream.next(); frame !== undefined; frame = await stream.next()) {
      if (!call.write({ type: frame.type, object: frame.object })) await stream.drained(call);
    }
    call.end();
  }
}

function requestOf(
  verb: Verb,
  call: ServerUnaryCall<Wire, Answer> | ServerWritableStream<Wire, unknown>,
  signal: AbortSignal,
): ApiRequest {
  const wire = call.request;
  const options = optionsOf(wire);
  const body = wire.object ?? wire.patch ?? wire.options;
  const contentType = wire.patch === undefined ? 'application/json' : (wire.content_type ?? '');
  return {
    verb,
    target: targetOf(verb, wire.target, options),
    credentials: credentialsOf(call),
    options,
    body: body === undefined ? undefined : { contentType, bytes: body },
    form: plainForm,
    userAgent: String(call.metadata.get('user-agent')[0] ?? ''),
    signal,
  };
}

/** As REST reads it from a path: a namespace is in itself, and what a list or watch selects alone is its name. */
function targetOf(verb: Verb, given: WireTarget | null, options: RequestOptions): Target {
  const target = { ...(given ?? { group: '', version: '', resource: '', namespace: '', name: '', subresource: '' }) };
  const reads = verb === 'list' || verb === 'watch';
  if (reads && target.name === '') return { ...target, name: selectedName(() => options) };
  const isNamespace = target.group === '' && target.resource === 'namespaces';
  return isNamespace && target.namespace === '' ? { ...target, namespace: target.name } : target;
}

function optionsOf(wire: Wire): RequestOptions {
  const whole = (text: string | undefined) => (text === undefined || text === '0' ? undefined : Number(text));
  return {
    labelSelector: wire.label_selector,
    fieldSelector: wire.field_selector,
    resourceVersion: wire.resource_version,
    resourceVersionMatch: wire.resource_version_match,
    limit: whole(wire.limit),
    continue: wire.continue,
    allowWatchBookmarks: wire.allow_watch_bookmarks,
    timeoutSeconds: whole(wire.timeout_seconds),
    sendInitialEvents: wire.send_initial_events || undefined,
    dryRun: wire.dry_run,
    fieldManager: wire.field_manager,
    force: wire.force,
  };
}

/** A token in the metadata speaks before the connection's certificate: it names the narrower identity. */
function credentialsOf(call: ServerUnaryCall<Wire, Answer> | ServerWritableStream<Wire, unknown>): Credentials {
  const authorization = String(call.metadata.get('authorization')[0] ?? '');
  const token = /^bearer +(\S+)$/i.exec(authorization)?.[1];
  if (token !== undefined) return { bearerToken: token };
  const peer = call.getAuthContext().sslPeerCertificate;
  if (peer === undefined) return {};
  const { CN, O } = peer.subject as { CN?: string | string[]; O?: string | string[] };
  const fingerprint = (peer.fingerprint256 ?? '').replaceAll(':', '').toLowerCase();
  return { certificate: { commonName: [CN ?? ''].flat()[0] ?? '', organizations: [O ?? []].flat(), fingerprint } };
}

function encode(response: ApiResponse): Buffer {
  if (response.type === 'object') return Buffer.from(JSON.stringify(response.object));
  if (response.type === 'list') return Buffer.from(JSON.stringify({ ...response.list.header, items: response.list.items }));
  throw apiError('InternalError', 'an object request was answered with a watch');
}

const codes: Readonly<Record<string, grpcStatus>> = {
  BadRequest: grpcStatus.INVALID_ARGUMENT,
  Invalid: grpcStatus.INVALID_ARGUMENT,
  Unauthorized: grpcStatus.UNAUTHENTICATED,
  Forbidden: grpcStatus.PERMISSION_DENIED,
  NotFound: grpcStatus.NOT_FOUND,
  AlreadyExists: grpcStatus.ALREADY_EXISTS,
  Conflict: grpcStatus.ABORTED,
  Expired: grpcStatus.OUT_OF_RANGE,
  Gone: grpcStatus.OUT_OF_RANGE,
  TooManyRequests: grpcStatus.RESOURCE_EXHAUSTED,
  Timeout: grpcStatus.DEADLINE_EXCEEDED,
  ServiceUnavailable: grpcStatus.UNAVAILABLE,
};

function failure(error: unknown): Error & { code: grpcStatus; details: string; metadata: Metadata } {
  const api =
    error instanceof ApiError
      ? error
      : apiError('InternalError', `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`);
  const metadata = new Metadata();
  metadata.set('status-bin', Buffer.from(JSON.stringify(api.status)));
  return Object.assign(new Error(api.message), {
    code: codes[api.reason] ?? grpcStatus.INTERNAL,
    details: api.message,
    metadata,
  });
}
