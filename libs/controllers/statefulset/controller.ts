// Drives plan.ts: which changes concern which StatefulSet, and the events about each step.
import type { ControllerRevision, PersistentVolumeClaim, Pod, StatefulSet } from '@drydock/api/generated/types.ts';
import { controllerRevisions, persistentVolumeClaims, pods as podResource, statefulSets } from '@drydock/api/resource.ts';
import { eventAbout } from '../common/action.ts';
import { Driver, type Round } from '../common/driver.ts';
import { followOwned } from '../common/follow-owned.ts';
import { byController, indexByController, orphansByNamespace } from '../common/indexes.ts';
import { isNamespaceEnding } from '../common/namespace-ending.ts';
import { keyOf, namespaceOf, splitKey, uidOf } from '../common/object-meta.ts';
import { errorText } from '../common/pod-control.ts';
import type { Cache, ControllerContext } from '../common/ports.ts';
import { writeRevision } from '../common/write-revision.ts';
import { planCollision, planStatefulSet, statusAfter } from './plan.ts';
import type { Step } from './steps.ts';

interface SetCaches {
  readonly sets: Cache<StatefulSet>;
  readonly pods: Cache<Pod>;
  readonly revisions: Cache<ControllerRevision>;
  readonly claims: Cache<PersistentVolumeClaim>;
}

export interface StatefulSetOptions {
  /** --concurrent-statefulset-syncs */
  readonly concurrency: number;
  /** The feature gate MaxUnavailableStatefulSet. */
  readonly severalUnavailable: boolean;
}

/** Starts the controller; it runs until the context's signal aborts. */
export async function startStatefulSetController(
  { concurrency, severalUnavailable }: StatefulSetOptions,
  context: ControllerContext,
): Promise<void> {
  const caches: SetCaches = {
    sets: context.caches.of(statefulSets),
    pods: context.caches.of(podResource),
    revisions: context.caches.of(controllerRevisions),
    claims: context.caches.of(persistentVolumeClaims),
  };
  indexByController(caches.pods);
  indexByController(caches.revisions);
  const driver = new Driver(context, {
    name: 'statefulset-controller',
    concurrency,
    caches: [caches.sets, caches.pods, caches.revisions, caches.claims],
    sync: (key, round) => sync(caches, key, severalUnavailable, round),
  });
  caches.sets.subscribe(({ before, after }) => {
    const object = after ?? before;
    if (object !== undefined) driver.enqueue(keyOf(object));
  });
  followOwned(driver, caches.sets, (set) => set.spec?.selector, caches.pods);
  followOwned(driver, caches.sets, (set) => set.spec?.selector, caches.revisions);
  const templateNames = 'claim-templates';
  caches.sets.index(templateNames, (set) => ((set.spec?.volumeClaimTemplates ?? []).length === 0 ? [] : [namespaceOf(set)]));
  caches.claims.subscribe(({ before, after }) => {
    // A claim that is written, or goes, may be what a pod waits for.
    const claim = after ?? before;
    if (claim === undefined) return;
    for (const set of caches.sets.lookup(templateNames, namespaceOf(claim))) {
      const prefixes = (set.spec?.volumeClaimTemplates ?? []).map(({ metadata }) => `${metadata?.name}-${set.metadata?.name}-`);
      if (prefixes.some((prefix) => claim.metadata?.name?.startsWith(prefix))) driver.enqueue(keyOf(set));
    }
  });
  await driver.start();
}

async function sync(caches: SetCaches, key: string, severalUnavailable: boolean, round: Round): Promise<number | undefined> {
  const set = caches.sets.get(splitKey(key));
  if (set === undefined) return undefined;
  const namespace = namespaceOf(set);
  const plan = planStatefulSet(
    {
      set,
      pods: [...caches.pods.lookup(byController, uidOf(set)), ...caches.pods.lookup(orphansByNamespace, namespace)],
      revisions: [
        ...caches.revisions.lookup(byController, uidOf(set)),
        ...caches.revisions.lookup(orphansByNamespace, namespace),
      ],
      claim: (name) => caches.claims.get({ namespace, name }),
      severalUnavailable,
    },
    round.wallMs(),
  );
  if (plan.first.length > 0) {
    await writeRevision(plan.first, () => planCollision(set), round);
    return undefined;
  }
  let done = 0;
  let failure: unknown;
  for (const step of plan.steps) {
    try {
      await take(step, set, round);
      done++;
    } catch (error) {
      failure = error;
      break;
    }
  }
  await round.execute(statusAfter(plan, done));
  if (failure !== undefined) throw failure;
  await round.execute(plan.history);
  return plan.requeueAfterMs;
}

async function take(step: Step, set: StatefulSet, round: Round): Promise<void> {
  const say = (type: 'Normal' | 'Warning', reason: string, message: string) =>
    round.record(eventAbout(statefulSets, set, type, reason, message));
  try {
    await round.execute([step.action]);
  } catch (error) {
    if (!isNamespaceEnding(error)) {
      say('Warning', `Failed${step.verb}`, `${step.verb} ${step.what} failed error: ${errorText(error)}`);
    }
    throw error;
  }
  // Claims that change hands are told about only when it fails.
  if (step.verb === 'Update') return;
  const word = step.what.startsWith('Claim ') ? 'success' : 'successful';
  say('Normal', `Successful${step.verb}`, `${step.verb} ${step.what} ${word}`);
}
