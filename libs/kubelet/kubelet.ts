// The kubelet put together from its parts. The order of reading: pod/plan-pod.ts, pod/pod-worker.ts, pod/pod-manager.ts.
import { readFileSync } from 'node:fs';
import type { Service as ClusterService, Node, Pod } from '@drydock/api/generated/types.ts';
import { nodes, pods, services } from '@drydock/api/resource.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { EventRecorder } from '@drydock/client/events.ts';
import type { Informer } from '@drydock/client/informer.ts';
import { InformerFactory } from '@drydock/client/informer-factory.ts';
import { limited } from '@drydock/client/rate-limit.ts';
import type { FileCalls } from '@drydock/foundation/beneath/calls.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Service } from '@drydock/foundation/lifecycle.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Random } from '@drydock/foundation/random.ts';
import type { KubeletConfig } from './config.ts';
import type { CgroupFs } from './container/cgroup-fs.ts';
import { Cgroups, keepCgroups } from './container/cgroups.ts';
import { parseResolvConf } from './container/sandbox-config.ts';
import type { ContainerEngine, EngineStatus } from './engine/engine.ts';
import { type MachineFacts, NodeAgent } from './node/node-agent.ts';
import {
  allocatableOf,
  capacityOf,
  type Measurements,
  type Pressure,
  PressureMemory,
  pressures,
  shareOfPods,
} from './node/thresholds.ts';
import { socketOpener } from './plugins/socket-client.ts';
import { pluginSockets } from './plugins/sockets.ts';
import { admitPod } from './pod/admission.ts';
import { BackoffTable } from './pod/backoff.ts';
import { rotateForever } from './pod/log-rotation.ts';
import { PodManager } from './pod/pod-manager.ts';
import { PodRuntime } from './pod/pod-runtime.ts';
import { StatusWriter } from './pod/status-writer.ts';
import { type HandlerRunner, Handlers } from './probes/handlers.ts';
import { Prober } from './probes/prober.ts';
import { SimulatedHandlers } from './probes/simulated-handlers.ts';
import { Mirrors } from './static/mirrors.ts';
import type { StaticSource } from './static/source.ts';
import { fullName } from './static/static-pod.ts';
import { duplicateName, StaticPods } from './static/static-pods.ts';
import { Claims } from './volumes/claims.ts';
import { Csi, type PluginPorts } from './volumes/csi/csi.ts';
import { DriverVolumes } from './volumes/csi/driver-volumes.ts';
import type { PodVolumeStats } from './volumes/csi/volume-stats.ts';
import type { Git } from './volumes/git-repo.ts';
import { hollowMounter, hostMounter } from './volumes/mounter.ts';
import { PodFolders } from './volumes/pod-folders.ts';
import { ReferenceCache } from './volumes/references.ts';
import { bindSubPath } from './volumes/sub-path.ts';
import { TokenCache } from './volumes/tokens.ts';
import { Volumes } from './volumes/volumes.ts';

/** The engine has been silent for longer than this: the node is not ready (pkg/kubelet/pleg, relist threshold). */
const silentEngineMs = 180_000;
/** The loop of the pods has not gone around for longer than this: the kubelet is not healthy (twice upstream's resync). */
const stuckLoopMs = 120_000;

export interface KubeletPorts {
  readonly config: KubeletConfig;
  readonly client: ApiClient;
  readonly engine: ContainerEngine;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly facts: MachineFacts;
  /** What is left of the machine now. */
  readonly measure: () => Measurements;
  /** Not touched where the engine runs no processes. */
  readonly cgroupFs: CgroupFs;
  /** Where manifests come from. */
  readonly staticSources?: readonly StaticSource[];
  /** Fills gitRepo volumes; undefined: they are off. */
  readonly git?: Git | undefined;
  /** For tests: who carries out probes and hooks. */
  readonly handlers?: HandlerRunner;
  /** For tests: who has plugins on this node. */
  readonly plugins?: PluginPorts;
  /** For tests: what stands between pods' folders and the file system. */
  readonly calls?: FileCalls;
}

export class Kubelet implements Service {
  readonly name = 'kubelet';
  readonly #ports: KubeletPorts;
  readonly #stop = new AbortController();
  /** For everything but the node's own status and lease: what proves it alive must not wait in line. */
  readonly #limited: ApiClient;
  readonly #recorder: EventRecorder;
  readonly #allocatable: Record<string, string>;
  readonly #pressureMemory: PressureMemory;
  readonly #cgroups: Cgroups | undefined;
  #pressures: ReadonlySet<Pressure> = new Set();
  /** As the engine last said. */
  #hasGroupsPolicy = false;
  #manager: PodManager | undefined;
  #references: ReferenceCache | undefined;
  #mirrors: Mirrors | undefined;
  #volumeStats: (() => Promise<PodVolumeStats[]>) | undefined;
  #node: NodeAgent | undefined;

  constructor(ports: KubeletPorts) {
    this.#ports = ports;
    const { client, clock, log, config, facts, cgroupFs } = ports;
    this.#limited = limited(client, clock, config.apiRate);
    const eventClient = limited(client, clock, config.eventRate);
    this.#recorder = new EventRecorder({ client: eventClient, clock, log, component: 'kubelet', host: config.nodeName });
    this.#allocatable = allocatableOf(facts, podsMax(config, facts), config.reserved, config.evictionHard);
    this.#pressureMemory = new PressureMemory(config.pressureTransitionMs);
    const node = shareOfPods(facts, config.reserved);
    const { cgroupRoot: root, enforcePods, podPidsLimit } = config;
    const cgroups = { fs: cgroupFs, root, node, enforcePods, podPidsLimit, pods: () => this.#manager?.all() ?? [] };
    this.#cgroups = isHollow(config) ? undefined : new Cgroups(cgroups);
  }

  get manager(): PodManager {
    if (this.#manager === undefined) throw new Error('the kubelet has not been started');
    return this.#manager;
  }

  /** For /healthz: an error text where the kubelet no longer does its work; upstream's check `syncloop`. */
  health(): string | undefined {
    const silentMs = this.#ports.clock.monotonicMs() - (this.#manager?.lastLoopMs ?? Number.NEGATIVE_INFINITY);
    const stuck = Number.isFinite(silentMs) && silentMs > stuckLoopMs;
    return stuck ? `sync Loop took longer than expected: ${Math.round(silentMs / 1000)}s` : undefined;
  }

  /** How full volumes are, as their drivers say. */
  async volumeStats(): Promise<PodVolumeStats[]> {
    return (await this.#volumeStats?.()) ?? [];
  }

  async start(): Promise<void> {
    const { config, client, engine, clock, random, log } = this.#ports;
    const version = await this.#engineVersion();
    await this.#engineStatus().catch((err) => log.warn({ err }, 'the engine does not say what it can do'));
    const factory = new InformerFactory({ client, clock, random, log });
    const podInformer = factory.of(pods, { fieldSelector: `spec.nodeName=${config.nodeName}` });
    const nodeInformer = factory.of(nodes, { fieldSelector: `metadata.name=${config.nodeName}` });
    const serviceInformer = factory.of(services);
    factory.start(this.#stop.signal);
    const folders = new PodFolders(config.rootDir, this.#ports.calls);
    const tokens = new TokenCache(this.#limited, clock);
    const csi = this.#makeCsi(folders, tokens, nodeInformer);
    const manager = this.#makeManager({
      engineName: version.name,
      podInformer,
      serviceInformer,
      nodeInformer,
      folders,
      tokens,
      csi,
    });
    this.#manager = manager;
    const seen = () => nodeInformer.get({ name: config.nodeName });
    const node = this.#makeNode(`${version.name}://${version.version}`, seen, manager, csi);
    this.#node = node;
    nodeInformer.subscribe(({ before, after }) => {
      if (after === undefined) node.deleted(before?.metadata?.uid ?? '');
      else if (before?.metadata?.uid !== after.metadata?.uid) this.#mirrors?.lookAgain();
      if (after?.spec?.podCIDR !== undefined && after.spec.podCIDR !== before?.spec?.podCIDR)
        void engine.setPodCidr(after.spec.podCIDR).catch((err) => log.warn({ err }, 'the engine does not take the pod CIDR'));
      const attached = (each: Node | undefined) => JSON.stringify(each?.status?.volumesAttached);
      if (attached(before) !== attached(after)) for (const uid of csi.waiting) manager.wake(uid);
    });
    node.start();
    manager.start();
    csi.start(this.#stop.signal);
    // Pods of manifests run without an API server, and may be what it runs in.
    void Promise.all([podInformer.synced(), serviceInformer.synced()]).then(() => {
      if (!this.#stop.signal.aborted) manager.follow();
    });
    const { logBytesMax: bytesMax, logFilesMax: filesMax } = config;
    if (this.#cgroups !== undefined) void keepCgroups(this.#cgroups, { clock, log }, this.#stop.signal);
    void rotateForever({ engine, clock, log, bytesMax, filesMax, running: () => manager.running() }, this.#stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#node?.stop();
    this.#manager?.stop();
    this.#references?.stop();
    await this.#recorder.stop();
    this.#ports.client.close();
    this.#ports.engine.close();
  }

  #makeCsi(folders: PodFolders, tokens: TokenCache, nodeInformer: Informer<Node>): Csi {
    const { config, clock, random, log } = this.#ports;
    const { rootDir, nodeName } = config;
    const real = { sockets: () => pluginSockets(`${rootDir}/plugins_registry`), open: socketOpener(() => clock.wallMs()) };
    const ports = {
      client: this.#limited,
      clock,
      random,
      log,
      nodeName,
      rootDir,
      folders,
      tokens,
      plugins: this.#ports.plugins ?? (isHollow(config) ? undefined : real),
      givesAway: !isHollow(config),
      node: () => nodeInformer.get({ name: nodeName }),
      report: async () => this.#node?.report(),
      record: (...event: Parameters<EventRecorder['record']>) => this.#recorder.record(...event),
    };
    return new Csi(ports, this.#stop.signal);
  }

  #makeManager(parts: {
    readonly engineName: string;
    readonly podInformer: Informer<Pod>;
    readonly serviceInformer: Informer<ClusterService>;
    readonly nodeInformer: Informer<Node>;
    readonly folders: PodFolders;
    readonly tokens: TokenCache;
    readonly csi: Csi;
  }): PodManager {
    const { config, engine, clock, random, log, facts } = this.#ports;
    const { engineName, podInformer, serviceInformer, nodeInformer, folders, tokens, csi } = parts;
    const client = this.#limited;
    const references = new ReferenceCache({ client, clock, random, log }, (uid) => this.#manager?.wake(uid));
    this.#references = references;
    const handlers = this.#ports.handlers ?? (isHollow(config) ? new SimulatedHandlers(clock) : new Handlers(engine, clock));
    const mounter = isHollow(config) ? hollowMounter : hostMounter();
    const claims = new Claims(client);
    const byDrivers = new DriverVolumes(csi, claims);
    const volumes = new Volumes({ folders, claims, mounter, clock, byDrivers, git: this.#ports.git });
    this.#volumeStats = () => csi.stats.of(byDrivers.mounted());
    const runtime = new PodRuntime({
      engine,
      clock,
      recorder: this.#recorder,
      references,
      handlers,
      imageBackoff: new BackoffTable(),
      services: () => serviceInformer.list(),
      folders,
      podLogsDir: config.podLogsDir,
      clusterDomain: config.clusterDomain,
      memoryCapacity: facts.memoryBytes,
      seccomp: { root: `${config.rootDir}/seccomp`, isDefault: config.seccompDefault },
      subPath: (request) => bindSubPath(folders, mounter, request),
    });
    const prober = new Prober({
      clock,
      random: random.stream('prober'),
      handlers,
      changed: (uid) => this.#manager?.wake(uid),
      said: (pod, container, reason, message) => runtime.event(pod, 'Warning', reason, message, container),
    });
    const staticPods = new StaticPods(this.#ports.staticSources ?? [], {
      clock,
      refused: (pod) => {
        log.warn({ pod: fullName(pod) }, 'Pod failed validation due to duplicate pod name, ignoring');
        runtime.event(pod, 'Warning', 'FailedValidation', duplicateName(pod));
      },
    });
    const mirrors = new Mirrors({
      client,
      clock,
      random: random.stream('mirrors'),
      log,
      node: () => nodeInformer.get({ name: config.nodeName }),
      isComplete: () => staticPods.isComplete,
      isRunning: (name) => this.#manager?.isStaticRunning(name) === true,
    });
    this.#mirrors = mirrors;
    return new PodManager({
      client,
      staticPods,
      mirrors,
      informer: podInformer,
      engine,
      clock,
      log,
      random: random.stream('pods'),
      runtime,
      prober,
      backoff: new BackoffTable(),
      volumes,
      references,
      tokens,
      cgroups: this.#cgroups,
      statuses: new StatusWriter(client, clock, log, random.stream('statuses')),
      engineName,
      facts: { nodeName: config.nodeName, hostIp: config.nodeIp, allocatable: this.#allocatable },
      settings: {
        clusterDomain: config.clusterDomain,
        clusterDns: config.clusterDns,
        hostDns: parseResolvConf(readHostDns(config.resolvConf)),
        podLogsDir: config.podLogsDir,
      },
      admit: (pod, others) =>
        admitPod({
          pod,
          node: nodeInformer.get({ name: config.nodeName }),
          others,
          allocatable: this.#allocatable,
          pressures: this.#pressures,
          confines: { appArmor: facts.hasAppArmor === true, supplementalGroupsPolicy: this.#hasGroupsPolicy },
          allowedSysctls: config.allowedSysctls,
        }),
    });
  }

  async #engineVersion(): Promise<{ name: string; version: string }> {
    const { engine, clock, log } = this.#ports;
    for (;;) {
      try {
        return await engine.version();
      } catch (err) {
        log.warn({ err }, 'waiting for the container engine');
        await clock.sleep(1000, this.#stop.signal);
      }
    }
  }

  async #engineStatus(): Promise<EngineStatus> {
    const status = await this.#ports.engine.status();
    this.#hasGroupsPolicy = status.supplementalGroupsPolicy === true;
    return status;
  }

  #makeNode(engineVersion: string, seen: () => Node | undefined, manager: PodManager, csi: Csi): NodeAgent {
    const { config, client, engine, clock, log, facts, measure } = this.#ports;
    return new NodeAgent(client, clock, log, {
      name: config.nodeName,
      ip: config.nodeIp,
      facts,
      labels: config.labels,
      taints: config.taints,
      port: config.port,
      agentPort: config.agentPort,
      capacity: capacityOf(facts, podsMax(config, facts)),
      allocatable: this.#allocatable,
      seen,
      pressures: () => {
        this.#pressures = this.#pressureMemory.update(pressures(measure(), config.evictionHard), clock.monotonicMs());
        return this.#pressures;
      },
      statusPeriodMs: config.statusPeriodMs,
      leaseSeconds: config.leaseSeconds,
      engineVersion,
      problems: async () => {
        const silentMs = clock.monotonicMs() - manager.lastRelistMs;
        if (Number.isFinite(silentMs) && silentMs > silentEngineMs)
          return [`PLEG is not healthy: pleg was last seen active ${Math.round(silentMs / 1000)}s ago`];
        try {
          return (await this.#engineStatus()).problems;
        } catch (error) {
          return [`container runtime is down: ${(error as Error).message}`];
        }
      },
      images: () => engine.images(),
      volumes: { inUse: () => csi.volumesInUse(), reported: (names) => csi.reported(names) },
      features: () => ({ supplementalGroupsPolicy: this.#hasGroupsPolicy }),
    });
  }
}

function isHollow({ endpoint }: KubeletConfig): boolean {
  return endpoint.startsWith('hollow://');
}

function podsMax({ maxPods, podsPerCore }: KubeletConfig, { cpus }: MachineFacts): number {
  return podsPerCore > 0 ? Math.min(maxPods, podsPerCore * cpus) : maxPods;
}

function readHostDns(path: string): string {
  return path === '' ? '' : readFileSync(path, 'utf8');
}
