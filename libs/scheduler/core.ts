// The scheduler without its effects: told what the API shows, it says pod by pod what to do. Synchronous; same input, same output.
import type {
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  PodDisruptionBudget,
  StorageClass,
} from '@drydock/api/generated/types.ts';
import type { RandomStream } from '@drydock/foundation/random.ts';
import { ClusterCache, hasEnded } from './cache.ts';
import { fitErrorMessage } from './fit-error.ts';
import type { ClusterEvent, Profile } from './framework.ts';
import type { NodeInfo, PodInfo } from './node-info.ts';
import { podInfoOf } from './node-info.ts';
import { planPreemption, priorityOf } from './preemption.ts';
import { defaultQueueConfig, type QueueConfig, SchedulingQueue } from './queue.ts';
import { type ScheduleResult, schedulePod } from './schedule-pod.ts';
import { type ClaimChoice, VolumesKnown } from './volumes-known.ts';

/** What to do about one pod. */
export type Decision =
  /** Post a Binding. The pod counts on the node from now on; tell the outcome by `bound` or `bindFailed`. */
  | {
      readonly kind: 'bind';
      readonly pod: Pod;
      readonly node: string;
      /** What is to be done about its claims first. */
      readonly volumes: readonly ClaimChoice[];
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
  readonly #profile: Profile;
  readonly #random: RandomStream;
  readonly #cache = new ClusterCache();
  readonly #volumes: VolumesKnown;
  readonly #queue: SchedulingQueue;
  readonly #nominated = new Map<string, Nomination>();
  #budgets: readonly PodDisruptionBudget[] = [];
  #startAt = 0;

  /** @param volumes what the profile's plugins know of volumes, too. */
  constructor(profile: Profile, random: RandomStream, queue: QueueConfig = defaultQueueConfig, volumes = new VolumesKnown()) {
    this.#profile = profile;
    this.#volumes = volumes;
    this.#random = random;
    this.#queue = new SchedulingQueue(queue);
  }

  nodeChanged(node: Node, nowMs: number): void {
    this.#wake(this.#cache.setNode(node), nowMs);
  }

  nodeDeleted(name: string): void {
    this.#cache.removeNode(name);
  }

  budgetsChanged(budgets: readonly PodDisruptionBudget[]): void {
    this.#budgets = budgets;
  }

  claimChanged(key: string, claim: PersistentVolumeClaim | undefined, nowMs: number): void {
    this.#wake(this.#volumes.claimChanged(key, claim), nowMs);
  }

  volumeChanged(name: string, volume: PersistentVolume | undefined, nowMs: number): void {
    this.#wake(this.#volumes.volumeChanged(name, volume), nowMs);
  }

  classChanged(name: string, storageClass: StorageClass | undefined, nowMs: number): void {
    this.#wake(this.#volumes.classChanged(name, storageClass), nowMs);
  }

  /** The claim as it was seen last. */
  claim(key: string): PersistentVolumeClaim | undefined {
    return this.#volumes.claim(key);
  }

  /** A pod was created or changed, with or without a node, ours or another scheduler's. */
  podChanged(pod: Pod, nowMs: number): void {
    const uid = pod.metadata?.uid ?? '';
    if (pod.spec?.nodeName) {
      this.#queue.remove(uid);
      this.#nominated.delete(uid);
      this.#profile.volumes.unreserve(uid);
      this.#wake(this.#cache.setPod(pod), nowMs);
      return;
    }
    if (hasEnded(pod) || pod.metadata?.deletionTimestamp !== undefined) {
      this.podDeleted(uid, nowMs);
      return;
    }
    if (pod.spec?.schedulerName !== undefined && pod.spec.schedulerName !== this.#profile.schedulerName) return;
    // An event from before our own binding: the pod is placed already, and the confirmation is on its way.
    if (this.#cache.isAssumed(uid)) return;
    const info = podInfoOf(pod);
    this.#followNomination(uid, info);
    this.#queue.put(info, nowMs);
  }

  podDeleted(uid: string, nowMs: number): void {
    this.#queue.remove(uid);
    this.#nominated.delete(uid);
    this.#profile.volumes.unreserve(uid);
    this.#wake(this.#cache.removePod(uid), nowMs);
  }

  /** Decides about the next pod, or undefined where none is ready; `nextWakeMs` says when to ask again unprompted. */
  next(nowMs: number): Decision | undefined {
    const queued = this.#queue.pop(nowMs);
    if (queued === undefined) return undefined;
    const { info } = queued;
    const nodes = this.#nodesFor(info);
    const result = this.#place(info, nodes);
    if (result.kind === 'fits') {
      this.#startAt = nodes.length === 0 ? 0 : (this.#startAt + result.evaluated) % nodes.length;
      this.#cache.assume(info, result.node);
      const node = this.#cache.node(result.node)?.node ?? {};
      return { kind: 'bind', pod: info.pod, node: result.node, volumes: this.#profile.volumes.reserve(info, node) };
    }
    const rejected = new Set([...result.rejections.values()].map((rejection) => rejection.plugin));
    const wakesOn = this.#profile.filters.filter((plugin) => rejected.has(plugin.name)).flatMap((plugin) => plugin.wakesOn);
    this.#queue.setAside(info.uid, nodes.length === 0 ? ['nodeAdded'] : wakesOn, nowMs);
    const message = fitErrorMessage(result.nodes, result.rejections.values(), result.why);
    if (nodes.length === 0) return this.#unschedulable(info, message, false);
    // Upstream's words: its preemption finds no node of which anything is known.
    if (result.why !== undefined) return this.#unschedulable(info, `${message} not found`, false);
    const own = this.#nominated.get(info.uid)?.node;
    const plan = planPreemption(info, own, nodes, result.rejections, this.#profile, this.#budgets);
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
    this.#profile.volumes.unreserve(uid);
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

  /** The node for which the pod is nominated, where it fits; else the best of all. */
  #place(info: PodInfo, nodes: readonly NodeInfo[]): ScheduleResult {
    const own = this.#nominated.get(info.uid)?.node;
    const nominated = nodes.filter((node) => node.name === own);
    if (nominated.length > 0) {
      const result = schedulePod(info, nominated, this.#profile, this.#random);
      if (result.kind === 'fits') return { ...result, evaluated: 0 };
    }
    return schedulePod(info, nodes, this.#profile, this.#random, this.#startAt);
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

  /** The nodes as this pod must see them: room that is kept for nominated pods of its priority or more is taken. */
  #nodesFor(info: PodInfo): NodeInfo[] {
    const nodes = this.#cache.nodes();
    const others = [...this.#nominated.values()].filter(
      (other) => other.info.uid !== info.uid && priorityOf(other.info) >= priorityOf(info),
    );
    if (others.length === 0) return nodes;
    return nodes.map((node) => {
      const here = others.filter((other) => other.node === node.name);
      if (here.length === 0) return node;
      const copy = node.clone();
      for (const other of here) copy.addPod(other.info);
      return copy;
    });
  }

  #wake(events: readonly ClusterEvent[], nowMs: number): void {
    for (const event of events) this.#queue.onEvent(event, nowMs);
  }
}
