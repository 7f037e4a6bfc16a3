// The driver: feeds the core with what the informers see and carries out what it decides. No decision is made here.
import type { Pod, PodCondition } from '@drydock/api/generated/types.ts';
import { pods } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { type Clock, formatTime, type Timer } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Decision, SchedulerCore } from './core.ts';

/** Where events go; libs/client's recorder is one. */
export interface SchedulerEvents {
  event(regarding: Pod, type: 'Normal' | 'Warning', reason: string, action: string, message: string): void;
}

export interface SchedulerPorts {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly events: SchedulerEvents;
}

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
    if (decision.kind === 'bind') await this.#bind(decision.pod, decision.node);
    else await this.#tellUnschedulable(decision);
  }

  async #bind(pod: Pod, node: string): Promise<void> {
    const { client, clock, log, events } = this.#ports;
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
      events.event(pod, 'Normal', 'Scheduled', 'Binding', `Successfully assigned ${namespace}/${name} to ${node}`);
    } catch (err) {
      if (!this.#running) return;
      if (hasReason(err, 'NotFound')) {
        this.core.podDeleted(uid, clock.monotonicMs());
        return;
      }
      log.warn({ err, pod: `${namespace}/${name}`, node }, 'binding failed');
      this.core.bindFailed(uid, clock.monotonicMs());
      const reason = err instanceof Error ? err.message : String(err);
      events.event(pod, 'Warning', 'FailedScheduling', 'Scheduling', `binding rejected: ${reason}`);
    }
  }

  async #tellUnschedulable(decision: Extract<Decision, { kind: 'unschedulable' }>): Promise<void> {
    const { log, events } = this.#ports;
    const { pod, message, victims, nominate } = decision;
    const { name = '', namespace = '', uid = '' } = pod.metadata ?? {};
    events.event(pod, 'Warning', 'FailedScheduling', 'Scheduling', message);
    try {
      await this.#writeCondition(pod, message, nominate);
      for (const victim of victims) await this.#evict(victim, uid, nominate ?? '');
    } catch (err) {
      if (this.#running && !hasReason(err, 'NotFound')) log.warn({ err, pod: `${namespace}/${name}` }, 'status not written');
    }
  }

  async #writeCondition(pod: Pod, message: string, nominate: string | undefined): Promise<void> {
    const { client, clock } = this.#ports;
    const { name = '', namespace } = pod.metadata ?? {};
    const old = pod.status?.conditions?.find((condition) => condition.type === 'PodScheduled');
    const same = old?.status === 'False' && old.reason === 'Unschedulable' && old.message === message;
    if (same && nominate === undefined) return;
    const condition: PodCondition = {
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message,
      observedGeneration: pod.metadata?.generation,
      lastTransitionTime: old?.status === 'False' ? old.lastTransitionTime : formatTime(clock.wallMs()),
    };
    const body = { status: { conditions: [condition], ...(nominate === undefined ? {} : { nominatedNodeName: nominate }) } };
    const key = { namespace, name };
    await client.patch(pods, key, { type: 'strategic', body }, { subresource: 'status' });
  }

  async #evict(victim: Pod, preemptor: string, node: string): Promise<void> {
    const { client, clock, events } = this.#ports;
    const { name = '', namespace, uid = '' } = victim.metadata ?? {};
    const key = { namespace, name };
    const condition: PodCondition = {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: `${victim.spec?.schedulerName ?? 'default-scheduler'}: preempting to accommodate a higher priority pod`,
      observedGeneration: victim.metadata?.generation,
      lastTransitionTime: formatTime(clock.wallMs()),
    };
    const body = { status: { conditions: [condition] } };
    await client.patch(pods, key, { type: 'strategic', body }, { subresource: 'status' });
    await client.delete(pods, key, { preconditions: { uid } });
    events.event(victim, 'Normal', 'Preempted', 'Preempting', `Preempted by pod ${preemptor} on node ${node}`);
  }
}
