// The scheduler without its effects: told what the API shows, it says pod by pod what to do. Synchronous; same input, same output.
import type { Namespace, Node, PersistentVolumeClaim, Pod, PodDisruptionBudget } from '@drydock/api/generated/types.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import { ClusterCache, hasEnded } from './cache.ts';
import type { Cluster } from './cluster.ts';
import type { ClusterEvent } from './cluster-event.ts';
import { fitErrorMessage } from './fit-error.ts';
import type { FilterPlugin, Profile, Rejection } from './framework.ts';
import type { PodInfo } from './node-info.ts';
import { podInfoOf } from './node-info.ts';
import { planPreemption, priorityOf } from './preemption.ts';
import { emptyKnown, type Known } from './profile.ts';
import { defaultQueueConfig, type QueueConfig, SchedulingQueue } from './queue.ts';
import { type ScheduleResult, schedulePod } from './schedule-pod.ts';
import type { ClaimChoice, VolumesKnown } from './volumes-known.ts';
import type { WorkloadsKnown } from './workloads-known.ts';

/** What to do about one pod. */
export type Decision =
  /** Post a Binding. The pod counts on the node from now on; tell the outcome by `bound` or `bindFailed`. */
  | {
      readonly kind: 'bind';
      readonly pod: Pod;
      readonly node: string;
      /** What is to be done about its claims first. */
      readonly volumes: readonly ClaimChoice[];
      /** How long they may take. */
      readonly bindTimeoutMs: number;
    }
  /**
   * Delete the victims; where one cannot be deleted, tell it by `preemptionFailed`. Then write the condition PodScheduled=False with
   * this message, and an event.
   */
  | {
      readonly kind: 'unschedulable';
      readonly pod: Pod;
      readonly message: string;
      readonly victims: readonly Pod[];
      /** The node to nominate; null: take the nomination back; undefined: leave it as it is. */
      readonly nominate: string | null | undefined;
      /** Pods of lower priority whose nomination for that node is to be taken back. */
      readonly displaced: readonly Pod[];
    };

interface Nomination {
  readonly info: PodInfo;
  readonly node: string;
  /** Whether the API shows it; before that, a pod without it is only a pod seen before it was written. */
  readonly stored: boolean;
}

export class SchedulerCore {
  readonly #profiles: ReadonlyMap<string, Profile>;
  readonly #random: RandomStream;
  readonly #cache = new ClusterCache();
  readonly #known: Known;
  readonly #queue: SchedulingQueue;
  readonly #nominated = new Map<string, Nomination>();
  #budgets: readonly PodDisruptionBudget[] = [];
  #startAt = 0;

  /** @param known what the profiles' plugins know of, too. */
  constructor(
    profiles: readonly Profile[],
    random: RandomStream,
    queue: QueueConfig = defaultQueueConfig,
    known: Known = emptyKnown(),
  ) {
    this.#profiles = new Map(profiles.map((profile) => [profile.schedulerName, profile]));
    this.#known = known;
    this.#random = random;
    this.#queue = new SchedulingQueue(queue);
  }

  nodeChanged(node: Node, nowMs: number): void {
    this.#wake(this.#cache.setNode(node), nowMs);
  }

  nodeDeleted(name: string, nowMs: number): void {
    this.#wake(this.#cache.removeNode(name), nowMs);
  }

  namespaceChanged(name: string, namespace: Namespace | undefined, nowMs: number): void {
    this.#wake(this.#cache.setNamespace(name, namespace), nowMs);
  }

  budgetsChanged(budgets: readonly PodDisruptionBudget[]): void {
    this.#budgets = budgets;
  }

  /** Something was learnt about volumes. */
  volumesChanged(learn: (known: VolumesKnown) => readonly ClusterEvent[], nowMs: number): void {
    this.#wake(learn(this.#known.volumes), nowMs);
  }

  /** Something was learnt about Services and workloads: it changes what pods prefer, not where they may go. */
  workloadsChanged(learn: (known: WorkloadsKnown) => void): void {
    learn(this.#known.workloads);
  }

  /** The claim as it was seen last. */
  claim(key: string): PersistentVolumeClaim | undefined {
    return this.#known.volumes.claim(key);
  }

  /** A pod was created or changed, with or without a node, ours or another scheduler's. */
  podChanged(pod: Pod, nowMs: number): void {
    const uid = pod.metadata?.uid ?? '';
    if (pod.spec?.nodeName) {
      this.#queue.remove(uid);
      this.#nominated.delete(uid);
      this.#unreserve(uid);
      this.#wake(this.#cache.setPod(pod), nowMs);
      return;
    }
    if (hasEnded(pod) || pod.metadata?.deletionTimestamp !== undefined) {
      this.podDeleted(uid, nowMs);
      return;
    }
    const profile = this.#profileOf(pod);
    if (profile === undefined) return;
    const info = podInfoOf(pod);
    // An event from before our own binding: the pod is placed already, and the confirmation is on its way.
    if (this.#cache.isAssumed(uid)) {
      this.#queue.refresh(info);
      return;
    }
    this.#followNomination(uid, info);
    this.#queue.put(info, nowMs, profile.gates && (pod.spec?.schedulingGates ?? []).length > 0);
  }

  podDeleted(uid: string, nowMs: number): void {
    this.#queue.remove(uid);
    this.#nominated.delete(uid);
    this.#unreserve(uid);
    this.#wake(this.#cache.removePod(uid), nowMs);
  }

  /** Decides about the next pod, or undefined where none is ready; `nextWakeMs` says when to ask again unprompted. */
  next(nowMs: number): Decision | undefined {
    const queued = this.#queue.pop(nowMs);
    if (queued === undefined) return undefined;
    const { info } = queued;
    const profile = this.#profileOf(info.pod);
    if (profile === undefined) throw new RangeError(`no profile for pod ${info.uid}`);
    const cluster = this.#clusterFor(info);
    const result = this.#place(info, cluster, profile);
    if (result.kind === 'fits') return this.#bind(info, result, cluster, profile, nowMs);
    this.#setAside(info, cluster, result.rejections, profile, nowMs);
    const message = fitErrorMessage(result.nodes, result.rejections.values(), result.why);
    if (cluster.nodes.length === 0 || !profile.preempts) return this.#unschedulable(info, message, false);
    // Upstream's words: its preemption finds no node of which anything is known.
    if (result.cycle === undefined) return this.#unschedulable(info, `${message} not found`, false);
    const own = this.#nominated.get(info.uid)?.node;
    const pick = (count: number) => this.#random.int(count);
    const plan = planPreemption(info, own, cluster, result.rejections, result.cycle, this.#budgets, pick);
    if (plan.kind === 'none') return this.#unschedulable(info, `${message} ${plan.message}`, plan.waiting);
    const displaced = this.#displace(plan.node, info);
    this.#nominated.set(info.uid, { info, node: plan.node, stored: false });
    const victims = plan.victims.map((victim) => victim.pod);
    return { kind: 'unschedulable', pod: info.pod, message, victims, nominate: plan.node, displaced };
  }

  /** The API took the binding; the pod's own event confirms it later. */
  bound(uid: string): void {
    this.#queue.remove(uid);
    this.#nominated.delete(uid);
  }

  /** The API has not taken the binding: the pod waits for its back-off, its place is free again, and what it was nominated for. */
  bindFailed(uid: string, nowMs: number): void {
    this.#nominated.delete(uid);
    this.#unreserve(uid);
    this.#queue.backOff(uid, nowMs);
    this.#wake(this.#cache.forget(uid), nowMs);
  }

  /** Not all victims could be deleted: nothing is kept for the pod, which is tried again after its back-off. */
  preemptionFailed(uid: string, nowMs: number): void {
    this.#nominated.delete(uid);
    this.#queue.backOff(uid, nowMs);
  }

  /** Whether the pod counts on a node on account of a decision that the API has not confirmed. */
  isAssumed(uid: string): boolean {
    return this.#cache.isAssumed(uid);
  }

  nextWakeMs(): number | undefined {
    return this.#queue.nextWakeMs();
  }

  pendingCounts(): ReturnType<SchedulingQueue['counts']> {
    return this.#queue.counts();
  }

  #followNomination(uid: string, info: PodInfo): void {
    const node = info.pod.status?.nominatedNodeName;
    const known = this.#nominated.get(uid);
    if (node) this.#nominated.set(uid, { info, node, stored: true });
    else if (known?.stored) this.#nominated.delete(uid);
    else if (known !== undefined) this.#nominated.set(uid, { ...known, info });
  }

  #bind(
    info: PodInfo,
    { node: name, evaluated }: Extract<ScheduleResult, { kind: 'fits' }>,
    { nodes }: Cluster,
    { volumes: plugin }: Profile,
    nowMs: number,
  ): Decision {
    this.#startAt = nodes.length === 0 ? 0 : (this.#startAt + evaluated) % nodes.length;
    const volumes = plugin?.reserve(info, this.#cache.node(name)?.node ?? {}) ?? [];
    // What was nominated for the pod is now where it is.
    this.#nominated.delete(info.uid);
    this.#wake(this.#cache.assume(info, name), nowMs);
    return { kind: 'bind', pod: info.pod, node: name, volumes, bindTimeoutMs: plugin?.bindTimeoutMs ?? 0 };
  }

  /** Until something happens that helps against one of the filters that were in the way. */
  #setAside(
    info: PodInfo,
    { nodes }: Cluster,
    rejections: ReadonlyMap<string, Rejection>,
    { filters }: Profile,
    nowMs: number,
  ): void {
    const names = new Set(Array.from(rejections.values(), ({ plugin }) => plugin));
    const inTheWay = filters.filter(({ name }) => names.has(name));
    this.#queue.setAside(info.uid, nodes.length === 0 ? nodesHelp : helpAgainst(inTheWay, info), nowMs);
  }

  /** Undefined: the pod is another scheduler's. */
  #profileOf({ spec }: Pod): Profile | undefined {
    return this.#profiles.get(spec?.schedulerName ?? 'default-scheduler');
  }

  #unreserve(uid: string): void {
    this.#known.volumes.release(uid);
  }

  /** The node for which the pod is nominated, where it fits; else the best of all. */
  #place(info: PodInfo, cluster: Cluster, profile: Profile): ScheduleResult {
    const own = this.#nominated.get(info.uid)?.node;
    if (own !== undefined && cluster.node(own) !== undefined) {
      const result = schedulePod(info, cluster, profile, this.#random, 0, own);
      if (result.kind === 'fits') return { ...result, evaluated: 0 };
    }
    return schedulePod(info, cluster, profile, this.#random, this.#startAt);
  }

  /** Nothing helps: what was kept for the pod is free again, unless it is still being made. */
  #unschedulable(info: PodInfo, message: string, keep: boolean): Decision {
    const { pod } = info;
    if (!keep) this.#nominated.delete(info.uid);
    const nominate = !keep && pod.status?.nominatedNodeName ? null : undefined;
    return { kind: 'unschedulable', pod, message, victims: [], nominate, displaced: [] };
  }

  /** Takes back what pods of lower priority are nominated for on a node that one of higher priority is to get. */
  #displace(node: string, by: PodInfo): Pod[] {
    const displaced: Pod[] = [];
    for (const [uid, other] of this.#nominated) {
      if (uid === by.uid || other.node !== node || priorityOf(other.info) >= priorityOf(by)) continue;
      this.#nominated.delete(uid);
      if (other.stored) displaced.push(other.info.pod);
    }
    return displaced;
  }

  /** The cluster as this pod must see it: nominated pods of its priority or more are to have their room. */
  #clusterFor(info: PodInfo): Cluster {
    const byNode = new Map<string, PodInfo[]>();
    for (const { info: other, node } of this.#nominated.values()) {
      if (other.uid === info.uid || priorityOf(other) < priorityOf(info)) continue;
      const here = byNode.get(node);
      if (here === undefined) byNode.set(node, [other]);
      else here.push(other);
    }
    return this.#cache.cluster((node) => byNode.get(node) ?? []);
  }

  #wake(events: readonly ClusterEvent[], nowMs: number): void {
    for (const event of events) this.#queue.onEvent(event, nowMs);
  }
}

function nodesHelp({ kind }: ClusterEvent): boolean {
  return kind === 'nodeAdded';
}

/** Kept for as long as the pod waits, and so made apart: it holds on to nothing of the cycle, which had every node. */
function helpAgainst(inTheWay: readonly FilterPlugin[], info: PodInfo): (event: ClusterEvent) => boolean {
  return (event) => inTheWay.some((plugin) => plugin.helps(event, info));
}
