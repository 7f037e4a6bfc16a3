// A node in a world of its own: an apiserver in memory, an engine with processes, a folder, virtual time; and a kubelet in it that
// can be ended at any call and started anew. Nothing here sleeps: time moves when everything has come to rest.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Pod } from '@drydock/api/generated/types.ts';
import { pods } from '@drydock/api/resource.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { MemoryApi } from '@drydock/client/testing/memory-api.ts';
import { MemoryStore } from '@drydock/client/testing/memory-store.ts';
import { silentLog } from '@drydock/foundation/log.ts';
import { SeededRandom } from '@drydock/foundation/random.ts';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import type { KubeletConfig } from '../config.ts';
import type { CgroupFs } from '../container/cgroup-fs.ts';
import type { ContainerEngine } from '../engine/engine.ts';
import { Kubelet } from '../kubelet.ts';
import { Handlers } from '../probes/handlers.ts';
import type { StaticSource } from '../static/source.ts';
import { mirrored } from '../static/static-pod.ts';
import type { DriverModel } from '../volumes/csi/testing/driver-model.ts';
import { Disk } from './disk.ts';
import type { Entry } from './journal.ts';
import { engineOf, type Fate, Life, LifeClient, LifeClock, type Point } from './life.ts';
import { NodeDrivers } from './node-drivers.ts';
import { namespace, nodeName } from './pods.ts';
import { ProcessEngine } from './process-engine.ts';

/** Nothing of a world is to outlast it. */
const memoryFolder = '/dev/shm';
const gibibyte = 1024 ** 3;

export interface WorldOptions {
  /** Of the node; default 8. */
  readonly cpus?: number;
  /** From the end of a kubelet by a fate to its next start. */
  readonly restartMs?: number;
  /** Puts a defect between the kubelet and the engine: a check that cannot fail shows nothing. */
  readonly plantInEngine?: (engine: ContainerEngine) => ContainerEngine;
  /** Of each kubelet that starts. */
  readonly staticSources?: () => readonly StaticSource[];
  readonly plantInClient?: (client: ApiClient) => ApiClient;
  /** CSI drivers of the node, by name. */
  readonly drivers?: Readonly<Record<string, DriverModel>>;
}

export class KubeletWorld {
  readonly clock = new VirtualClock();
  readonly store = new MemoryStore();
  readonly journal: Entry[] = [];
  readonly engine: ProcessEngine;
  /** Somebody else, whose calls always work. */
  readonly user: MemoryApi;
  readonly folder = mkdtempSync(`${existsSync(memoryFolder) ? memoryFolder : tmpdir()}/drydock-kubelet-world-`);
  /** Asked for every call of the kubelet. */
  fate: (point: Point) => Fate = () => undefined;
  readonly #options: WorldOptions;
  readonly #disk = new Disk();
  readonly #drivers: NodeDrivers;
  #lives = 0;
  #life: { readonly life: Life; readonly kubelet: Kubelet; readonly clock: LifeClock; readonly api: MemoryApi } | undefined;
  /** Timers of an idle kubelet: leases, lists, ... */
  #idleTimers = 0;

  constructor(options: WorldOptions = {}) {
    this.#options = options;
    this.#drivers = new NodeDrivers(options.drivers ?? {}, {
      runs: (uid) => this.engine.runningOf(uid).length > 0,
    });
    this.engine = new ProcessEngine(this.clock, (entry) => {
      this.journal.push(entry);
      if (entry.what === 'start') this.#drivers.started(this.store.list('pods') as Pod[], entry.uid);
    });
    this.user = this.#server('user');
    let revision = this.store.revision;
    this.store.onChange(() => {
      for (const change of this.store.since(revision) ?? []) {
        revision = change.revision;
        if (change.resource === 'pods') this.#noted(change.before as Pod | undefined, change.after as Pod | undefined);
      }
    });
  }

  /** Starts a kubelet and lets it come to rest. */
  async boot(): Promise<void> {
    this.restart();
    await this.advance(2_000);
    this.#idleTimers = this.#life?.clock.timers ?? 0;
  }

  /** The kubelet is gone, in the middle of whatever it does. */
  crash(): void {
    this.#life?.life.end();
  }

  restart(): void {
    const { clock, journal } = this;
    const name = `kubelet-${this.#lives++}`;
    if (this.#lives > 1) journal.push({ what: 'restart', atMs: clock.monotonicMs() });
    const random = new SeededRandom(name);
    const life = new Life(
      (point) => this.fate(point),
      () => {
        journal.push({ what: 'crash', atMs: clock.monotonicMs() });
        const { restartMs = 1_000 } = this.#options;
        if (Number.isFinite(restartMs)) clock.timer(restartMs, () => this.restart());
      },
    );
    const lifeClock = new LifeClock(clock, life);
    const { plantInEngine = (same: ContainerEngine) => same, plantInClient = (same: ApiClient) => same } = this.#options;
    const engine = plantInEngine(engineOf(this.engine, life));
    const api = this.#server(name);
    const kubelet = new Kubelet({
      config: this.#config(),
      client: plantInClient(new LifeClient(api, life)),
      engine,
      clock: lifeClock,
      random,
      log: silentLog,
      facts: { ...machine, cpus: this.#options.cpus ?? 8 },
      measure: () => ({}),
      cgroupFs: {} as CgroupFs,
      staticSources: this.#options.staticSources?.() ?? [],
      handlers: new Handlers(engine, lifeClock),
      calls: this.#disk.callsOf(life),
      ...(this.#drivers.isNone ? {} : { plugins: this.#drivers.pluginsOf(life) }),
    });
    this.#life = { life, kubelet, clock: lifeClock, api };
    void kubelet.start();
  }

  get kubelet(): Kubelet {
    if (this.#life === undefined) throw new Error('no kubelet has been started');
    return this.#life.kubelet;
  }

  /** The apiserver that the kubelet listens to. */
  get api(): MemoryApi {
    if (this.#life === undefined) throw new Error('no kubelet has been started');
    return this.#life.api;
  }

  async create(pod: Pod): Promise<Pod> {
    return this.user.create<Pod>(pods, pod);
  }

  async delete(name: string, gracePeriodSeconds?: number): Promise<void> {
    await this.user.delete(pods, { namespace, name }, gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds });
  }

  pod(name: string): Pod | undefined {
    return this.store.get('pods', `${namespace}/${name}`) as Pod | undefined;
  }

  nowMs(): number {
    return this.clock.monotonicMs();
  }

  /** Lets time pass; each moment comes to rest before the next one. */
  async advance(ms: number): Promise<void> {
    const endMs = this.nowMs() + ms;
    for (;;) {
      await atRest();
      const nextMs = this.clock.nextDueMs();
      if (nextMs === undefined || nextMs > endMs) break;
      this.clock.advance(nextMs - this.nowMs());
    }
    this.clock.advance(endMs - this.nowMs());
    await atRest();
  }

  /** Lets time pass until `condition` holds; throws where it does not within `limitMs`. */
  async until(what: string, condition: () => boolean, limitMs: number): Promise<void> {
    const endMs = this.nowMs() + limitMs;
    for (;;) {
      await atRest();
      if (condition()) return;
      const nextMs = this.clock.nextDueMs();
      if (nextMs === undefined || nextMs > endMs) {
        const seen = (this.store.list('pods') as Pod[]).map(
          ({ metadata, status }) => `${metadata?.name} ${JSON.stringify(status)}`,
        );
        throw new Error(`not within ${limitMs} ms: ${what}; ${seen.join('; ')}`);
      }
      this.clock.advance(nextMs - this.nowMs());
    }
  }

  async untilPhase(name: string, phase: string, limitMs: number): Promise<void> {
    await this.until(`${name} is ${phase}`, () => this.pod(name)?.status?.phase === phase, limitMs);
  }

  async untilReady(name: string, limitMs: number, verdict = 'True'): Promise<void> {
    await this.until(`Ready of ${name} is ${verdict}`, () => conditionOf(this.pod(name), 'Ready') === verdict, limitMs);
  }

  async untilGone(name: string, limitMs: number): Promise<void> {
    await this.until(`${name} is gone`, () => this.pod(name) === undefined, limitMs);
  }

  /** What is there of pods that the apiserver does not have, and timers that nobody waits for; empty where all is well. */
  async leaks(): Promise<string[]> {
    // What runs for a mirror has the uid of what it mirrors.
    const known = new Set(this.store.list('pods').map((each) => mirrored(each as Pod) ?? each.metadata?.uid));
    const left = (list: readonly { podUid: string; id: string }[], what: string) =>
      list.filter(({ podUid }) => !known.has(podUid)).map(({ id }) => `${what} ${id}`);
    const folders = (below: string, uidOf: (name: string) => string | undefined) =>
      (existsSync(`${this.folder}/${below}`) ? readdirSync(`${this.folder}/${below}`) : [])
        .filter((name) => !known.has(uidOf(name)))
        .map((name) => `folder ${below}/${name}`);
    const timers = known.size === 0 ? (this.#life?.clock.timers ?? 0) - this.#idleTimers : 0;
    return [
      ...left(await this.engine.listSandboxes(), 'sandbox'),
      ...left(await this.engine.listContainers(), 'container'),
      ...folders('root/pods', (name) => name),
      ...folders('logs', (name) => name.split('_')[2]),
      ...(timers > 0 ? [`${timers} timers`] : []),
      ...this.#drivers.leaks(known),
    ];
  }

  /** What was asked of drivers, or done without them, that is not allowed. */
  get driverFaults(): readonly string[] {
    return this.#drivers.faults();
  }

  /** Ends its kubelet and removes what it has on the disk. */
  async remove(): Promise<void> {
    this.#life?.life.end();
    await atRest();
    this.#disk.closeAll();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #noted(before: Pod | undefined, after: Pod | undefined): void {
    const uid = (after ?? before)?.metadata?.uid ?? '';
    const running = this.engine.runningOf(uid).map((id) => this.engine.nameOf(id));
    const hasFolder = existsSync(`${this.folder}/root/pods/${uid}`);
    this.journal.push({ what: 'pod', uid, before, after, running, hasFolder, atMs: this.nowMs() });
  }

  #server(name: string): MemoryApi {
    return new MemoryApi({ clock: this.clock, random: new SeededRandom(name) }, this.store);
  }

  #config(): KubeletConfig {
    return {
      kubeconfig: '',
      nodeName,
      nodeIp: '192.0.2.1',
      rootDir: `${this.folder}/root`,
      endpoint: 'hollow://',
      address: '',
      port: 0,
      agentPort: 0,
      healthzAddress: '',
      healthzPort: 0,
      clientCaFile: '',
      certFile: '',
      keyFile: '',
      webhook: false,
      seccompDefault: false,
      machine: { noSwap: false, noCgroupV1: false, kernelDefaults: false },
      podPidsLimit: undefined,
      podsPerCore: 0,
      enforcePods: true,
      featureGates: {},
      withoutEffect: [],
      strictWarning: undefined,
      cgroupRoot: '/',
      clusterDomain: 'cluster.local',
      clusterDns: [],
      resolvConf: '',
      podLogsDir: `${this.folder}/logs`,
      maxPods: 110,
      evictionHard: {},
      pressureTransitionMs: 300_000,
      reserved: { system: {}, kube: {} },
      allowedSysctls: [],
      logBytesMax: 0,
      logFilesMax: 5,
      apiRate: undefined,
      eventRate: undefined,
      statusPeriodMs: 10_000,
      leaseSeconds: 40,
      labels: {},
      taints: [],
    };
  }
}

const machine = {
  hostname: nodeName,
  memoryBytes: 16 * gibibyte,
  storageBytes: 100 * gibibyte,
  kernel: '',
  osImage: '',
  machineId: '',
  bootId: '',
  architecture: 'amd64',
};

export function conditionOf(pod: Pod | undefined, type: string): string | undefined {
  return pod?.status?.conditions?.find((each) => each.type === type)?.status;
}

/** Resolves when no promise callback is ready: whatever is awaited here answers at once or by the clock. */
async function atRest(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
