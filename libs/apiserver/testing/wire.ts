// A whole apiserver over the store in memory, asked over TLS as its users ask: for tests at the wire.
import { Agent, request as httpsRequest } from 'node:https';
import { createServer } from 'node:net';
import type { ClientConfig } from '@drydock/client/kubeconfig.ts';
import { featureGates } from '@drydock/foundation/feature-gates.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SystemClock } from '@drydock/foundation/system-clock.ts';
import { SystemRandom } from '@drydock/foundation/system-random.ts';
import { Authority, createSigningKeys } from '@drydock/pki/authority.ts';
import { type CertifiedKey, clientCertificate, servingCertificate } from '@drydock/pki/certificate.ts';
import { choosePlugins } from '../admission/plugin-names.ts';
import { servedPlugins } from '../admission/plugins.ts';
import { ApiServer, type ApiServerOptions } from '../server.ts';
import { MemoryStore } from './memory-store.ts';

export interface WireAnswer {
  readonly code: number;
  /** Parsed, where it is JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any kind
  readonly body: any;
  /** The texts of the Warning headers, in their order. */
  readonly warnings: readonly string[];
}

export interface WireRequest {
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One user's connection to an apiserver. */
export interface WireClient {
  call(method: string, path: string, request?: WireRequest): Promise<WireAnswer>;
}

export interface TlsParts {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** A client of any apiserver, ours or the original. Paths go out as they are; `headers` go with every request. */
export function wireClient(
  base: string,
  tls: Partial<TlsParts>,
  headers: Readonly<Record<string, string | string[]>> = {},
): WireClient {
  const { hostname, port } = new URL(base);
  const agent = new Agent({ keepAlive: true, maxSockets: 16, ...tls });
  return {
    call: (method, path, { body, type = 'application/json', headers: more = {} } = {}) =>
      new Promise((resolve, reject) => {
        const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
        const all = {
          ...headers,
          ...(text === undefined ? {} : { 'content-type': type, 'content-length': String(Buffer.byteLength(text)) }),
          accept: 'application/json',
          ...more,
        };
        const request = httpsRequest({ hostname, port, path, method, agent, headers: all }, (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const answer = Buffer.concat(chunks).toString();
            const given = response.headersDistinct.warning ?? [];
            resolve({ code: response.statusCode ?? 0, body: parsed(answer), warnings: given.map(warningText) });
          });
        });
        request.on('error', reject);
        request.end(text);
      }),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** `299 - "text"`, with backslashes before quotes and backslashes. */
function warningText(header: string): string {
  const quoted = /^299 - "(.*)"$/s.exec(header)?.[1];
  return quoted === undefined ? header : quoted.replace(/\\(.)/g, '$1');
}

/** A running apiserver with an authority that makes users. */
export class WireServer {
  readonly store: MemoryStore;
  readonly #server: ApiServer;
  readonly #authority: Authority;
  readonly #ca: CertifiedKey;
  /** `https://127.0.0.1:PORT`. */
  readonly base: string;
  /** 0: no gRPC front end. */
  readonly grpcPort: number;

  private constructor(
    store: MemoryStore,
    server: ApiServer,
    authority: Authority,
    ca: CertifiedKey,
    base: string,
    grpcPort: number,
  ) {
    this.store = store;
    this.#server = server;
    this.#authority = authority;
    this.#ca = ca;
    this.base = base;
    this.grpcPort = grpcPort;
  }

  /**
   * Starts one and waits until it is ready; `authority` signs users instead of a new one. `store` is what the server asks; tests
   * look into the one in memory behind it.
   */
  static async start(
    change: Partial<ApiServerOptions> & { authority?: CertifiedKey } = {},
    store = new MemoryStore(),
  ): Promise<WireServer> {
    const random = new SystemRandom().stream('test');
    const clock = new SystemClock();
    const ca = change.authority ?? (await Authority.create('test-ca', clock.wallMs(), random));
    const authority = await Authority.load(ca, random);
    const serving = await authority.issue(servingCertificate('kube-apiserver', ['127.0.0.1']), clock.wallMs());
    const tokens = await createSigningKeys();
    const port = await freePort();
    const server = new ApiServer({
      ...quietOptions,
      serviceAccount: {
        ...quietOptions.serviceAccount,
        verificationPems: [tokens.publicPem],
        signingPem: tokens.privatePem,
      },
      store,
      clock,
      random,
      securePort: port,
      tls: { cert: serving.certificatePem, key: serving.keyPem, clientCa: ca.certificatePem },
      admissionPlugins: choosePlugins(['NodeRestriction'], [], servedPlugins, defaultGates.enabled).run,
      ...change,
    });
    await server.start();
    const wire = new WireServer(store, server, authority, ca, `https://127.0.0.1:${port}`, change.grpcPort ?? 0);
    const admin = await wire.as('admin', 'system:masters');
    for (;;) {
      if ((await admin.call('GET', '/readyz')).code === 200) return wire;
      await clock.sleep(5);
    }
  }

  /** A client with a certificate of that user. */
  async as(name: string, ...groups: string[]): Promise<WireClient> {
    return wireClient(this.base, await this.certificate(name, ...groups));
  }

  /** A certificate of that user, with the authority to check the server by. */
  async certificate(name: string, ...groups: string[]): Promise<TlsParts> {
    const pair = await this.#authority.issue(clientCertificate(name, ...groups), new SystemClock().wallMs());
    return { ca: this.#ca.certificatePem, cert: pair.certificatePem, key: pair.keyPem };
  }

  /** A configuration for our own client, with either transport, as that user. */
  async clientConfig(transport: 'rest' | 'grpc', name: string, ...groups: string[]): Promise<ClientConfig> {
    const tls = await this.certificate(name, ...groups);
    const server = transport === 'rest' ? this.base : `grpcs://127.0.0.1:${this.grpcPort}`;
    return { server, ca: Buffer.from(tls.ca), cert: Buffer.from(tls.cert), key: Buffer.from(tls.key) };
  }

  /** A client that brings these TLS credentials and headers, whoever signed them. */
  with(tls: Partial<TlsParts>, headers: Readonly<Record<string, string | string[]>> = {}): WireClient {
    return wireClient(this.base, { ca: this.#ca.certificatePem, ...tls }, headers);
  }

  /** A user who may do everything by RBAC, and is no master. */
  async operator(name = 'operator'): Promise<WireClient> {
    const admin = await this.as('admin', 'system:masters');
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    await admin.call('POST', `${rbac}/clusterrolebindings`, {
      body: {
        metadata: { name: `${name}-rules` },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }],
      },
    });
    const client = await this.as(name);
    // The authoriser reads a cache that follows the store.
    while ((await client.call('GET', '/api/v1/nodes')).code !== 200) await new SystemClock().sleep(5);
    return client;
  }

  stop(): Promise<void> {
    return this.#server.stop();
  }
}

const defaultGates = featureGates(new Map(), []);

const quietOptions = {
  log: silentLog,
  bindAddress: '127.0.0.1',
  grpcPort: 0,
  advertiseAddress: '127.0.0.1',
  serviceCidr: '10.207.0.0/16',
  nodePortRange: { first: 30_000, last: 32_767 },
  endpointReconciler: 'none',
  compactionIntervalMs: 0,
  anonymousAuth: true,
  requestHeader: { usernameHeaders: [], uidHeaders: [], groupHeaders: [], extraPrefixes: [], allowedNames: [], enabled: false },
  serviceAccount: {
    issuers: ['https://kubernetes.default.svc'],
    audiences: ['https://kubernetes.default.svc'],
    verificationPems: [],
    signingPem: undefined,
    extendExpiration: true,
    maxExpirationSeconds: 0,
  },
  kubelet: { tls: { ca: undefined, cert: undefined, key: undefined }, addressTypes: ['InternalIP'] },
  authorizationModes: ['Node', 'RBAC'],
  authenticationConfig: {},
  defaultTolerations: { notReadySeconds: 300, unreachableSeconds: 300 },
  eventTtlSeconds: 3600,
  requestTimeoutMs: 60_000,
  maxReadsInFlight: 400,
  maxWritesInFlight: 200,
} as const;

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
