// Adapter: asks the leader, over its client URLs, what only the leader knows. A call that finds no leader, or the wrong one, is
// tried again until the request times out.
import type { Client, Metadata, ServiceError } from '@grpc/grpc-js';
import { EtcdError, errorOfText } from '../errors.ts';
import { grpcCredentials, grpcTarget } from '../tls/grpc-client.ts';
import { grpcJs } from '../tls/grpc-js.ts';
import type { TlsSettings } from '../tls/settings.ts';
import { KeepAliveStream } from './keepalive-stream.ts';
import type { LeaderCalls } from './leader-calls.ts';
import { MemberToken } from './member-token.ts';
import type { EtcdServer } from './server.ts';
import { parseUrl } from './urls.ts';

const identity = (bytes: Buffer): Buffer => bytes;
const retryMs = 50;

export class LeaderClient implements LeaderCalls {
  readonly #server: EtcdServer;
  readonly #token: MemberToken;
  readonly #tls: TlsSettings | undefined;
  #client: { readonly url: string; readonly client: Client } | undefined;
  #keepAlives: KeepAliveStream | undefined;

  constructor(server: EtcdServer, tls: TlsSettings | undefined) {
    this.#server = server;
    this.#token = new MemberToken(server);
    this.#tls = tls;
  }

  unary(path: string, request: Buffer): Promise<Buffer> {
    return this.#retry((client, metadata) => {
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(path, identity, identity, request, metadata, (error, answer) => {
          if (error !== null || answer === undefined) reject(error);
          else resolve(answer);
        });
      });
    });
  }

  /** On a stream that all of them share. */
  keepAlive(request: Buffer): Promise<Buffer> {
    return this.#retry((client, metadata) => {
      const token = metadata.get('token')[0]?.toString();
      if (this.#keepAlives === undefined || this.#keepAlives.over || this.#keepAlives.token !== token) {
        this.#keepAlives?.close();
        this.#keepAlives = new KeepAliveStream(client, metadata, token);
      }
      return this.#keepAlives.send(request);
    });
  }

  close(): void {
    this.#keepAlives?.close();
    this.#keepAlives = undefined;
    this.#client?.client.close();
    this.#client = undefined;
  }

  async #retry(attempt: (client: Client, metadata: Metadata) => Promise<Buffer>): Promise<Buffer> {
    const { clock } = this.#server.options;
    const deadline = clock.monotonicMs() + this.#server.requestTimeoutMs;
    const { Metadata, status } = grpcJs();
    const metadata = new Metadata();
    for (;;) {
      const client = this.#leaderClient();
      try {
        const token = client === undefined ? undefined : await this.#token.get();
        if (token !== undefined) metadata.set('token', token);
        if (client !== undefined) return await attempt(client, metadata);
      } catch (error) {
        const { code, details } = error as ServiceError;
        if (code === status.UNAUTHENTICATED) this.#token.forget();
        else if (code !== status.UNAVAILABLE && code !== status.CANCELLED && !details?.includes('not leader')) {
          throw errorOfText(details ?? '') ?? error;
        }
      }
      if (clock.monotonicMs() >= deadline) throw new EtcdError('timeout');
      await clock.sleep(retryMs);
    }
  }

  #leaderClient(): Client | undefined {
    const { machine, replica } = this.#server;
    const leader = replica.leader();
    const url = leader === replica.id ? undefined : machine.members.get(leader)?.clientURLs[0];
    if (url === undefined) return undefined;
    if (this.#client?.url !== url) {
      this.close();
      const { Client, credentials } = grpcJs();
      const { target, secure, options, verifyOptions } = grpcTarget(parseUrl(url));
      const channel = secure ? grpcCredentials(this.#tls, verifyOptions) : credentials.createInsecure();
      this.#client = { url, client: new Client(target, channel, { 'grpc.enable_http_proxy': 0, ...options }) };
    }
    return this.#client.client;
  }
}
