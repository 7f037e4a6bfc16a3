// Joins the core to informers: what a scheduler does from the moment it holds the lease until it loses it.
import type { ReplicaSet, ReplicationController, StatefulSet } from '@drydock/api/generated/types.ts';
import {
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  type KubeObject,
  namespaces,
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  podDisruptionBudgets,
  pods,
  type Resource,
  replicaSets,
  replicationControllers,
  services,
  statefulSets,
  storageClasses,
  volumeAttachments,
} from '@drydock/api/resource.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { EventRecorder, referenceTo } from '@drydock/client/events.ts';
import { InformerFactory } from '@drydock/client/informer-factory.ts';
import { FencedClient, type Leadership } from '@drydock/client/leadership.ts';
import { limited } from '@drydock/client/rate-limit.ts';
import type { Rate } from '@drydock/client/token-bucket.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Log } from '@drydock/foundation/log.ts';
import type { Random } from '@drydock/foundation/random.ts';
import type { ClusterEvent } from './cluster-event.ts';
import type { SchedulerConfig } from './config.ts';
import { SchedulerCore } from './core.ts';
import { emptyKnown, profileOf } from './profile.ts';
import { defaultQueueConfig } from './queue.ts';
import { Scheduler } from './scheduler.ts';
import { claimKey, type VolumesKnown } from './volumes-known.ts';
import type { WorkloadKind } from './workloads-known.ts';

export interface SchedulerRunPorts {
  readonly client: ApiClient;
  /** How many requests it may make; undefined is no limit. What fills its caches is not counted. */
  readonly rate: Rate | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A pod that has ended needs no node and holds none: not even asked for. */
const unfinished = 'status.phase!=Succeeded,status.phase!=Failed';

/** What owns pods that are to be spread. */
const workloads: Record<WorkloadKind, Resource<ReplicaSet | ReplicationController | StatefulSet>> = {
  ReplicaSet: replicaSets,
  ReplicationController: replicationControllers,
  StatefulSet: statefulSets,
};

const followed: readonly Resource<KubeObject>[] = [
  namespaces,
  nodes,
  podDisruptionBudgets,
  services,
  storageClasses,
  persistentVolumes,
  persistentVolumeClaims,
  csiDrivers,
  csiNodes,
  csiStorageCapacities,
  volumeAttachments,
];

/** Follows while another scheduler leads: what it has to hold is there, and is made current when it takes over. */
export class SchedulerRun {
  readonly #ports: SchedulerRunPorts;
  readonly #config: SchedulerConfig;
  readonly #informers: InformerFactory;
  #scheduler: Scheduler | undefined;

  constructor(config: SchedulerConfig, ports: SchedulerRunPorts) {
    this.#config = config;
    this.#ports = ports;
    this.#informers = new InformerFactory(ports);
  }

  /** Follows the API until the signal aborts. Decides nothing yet. */
  follow(signal: AbortSignal): void {
    for (const resource of [...followed, ...Object.values(workloads)]) this.#informers.of<KubeObject>(resource);
    this.#informers.of(pods, { fieldSelector: unfinished });
    this.#informers.start(signal);
  }

  /** Schedules until the leadership ends; nothing is begun afterwards. */
  async lead(leadership: Leadership): Promise<void> {
    const { clock, random, log } = this.#ports;
    const { held } = leadership;
    const { rate } = this.#ports;
    const client = new FencedClient(limited(this.#ports.client, clock, rate), leadership);
    // Events have a limit of their own, as upstream: a flood of them must not hold back bindings.
    const eventClient = new FencedClient(limited(this.#ports.client, clock, rate), leadership);
    // What its predecessor bound last may be missing in a cache that lags: that room would be given away again.
    await this.#informers.refresh();
    if (held.aborted) return;
    const { podInitialBackoffMs, podMaxBackoffMs, parallelism, profiles } = this.#config;
    const queue = { ...defaultQueueConfig, initialBackoffMs: podInitialBackoffMs, maxBackoffMs: podMaxBackoffMs };
    const known = emptyKnown();
    const own = profiles.map((profile) => profileOf(profile, known));
    const core = new SchedulerCore(own, random.stream('scheduler'), queue, known);
    const recorders = new Map(
      profiles.map(({ schedulerName }) => [
        schedulerName,
        new EventRecorder({ client: eventClient, clock, log, component: schedulerName }),
      ]),
    );
    const scheduler = new Scheduler(
      core,
      {
        client,
        clock,
        log,
        events: {
          event: (pod, type, reason, message, by) =>
            recorders.get(by.spec?.schedulerName ?? 'default-scheduler')?.record(referenceTo(pods, pod), type, reason, message),
        },
      },
      parallelism,
    );
    this.#scheduler = scheduler;
    held.addEventListener(
      'abort',
      () => {
        scheduler.stop();
        for (const recorder of recorders.values()) void recorder.stop();
      },
      { once: true },
    );
    this.#feed(core, scheduler);
    scheduler.start();
  }

  /** Pods waiting, by state; undefined while another scheduler leads. */
  pendingCounts(): ReturnType<SchedulerCore['pendingCounts']> | undefined {
    return this.#scheduler?.core.pendingCounts();
  }

  #feed(core: SchedulerCore, scheduler: Scheduler): void {
    const { clock } = this.#ports;
    this.#informers.of(namespaces).subscribe(({ before, after }) => {
      core.namespaceChanged((after ?? before)?.metadata?.name ?? '', after, clock.monotonicMs());
      scheduler.kick();
    });
    this.#informers.of(nodes).subscribe(({ before, after }) => {
      if (after !== undefined) core.nodeChanged(after, clock.monotonicMs());
      else core.nodeDeleted(before?.metadata?.name ?? '', clock.monotonicMs());
      scheduler.kick();
    });
    this.#feedWorkloads(core);
    this.#feedVolumes(core, scheduler);
    const budgets = this.#informers.of(podDisruptionBudgets);
    budgets.subscribe(() => core.budgetsChanged([...budgets.list()]));
    this.#informers.of(pods, { fieldSelector: unfinished }).subscribe(({ before, after }) => {
      if (after !== undefined) core.podChanged(after, clock.monotonicMs());
      else core.podDeleted(before?.metadata?.uid ?? '', clock.monotonicMs());
      scheduler.kick();
    });
  }

  #feedWorkloads(core: SchedulerCore): void {
    this.#informers.of(services).subscribe(({ before, after }) => {
      const { namespace = '', name = '' } = (after ?? before)?.metadata ?? {};
      core.workloadsChanged((known) => known.serviceChanged(namespace, name, after));
    });
    for (const [kind, resource] of Object.entries(workloads)) {
      this.#informers.of<ReplicaSet | ReplicationController | StatefulSet>(resource).subscribe(({ before, after }) => {
        const { namespace = '', name = '' } = (after ?? before)?.metadata ?? {};
        core.workloadsChanged((known) => known.workloadChanged(kind as WorkloadKind, namespace, name, after));
      });
    }
  }

  #feedVolumes(core: SchedulerCore, scheduler: Scheduler): void {
    const { clock } = this.#ports;
    const learn = <T extends KubeObject>(
      resource: Resource<T>,
      take: (known: VolumesKnown, key: { namespace: string; name: string }, after: T | undefined, any: T) => ClusterEvent[],
    ): void =>
      this.#informers.of(resource).subscribe(({ before, after }) => {
        const any = after ?? before;
        if (any === undefined) return;
        const { namespace = '', name = '' } = any.metadata ?? {};
        core.volumesChanged((known) => take(known, { namespace, name }, after, any), clock.monotonicMs());
        scheduler.kick();
      });
    learn(storageClasses, (known, { name }, after) => known.classChanged(name, after));
    learn(persistentVolumes, (known, { name }, after) => known.volumeChanged(name, after));
    learn(persistentVolumeClaims, (known, { namespace, name }, after) => known.claimChanged(claimKey(namespace, name), after));
    learn(csiDrivers, (known, { name }, after) => known.driverChanged(name, after));
    learn(csiNodes, (known, { name }, after) => known.csiNodeChanged(name, after));
    learn(csiStorageCapacities, (known, { namespace, name }, after, { storageClassName }) =>
      known.capacityChanged(`${namespace}/${name}`, storageClassName, after),
    );
    learn(volumeAttachments, (known, { name }, after, { spec }) => known.attachmentChanged(name, spec.nodeName, after));
  }
}
