// What every controller shares: keys go into a work queue, each is worked on with what the caches show, and nothing is
// decided before they show the last round's writes.
import type { KubeObject, Resource } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import type { ApiClient } from '@drydock/client/api-client.ts';
import { done, type Result, requeueAfter, runReconciler, waiting } from '@drydock/client/reconciler.ts';
import { WorkQueue } from '@drydock/client/work-queue.ts';
import type { Action, EventAction } from './action.ts';
import { type Seen, WriteBarrier } from './barrier.ts';
import { createObject, type ExecutePorts, execute } from './execute.ts';
import { isNamespaceEnding } from './namespace-ending.ts';
import type { ControllerContext } from './ports.ts';

/** One piece of work on one key. */
export interface Round {
  readonly client: ApiClient;
  /** Fails with the first ApiError; see execute.ts. */
  execute(actions: readonly Action[]): Promise<void>;
  create<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T>;
  record(event: EventAction): void;
  wallMs(): number;
}

/** The part of an informer that the driver needs, whatever its objects are. */
export interface DriverCache extends Seen {
  readonly resource: Resource;
  synced(): Promise<void>;
}

export interface DriverSpec {
  readonly name: string;
  readonly concurrency: number;
  /** The caches that `sync` decides on: they are waited for, at the start and after each write to their resources. */
  readonly caches: readonly DriverCache[];
  /** Caches that are only waited for at the start. */
  readonly waitFor?: readonly DriverCache[];
  /** Works on a key; resolves with the milliseconds after which to look again, if at all. Throws to be called again soon. */
  sync(key: string, round: Round): Promise<number | undefined>;
}

/** A work queue with its workers. */
export class Driver {
  readonly #context: ControllerContext;
  readonly #spec: DriverSpec;
  readonly #barrier: WriteBarrier;
  readonly #queue: WorkQueue;
  /** Keys that wait for their own writes to be shown. */
  readonly #held = new Set<string>();

  constructor(context: ControllerContext, spec: DriverSpec) {
    this.#context = context;
    this.#spec = spec;
    this.#queue = new WorkQueue({ clock: context.clock });
    const caches = new Map<Resource, Seen>(spec.caches.map((cache) => [cache.resource, cache]));
    this.#barrier = new WriteBarrier((resource) => caches.get(resource), context.clock);
  }

  /** Resolves when the caches are in and the workers run. */
  async start(): Promise<void> {
    const { log, signal } = this.#context;
    const { name, concurrency, caches, waitFor = [] } = this.#spec;
    await Promise.all([...caches, ...waitFor].map((cache) => cache.synced()));
    const reconcile = (key: string) => this.#work(key);
    void runReconciler({ name, workers: concurrency, queue: this.#queue, reconcile, log }, signal);
  }

  enqueue(key: string): void {
    this.#queue.add(key);
  }

  /** Enqueues later; of several times for one key the earliest counts. */
  enqueueAfter(key: string, delayMs: number): void {
    this.#queue.addAfter(key, delayMs);
  }

  async #work(key: string): Promise<Result> {
    if (!this.#barrier.settled(key)) {
      this.#enqueueWhenSettled(key);
      return waiting;
    }
    try {
      return requeueAfter(await this.#spec.sync(key, this.#round(key)));
    } catch (error) {
      // In a namespace that is ending nothing can be made, and nothing is wrong.
      if (isNamespaceEnding(error)) return done;
      if (!hasReason(error, 'Conflict')) throw error;
      return { kind: 'overtaken', error };
    }
  }

  /** What a cache has to show wakes the key itself: that it also concerns a handler of the controller cannot be relied on. */
  #enqueueWhenSettled(key: string): void {
    if (this.#held.has(key)) return;
    this.#held.add(key);
    void this.#barrier.whenSettled(key).then(() => {
      this.#held.delete(key);
      this.#queue.add(key);
    });
  }

  #round(key: string): Round {
    const { client, clock, signal } = this.#context;
    const ports: ExecutePorts = {
      client,
      record: (event) => this.#context.record(event),
      wrote: (resource, object) => this.#barrier.wrote(key, resource, object),
      deleted: (resource, target, uid) => this.#barrier.deleted(key, resource, target, uid),
      unknown: (resource) => this.#barrier.unknown(key, resource),
    };
    return {
      client,
      execute: async (actions) => {
        for (const action of actions) {
          signal.throwIfAborted();
          await execute([action], ports);
        }
      },
      create: async (resource, object) => {
        signal.throwIfAborted();
        return createObject(resource, object, ports);
      },
      record: (event) => this.#context.record(event),
      wallMs: () => clock.wallMs(),
    };
  }
}
