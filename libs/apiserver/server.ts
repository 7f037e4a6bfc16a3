// Puts an apiserver together from its parts, starts it and stops it.
import type { FieldGate } from '@drydock/api/disabled-fields.ts';
import type { DeleteOptions } from '@drydock/api/generated/types.ts';
import {
  apiServices,
  clusterRoleBindings,
  clusterRoles,
  type KubeObject,
  namespaces,
  nodes,
  pods,
  type Resource,
  roleBindings,
  roles,
  secrets,
  serviceAccounts,
} from '@drydock/api/resource.ts';
import type { RuleGate } from '@drydock/api/validate/gates.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import { featureGates } from '@drydock/foundation/feature-gates.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import type { ServingTimes } from '@drydock/foundation/serving/bounds.ts';
import type { HealthCheck } from '@drydock/foundation/serving/health-checks.ts';
import { Admission } from './admission/admission.ts';
import { buildPlugins, type PluginSources } from './admission/plugins.ts';
import type { DefaultTolerations } from './admission/pods.ts';
import { type Find, storedSources } from './admission/stored-sources.ts';
import { Aggregator } from './aggregated/aggregator.ts';
import { Availability } from './aggregated/availability.ts';
import { type BackendOptions, Backends } from './aggregated/backends.ts';
import { remoteGroups, remoteOpenApi } from './aggregated/remote-groups.ts';
import { Authenticator, type RequestHeaderOptions } from './authn/authenticator.ts';
import { ServiceAccountTokens } from './authn/service-account-tokens.ts';
import { Authorizer, type AuthorizerMode, alwaysAllow, alwaysDeny } from './authz/authorizer.ts';
import { cachedNodes, nodeReaderResources } from './authz/cached-nodes.ts';
import { cachedRbac } from './authz/cached-rbac.ts';
import { NodeAuthorizer } from './authz/node.ts';
import { RbacAuthorizer } from './authz/rbac.ts';
import { Background } from './background.ts';
import { Bootstrap } from './bootstrap/bootstrap.ts';
import { endpointIntervalMs, KubernetesService } from './bootstrap/kubernetes-service.ts';
import { bootstrapPolicy } from './bootstrap/policy.ts';
import { GrpcFrontEnd } from './grpc/front-end.ts';
import { StreamConnector } from './http/connector.ts';
import { FrontEnd, type FrontEndOptions, type ServingOptions } from './http/front-end.ts';
import { Kubelets, type KubeletTls } from './http/kubelet.ts';
import { RequestMetrics } from './http/metrics.ts';
import { NonResource } from './http/non-resource.ts';
import { InFlight } from './in-flight.ts';
import { availabilityRoundMs, storeHealthMs } from './limits.ts';
import { Pipeline } from './pipeline.ts';
import { Caches } from './registry/caches.ts';
import { Reader } from './registry/reader.ts';
import { resourceHooks } from './registry/resource-hooks.ts';
import { Actions } from './rest/actions.ts';
import { evictPod } from './rest/evictions.ts';
import { bindPod, type PodSources } from './rest/pods.ts';
import { reviewActions } from './rest/reviews.ts';
import { requestToken } from './rest/tokens.ts';
import { IpAllocator } from './services/ip-allocator.ts';
import { IpRange } from './services/ip-range.ts';
import { PortAllocator } from './services/port-allocator.ts';
import type { PortRange } from './services/port-range.ts';
import { Repair, repairIntervalMs } from './services/repair.ts';
import { Compactor } from './storage/compactor.ts';
import { objectKey } from './storage/keys.ts';
import { ObjectStore } from './storage/object-store.ts';
import type { Store } from './storage/store.ts';
import { TrackedStore } from './storage/tracked-store.ts';

export interface ApiServerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly log: Log;
  readonly bindAddress: string;
  readonly securePort: number;
  /** 0: no gRPC front end. */
  readonly grpcPort: number;
  /** The address that clients are told. */
  readonly advertiseAddress: string;
  readonly serviceCidr: string;
  readonly nodePortRange: PortRange;
  readonly endpointReconciler: 'lease' | 'none';
  /** 0: never. */
  readonly compactionIntervalMs: number;
  readonly tls: FrontEndOptions['tls'];
  readonly anonymousAuth: boolean;
  readonly requestHeader: RequestHeaderOptions;
  readonly serviceAccount: {
    readonly issuers: readonly string[];
    readonly audiences: readonly string[];
    readonly verificationPems: readonly string[];
    readonly signingPem: string | undefined;
    readonly extendExpiration: boolean;
    readonly maxExpirationSeconds: number;
  };
  readonly kubelet: { readonly tls: KubeletTls; readonly addressTypes: readonly string[] };
  /** How servers behind this one are reached, and as whom. */
  readonly aggregation?: Pick<BackendOptions, 'clientPair' | 'toEndpoints'>;
  readonly authorizationModes: readonly string[];
  readonly admissionPlugins: readonly string[];
  readonly authenticationConfig: Readonly<Record<string, string>>;
  readonly defaultTolerations: DefaultTolerations;
  readonly eventTtlSeconds: number;
  readonly requestTimeoutMs: number;
  readonly maxReadsInFlight: number;
  readonly maxWritesInFlight: number;
  readonly serving?: ServingOptions;
  /** --feature-gates, of those that fields and rules hang on; the defaults unless given. */
  readonly gateEnabled?: (gate: FieldGate | RuleGate) => boolean;
  /** The times that a caller has; upstream's unless given. */
  readonly times?: ServingTimes;
  /** Connections at once, on each port, of callers who have not said who they are. */
  readonly strangersMax?: number;
}

/** A running apiserver. */
export class ApiServer {
  readonly #options: ApiServerOptions;
  readonly #store: Store;
  readonly #caches: Caches;
  readonly #objects: ObjectStore;
  readonly #frontEnd: FrontEnd;
  readonly #grpc: GrpcFrontEnd | undefined;
  readonly #kubelets: Kubelets;
  readonly #availability: Availability;
  readonly #background: Background;
  readonly #kubernetesService: KubernetesService;
  readonly #ips: IpAllocator;
  readonly #ports: PortAllocator;
  readonly #hooks = new Map<string, 'running' | 'done'>();
  #stopping = false;

  constructor(options: ApiServerOptions) {
    this.#options = options;
    const { clock, log, random } = options;
    const store = new TrackedStore({ store: options.store, clock, log });
    this.#store = store;
    this.#caches = new Caches(store, clock, log);
    this.#objects = new ObjectStore(store, clock);
    const tokens = new ServiceAccountTokens({
      ...options.serviceAccount,
      clock,
      read: (resource, namespace, name) => this.#read(resource, namespace, name),
    });
    const reader = new Reader(store, this.#objects, this.#caches, clock);
    const rbac = new RbacAuthorizer(cachedRbac(this.#caches));
    const authorizer = new Authorizer(options.authorizationModes.map((mode) => this.#mode(mode, rbac)));
    const admission = new Admission(buildPlugins(options.admissionPlugins, this.#lookups(authorizer)));
    this.#background = new Background(clock, log);
    this.#ips = new IpAllocator(new IpRange(options.serviceCidr), this.#objects, this.#caches, clock, random);
    this.#ports = new PortAllocator(options.nodePortRange, this.#objects, random);
    this.#kubernetesService = new KubernetesService({
      store,
      objects: this.#objects,
      ips: this.#ips,
      clock,
      random,
      advertiseAddress: options.advertiseAddress,
      securePort: options.securePort,
      reconciler: options.endpointReconciler,
    });
    const podSources: PodSources = {
      objects: this.#objects,
      caches: this.#caches,
      clock,
      deletePod: (call, name, deleteOptions: DeleteOptions) => pipeline.deletePod(call, name, deleteOptions),
    };
    const { extendExpiration, maxExpirationSeconds } = options.serviceAccount;
    const tokenSources = { objects: this.#objects, tokens, clock, random, extendExpiration, maxExpirationSeconds };
    const pipeline: Pipeline = new Pipeline({
      authenticator: new Authenticator({ anonymousAuth: options.anonymousAuth, requestHeader: options.requestHeader, tokens }),
      authorizer,
      admission,
      reader,
      objects: this.#objects,
      caches: this.#caches,
      hooks: resourceHooks({ authorizer, rbac, ips: this.#ips, ports: this.#ports, clock }),
      actions: new Actions({
        ...reviewActions({ authorizer, rbac, tokens }),
        bindings: (call, asked) => bindPod(call, asked, podSources),
        'pods/binding': (call, asked) => bindPod(call, asked, podSources),
        'pods/eviction': (call, asked) => evictPod(call, asked, podSources),
        'serviceaccounts/token': (call, asked) => requestToken(call, asked, tokenSources),
      }),
      clock,
      random,
      eventTtlSeconds: options.eventTtlSeconds,
      gateEnabled: options.gateEnabled ?? featureGates(new Map(), []).enabled,
    });
    const metrics = new RequestMetrics(this.#caches);
    const inFlight = new InFlight({ reads: options.maxReadsInFlight, writes: options.maxWritesInFlight });
    this.#kubelets = new Kubelets(options.kubelet.tls, options.kubelet.addressTypes);
    const { ca, cert, key } = options.kubelet.tls;
    const connector = new StreamConnector({
      objects: this.#objects,
      caches: this.#caches,
      kubelets: this.#kubelets,
      admission,
      clock,
      kubeletTls: { cert, key, ...(ca === undefined ? { rejectUnauthorized: false } : { ca }) },
      pick: (count) => random.int(count),
    });
    const backends = new Backends({
      clientPair: undefined,
      toEndpoints: false,
      ...options.aggregation,
      caches: this.#caches,
      pick: (count) => random.int(count),
    });
    const availability = new Availability({ backends, objects: this.#objects, clock, log });
    this.#availability = availability;
    const aggregation = {
      aggregator: new Aggregator(backends, options.requestHeader),
      remoteGroups: () => {
        backends.mustBeKnown();
        return remoteGroups(backends.remote(), (name) => availability.rowsOf(name));
      },
    };
    this.#frontEnd = new FrontEnd({
      pipeline,
      aggregator: aggregation.aggregator,
      connector,
      metrics,
      clock,
      random,
      log,
      nonResource: new NonResource({
        metrics,
        tokens,
        advertised: `${options.advertiseAddress}:${options.securePort}`,
        health: this.#health(),
        remoteGroups: aggregation.remoteGroups,
        remoteOpenApi: () => remoteOpenApi(backends.remote(), (name) => availability.openApiOf(name)),
      }),
      tls: options.tls,
      requestTimeoutMs: options.requestTimeoutMs,
      inFlight,
      serving: options.serving,
      times: options.times,
      strangersMax: options.strangersMax,
    });
    const { clientCa } = options.tls;
    this.#grpc =
      options.grpcPort === 0 || clientCa === undefined
        ? undefined
        : new GrpcFrontEnd({
            ...aggregation,
            pipeline,
            inFlight,
            clock,
            requestTimeoutMs: options.requestTimeoutMs,
            times: options.times,
            strangersMax: options.strangersMax,
            tls: { ...options.tls, clientCa },
          });
  }

  /** Listens first, so that health can be asked, then brings up what requests need. */
  async start(): Promise<void> {
    const { bindAddress, securePort, grpcPort, log } = this.#options;
    for (const name of ['rbac/bootstrap-roles', 'start-system-namespaces-controller']) this.#hooks.set(name, 'running');
    await this.#frontEnd.listen(bindAddress, securePort);
    await this.#grpc?.listen(bindAddress, grpcPort);
    log.info({ bindAddress, securePort, grpcPort }, 'serving');
    void this.#bringUp();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#background.stop();
    const leaving = this.#kubernetesService.leave().catch(() => undefined);
    await Promise.race([leaving, this.#options.clock.sleep(1_000)]);
    this.#grpc?.close();
    this.#kubelets.close();
    this.#caches.stop();
    await this.#frontEnd.close();
    this.#store.close();
  }

  /** Retries until the store answers: an apiserver may start before its store. */
  async #bringUp(): Promise<void> {
    const { clock, log, random } = this.#options;
    const needed: readonly Resource[] = [
      apiServices,
      clusterRoles,
      clusterRoleBindings,
      roles,
      roleBindings,
      namespaces,
      serviceAccounts,
      ...nodeReaderResources,
    ];
    const bootstrap = new Bootstrap({
      objects: this.#objects,
      clock,
      random,
      serviceCidr: this.#options.serviceCidr,
      authentication: this.#options.authenticationConfig,
    });
    const retryMs = 500;
    while (!this.#stopping) {
      try {
        await Promise.all(needed.map((resource) => this.#caches.of(resource).start()));
        await bootstrap.run();
        await this.#kubernetesService.ensureService();
        this.#startBackground();
        for (const name of this.#hooks.keys()) this.#hooks.set(name, 'done');
        log.info({}, 'ready');
        return;
      } catch (error) {
        log.warn({ err: error }, 'could not bring up the server; trying again');
        await clock.sleep(retryMs);
      }
    }
  }

  #startBackground(): void {
    const { clock, log, compactionIntervalMs } = this.#options;
    const repair = new Repair({ ips: this.#ips, ports: this.#ports, caches: this.#caches, clock, log });
    this.#background.every('kubernetes-service', endpointIntervalMs, async () => {
      await this.#kubernetesService.ensureService();
      await this.#kubernetesService.reconcile();
    });
    this.#background.every('apiservice-availability', availabilityRoundMs, async () => this.#availability.look());
    this.#background.every('service-ip-repair', repairIntervalMs, () => repair.run());
    const compactor = new Compactor(this.#store);
    if (compactionIntervalMs > 0) this.#background.every('compaction', compactionIntervalMs, () => compactor.round());
  }

  #lookups(authorizer: Authorizer): PluginSources {
    const { clock, random, defaultTolerations } = this.#options;
    const find: Find = (resource, namespace, name) => this.#find(resource, namespace, name);
    return {
      ...storedSources({ caches: this.#caches, objects: this.#objects, clock, find }),
      authorizer,
      allowed: (attributes) => authorizer.authorize(attributes).allowed,
      random,
      tolerations: defaultTolerations,
    };
  }

  #mode(name: string, rbac: RbacAuthorizer): AuthorizerMode {
    if (name === 'RBAC') return rbac;
    if (name === 'AlwaysAllow') return alwaysAllow;
    if (name === 'AlwaysDeny') return alwaysDeny;
    const rules = bootstrapPolicy().clusterRoles.find((role) => role.metadata?.name === 'system:node')?.rules ?? [];
    return new NodeAuthorizer(cachedNodes(this.#caches), rules);
  }

  /** From the cache, or from the store where the cache does not have it (yet). */
  async #find<T extends KubeObject>(resource: Resource<T>, namespace: string, name: string): Promise<T | undefined> {
    const cached = this.#caches.peek<T>(resource, namespace, name);
    return cached ?? ((await this.#objects.read(objectKey(resource, namespace, name)))?.object as T | undefined);
  }

  /** For tokens: a binding that the cache does not confirm is checked against the store. */
  async #read(resource: string, namespace: string, name: string): Promise<KubeObject | undefined> {
    const rows: readonly Resource[] = [serviceAccounts, secrets, pods, nodes];
    const row = rows.find((each) => each.resource === resource);
    return row === undefined ? undefined : this.#find(row, namespace, name);
  }

  #health() {
    const ok = (name: string): HealthCheck => ({ name, check: async () => undefined });
    const etcd: HealthCheck = {
      name: 'etcd',
      check: () => {
        const late = this.#options.clock
          .sleep(storeHealthMs)
          .then(() => 'error getting data from etcd: context deadline exceeded');
        const asked = this.#objects.revision().then(
          () => undefined,
          (error: Error) => `error getting data from etcd: ${error.message}`,
        );
        return Promise.race([asked, late]);
      },
    };
    const hooks = ['rbac/bootstrap-roles', 'start-system-namespaces-controller'].map((name) => ({
      name: `poststarthook/${name}`,
      check: async () => (this.#hooks.get(name) === 'done' ? undefined : 'not finished'),
    }));
    const informers: HealthCheck = {
      name: 'informer-sync',
      check: async () => (this.#caches.of(clusterRoles).revision > 0 ? undefined : 'caches are not synced'),
    };
    const shutdown: HealthCheck = {
      name: 'shutdown',
      check: async () => (this.#stopping ? 'process is shutting down' : undefined),
    };
    const base = [ok('ping'), ok('log'), etcd];
    return {
      healthz: [...base, ...hooks],
      livez: [...base, ...hooks],
      readyz: [...base, { ...etcd, name: 'etcd-readiness' }, informers, ...hooks, shutdown],
    };
  }
}
