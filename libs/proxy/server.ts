// Joins informers, the proxier and the status servers into one running proxy.
import { serviceOfSlice } from '@drydock/api/endpoint-slices.ts';
import type { EndpointSlice, Service as KubeService, Node } from '@drydock/api/generated/types.ts';
import { endpointSlices, nodes, services } from '@drydock/api/resource.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { EventRecorder } from '@drydock/client/events.ts';
import type { Informer } from '@drydock/client/informer.ts';
import { InformerFactory } from '@drydock/client/informer-factory.ts';
import { Metrics } from '@drydock/client/metrics.ts';
import { metricsType, ok, type StatusRoutes } from '@drydock/client/status-server.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Random } from '@drydock/foundation/random.ts';
import type { ProxyConfig } from './config.ts';
import { type HealthCheck, healthChecksOf } from './health-check.ts';
import { HealthCheckServers } from './health-check-server.ts';
import { localMatch } from './local-traffic.ts';
import type { RuleSink } from './nft.ts';
import { nodeCIDR, nodePortAddresses, primaryAddress } from './node-addresses.ts';
import { Proxier } from './proxier.ts';
import { type ServicePort, servicePorts } from './service-port.ts';

export interface ProxyServerOptions {
  readonly config: ProxyConfig;
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly sink: RuleSink;
  /** The IPv4 addresses of this network namespace, read when rules are planned. */
  readonly localAddresses: () => string[];
}

/** A change that has waited for so many sync periods without being applied makes /healthz fail. */
const healthyPeriods = 2;
const byService = 'service';

export class ProxyServer implements Service {
  readonly name = 'kube-proxy';
  readonly healthRoutes: StatusRoutes;
  readonly metricsRoutes: StatusRoutes;
  readonly #options: ProxyServerOptions;
  readonly #stop = new AbortController();
  readonly #factory: InformerFactory;
  readonly #services: Informer<KubeService>;
  readonly #slices: Informer<EndpointSlice>;
  readonly #nodes: Informer<Node>;
  readonly #proxier: Proxier;
  readonly #events: EventRecorder;
  readonly #healthChecks: HealthCheckServers;
  /** What the sync under way is made from. */
  #observed: { readonly ports: readonly ServicePort[]; readonly nodePortIPs: readonly string[] } = {
    ports: [],
    nodePortIPs: [],
  };
  #lastSyncWallMs = 0;

  constructor(options: ProxyServerOptions) {
    this.#options = options;
    const { clock, config, log, sink } = options;
    this.#factory = new InformerFactory({ ...options, firstList: 'cached' });
    // Headless services are not proxied; upstream's proxy does not even ask for them.
    const labelSelector = '!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name';
    this.#services = this.#factory.of(services, { labelSelector });
    this.#slices = this.#factory.of(endpointSlices, { labelSelector });
    this.#nodes = this.#factory.of(nodes, { fieldSelector: `metadata.name=${config.nodeName}` });
    this.#slices.index(byService, (slice) => {
      const name = serviceOfSlice(slice);
      return name === undefined ? [] : [`${slice.metadata?.namespace}/${name}`];
    });
    const metrics = new Metrics();
    const bounds = Array.from({ length: 15 }, (_, index) => 0.001 * 2 ** index);
    const observe = metrics.histogram(
      'kubeproxy_sync_proxy_rules_duration_seconds',
      'SyncProxyRules latency in seconds',
      bounds,
    );
    metrics.gauge(
      'kubeproxy_sync_proxy_rules_last_timestamp_seconds',
      'The last time proxy rules were successfully synced',
      () => this.#lastSyncWallMs / 1000,
    );
    metrics.gauge('kubeproxy_services', 'Services in the cache of the proxy', () => this.#services.size);
    this.#events = new EventRecorder({ client: options.client, clock, log, component: 'kube-proxy' });
    this.#healthChecks = new HealthCheckServers({
      log,
      proxyHealthy: () => this.#fresh(),
      failed: (check, error) => this.#recordFailedHealthCheck(check, error),
    });
    this.#proxier = new Proxier({
      clock,
      log,
      sink,
      minSyncPeriodMs: config.minSyncPeriodMs,
      syncPeriodMs: config.syncPeriodMs,
      observe: () => this.#observe(),
      onSynced: (durationMs, wallMs) => {
        observe(durationMs / 1000);
        this.#lastSyncWallMs = wallMs;
        this.#healthChecks.sync(healthChecksOf(this.#observed.ports), this.#observed.nodePortIPs);
      },
    });
    this.healthRoutes = { '/healthz': () => this.#health(true), '/livez': () => this.#health(false) };
    this.metricsRoutes = {
      '/metrics': () => ({ code: 200, body: metrics.text(), type: metricsType }),
      '/proxyMode': () => ({ code: 200, body: 'nftables' }),
      '/healthz': () => ok,
    };
  }

  async start(): Promise<void> {
    const { config } = this.#options;
    this.#factory.start(this.#stop.signal);
    // Rules made from half of the state would cut connections that are fine: wait for all of it.
    const ready = Promise.all([this.#services.synced(), this.#slices.synced(), this.#nodes.synced()]);
    void ready.then(() => {
      for (const informer of [this.#services, this.#slices]) informer.subscribe(() => this.#proxier.trigger());
      let addresses = '';
      this.#nodes.subscribe(({ after }) => {
        const now = JSON.stringify([primaryAddress(after, config.nodeIP), nodeCIDR(after)]);
        if (now !== addresses) this.#proxier.trigger();
        addresses = now;
      });
      this.#proxier.trigger();
    });
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#proxier.stop();
    await this.#healthChecks.stop();
    await this.#events.stop();
    await this.#factory.stopped();
  }

  #observe() {
    const { config, localAddresses } = this.#options;
    const node = this.#nodes.get({ name: config.nodeName });
    const ports = servicePorts(
      this.#services.list(),
      (namespace, name) => this.#slices.lookup(byService, `${namespace}/${name}`),
      config.nodeName,
    );
    const nodeIP = primaryAddress(node, config.nodeIP);
    const nodePortIPs = nodePortAddresses(config.nodePortAddresses, localAddresses(), nodeIP);
    this.#observed = { ports, nodePortIPs };
    return {
      ports,
      plan: {
        local: localMatch(config.local, nodeCIDR(node)),
        nodePortIPs,
        nodeIP,
        masqueradeAll: config.masqueradeAll,
        masqueradeBit: config.masqueradeBit,
      },
    };
  }

  /** As upstream says it, down to the uid: what it has of the Service there is its name. */
  #recordFailedHealthCheck({ namespace, name, port }: HealthCheck, error: unknown): void {
    const key = `${namespace}/${name}`;
    const node = this.#options.config.nodeName;
    const why = error instanceof Error ? error.message : String(error);
    this.#events.record(
      { kind: 'Service', namespace, name, uid: key },
      'Warning',
      'FailedToStartServiceHealthcheck',
      `node ${node} failed to start healthcheck ${JSON.stringify(key)} on port ${port}: ${why}`,
    );
  }

  /** Whether changes are applied in time. */
  #fresh(): boolean {
    const { clock, config } = this.#options;
    const queuedAtMs = this.#proxier.queuedAtMs;
    return (
      this.#lastSyncWallMs > 0 &&
      (queuedAtMs === undefined || clock.monotonicMs() - queuedAtMs < healthyPeriods * config.syncPeriodMs)
    );
  }

  /** 200 while changes are applied in time; /healthz also fails while the node is being deleted, so that no traffic is sent. */
  #health(withNode: boolean): { code: number; body: string; type: string } {
    const { clock, config } = this.#options;
    const nodeEligible = this.#nodes.get({ name: config.nodeName })?.metadata?.deletionTimestamp === undefined;
    const body = {
      lastUpdated: new Date(this.#lastSyncWallMs).toISOString(),
      currentTime: new Date(clock.wallMs()).toISOString(),
      ...(withNode ? { nodeEligible } : {}),
    };
    const healthy = this.#fresh() && (nodeEligible || !withNode);
    return { code: healthy ? 200 : 503, body: JSON.stringify(body), type: 'application/json' };
  }
}
