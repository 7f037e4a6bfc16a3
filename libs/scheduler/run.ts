// Joins the core to informers: what a scheduler does from the moment it holds the lease until it loses it.
import {
  nodes,
  persistentVolumeClaims,
  persistentVolumes,
  podDisruptionBudgets,
  pods,
  storageClasses,
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
import type { SchedulerConfig } from './config.ts';
import { SchedulerCore } from './core.ts';
import { defaultProfile } from './profile.ts';
import { defaultQueueConfig } from './queue.ts';
import { Scheduler } from './scheduler.ts';
import { claimKey, VolumesKnown } from './volumes-known.ts';

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
    this.#informers.of(nodes);
    this.#informers.of(podDisruptionBudgets);
    this.#informers.of(persistentVolumeClaims);
    this.#informers.of(persistentVolumes);
    this.#informers.of(storageClasses);
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
    const { podInitialBackoffMs, podMaxBackoffMs, parallelism, schedulerName, percentageOfNodesToScore } = this.#config;
    const queue = { ...defaultQueueConfig, initialBackoffMs: podInitialBackoffMs, maxBackoffMs: podMaxBackoffMs };
    const known = new VolumesKnown();
    const profile = defaultProfile(schedulerName, percentageOfNodesToScore, known);
    const core = new SchedulerCore(profile, random.stream('scheduler'), queue, known);
    const recorder = new EventRecorder({ client: eventClient, clock, log, component: schedulerName });
    const scheduler = new Scheduler(
      core,
      {
        client,
        clock,
        log,
        events: {
          event: (pod, type, reason, _action, message) => recorder.record(referenceTo(pods, pod), type, reason, message),
        },
      },
      parallelism,
    );
    this.#scheduler = scheduler;
    held.addEventListener(
      'abort',
      () => {
        scheduler.stop();
        void recorder.stop();
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
    this.#informers.of(nodes).subscribe(({ before, after }) => {
      if (after !== undefined) core.nodeChanged(after, clock.monotonicMs());
      else core.nodeDeleted(before?.metadata?.name ?? '');
      scheduler.kick();
    });
    this.#feedVolumes(core, scheduler);
    const budgets = this.#informers.of(podDisruptionBudgets);
    budgets.subscribe(() => core.budgetsChanged([...budgets.list()]));
    this.#informers.of(pods, { fieldSelector: unfinished }).subscribe(({ before, after }) => {
      if (after !== undefined) core.podChanged(after, clock.monotonicMs());
      else core.podDeleted(before?.metadata?.uid ?? '', clock.monotonicMs());
      scheduler.kick();
    });
  }
  #feedVolumes(core: SchedulerCore, scheduler: Scheduler): void {
    const { clock } = this.#ports;
    this.#informers.of(storageClasses).subscribe(({ before, after }) => {
      core.classChanged((after ?? before)?.metadata?.name ?? '', after, clock.monotonicMs());
      scheduler.kick();
    });
    this.#informers.of(persistentVolumes).subscribe(({ before, after }) => {
      core.volumeChanged((after ?? before)?.metadata?.name ?? '', after, clock.monotonicMs());
      scheduler.kick();
    });
    this.#informers.of(persistentVolumeClaims).subscribe(({ before, after }) => {
      const { namespace, name = '' } = (after ?? before)?.metadata ?? {};
      core.claimChanged(claimKey(namespace, name), after, clock.monotonicMs());
      scheduler.kick();
    });
  }
}
