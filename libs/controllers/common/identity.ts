// Each controller acts as its own service account, so that it can do no more than its role allows
// (--use-service-account-credentials; upstream's SAControllerClientBuilder).
import { type KubeObject, type Resource, serviceAccounts } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { ApiClient, WatchEvent, WatchOptions } from '@drydock/client/api-client.ts';
import { type Call, ClientLayer, type Run } from '@drydock/client/client-layer.ts';
import { unavailable } from '@drydock/client/errors.ts';
import type { Clock } from '@drydock/foundation/clock.ts';

const accountNamespace = 'kube-system';
/** Asked-for lifetime of a token, in seconds; from this share of it on a new one is fetched, while the old one still serves. */
const tokenLifetimeSeconds = 3600;
const renewAfterShare = 0.8;
/** After a failed renewal, the next one is tried no sooner. */
const renewRetryMs = 10_000;

interface TokenRequest extends KubeObject {
  spec: { audiences: string[]; expirationSeconds: number };
  status?: { token: string; expirationTimestamp: string };
}

export interface IdentityPorts {
  /** The controller manager's own identity: it may create service accounts and tokens for them. */
  readonly base: ApiClient;
  readonly clock: Clock;
  /** A client that authenticates with that bearer token. */
  connect(token: string): Promise<ApiClient>;
}

/** One token's connection. It is closed once it is retired and nothing is under way on it. */
class Session {
  readonly client: ApiClient;
  readonly expiresAtMs: number;
  renewAtMs: number;
  #uses = 0;
  #retired = false;

  constructor(client: ApiClient, askedAtMs: number) {
    this.client = client;
    this.renewAtMs = askedAtMs + tokenLifetimeSeconds * 1000 * renewAfterShare;
    this.expiresAtMs = askedAtMs + tokenLifetimeSeconds * 1000;
  }

  /** Begins a use; gives the way to end it. */
  use(): () => void {
    this.#uses++;
    return () => {
      this.#uses--;
      this.#closeWhenIdle();
    };
  }

  retire(): void {
    this.#retired = true;
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if (this.#retired && this.#uses === 0) this.client.close();
  }
}

/**
 * A client that acts as one service account of kube-system. The account is made when it is missing. A new token replaces the old
 * one without touching calls and watches that are under way with the old one.
 */
export class ServiceAccountClient extends ClientLayer {
  readonly #account: string;
  readonly #ports: IdentityPorts;
  #current: Session | undefined;
  #connecting: Promise<Session> | undefined;
  #closed = false;

  constructor(account: string, ports: IdentityPorts) {
    super();
    this.#account = account;
    this.#ports = ports;
  }

  async *watch<T extends KubeObject>(resource: Resource<T>, options?: WatchOptions): AsyncIterable<WatchEvent<T>> {
    const session = await this.#session();
    const ended = session.use();
    try {
      yield* session.client.watch(resource, options);
    } finally {
      ended();
    }
  }

  close(): void {
    this.#closed = true;
    this.#current?.client.close();
    this.#current = undefined;
  }

  /** A refused token was probably revoked with its account: a new one is fetched once. */
  protected async around<R>(_: Call, run: Run<R>): Promise<R> {
    const session = await this.#session();
    try {
      return await onSession(session, run);
    } catch (error) {
      if (!hasReason(error, 'Unauthorized')) throw error;
      if (this.#current === session) {
        this.#current = undefined;
        session.retire();
      }
      return onSession(await this.#session(), run);
    }
  }

  /** A session with a token that is valid as far as is known here. */
  #session(): Promise<Session> {
    const current = this.#current;
    const nowMs = this.#ports.clock.monotonicMs();
    if (current === undefined || nowMs >= current.expiresAtMs) return this.#renew();
    if (nowMs >= current.renewAtMs) {
      current.renewAtMs = nowMs + renewRetryMs;
      // Where that fails, the next call after a while tries again.
      this.#renew().catch(() => {});
    }
    return Promise.resolve(current);
  }

  #renew(): Promise<Session> {
    if (this.#closed) return Promise.reject(unavailable('the client is closed'));
    this.#connecting ??= this.#open().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #open(): Promise<Session> {
    const askedAtMs = this.#ports.clock.monotonicMs();
    const session = new Session(await this.#connect(), askedAtMs);
    if (this.#closed) session.client.close();
    else {
      this.#current?.retire();
      this.#current = session;
    }
    return session;
  }

  async #connect(): Promise<ApiClient> {
    try {
      return await this.#ports.connect(await this.#requestToken());
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
    await this.#createAccount();
    return this.#ports.connect(await this.#requestToken());
  }

  async #requestToken(): Promise<string> {
    const request: TokenRequest = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: { name: this.#account, namespace: accountNamespace },
      spec: { audiences: [], expirationSeconds: tokenLifetimeSeconds },
    };
    const answer = await this.#ports.base.create<KubeObject, TokenRequest>(serviceAccounts, request, { subresource: 'token' });
    return answer.status?.token ?? '';
  }

  async #createAccount(): Promise<void> {
    const metadata = { name: this.#account, namespace: accountNamespace };
    try {
      await this.#ports.base.create(serviceAccounts, { apiVersion: 'v1', kind: 'ServiceAccount', metadata });
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error;
    }
  }
}

async function onSession<R>(session: Session, run: Run<R>): Promise<R> {
  const ended = session.use();
  try {
    return await run(session.client);
  } finally {
    ended();
  }
}
