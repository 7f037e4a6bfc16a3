// Each controller acts as its own service account, so that it can do no more than its role allows
// (--use-service-account-credentials; upstream's SAControllerClientBuilder).
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import { serviceAccounts } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import type {
  ApiClient,
  DeleteOptions,
  GetOptions,
  ListOptions,
  ObjectKey,
  Patch,
  PatchOptions,
  WatchOptions,
  WriteOptions,
} from '@drydock/client/api-client.ts';
import type { Clock } from '@drydock/foundation/clock.ts';

const accountNamespace = 'kube-system';
/** Asked-for lifetime of a token, in seconds; it is replaced after this share of it. */
const tokenLifetimeSeconds = 3600;
const renewAfterShare = 0.8;

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

/** A client that acts as one service account of kube-system. The account is made when it is missing. */
export class ServiceAccountClient implements ApiClient {
  readonly #account: string;
  readonly #ports: IdentityPorts;
  #current: { readonly client: Promise<ApiClient>; readonly renewAtMs: number } | undefined;

  constructor(account: string, ports: IdentityPorts) {
    this.#account = account;
    this.#ports = ports;
  }

  async get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options?: GetOptions): Promise<T> {
    return this.#call((client) => client.get(resource, key, options));
  }

  async list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions) {
    return this.#call((client) => client.list(resource, options));
  }

  async *watch<T extends KubeObject>(resource: Resource<T>, options?: WatchOptions) {
    const client = await this.#client();
    yield* client.watch(resource, options);
  }

  async create<T extends KubeObject, R extends KubeObject = T>(
    resource: Resource<T>,
    object: R,
    options?: WriteOptions,
  ): Promise<R> {
    return this.#call((client) => client.create<T, R>(resource, object, options));
  }

  async update<T extends KubeObject, R extends KubeObject = T>(
    resource: Resource<T>,
    object: R,
    options?: WriteOptions,
  ): Promise<R> {
    return this.#call((client) => client.update<T, R>(resource, object, options));
  }

  async patch<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, patch: Patch, options?: PatchOptions): Promise<T> {
    return this.#call((client) => client.patch(resource, key, patch, options));
  }

  async delete<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options?: DeleteOptions): Promise<void> {
    return this.#call((client) => client.delete(resource, key, options));
  }

  async deleteCollection<T extends KubeObject>(
    resource: Resource<T>,
    list?: ListOptions,
    options?: DeleteOptions,
  ): Promise<void> {
    return this.#call((client) => client.deleteCollection(resource, list, options));
  }

  close(): void {
    const current = this.#current;
    this.#current = undefined;
    current?.client.then(
      (client) => client.close(),
      () => {},
    );
  }

  /** A refused token was probably revoked with its account: a new one is fetched once. */
  async #call<R>(call: (client: ApiClient) => Promise<R>): Promise<R> {
    const used = await this.#client();
    try {
      return await call(used);
    } catch (error) {
      if (!hasReason(error, 'Unauthorized')) throw error;
      this.close();
      return call(await this.#client());
    }
  }

  #client(): Promise<ApiClient> {
    const nowMs = this.#ports.clock.monotonicMs();
    if (this.#current === undefined || nowMs >= this.#current.renewAtMs) {
      this.close();
      const client = this.#connect();
      const current = { client, renewAtMs: nowMs + tokenLifetimeSeconds * 1000 * renewAfterShare };
      this.#current = current;
      client.catch(() => {
        if (this.#current === current) this.#current = undefined;
      });
    }
    return this.#current.client;
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
