// Adapter: gRPC channels to several apiservers, one of them in use: a random one first, the next when it fails.

import { ApiError, apiError } from '@drydock/api/status.ts';
import { grpcTlsTarget } from '@drydock/foundation/grpc-tls-target.ts';
import {
  Client,
  type ClientReadableStream,
  connectivityState,
  credentials,
  type CallOptions as GrpcCallOptions,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import type { CallOptions } from './api-client.ts';
import { decodeMessage } from './api-codec.ts';
import { authorization } from './auth.ts';
import { bounded } from './bounded.ts';
import type { ClientPorts } from './connect.ts';
import { parseStatus, timedOut, unavailable } from './errors.ts';
import type { ClientConfig } from './kubeconfig.ts';
import { connectTimeoutMs, grpcKeepaliveIntervalMs, grpcKeepaliveTimeoutMs, responseBytesMax } from './limits.ts';

type Message = ReadonlyMap<number, Buffer>;

const service = '/drydock.apiserver.v1.Api/';
const passBytes = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export class GrpcConnection {
  readonly #config: ClientConfig;
  readonly #addresses: readonly string[];
  readonly #ports: ClientPorts;
  readonly #authorization: () => string | undefined;
  #current: number;
  #client: Client | undefined;
  #connecting: Promise<Client> | undefined;
  #closed = false;

  constructor(config: ClientConfig, addresses: readonly string[], ports: ClientPorts) {
    this.#config = config;
    this.#addresses = addresses;
    this.#ports = ports;
    this.#authorization = authorization(config, ports.clock);
    this.#current = ports.random.stream('client/server').int(addresses.length);
  }

  /** The address in use, or to be tried next. */
  get address(): string {
    return this.#addresses[this.#current] ?? '';
  }

  /** One request, one response. Throws ApiError; rejects with `signal.reason` when aborted. */
  call(method: string, message: Uint8Array, options: CallOptions): Promise<Message> {
    return bounded(this.#ports.clock, options, method, async (stop) => {
      const client = await this.#ready();
      stop.throwIfAborted();
      options.beforeSend?.();
      return new Promise<Message>((resolve, reject) => {
        const call = client.makeUnaryRequest(
          service + method,
          passBytes,
          decodeMessage,
          message,
          this.#metadata(),
          (error: ServiceError | null, response?: Message) => {
            if (error === null && response !== undefined) resolve(response);
            else reject(stop.aborted ? stop.reason : this.#failed(client, error, method));
          },
        );
        stop.addEventListener('abort', () => call.cancel(), { once: true });
      });
    });
  }

  /** The messages of a server stream, until the server or an abort (no error) ends it. Throws ApiError. */
  async *stream(
    method: string,
    message: Uint8Array,
    signal: AbortSignal | undefined,
    onOpen?: () => void,
  ): AsyncIterable<Message> {
    if (signal?.aborted) return;
    const client = await this.#ready();
    if (signal?.aborted) return;
    const options: GrpcCallOptions = {};
    const stream: ClientReadableStream<Message> = client.makeServerStreamRequest(
      service + method,
      passBytes,
      decodeMessage,
      message,
      this.#metadata(),
      options,
    );
    const abort = () => stream.cancel();
    signal?.addEventListener('abort', abort, { once: true });
    // Cancelling makes the stream fail once more after it has been left.
    stream.on('error', () => {});
    onOpen?.();
    try {
      for await (const event of stream) yield event as Message;
    } catch (error) {
      if (signal?.aborted) return;
      throw this.#failed(client, error as ServiceError, method);
    } finally {
      signal?.removeEventListener('abort', abort);
      stream.cancel();
    }
  }

  close(): void {
    this.#closed = true;
    this.#client?.close();
    this.#client = undefined;
  }

  #metadata(): Metadata {
    const metadata = new Metadata();
    const auth = this.#authorization();
    if (auth !== undefined) metadata.set('authorization', auth);
    return metadata;
  }

  /** A client whose connection stands. Tries every server once. */
  #ready(): Promise<Client> {
    if (this.#closed) return Promise.reject(unavailable('the client is closed'));
    const client = this.#client;
    if (client?.getChannel().getConnectivityState(false) === connectivityState.READY) return Promise.resolve(client);
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #connect(): Promise<Client> {
    const failures: string[] = [];
    for (let attempt = 0; attempt < this.#addresses.length; attempt++) {
      const address = this.address;
      const client = this.#client ?? this.#create(address);
      this.#client = client;
      if (await connected(client, connectTimeoutMs)) {
        if (!this.#closed) return client;
        client.close();
        throw unavailable('the client is closed');
      }
      failures.push(address);
      this.#discard(client);
    }
    throw unavailable(`cannot connect to ${failures.join(', ')}`);
  }

  #create(address: string): Client {
    const { ca, cert, key, tlsServerName, insecureSkipTlsVerify } = this.#config;
    const target = grpcTlsTarget(address.slice(0, address.lastIndexOf(':')));
    const verify = insecureSkipTlsVerify
      ? { rejectUnauthorized: false, checkServerIdentity: () => undefined }
      : tlsServerName === undefined
        ? target.verifyOptions
        : {};
    const secure = credentials.createSsl(ca ?? null, key ?? null, cert ?? null, verify);
    return new Client(address, secure, {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.enable_retries': 0,
      'grpc.service_config_disable_resolution': 1,
      'grpc.keepalive_time_ms': grpcKeepaliveIntervalMs,
      'grpc.keepalive_timeout_ms': grpcKeepaliveTimeoutMs,
      'grpc.max_receive_message_length': responseBytesMax,
      'grpc.max_send_message_length': responseBytesMax,
      'grpc.primary_user_agent': this.#ports.userAgent ?? 'drydock',
      ...(tlsServerName === undefined ? target.channelOptions : { 'grpc.ssl_target_name_override': tlsServerName }),
    });
  }

  /** Drops a broken channel, with its back-off, and moves on to the next server. */
  #discard(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#current = (this.#current + 1) % this.#addresses.length;
    client.close();
  }

  #failed(client: Client, error: ServiceError | null, method: string): ApiError {
    const body = error?.metadata?.get('status-bin')[0];
    const sent = body === undefined ? undefined : parseStatus(body.toString());
    if (sent !== undefined) return new ApiError(sent);
    const text = `${method} at ${this.address}: ${error?.details ?? 'no answer'}`;
    switch (error?.code) {
      case status.DEADLINE_EXCEEDED:
        return timedOut(text);
      case status.UNAUTHENTICATED:
        return apiError('Unauthorized', text);
      case status.PERMISSION_DENIED:
        return apiError('Forbidden', text);
      case status.UNIMPLEMENTED:
        return apiError('MethodNotAllowed', text);
      case status.RESOURCE_EXHAUSTED:
        return apiError('RequestEntityTooLarge', text);
      default:
        this.#discard(client);
        return unavailable(text, error ?? undefined);
    }
  }
}

/** Whether the channel is ready before the deadline; a refused connection says no at once. */
async function connected(client: Client, timeoutMs: number): Promise<boolean> {
  const channel = client.getChannel();
  const deadline = new Date(Date.now() + timeoutMs);
  for (;;) {
    const state = channel.getConnectivityState(true);
    if (state === connectivityState.READY) return true;
    if (state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN) return false;
    const changed = await new Promise<boolean>((resolve) => {
      channel.watchConnectivityState(state, deadline, (error) => resolve(error === undefined || error === null));
    });
    if (!changed) return false;
  }
}
