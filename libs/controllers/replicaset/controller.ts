// Drives plan.ts for ReplicaSets or ReplicationControllers.
import type { Pod } from '@drydock/api/generated/types.ts';
import { type KubeObject, pods as podResource } from '@drydock/api/resource.ts';
import { matchesSelector } from '@drydock/api/selectors/label-selector.ts';
import { Driver, type Round } from '../common/driver.ts';
import { byController, byNamespace, indexByController, indexByNamespace, orphansByNamespace } from '../common/indexes.ts';
import { controllerOf, keyOf, namespaceOf, splitKey, uidOf } from '../common/object-meta.ts';
import { createPods, deletePods, errorText } from '../common/pod-control.ts';
import type { Cache, ControllerContext } from '../common/ports.ts';
import type { PodSetKind } from './kinds.ts';
import { type PodSet, type PodSetPlan, planPods, planStatus, type RoundFailure } from './plan.ts';

/** Starts the controller; it runs until the context's signal aborts. */
export async function startPodSetController<T extends KubeObject>(
  kind: PodSetKind<T>,
  concurrency: number,
  context: ControllerContext,
): Promise<void> {
  const sets = context.caches.of(kind.resource);
  const pods = context.caches.of(podResource);
  indexByController(pods);
  indexByController(sets);
  indexByNamespace(sets);
  const driver = new Driver(context, {
    name: kind.controllerName,
    concurrency,
    caches: [sets, pods],
    sync: (key, round) => sync(kind, sets, pods, key, round),
  });
  sets.subscribe(({ before, after }) => {
    const object = after ?? before;
    if (object !== undefined) driver.enqueue(keyOf(object));
  });
  pods.subscribe(({ before, after }) => {
    for (const pod of [before, after]) if (pod !== undefined) enqueueOwner(kind, driver, pod);
    if (after !== undefined && controllerOf(after) === undefined) enqueueAdopters(kind, driver, sets, after);
  });
  await driver.start();
}

function enqueueOwner<T extends KubeObject>(kind: PodSetKind<T>, driver: Driver, pod: Pod): void {
  const owner = controllerOf(pod);
  if (owner?.kind === kind.resource.kind) driver.enqueue(`${namespaceOf(pod)}/${owner.name}`);
}

function enqueueAdopters<T extends KubeObject>(kind: PodSetKind<T>, driver: Driver, sets: Cache<T>, pod: Pod): void {
  for (const set of sets.lookup(byNamespace, namespaceOf(pod))) {
    if (matchesSelector(kind.read(set).selector, pod.metadata?.labels)) driver.enqueue(keyOf(set));
  }
}

async function sync<T extends KubeObject>(
  kind: PodSetKind<T>,
  sets: Cache<T>,
  pods: Cache<Pod>,
  key: string,
  round: Round,
): Promise<number | undefined> {
  const object = sets.get(splitKey(key));
  if (object === undefined) return undefined;
  const set = kind.read(object);
  const own = [...pods.lookup(byController, uidOf(object))];
  const orphans = [...pods.lookup(orphansByNamespace, namespaceOf(object))];
  const observed = { set, pods: [...own, ...orphans], related: relatedPods(sets, pods, object, own) };
  const plan = planPods(observed, round.wallMs());
  if (plan.claims.length > 0) {
    await round.execute(plan.claims);
    return undefined;
  }
  const { failure, error } = await changePods(set, plan, round);
  const status = planStatus(set, plan, failure, round.wallMs());
  await round.execute(status.actions);
  if (error !== undefined) throw error;
  return status.requeueAfterMs;
}

/** The pods of all sets that have the same owner. */
function relatedPods<T extends KubeObject>(sets: Cache<T>, pods: Cache<Pod>, object: T, own: readonly Pod[]): readonly Pod[] {
  const owner = controllerOf(object);
  if (owner === undefined) return own;
  const related: Pod[] = [];
  for (const sibling of sets.lookup(byController, owner.uid)) related.push(...pods.lookup(byController, uidOf(sibling)));
  return related;
}

async function changePods(
  set: PodSet,
  plan: PodSetPlan,
  round: Round,
): Promise<{ failure: RoundFailure | undefined; error: unknown }> {
  const making = plan.create > 0;
  const error = making
    ? (await createPods(set, Array<Pod>(plan.create).fill(plan.template), round)).error
    : await deletePods(set, plan.remove, round);
  if (error === undefined) return { failure: undefined, error };
  return { failure: { reason: making ? 'FailedCreate' : 'FailedDelete', message: errorText(error) }, error };
}
