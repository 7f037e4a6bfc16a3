// Drives graph.ts and plan.ts: watches the metadata of everything, and looks at the objects that a change concerns.
import type { OwnerReference } from '@drydock/api/generated/types.ts';
import { apiVersionOf, type Resource } from '@drydock/api/resource.ts';
import { findKind } from '@drydock/api/scheme.ts';
import { Driver, type Round } from '../common/driver.ts';
import { readLive } from '../common/live-read.ts';
import { isBeingDeleted, uidOf } from '../common/object-meta.ts';
import type { ControllerContext } from '../common/ports.ts';
import { type ListedResource, resourceOf } from '../common/resource-list.ts';
import { foregroundFinalizer, type GraphNode, graphNode, OwnerGraph } from './graph.ts';
import { type OwnerState, planItem } from './plan.ts';

export interface GarbageCollectorOptions {
  /** --concurrent-gc-syncs */
  readonly concurrency: number;
  /** What may own or be owned: every deletable type. */
  readonly resources: readonly ListedResource[];
}

/** Owners found absent by a live read are remembered, for the many dependents of one. At most this many. */
const absentOwnersMax = 500;
/** No longer: where the store is restored from a backup, owners come back, with their uids, and perhaps after their dependents. */
const absentMs = 1_000;
/** An object whose owner's type is unknown here is looked at again after this time: the type may appear. */
const unknownKindRetryMs = 30_000;

/** Starts the controller; it runs until the context's signal aborts. */
export async function startGarbageCollector(options: GarbageCollectorOptions, context: ControllerContext): Promise<void> {
  const graph = new OwnerGraph();
  const collector = new Collector(graph, context);
  const watched = options.resources.filter(({ resource }) => resource.resource !== 'events');
  const caches = watched.map(({ resource }) => context.caches.metadataOf(resource));
  const driver = new Driver(context, {
    name: 'garbage-collector-controller',
    concurrency: options.concurrency,
    // No barrier: every decision starts from a live read, and every write names what it was decided on.
    caches: [],
    waitFor: caches,
    sync: (uid, round) => collector.sync(uid, round),
  });
  collector.enqueue = (uid) => driver.enqueue(uid);
  for (const cache of caches) {
    cache.subscribe(({ before, after }) => {
      // A deletion and a creation under the same name may arrive as one change.
      if (before !== undefined && uidOf(before) !== uidOf(after ?? {})) look(driver, graph.remove(uidOf(before)));
      if (after !== undefined) look(driver, graph.observe(graphNode(cache.resource, after)));
    });
  }
  await driver.start();
}

function look(driver: Driver, uids: Iterable<string>): void {
  for (const uid of uids) driver.enqueue(uid);
}

class Collector {
  enqueue: (uid: string) => void = () => {};
  readonly #graph: OwnerGraph;
  readonly #context: ControllerContext;
  /** By namespace and uid: when it was found, monotonic. */
  readonly #absent = new Map<string, number>();

  constructor(graph: OwnerGraph, context: ControllerContext) {
    this.#graph = graph;
    this.#context = context;
  }

  async sync(uid: string, round: Round): Promise<number | undefined> {
    const node = this.#graph.node(uid);
    if (node === undefined || (node.deleting && !node.deletingDependents && !node.orphaning)) return undefined;
    const live = await readLive(this.#context.client, node.resource, { namespace: node.namespace, name: node.name });
    if (live === undefined || uidOf(live) !== uid) return undefined;
    const owners = new Map<string, OwnerState>();
    let unknown = false;
    for (const owner of live.metadata?.ownerReferences ?? []) {
      const state = await this.#ownerState(owner, node);
      if (state === undefined) unknown = true;
      else owners.set(owner.uid, state);
    }
    const current = graphNode(node.resource, live);
    const plan = planItem({ node: current, live, owners, dependents: this.#graph.dependentsOf(uid) });
    await round.execute(plan.actions);
    for (const next of plan.next) this.enqueue(next);
    return unknown ? unknownKindRetryMs : undefined;
  }

  /** Whether an owner is there: the cache may say yes, but only the apiserver may say no. */
  async #ownerState(owner: OwnerReference, dependent: GraphNode): Promise<OwnerState | undefined> {
    const known = this.#graph.node(owner.uid);
    // An owner in another namespace is none: a reference names no namespace, so it means the dependent's own.
    const isElsewhere = known?.namespace !== undefined && known.namespace !== dependent.namespace;
    if (known !== undefined && !isElsewhere) return known.deletingDependents ? 'waitingForDependents' : 'solid';
    const absentKey = `${dependent.namespace ?? ''}/${owner.uid}`;
    if (this.#isAbsent(absentKey)) return 'absent';
    const resource = resourceOfKind(owner);
    if (resource === undefined) return undefined;
    if (resource.namespaced && dependent.namespace === undefined) return undefined;
    const namespace = resource.namespaced ? dependent.namespace : undefined;
    const live = await readLive(this.#context.client, resource, { namespace, name: owner.name });
    if (live === undefined || uidOf(live) !== owner.uid) {
      this.#rememberAbsent(absentKey);
      return 'absent';
    }
    const waiting = isBeingDeleted(live) && (live.metadata?.finalizers ?? []).includes(foregroundFinalizer);
    return waiting ? 'waitingForDependents' : 'solid';
  }

  #isAbsent(key: string): boolean {
    const foundMs = this.#absent.get(key);
    return foundMs !== undefined && this.#context.clock.monotonicMs() - foundMs < absentMs;
  }

  #rememberAbsent(key: string): void {
    this.#absent.delete(key);
    if (this.#absent.size >= absentOwnersMax) {
      const [oldest] = this.#absent.keys();
      if (oldest !== undefined) this.#absent.delete(oldest);
    }
    this.#absent.set(key, this.#context.clock.monotonicMs());
  }
}

function resourceOfKind(owner: OwnerReference): Resource | undefined {
  const slash = owner.apiVersion.indexOf('/');
  const group = slash < 0 ? '' : owner.apiVersion.slice(0, slash);
  const info = findKind(group, owner.apiVersion.slice(slash + 1), owner.kind);
  return info === undefined || apiVersionOf(info) !== owner.apiVersion ? undefined : resourceOf(info);
}
