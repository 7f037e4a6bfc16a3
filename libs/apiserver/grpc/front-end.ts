// The gRPC front end: proto/drydock/apiserver/v1 over TLS into the same pipeline.
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { selectedName } from '@drydock/api/request-path.ts';
import { apiError } from '@drydock/api/status.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { type ServingTimes, servingTimes, tcpBounds } from '@drydock/foundation/serving/bounds.ts';
import { ConnectionGate } from '@drydock/foundation/serving/connection-gate.ts';
import { guardServer } from '@drydock/foundation/serving/guard.ts';
import {
  type ConnectionInjector,
  type GrpcObject,
  loadPackageDefinition,
  Metadata,
  Server,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceClientConstructor,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { WatchStream } from '../cache/watch-stream.ts';
import { attributesOf } from '../call.ts';
import { requestBodyMaxBytes } from '../limits.ts';
import type { Pipeline } from '../pipeline.ts';
import { type ApiRequest, type ApiResponse, plainForm, type RequestOptions, type Target, type Verb } from '../request.ts';
import { type Caller, Callers } from './callers.ts';
import { OptionalClientCertificate, type ServingCertificate } from './credentials.ts';
import { askElsewhere } from './elsewhere.ts';
import { type RawAnswer, type RawParts, readRaw } from './raw.ts';
import { failure } from './status.ts';

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
  readonly path?: string;
}

interface Answer {
  readonly object: Buffer;
}

export interface GrpcOptions extends RawParts {
  readonly tls: ServingCertificate;
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
  readonly times?: ServingTimes | undefined;
  readonly strangersMax?: number | undefined;
}

/** An object, or patch, as large as REST takes it, and what a message says around it. */
const requestMaxBytes = requestBodyMaxBytes + 64 * 1024;
/** A list is one message. */
const answerMaxBytes = 256 * 1024 * 1024;

export class GrpcFrontEnd {
  readonly #pipeline: Pipeline;
  readonly #raw: RawParts;
  readonly #server: Server;
  readonly #listener: NetServer;
  readonly #callers: Callers;
  readonly #sockets = new Set<Socket>();
  readonly #streams = new Set<WatchStream>();

  constructor(options: GrpcOptions) {
    const { pipeline, inFlight, clock, requestTimeoutMs, times = servingTimes } = options;
    this.#pipeline = pipeline;
    this.#raw = options;
    const gate = new ConnectionGate({ now: () => clock.monotonicMs(), max: options.strangersMax, graceMs: times.graceMs });
    this.#callers = new Callers({
      authenticate: (credentials) => pipeline.authenticate({ credentials }),
      inFlight,
      clock,
      requestTimeoutMs,
      onKnown: (peer) => gate.trust(peer),
    });
    this.#server = new Server({
      'grpc.max_receive_message_length': requestMaxBytes,
      'grpc.max_send_message_length': answerMaxBytes,
      'grpc.keepalive_time_ms': 30_000,
      'grpc.keepalive_timeout_ms': 10_000,
      'grpc.max_connection_idle_ms': times.idleMs,
      interceptors: [this.#callers.interceptor],
    });
    const injector = this.#server.createConnectionInjector(new OptionalClientCertificate(options.tls, times));
    // Our own listener: grpc-js has no bound on connections, and hands none out.
    this.#listener = createServer(tcpBounds);
    guardServer(this.#listener, gate);
    this.#listener.on('connection', (socket: Socket) => this.#connected(socket, injector));
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
      GetRaw: (call: ServerUnaryCall<Wire, Answer>, callback: sendUnaryData<Answer>) =>
        void this.#answer(call, callback, (caller, signal) => this.#readRaw(call, caller, signal)),
    });
  }

  #connected(socket: Socket, injector: ConnectionInjector): void {
    if (socket.destroyed) return;
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    injector.injectConnection(socket);
  }

  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#listener.once('error', reject);
      this.#listener.listen(port, host, () => {
        this.#listener.off('error', reject);
        const bound = this.#listener.address();
        resolve(bound !== null && typeof bound === 'object' ? bound.port : port);
      });
    });
  }

  close(): void {
    for (const stream of this.#streams) stream.end();
    this.#listener.close();
    this.#server.forceShutdown();
    for (const socket of this.#sockets) socket.destroy();
  }

  #unary(verb: Verb, call: ServerUnaryCall<Wire, Answer>, callback: sendUnaryData<Answer>): Promise<void> {
    return this.#answer(call, callback, (caller, signal) => this.#serve(requestOf(verb, call, caller, signal), caller));
  }

  #readRaw(call: ServerUnaryCall<Wire, Answer>, caller: Caller, signal: AbortSignal): Promise<RawAnswer> {
    const userAgent = String(call.metadata.get('user-agent')[0] ?? '');
    return readRaw({ url: call.request.path ?? '', caller, userAgent, signal }, this.#raw);
  }

  async #answer(
    call: ServerUnaryCall<Wire, Answer>,
    callback: sendUnaryData<Answer>,
    work: (caller: Caller, signal: AbortSignal) => Promise<ApiResponse | RawAnswer>,
  ): Promise<void> {
    const abort = new AbortController();
    call.on('cancelled', () => abort.abort());
    let caller: Caller | undefined;
    try {
      caller = this.#callers.of(call.metadata);
      const response = await work(caller, abort.signal);
      callback(null, { object: encode(response) });
    } catch (error) {
      callback(failure(error));
    } finally {
      caller?.release();
    }
  }

  async #serve(request: ApiRequest, { user }: Caller): Promise<ApiResponse | RawAnswer> {
    this.#pipeline.authorize({ ...attributesOf(request), user });
    if ((request.body?.bytes.length ?? 0) > requestBodyMaxBytes)
      throw apiError('RequestEntityTooLarge', `Request entity too large: limit is ${requestBodyMaxBytes}`);
    return (await askElsewhere(request, user, this.#raw)) ?? this.#pipeline.serve(request, user);
  }

  async #watch(call: ServerWritableStream<Wire, unknown>): Promise<void> {
    const abort = new AbortController();
    call.on('cancelled', () => abort.abort());
    call.on('error', () => abort.abort());
    try {
      const caller = this.#callers.of(call.metadata);
      const response = await this.#serve(requestOf('watch', call, caller, abort.signal), caller);
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
  caller: Caller,
  signal: AbortSignal,
): ApiRequest {
  const wire = call.request;
  const options = optionsOf(wire);
  const body = wire.object ?? wire.patch ?? wire.options;
  const contentType = wire.patch === undefined ? 'application/json' : (wire.content_type ?? '');
  return {
    verb,
    target: targetOf(verb, wire.target, options),
    credentials: caller.credentials,
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

function encode(response: ApiResponse | RawAnswer): Buffer {
  if (response.type === 'value') return Buffer.from(JSON.stringify(response.value));
  if (response.type === 'object') return Buffer.from(JSON.stringify(response.object));
  if (response.type === 'list') return Buffer.from(JSON.stringify({ ...response.list.header, items: response.list.items }));
  throw apiError('InternalError', 'an object request was answered with a watch');
}
