// Drives plan.ts for ReplicaSets or ReplicationControllers.
import type { Pod } from '@drydock/api/generated/types.ts';
import { type KubeObject, pods as podResource } from '@drydock/api/resource.ts';
import { matchesSelector } from '@drydock/api/selectors/label-selector.ts';
import { type EventAction, eventAbout } from '../common/action.ts';
import { Driver, type Round } from '../common/driver.ts';
import { byController, byNamespace, indexByController, indexByNamespace, orphansByNamespace } from '../common/indexes.ts';
import { isNamespaceEnding } from '../common/namespace-ending.ts';
import { controllerOf, keyOf, nameOf, namespaceOf, splitKey, uidOf } from '../common/object-meta.ts';
import type { Cache, ControllerContext } from '../common/ports.ts';
import { slowStart } from '../common/slow-start.ts';
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
  const say = (type: 'Normal' | 'Warning', reason: string, message: string): EventAction =>
    eventAbout(set.resource, set.object, type, reason, message);
  if (plan.create > 0) {
    const { error } = await slowStart(plan.create, async () => {
      try {
        const created = await round.create(podResource, plan.template);
        round.record(say('Normal', 'SuccessfulCreate', `Created pod: ${nameOf(created)}`));
      } catch (failure) {
        if (!isNamespaceEnding(failure)) round.record(say('Warning', 'FailedCreate', `Error creating: ${textOf(failure)}`));
        throw failure;
      }
    });
    // In a namespace that is ending nothing can be made, and nothing is wrong.
    if (error === undefined || isNamespaceEnding(error)) return { failure: undefined, error: undefined };
    return { failure: { reason: 'FailedCreate', message: textOf(error) }, error };
  }
  let first: unknown;
  const removals = plan.remove.map(async (pod) => {
    const key = { namespace: namespaceOf(pod), name: nameOf(pod) };
    try {
      await round.execute([{ verb: 'delete', resource: podResource, key, preconditions: { uid: uidOf(pod) } }]);
      round.record(say('Normal', 'SuccessfulDelete', `Deleted pod: ${nameOf(pod)}`));
    } catch (error) {
      round.record(say('Warning', 'FailedDelete', `Error deleting: ${textOf(error)}`));
      first ??= error;
    }
  });
  await Promise.all(removals);
  return { failure: first === undefined ? undefined : { reason: 'FailedDelete', message: textOf(first) }, error: first };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
