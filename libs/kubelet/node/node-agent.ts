// Registers this node, keeps its status and its lease (pkg/kubelet/kubelet_node_status.go, component-helpers/apimachinery/lease).
import type { Lease, Node, NodeCondition } from '@drydock/api/generated/types.ts';
import { leases, nodes } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { type Clock, formatMicroTime, formatTime, parseTime } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Image } from '../engine/engine.ts';
import { extendedAllocatable } from './extended-resources.ts';
import type { Pressure } from './thresholds.ts';

export const leaseNamespace = 'kube-node-lease';
/** Images in a node's status, the largest first (upstream: nodeStatusMaxImages). */
const imagesMax = 50;
const registerRetryMs = 1_000;
const leaseRetryMs = 2_000;
/** A status that has not changed is written this often all the same (nodeStatusReportFrequency). */
const reportMs = 300_000;

export interface MachineFacts {
  readonly hostname: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
  readonly kernel: string;
  readonly osImage: string;
  readonly machineId: string;
  readonly bootId: string;
  readonly architecture: string;
  /** Whether the kernel enforces AppArmor profiles; unless said it does not. */
  readonly hasAppArmor?: boolean;
}

export interface NodeOptions {
  readonly name: string;
  readonly ip: string;
  readonly facts: MachineFacts;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly { key: string; value?: string; effect: string }[];
  readonly port: number;
  readonly agentPort: number;
  readonly capacity: Readonly<Record<string, string>>;
  readonly allocatable: Readonly<Record<string, string>>;
  /** The node as the watch has it; undefined where there is none, or none yet. */
  readonly seen: () => Node | undefined;
  /** What the node is short of now. */
  readonly pressures: () => ReadonlySet<Pressure>;
  readonly statusPeriodMs: number;
  readonly leaseSeconds: number;
  readonly engineVersion: string;
  /** Why pods cannot run now; empty where they can. */
  readonly problems: () => Promise<readonly string[]>;
  readonly images: () => Promise<Image[]>;
  /** Volumes that are attached to this node only; names as in `volumesInUse`. Undefined: there are none. */
  readonly volumes?: {
    /** Undefined where that is not known: what was said of it stands. */
    readonly inUse: () => Promise<readonly string[] | undefined>;
    /** The apiserver has been told these. */
    readonly reported: (names: readonly string[]) => void;
  };
  /** What the engine can do beyond running pods. */
  readonly features?: () => NonNullable<NonNullable<Node['status']>['features']>;
}

/** Condition, then reason and message while it holds, then while it does not. */
const pressureTexts = [
  [
    'MemoryPressure',
    'KubeletHasInsufficientMemory',
    'kubelet has insufficient memory available',
    'KubeletHasSufficientMemory',
    'kubelet has sufficient memory available',
  ],
  [
    'DiskPressure',
    'KubeletHasDiskPressure',
    'kubelet has disk pressure',
    'KubeletHasNoDiskPressure',
    'kubelet has no disk pressure',
  ],
  [
    'PIDPressure',
    'KubeletHasInsufficientPID',
    'kubelet has insufficient PID available',
    'KubeletHasSufficientPID',
    'kubelet has sufficient PID available',
  ],
] as const;

export class NodeAgent {
  readonly #client: ApiClient;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #options: NodeOptions;
  readonly #stop = new AbortController();
  #uid = '';
  #held: Lease | undefined;
  /** The node's object was there, and is not any more. */
  #isGone = false;
  #written = '';
  #writtenAtMs = Number.NEGATIVE_INFINITY;
  /** The end of the line: an older status is not to follow a newer one. */
  #last: Promise<unknown> = Promise.resolve();
  readonly #transitions = new Map<string, { status: string; atMs: number }>();

  constructor(client: ApiClient, clock: Clock, log: Log, options: NodeOptions) {
    this.#client = client;
    this.#clock = clock;
    this.#log = log;
    this.#options = options;
  }

  start(): void {
    void this.#keep('node status', this.#options.statusPeriodMs, registerRetryMs, () => this.#status());
    void this.#keep('node lease', this.#options.leaseSeconds * 250, leaseRetryMs, () => this.#lease());
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Somebody has deleted the node: that stands, until somebody makes it again or this process is started anew. */
  deleted(uid: string): void {
    if (this.#uid !== uid) return;
    this.#log.warn({ node: this.#options.name }, 'the node was deleted; it is registered again when this kubelet is restarted');
    this.#isGone = true;
  }

  async #keep(what: string, periodMs: number, retryMs: number, act: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      let waitMs = periodMs;
      try {
        await act();
      } catch (err) {
        // Without its node there is nothing to hurry for.
        if (!this.#isGone) waitMs = Math.min(retryMs, periodMs);
        if (!signal.aborted) this.#log.warn({ err }, `${what} not written; trying again`);
      }
      await this.#clock.sleep(waitMs, signal).catch(() => {});
    }
  }

  /** Writes the status now, where anything of it has changed. Rejects where that fails. */
  report(): Promise<void> {
    return this.#status();
  }

  #status(): Promise<void> {
    const turn = this.#last.then(() => this.#write());
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #write(): Promise<void> {
    // Once in the life of this process (registrationCompleted of the original).
    if (this.#uid === '') await this.#register();
    const current = await this.#currentStatus();
    const { seen } = this.#options;
    const status = { ...current, allocatable: { ...extendedAllocatable(seen() ?? {}), ...current.allocatable } };
    const now = this.#clock.monotonicMs();
    const { volumes } = this.#options;
    const inUse = await volumes?.inUse();
    const text = JSON.stringify([status, inUse]);
    if (!this.#isGone && text === this.#written && now - this.#writtenAtMs < reportMs) return;
    const heartbeat = formatTime(this.#clock.wallMs());
    const conditions = status.conditions?.map((each) => ({ ...each, lastHeartbeatTime: heartbeat }));
    // null takes it away.
    const volumesInUse = inUse?.length === 0 ? null : inUse;
    const body = { status: { ...status, conditions, volumesInUse } };
    try {
      const key = { name: this.#options.name };
      const there = await this.#client.patch(nodes, key, { type: 'strategic', body }, { subresource: 'status' });
      this.#uid = there.metadata?.uid ?? this.#uid;
      this.#isGone = false;
      if (inUse !== undefined) volumes?.reported(inUse);
    } catch (error) {
      if (hasReason(error, 'NotFound')) this.#isGone = true;
      throw error;
    }
    this.#written = text;
    this.#writtenAtMs = now;
  }

  async #register(): Promise<void> {
    const { name, labels, taints, agentPort, facts } = this.#options;
    const own = {
      'kubernetes.io/hostname': name,
      'kubernetes.io/os': 'linux',
      'kubernetes.io/arch': facts.architecture,
      'beta.kubernetes.io/os': 'linux',
      'beta.kubernetes.io/arch': facts.architecture,
      ...labels,
    };
    const annotations = {
      'volumes.kubernetes.io/controller-managed-attach-detach': 'true',
      ...(agentPort > 0 ? { 'drydock.dev/node-agent-port': String(agentPort) } : {}),
    };
    const node: Node = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: own, annotations },
      spec: { ...(taints.length > 0 ? { taints: [...taints] } : {}) },
      status: await this.#currentStatus(),
    };
    try {
      const made = await this.#client.create(nodes, node);
      this.#uid = made.metadata?.uid ?? 'unknown';
      this.#log.info({ node: name }, 'Successfully registered node');
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error;
      const there = await this.#client.patch(
        nodes,
        { name },
        { type: 'strategic', body: { metadata: { labels: own, annotations } } },
      );
      this.#uid = there.metadata?.uid ?? 'unknown';
      // What was so before this kubelet started has been so for longer than it runs.
      for (const { type, status, lastTransitionTime } of there.status?.conditions ?? []) {
        const atMs = parseTime(lastTransitionTime);
        if (atMs !== undefined) this.#transitions.set(type, { status, atMs });
      }
      this.#log.info({ node: name }, 'Node was previously registered');
    }
  }

  async #currentStatus(): Promise<NonNullable<Node['status']>> {
    const { facts, ip, name, port, capacity, allocatable, engineVersion } = this.#options;
    const problems = await this.#options.problems();
    const images = problems.length > 0 ? [] : await this.#options.images();
    return {
      addresses: [
        { type: 'InternalIP', address: ip },
        { type: 'Hostname', address: name },
      ],
      capacity,
      allocatable,
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
      nodeInfo: {
        machineID: facts.machineId,
        systemUUID: facts.machineId,
        bootID: facts.bootId,
        kernelVersion: facts.kernel,
        osImage: facts.osImage,
        containerRuntimeVersion: engineVersion,
        kubeletVersion: 'v1.36.2-drydock',
        kubeProxyVersion: '',
        operatingSystem: 'linux',
        architecture: facts.architecture,
      },
      ...(this.#options.features === undefined ? {} : { features: this.#options.features() }),
      images: images
        .sort((a, b) => b.sizeBytes - a.sizeBytes)
        .slice(0, imagesMax)
        .map(({ tags, digests, sizeBytes }) => ({ names: [...digests, ...tags], sizeBytes })),
      conditions: this.#conditions(problems),
    };
  }

  #conditions(problems: readonly string[]): NodeCondition[] {
    const ready = problems.length === 0;
    const under = this.#options.pressures();
    const wanted = [
      ...pressureTexts.map(([type, yes, yesText, no, noText]) =>
        under.has(type) ? ([type, 'True', yes, yesText] as const) : ([type, 'False', no, noText] as const),
      ),
      [
        'Ready',
        ready ? 'True' : 'False',
        ready ? 'KubeletReady' : 'KubeletNotReady',
        ready ? 'kubelet is posting ready status' : problems.join(', '),
      ],
    ] as const;
    return wanted.map(([type, status, reason, message]) => {
      const before = this.#transitions.get(type);
      const atMs = before?.status === status ? before.atMs : this.#clock.wallMs();
      this.#transitions.set(type, { status, atMs });
      return { type, status, reason, message, lastTransitionTime: formatTime(atMs) };
    });
  }

  /** A lease without its node would be collected, and made again, without end. */
  async #lease(): Promise<void> {
    if (!this.#isGone) await this.#renew();
    else this.#held = undefined;
  }

  /** One write per period: what was written last is the base of the next one, and is read again only where that fails. */
  async #renew(): Promise<void> {
    const { name, leaseSeconds } = this.#options;
    const key = { namespace: leaseNamespace, name };
    const lease = this.#held ?? (await this.#readLease(key));
    const owners = this.#uid === '' ? undefined : [{ apiVersion: 'v1', kind: 'Node', name, uid: this.#uid }];
    const renewTime = formatMicroTime(this.#clock.wallMs());
    const wanted: Lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { ...lease?.metadata, ...key, ...(owners === undefined ? {} : { ownerReferences: owners }) },
      spec: { ...lease?.spec, holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime },
    };
    this.#held = undefined;
    this.#held = await (lease === undefined ? this.#client.create(leases, wanted) : this.#client.update(leases, wanted));
  }

  async #readLease(key: { namespace: string; name: string }): Promise<Lease | undefined> {
    try {
      return await this.#client.get(leases, key);
    } catch (error) {
      if (hasReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }
}
