// The driver: feeds the core with what the informers see and carries out what it decides. No decision is made here.
import type { Pod, PodCondition } from '@drydock/api/generated/types.ts';
import { pods } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { mayHaveHappened } from '@drydock/client/errors.ts';
import { type Clock, formatTime, type Timer } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { untilBound, writeChoices } from './bind-volumes.ts';
import type { Decision, SchedulerCore } from './core.ts';
import { preemptionReason } from './preemption.ts';
import type { ClaimChoice } from './volumes-known.ts';

/** Where events go. */
export interface SchedulerEvents {
  /** @param by the pod for whose sake it happened: its scheduler tells it. */
  event(regarding: Pod, type: 'Normal' | 'Warning', reason: string, message: string, by: Pod): void;
}

export interface SchedulerPorts {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: SchedulerEvents;
}

/** Of PodScheduled=False: no node fits, or something failed that is no fault of the pod's. */
type ConditionReason = 'Unschedulable' | 'SchedulerError';

/** How long a server may still be busy with a binding that was given up here, before the pod is looked at; then doubling. */
const unknownSettleMs = 1_000;
const unknownRetryMsMax = 30_000;

/** Runs the core. `start` once the informers have synced and the lease is held; `stop` when it is lost. */
export class Scheduler {
  readonly core: SchedulerCore;
  readonly #ports: SchedulerPorts;
  readonly #parallelism: number;
  #running = false;
  #writes = 0;
  #timer: Timer | undefined;
  #kicked = false;

  /** @param parallelism bindings and status writes under way at once, at most. */
  constructor(core: SchedulerCore, ports: SchedulerPorts, parallelism: number) {
    this.core = core;
    this.#ports = ports;
    this.#parallelism = parallelism;
  }

  start(): void {
    this.#running = true;
    this.kick();
  }

  /** Nothing is begun after this. Writes under way are their client's to end. */
  stop(): void {
    this.#running = false;
    this.#timer?.cancel();
  }

  /** Something was fed to the core: look for work in the next turn. */
  kick(): void {
    if (this.#kicked || !this.#running) return;
    this.#kicked = true;
    this.#ports.clock.timer(0, () => {
      this.#kicked = false;
      this.#work();
    });
  }

  #work(): void {
    const { clock } = this.#ports;
    this.#timer?.cancel();
    while (this.#running && this.#writes < this.#parallelism) {
      const decision = this.core.next(clock.monotonicMs());
      if (decision === undefined) break;
      this.#writes++;
      void this.#carryOut(decision).finally(() => {
        this.#writes--;
        this.kick();
      });
    }
    const wakeMs = this.core.nextWakeMs();
    if (this.#running && wakeMs !== undefined) this.#timer = clock.timer(wakeMs - clock.monotonicMs(), () => this.#work());
  }

  async #carryOut(decision: Decision): Promise<void> {
    if (decision.kind === 'bind') await this.#place(decision);
    else await this.#tellUnschedulable(decision);
  }

  async #place({ pod, node, volumes, bindTimeoutMs }: Extract<Decision, { kind: 'bind' }>): Promise<void> {
    try {
      if (volumes.length > 0) await this.#bindVolumes(pod, volumes, bindTimeoutMs);
    } catch (err) {
      if (!this.#running) return;
      const reason = err instanceof Error ? err.message : String(err);
      await this.#failed(pod, node, err, `running PreBind plugin "VolumeBinding": binding volumes: ${reason}`);
      return;
    }
    if (this.#running) await this.#bind(pod, node);
  }

  /** While the volumes are made nothing is written: others have their turn. */
  async #bindVolumes(pod: Pod, volumes: readonly ClaimChoice[], timeoutMs: number): Promise<void> {
    const { client, clock } = this.#ports;
    const { uid = '' } = pod.metadata ?? {};
    const marked = await writeChoices(volumes, client);
    this.#writes--;
    this.kick();
    try {
      await untilBound(volumes, marked, {
        clock,
        timeoutMs,
        claim: (key) => this.core.claim(key),
        isWanted: () => this.#running && this.core.isAssumed(uid),
      });
    } finally {
      this.#writes++;
    }
  }

  /** The pod is not bound, and waits for its back-off; one that is gone is not missed. */
  async #failed(pod: Pod, node: string, err: unknown, message: string): Promise<void> {
    const { clock, log, events } = this.#ports;
    const { name = '', namespace = '', uid = '' } = pod.metadata ?? {};
    log.warn({ err, pod: `${namespace}/${name}`, node }, 'volumes not bound');
    if (!this.core.isAssumed(uid)) return;
    this.core.bindFailed(uid, clock.monotonicMs());
    events.event(pod, 'Warning', 'FailedScheduling', message, pod);
    await this.#tell(pod, message, undefined, 'SchedulerError');
  }

  async #bind(pod: Pod, node: string): Promise<void> {
    const { client, events } = this.#ports;
    const { name = '', namespace = '', uid = '' } = pod.metadata ?? {};
    const binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      // The uid keeps a pod of the same name, made after this decision, from getting its node.
      metadata: { name, namespace, uid },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    };
    try {
      await client.create(pods, binding, { subresource: 'binding' });
      this.core.bound(uid);
      events.event(pod, 'Normal', 'Scheduled', `Successfully assigned ${namespace}/${name} to ${node}`, pod);
    } catch (err) {
      await this.#bindFailed(pod, node, err);
    }
  }

  async #bindFailed(pod: Pod, node: string, err: unknown): Promise<void> {
    const { clock, log, events } = this.#ports;
    const { name = '', namespace = '', uid = '' } = pod.metadata ?? {};
    if (!this.#running) return;
    log.warn({ err, pod: `${namespace}/${name}`, node }, 'binding failed');
    if (hasReason(err, 'NotFound')) {
      this.core.podDeleted(uid, clock.monotonicMs());
      return;
    }
    // Its room is given to nobody before it is known whether the pod has it.
    if (mayHaveHappened(err) && !(await this.#isUnbound(pod))) return;
    this.core.bindFailed(uid, clock.monotonicMs());
    const reason = err instanceof Error ? err.message : String(err);
    const message = `binding rejected: ${reason}`;
    events.event(pod, 'Warning', 'FailedScheduling', message, pod);
    // A conflict says that the pod has a node by now, or is ending: nothing is to be said against that.
    if (!hasReason(err, 'Conflict'))
      await this.#tell(pod, message, pod.status?.nominatedNodeName ? null : undefined, 'SchedulerError');
    else if (pod.status?.nominatedNodeName) await this.#takeBack(pod);
  }

  /**
   * Asks the API until it says what became of a binding without an answer. False where the pod has a node, or is gone, or the
   * watch has told so meanwhile: the core knows it then.
   */
  async #isUnbound(pod: Pod): Promise<boolean> {
    const { client, clock, log } = this.#ports;
    const { name = '', namespace, uid = '' } = pod.metadata ?? {};
    for (let delayMs = unknownSettleMs; ; delayMs = Math.min(2 * delayMs, unknownRetryMsMax)) {
      await clock.sleep(delayMs);
      if (!this.#running || !this.core.isAssumed(uid)) {
        this.core.bound(uid);
        return false;
      }
      try {
        const live = await client.get<Pod>(pods, { namespace, name });
        if (live.metadata?.uid !== uid) this.core.podDeleted(uid, clock.monotonicMs());
        else if (live.spec?.nodeName) this.core.podChanged(live, clock.monotonicMs());
        else return true;
        return false;
      } catch (err) {
        if (hasReason(err, 'NotFound')) {
          this.core.podDeleted(uid, clock.monotonicMs());
          return false;
        }
        log.warn({ err, pod: `${namespace}/${name}` }, 'it is not known whether the pod is bound; asking again');
      }
    }
  }

  /** Evictions first: a nomination whose victims stay would keep room for nothing. */
  async #tellUnschedulable(decision: Extract<Decision, { kind: 'unschedulable' }>): Promise<void> {
    const { clock, log, events } = this.#ports;
    const { pod, message, victims, displaced } = decision;
    const { name = '', namespace = '', uid = '' } = pod.metadata ?? {};
    let { nominate } = decision;
    events.event(pod, 'Warning', 'FailedScheduling', message, pod);
    const outcomes = await Promise.allSettled(victims.map((victim) => this.#evict(victim, pod, nominate ?? '')));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) {
      if (!this.#running) return;
      log.warn({ err: failed.reason, pod: `${namespace}/${name}`, node: nominate }, 'preemption failed');
      this.core.preemptionFailed(uid, clock.monotonicMs());
      nominate = pod.status?.nominatedNodeName ? null : undefined;
    } else await Promise.all(displaced.map((other) => this.#takeBack(other)));
    await this.#tell(pod, message, nominate, 'Unschedulable');
  }

  /** Says in the pod's status why it has no node. */
  async #tell(pod: Pod, message: string, nominate: string | null | undefined, reason: ConditionReason): Promise<void> {
    const { log } = this.#ports;
    const { name = '', namespace = '' } = pod.metadata ?? {};
    try {
      await this.#writeCondition(pod, message, nominate, reason);
    } catch (err) {
      if (this.#running && !isGone(err)) log.warn({ err, pod: `${namespace}/${name}` }, 'status not written');
    }
  }

  /** Takes a nomination back in the API. */
  async #takeBack(pod: Pod): Promise<void> {
    const { client, log } = this.#ports;
    const { name = '', namespace, uid } = pod.metadata ?? {};
    const body = { metadata: { uid }, status: { nominatedNodeName: null } };
    try {
      await client.patch(pods, { namespace, name }, { type: 'strategic', body }, { subresource: 'status' });
    } catch (err) {
      if (this.#running && !isGone(err)) log.warn({ err, pod: `${namespace}/${name}` }, 'nomination not taken back');
    }
  }

  async #writeCondition(
    pod: Pod,
    message: string,
    nominate: string | null | undefined,
    reason: ConditionReason,
  ): Promise<void> {
    const { client, clock } = this.#ports;
    const { name = '', namespace, uid } = pod.metadata ?? {};
    const old = pod.status?.conditions?.find((condition) => condition.type === 'PodScheduled');
    const same = old?.status === 'False' && old.reason === reason && old.message === message;
    if (same && nominate === undefined) return;
    const condition: PodCondition = {
      type: 'PodScheduled',
      status: 'False',
      reason,
      message,
      observedGeneration: pod.metadata?.generation,
      lastTransitionTime: old?.status === 'False' ? old.lastTransitionTime : formatTime(clock.wallMs()),
    };
    // The uid keeps it from a pod of the same name that was made meanwhile, and may have a node.
    const status = { conditions: [condition], ...(nominate === undefined ? {} : { nominatedNodeName: nominate }) };
    const body = { metadata: { uid }, status };
    const key = { namespace, name };
    await client.patch(pods, key, { type: 'strategic', body }, { subresource: 'status' });
  }

  async #evict(victim: Pod, preemptor: Pod, node: string): Promise<void> {
    const { client, clock, events } = this.#ports;
    const { name = '', namespace, uid = '' } = victim.metadata ?? {};
    const key = { namespace, name };
    const condition: PodCondition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: preemptionReason,
      message: `${preemptor.spec?.schedulerName ?? 'default-scheduler'}: preempting to accommodate a higher priority pod`,
      observedGeneration: victim.metadata?.generation,
      lastTransitionTime: formatTime(clock.wallMs()),
    };
    const body = { metadata: { uid }, status: { conditions: [condition] } };
    try {
      await client.patch(pods, key, { type: 'strategic', body }, { subresource: 'status' });
      await client.delete(pods, key, { preconditions: { uid } });
    } catch (err) {
      // Somebody else was faster; the room is there all the same.
      if (isGone(err)) return;
      throw err;
    }
    const message = `Preempted by pod ${preemptor.metadata?.uid ?? ''} on node ${node}`;
    events.event(victim, 'Normal', 'Preempted', message, preemptor);
  }
}

/** The pod that was meant is no more: gone, or another has its name. */
function isGone(error: unknown): boolean {
  return hasReason(error, 'NotFound') || hasReason(error, 'Conflict');
}
