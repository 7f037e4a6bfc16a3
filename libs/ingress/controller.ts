// Joins informers, the syncer, events, status and figures into one running controller.
import { serviceOfSlice } from '@drydock/api/endpoint-slices.ts';
import type {
  ConfigMap,
  EndpointSlice,
  Endpoints,
  Ingress,
  IngressClass,
  Service as KubeService,
  Node,
  Pod,
  Secret,
} from '@drydock/api/generated/types.ts';
import {
  configMaps,
  endpointSlices,
  endpoints,
  ingressClasses,
  ingresses,
  nodes,
  pods,
  secrets,
  services,
} from '@drydock/api/resource.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { EventRecorder, referenceTo } from '@drydock/client/events.ts';
import type { Informer } from '@drydock/client/informer.ts';
import { InformerFactory } from '@drydock/client/informer-factory.ts';
import { runElection } from '@drydock/client/leader-election.ts';
import { FencedClient, Leadership } from '@drydock/client/leadership.ts';
import { metricsType, type StatusRoutes } from '@drydock/client/status-server.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Random } from '@drydock/foundation/random.ts';
import type { Judgement } from './admission.ts';
import { slicesOfEndpoints } from './backends.ts';
import { classProblem, isOurClass, isOurs } from './class.ts';
import { type CertifiedKey, contentOf } from './content.ts';
import type { DataPlane } from './data-plane.ts';
import { judgeIngress } from './judge.ts';
import {
  ControllerMetrics,
  certificateMetrics,
  connectionMetrics,
  countedLocations,
  orphanMetrics,
  requestMetrics,
} from './metrics.ts';
import type { ControllerOptions } from './options.ts';
import { planRouting } from './plan.ts';
import { readSettings, streamProblem } from './settings.ts';
import { ingressKey, nodeAddresses, serviceAddresses, statusEntry } from './status.ts';
import { StatusWriter } from './status-writer.ts';
import { type Made, problemsByIngress, Syncer, whatItSays } from './syncer.ts';

export interface ControllerPorts {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly plane: DataPlane;
  /** Served where no certificate fits. */
  readonly ownCertificate: CertifiedKey;
  /** Addresses of `publishAddresses` at which nobody serves at present. */
  readonly unreachable?: () => ReadonlySet<string>;
}

const component = 'nginx-ingress-controller';
const byService = 'service';
/** As upstream's client: renew after half of the time, ask again after a quarter. */
const renewShare = 2;
const retryShare = 4;

export class IngressController implements Service {
  readonly name = 'ingress-controller';
  readonly routes: StatusRoutes;
  readonly #options: ControllerOptions;
  readonly #ports: ControllerPorts;
  readonly #stop = new AbortController();
  readonly #factory: InformerFactory;
  readonly #ingresses: Informer<Ingress>;
  readonly #classes: Informer<IngressClass> | undefined;
  readonly #services: Informer<KubeService>;
  /** Of these two one. */
  readonly #slices: Informer<EndpointSlice> | undefined;
  readonly #endpoints: Informer<Endpoints> | undefined;
  readonly #pods: Informer<Pod> | undefined;
  readonly #nodes: Informer<Node> | undefined;
  readonly #secrets: Informer<Secret>;
  readonly #configMaps: Informer<ConfigMap> | undefined;
  readonly #events: EventRecorder;
  readonly #metrics: ControllerMetrics;
  readonly #syncer: Syncer;
  /** What each Ingress was last told in events. */
  readonly #told = new Map<string, string>();
  #configProblems = '';
  #status: StatusWriter | undefined;
  #election: Promise<void> = Promise.resolve();
  #figures: { text: string; atMs: number } = { text: '', atMs: Number.NEGATIVE_INFINITY };

  constructor(options: ControllerOptions, ports: ControllerPorts) {
    this.#options = options;
    this.#ports = ports;
    const namespace = options.watchNamespace === '' ? {} : { namespace: options.watchNamespace };
    this.#factory = new InformerFactory({ ...ports, firstList: 'cached' });
    this.#ingresses = this.#factory.of(ingresses, namespace);
    this.#classes = options.readsClasses ? this.#factory.of(ingressClasses) : undefined;
    this.#services = this.#factory.of(services, namespace);
    this.#slices = options.readsSlices ? this.#factory.of(endpointSlices, namespace) : undefined;
    this.#endpoints = options.readsSlices ? undefined : this.#factory.of(endpoints, namespace);
    this.#pods = options.publishNodes ? this.#factory.of(pods, { namespace: options.namespace }) : undefined;
    this.#nodes = options.publishNodes ? this.#factory.of(nodes) : undefined;
    this.#secrets = this.#factory.of(secrets, namespace);
    this.#configMaps = options.configMap === undefined ? undefined : this.#configMapCalled(options.configMap);
    for (const { protocol, name } of options.streamConfigMaps)
      this.#configMapCalled(name).subscribe(({ before, after }) => {
        const problem = streamProblem(protocol, after?.data);
        if (after !== undefined && problem !== undefined && problem !== streamProblem(protocol, before?.data))
          this.#events.record(referenceTo(configMaps, after), 'Warning', 'OptionsNotServed', problem);
      });
    this.#slices?.index(byService, (slice) => {
      const name = serviceOfSlice(slice);
      return name === undefined ? [] : [`${slice.metadata?.namespace}/${name}`];
    });
    this.#events = new EventRecorder({ ...ports, component });
    const identity = this.#identity();
    this.#metrics = new ControllerMetrics(identity, options.election?.id ?? '');
    this.#syncer = new Syncer({
      ...ports,
      reloadEveryMs: options.reloadEveryMs,
      ingresses: () => this.#ours(),
      make: (list, refused) => this.#make(list, refused),
      basisOf: (ingress) => this.#basisOf(ingress),
      onSynced: (made) => this.#synced(made),
      onReload: (failed) => this.#metrics.reloaded(failed, this.#syncer.made?.generation ?? '', ports.clock.wallMs()),
      onCheck: (failed) => this.#metrics.checked(failed),
    });
    this.routes = {
      '/healthz': () => this.#health(),
      '/metrics': () => ({ code: 200, body: this.#metricsText(), type: metricsType }),
    };
  }

  async start(): Promise<void> {
    this.#factory.start(this.#stop.signal);
    // A plan of half of the state would take away paths that are fine: wait for all of it.
    void this.#factory.synced().then(() => this.#begin());
  }

  async stop(): Promise<void> {
    const status = this.#status;
    this.#status = undefined;
    await status?.stop();
    // With several addresses the next leader keeps them, as in ingress-nginx.
    const alone = this.#addresses().length <= 1;
    if (this.#options.updateStatusOnShutdown && alone) await status?.withdraw();
    await this.#syncer.stop();
    this.#stop.abort();
    await this.#election;
    await this.#factory.stopped();
    await this.#events.stop();
  }

  /** What is to be said of an Ingress that is about to be written. Rejects until the objects have been read. */
  async judge(candidate: Ingress): Promise<Judgement> {
    if (this.#syncer.made === undefined) throw new Error('the objects are not read yet');
    if (!this.#isOurs(candidate)) return { refusal: undefined, warnings: [] };
    return judgeIngress(candidate, {
      annotationPrefix: this.#options.annotationPrefix,
      ours: () => this.#ours(),
      make: (list) => this.#make(list, this.#syncer.refused()),
      check: (content) => this.#ports.plane.check(content),
    });
  }

  #configMapCalled(key: string): Informer<ConfigMap> {
    const [namespace = '', name = ''] = key.split('/');
    return this.#factory.of(configMaps, { namespace, fieldSelector: `metadata.name=${name}` });
  }

  #identity() {
    const { classes, namespace, pod } = this.#options;
    return { controllerClass: classes.controller, namespace, pod };
  }

  #begin(): void {
    if (this.#stop.signal.aborted) return;
    this.#ingresses.subscribe(({ before, after }) => {
      const relevant = [before, after].some((ingress) => ingress !== undefined && this.#isOurs(ingress));
      if (!relevant) return;
      if (after !== undefined && this.#isOurs(after)) this.#scheduled(after);
      else if (before !== undefined) this.#told.delete(ingressKey(before));
      const same = before !== undefined && after !== undefined && whatItSays(before) === whatItSays(after);
      if (!same) this.#syncer.trigger();
      this.#status?.trigger();
    });
    this.#classes?.subscribe(({ after }) => {
      const problem = after !== undefined && isOurClass(after, this.#options.classes) ? classProblem(after) : undefined;
      if (after !== undefined && problem !== undefined)
        this.#events.record(referenceTo(ingressClasses, after), 'Warning', 'ParametersNotServed', problem);
      this.#syncer.trigger();
      this.#status?.trigger();
    });
    for (const informer of [this.#services, this.#slices, this.#endpoints, this.#secrets, this.#configMaps])
      informer?.subscribe(() => this.#syncer.trigger());
    if (this.#options.publishService !== undefined) this.#services.subscribe(() => this.#status?.trigger());
    for (const informer of [this.#pods, this.#nodes]) informer?.subscribe(() => this.#status?.trigger());
    this.#syncer.trigger();
    this.#election = this.#stand();
  }

  #scheduled(ingress: Ingress): void {
    if (this.#options.syncEvents) this.#events.record(referenceTo(ingresses, ingress), 'Normal', 'Sync', 'Scheduled for sync');
  }

  #isOurs(ingress: Ingress): boolean {
    return isOurs(ingress, [...(this.#classes?.list() ?? [])], this.#options.classes);
  }

  #ours(): Ingress[] {
    const classes = [...(this.#classes?.list() ?? [])];
    const { disableCatchAll } = this.#options;
    return [...this.#ingresses.list()]
      .filter((ingress) => ingress.metadata?.deletionTimestamp === undefined && isOurs(ingress, classes, this.#options.classes))
      .filter(
        (ingress) => !disableCatchAll || ingress.spec?.defaultBackend === undefined || (ingress.spec.rules ?? []).length > 0,
      );
  }

  /** What it says, and the versions of what else says how it is served. */
  #basisOf(ingress: Ingress): string {
    const [configMap] = this.#configMaps?.list() ?? [];
    const { namespace, annotations = {} } = ingress.metadata ?? {};
    const given = annotations[`${this.#options.annotationPrefix}/auth-secret`]?.split('/').at(-1);
    const named = [...(ingress.spec?.tls ?? []).map(({ secretName }) => secretName), given];
    const versions = named.map((name) => name && this.#secrets.get({ namespace, name })?.metadata?.resourceVersion);
    return JSON.stringify([whatItSays(ingress), configMap?.metadata?.resourceVersion, versions]);
  }

  #make(list: readonly Ingress[], refused: ReadonlyMap<string, string>): Made {
    const options = this.#options;
    const [configMap] = this.#configMaps?.list() ?? [];
    const { settings, problems } = readSettings(configMap?.data);
    this.#tellConfig(configMap, problems);
    const plan = planRouting(
      {
        ingresses: list,
        service: (namespace, name) => this.#services.get({ namespace, name }),
        slices: (namespace, name) => this.#slicesOf(namespace, name),
        secret: (namespace, name) => this.#secrets.get({ namespace, name }),
      },
      {
        settings,
        annotationPrefix: options.annotationPrefix,
        defaultBackend: options.defaultBackend,
        defaultCertificate: options.defaultCertificate,
        refused,
      },
    );
    const made = contentOf(plan, settings, this.#ports.ownCertificate, { ...options, user: options.workerUser });
    return { plan, ...made };
  }

  #slicesOf(namespace: string, name: string): readonly EndpointSlice[] {
    if (this.#slices !== undefined) return [...this.#slices.lookup(byService, `${namespace}/${name}`)];
    const found = this.#endpoints?.get({ namespace, name });
    return found === undefined ? [] : slicesOfEndpoints(found);
  }

  #tellConfig(configMap: ConfigMap | undefined, problems: readonly string[]): void {
    const text = problems.join('; ');
    if (configMap === undefined || text === this.#configProblems) return;
    this.#configProblems = text;
    if (text !== '') this.#events.record(referenceTo(configMaps, configMap), 'Warning', 'OptionsNotServed', text);
  }

  /** Problems of Ingresses are told when they appear or change, by who leads: once, not by every replica. */
  #synced({ plan }: Made): void {
    if (!this.#metrics.leading) return;
    const problems = problemsByIngress(plan);
    for (const { namespace, name } of plan.ingresses) {
      const key = `${namespace}/${name}`;
      const own = problems.get(key) ?? [];
      const text = JSON.stringify(own);
      if ((this.#told.get(key) ?? '[]') === text) continue;
      const before = this.#told.get(key) ?? '[]';
      this.#told.set(key, text);
      const ingress = this.#ingresses.get({ namespace, name });
      if (ingress === undefined) continue;
      for (const { reason, message } of own)
        if (!before.includes(JSON.stringify(message)))
          this.#events.record(referenceTo(ingresses, ingress), 'Warning', reason, message);
    }
  }

  #addresses() {
    const { publishAddresses, publishService } = this.#options;
    if (publishAddresses.length > 0) {
      const unreachable = this.#ports.unreachable?.() ?? new Set();
      return publishAddresses.filter((address) => !unreachable.has(address)).map(statusEntry);
    }
    if (publishService === undefined) {
      const { pod, reportInternal } = this.#options;
      return nodeAddresses(pod, [...(this.#pods?.list() ?? [])], [...(this.#nodes?.list() ?? [])], reportInternal);
    }
    const [namespace = '', name = ''] = publishService.split('/');
    return serviceAddresses(this.#services.get({ namespace, name }));
  }

  /** Leads whenever it can: a lost lease is stood for again, since others may have had it only for a while. */
  async #stand(): Promise<void> {
    const { clock, log, random, client } = this.#ports;
    const { election, namespace, pod } = this.#options;
    if (election === undefined) {
      this.#lead(new Leadership(clock));
      return;
    }
    const { id, lock, ttlMs } = election;
    while (!this.#stop.signal.aborted) {
      await runElection(
        {
          client,
          clock,
          random,
          log,
          lease: { namespace, name: id },
          lock,
          identity: pod,
          timings: { leaseDurationMs: ttlMs, renewDeadlineMs: ttlMs / renewShare, retryPeriodMs: ttlMs / retryShare },
          onStartedLeading: (leadership) => this.#lead(leadership),
          onLost: () => this.#follow(),
          onNewLeader: (leader) => log.info({ leader }, 'new leader'),
        },
        this.#stop.signal,
      );
    }
    this.#follow();
  }

  #lead(leadership: Leadership): void {
    const { client, clock, log } = this.#ports;
    this.#metrics.leading = true;
    if (this.#syncer.made !== undefined) this.#synced(this.#syncer.made);
    if (!this.#options.updateStatus) return;
    this.#status = new StatusWriter({
      client: new FencedClient(client, leadership),
      clock,
      log,
      everyMs: this.#options.statusUpdateMs,
      ours: () => this.#ours(),
      others: () => [...this.#ingresses.list()].filter((ingress) => !this.#isOurs(ingress)),
      addresses: () => this.#addresses(),
    });
  }

  #follow(): void {
    this.#metrics.leading = false;
    this.#told.clear();
    void this.#status?.stop();
    this.#status = undefined;
  }

  #health(): { code: number; body: string } {
    const reason = this.#syncer.made === undefined ? 'the objects are not read yet' : this.#ports.plane.unhealthy();
    return reason === undefined ? { code: 200, body: 'ok' } : { code: 500, body: `${reason}\n` };
  }

  #metricsText(): string {
    void this.#refreshFigures();
    return `${this.#metrics.text()}${this.#figures.text}`;
  }

  /** The data plane's figures are asked for after each scrape and shown by the next one, at most so often. */
  async #refreshFigures(): Promise<void> {
    const { clock, plane } = this.#ports;
    const made = this.#syncer.made;
    if (made === undefined || clock.monotonicMs() - this.#figures.atMs < figuresEveryMs) return;
    this.#figures = { ...this.#figures, atMs: clock.monotonicMs() };
    const [counters, connections] = await Promise.all([plane.read('/metrics'), plane.read('/status')]);
    const identity = this.#identity();
    const text = [
      requestMetrics(counters, countedLocations(made.plan), identity),
      connectionMetrics(connections, identity),
      certificateMetrics(made.plan, identity),
      orphanMetrics(made.plan, identity),
    ];
    this.#figures = { ...this.#figures, text: text.join('') };
  }
}

const figuresEveryMs = 1_000;
