// Drives plan.ts: which changes concern which DaemonSet, and how long failed pods wait for their replacement.
import type { ControllerRevision, DaemonSet, Node, Pod } from '@drydock/api/generated/types.ts';
import { controllerRevisions, daemonSets, nodes, pods as podResource } from '@drydock/api/resource.ts';
import { Driver, type Round } from '../common/driver.ts';
import { followOwned } from '../common/follow-owned.ts';
import { byController, indexByController, orphansByNamespace } from '../common/indexes.ts';
import { KeyBackoff } from '../common/key-backoff.ts';
import { keyOf, nameOf, namespaceOf, splitKey, uidOf } from '../common/object-meta.ts';
import { createPods, deletePods } from '../common/pod-control.ts';
import type { Cache, ControllerContext } from '../common/ports.ts';
import { writeRevision } from '../common/write-revision.ts';
import { fitOf } from './nodes.ts';
import { planCollision, planDaemonSet } from './plan.ts';

/** The first and the longest wait before a failed pod is replaced, as upstream's. */
const failedPodBackoff = { firstMs: 1_000, maxMs: 900_000 };

interface DaemonCaches {
  readonly sets: Cache<DaemonSet>;
  readonly pods: Cache<Pod>;
  readonly revisions: Cache<ControllerRevision>;
  readonly nodes: Cache<Node>;
}

/** Starts the controller; it runs until the context's signal aborts. */
export async function startDaemonSetController(concurrency: number, context: ControllerContext): Promise<void> {
  const caches: DaemonCaches = {
    sets: context.caches.of(daemonSets),
    pods: context.caches.of(podResource),
    revisions: context.caches.of(controllerRevisions),
    nodes: context.caches.of(nodes),
  };
  indexByController(caches.pods);
  indexByController(caches.revisions);
  const backoff = new KeyBackoff(failedPodBackoff);
  const driver = new Driver(context, {
    name: 'daemonset-controller',
    concurrency,
    caches: [caches.sets, caches.pods, caches.revisions],
    waitFor: [caches.nodes],
    sync: (key, round) => sync(caches, backoff, () => context.clock.monotonicMs(), key, round),
  });
  caches.sets.subscribe(({ before, after }) => {
    const object = after ?? before;
    if (object !== undefined) driver.enqueue(keyOf(object));
  });
  followOwned(driver, caches.sets, (set) => set.spec?.selector, caches.pods);
  followOwned(driver, caches.sets, (set) => set.spec?.selector, caches.revisions);
  caches.nodes.subscribe(({ before, after }) => {
    for (const set of caches.sets.list()) if (concerns(set, before, after)) driver.enqueue(keyOf(set));
  });
  await driver.start();
}

/** Nodes report their health all the time; only what changes where the daemon runs counts. */
function concerns(set: DaemonSet, before: Node | undefined, after: Node | undefined): boolean {
  if (before === undefined || after === undefined) return true;
  const [old, now] = [fitOf(set, before), fitOf(set, after)];
  return old.run !== now.run || old.stay !== now.stay;
}

async function sync(
  caches: DaemonCaches,
  backoff: KeyBackoff,
  monotonicMs: () => number,
  key: string,
  round: Round,
): Promise<number | undefined> {
  const set = caches.sets.get(splitKey(key));
  if (set === undefined) {
    backoff.forget(`${key}/`);
    return undefined;
  }
  const namespace = namespaceOf(set);
  const plan = planDaemonSet(
    {
      daemonSet: set,
      nodes: [...caches.nodes.list()].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)),
      pods: [...caches.pods.lookup(byController, uidOf(set)), ...caches.pods.lookup(orphansByNamespace, namespace)],
      revisions: [
        ...caches.revisions.lookup(byController, uidOf(set)),
        ...caches.revisions.lookup(orphansByNamespace, namespace),
      ],
      backoffOf: (node) => backoff.waitMs(`${key}/${node}`, monotonicMs()),
    },
    round.wallMs(),
  );
  if (plan.first.length > 0) {
    await writeRevision(plan.first, () => planCollision(set), round);
    return undefined;
  }
  for (const node of plan.failed) backoff.next(`${key}/${node}`, monotonicMs());
  await round.execute(plan.events);
  const owner = { resource: daemonSets, object: set };
  const [made, removed] = await Promise.all([createPods(owner, plan.create, round), deletePods(owner, plan.remove, round)]);
  await round.execute(plan.last);
  const failure = made.error ?? removed;
  if (failure !== undefined) throw failure;
  return plan.requeueAfterMs;
}
