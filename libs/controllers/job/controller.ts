// Drives plan.ts: which pods concern which Job, and the pods whose Job is gone.
import type { Job, Pod } from '@drydock/api/generated/types.ts';
import { jobs, pods as podResource } from '@drydock/api/resource.ts';
import { matchesSelector } from '@drydock/api/selectors/label-selector.ts';
import { hasReason } from '@drydock/api/status.ts';
import { Driver, type Round } from '../common/driver.ts';
import { byController, byNamespace, indexByController, indexByNamespace, orphansByNamespace } from '../common/indexes.ts';
import { controllerOf, keyOf, namespaceOf, splitKey, uidOf } from '../common/object-meta.ts';
import { createPods, deletePods } from '../common/pod-control.ts';
import type { Cache, ControllerContext } from '../common/ports.ts';
import type { FailureRecord } from './backoff.ts';
import { isTracked, untrack } from './job-pods.ts';
import { isFinished, planJob, withoutFailures } from './plan.ts';

/** Changes of pods of one Job are gathered for this long, as upstream's SyncJobBatchPeriod. */
const batchMs = 1_000;

/** What is remembered of one incarnation of a job. */
interface Failures {
  readonly uid: string;
  readonly record: FailureRecord;
}

interface JobCaches {
  readonly jobs: Cache<Job>;
  readonly pods: Cache<Pod>;
}

/** Starts the controller; it runs until the context's signal aborts. */
export async function startJobController(concurrency: number, context: ControllerContext): Promise<void> {
  const caches: JobCaches = { jobs: context.caches.of(jobs), pods: context.caches.of(podResource) };
  indexByController(caches.pods);
  indexByNamespace(caches.jobs);
  const records = new Map<string, Failures>();
  const driver = new Driver(context, {
    name: 'job-controller',
    concurrency,
    caches: [caches.jobs, caches.pods],
    sync: (key, round) => sync(caches, records, key, round),
  });
  const orphans = new Driver(context, {
    name: 'job-controller-orphans',
    concurrency: 1,
    caches: [caches.pods],
    waitFor: [caches.jobs],
    sync: (key, round) => releaseOrphan(caches, key, round),
  });
  caches.jobs.subscribe(({ before, after }) => {
    const job = after ?? before;
    if (job === undefined) return;
    driver.enqueue(keyOf(job));
    if (after !== undefined) return;
    for (const pod of caches.pods.lookup(byController, uidOf(job))) orphans.enqueue(keyOf(pod));
  });
  caches.pods.subscribe(({ before, after }) => {
    // What this controller did itself is followed up at once: made, let go of, gone.
    const isOwn = before === undefined || after === undefined || (isTracked(before) && !isTracked(after));
    for (const pod of [before, after]) {
      const owner = pod === undefined ? undefined : controllerOf(pod);
      if (pod === undefined || owner?.kind !== 'Job') continue;
      driver.enqueueAfter(`${namespaceOf(pod)}/${owner.name}`, isOwn ? 0 : batchMs);
    }
    if (after === undefined) return;
    if (isTracked(after)) orphans.enqueue(keyOf(after));
    if (controllerOf(after) !== undefined) return;
    for (const job of caches.jobs.lookup(byNamespace, namespaceOf(after))) {
      if (matchesSelector(job.spec?.selector, after.metadata?.labels)) driver.enqueue(keyOf(job));
    }
  });
  await Promise.all([driver.start(), orphans.start()]);
}

/** A pod that nobody will count must not be held back by the finalizer. */
async function releaseOrphan(caches: JobCaches, key: string, round: Round): Promise<undefined> {
  const pod = caches.pods.get(splitKey(key));
  if (pod === undefined || !isTracked(pod)) return undefined;
  const owner = controllerOf(pod);
  if (owner !== undefined) {
    if (owner.kind !== 'Job') return undefined;
    const job = caches.jobs.get({ namespace: namespaceOf(pod), name: owner.name });
    if (job !== undefined && uidOf(job) === owner.uid) return undefined;
  } else {
    for (const job of caches.jobs.lookup(byNamespace, namespaceOf(pod))) {
      if (!isFinished(job) && matchesSelector(job.spec?.selector, pod.metadata?.labels)) return undefined;
    }
  }
  await release(round, [untrack(pod)]);
  return undefined;
}

/** A pod that is gone needs no release. */
async function release(round: Round, actions: Parameters<Round['execute']>[0]): Promise<void> {
  for (const action of actions) {
    try {
      await round.execute([action]);
    } catch (error) {
      if (action.verb !== 'patch' || !hasReason(error, 'NotFound')) throw error;
    }
  }
}

async function sync(caches: JobCaches, records: Map<string, Failures>, key: string, round: Round): Promise<number | undefined> {
  const job = caches.jobs.get(splitKey(key));
  // A job of the same name that was made anew has not failed yet.
  if (job === undefined || records.get(key)?.uid !== uidOf(job)) records.delete(key);
  if (job === undefined) return undefined;
  const observed = {
    job,
    pods: [...caches.pods.lookup(byController, uidOf(job)), ...caches.pods.lookup(orphansByNamespace, namespaceOf(job))],
    record: records.get(key)?.record,
  };
  const plan = planJob(observed, round.wallMs());
  if (plan.claims.length > 0) {
    await round.execute(plan.claims);
    return undefined;
  }
  const owner = { resource: jobs, object: job };
  await release(round, plan.forsake);
  const [made, removed] = await Promise.all([createPods(owner, plan.create, round), deletePods(owner, plan.remove, round)]);
  // What was not deleted must not be let go of.
  if (removed !== undefined) throw removed;
  await release(round, withoutFailures(plan.last, plan.create.length - made.created));
  if (plan.record === undefined) records.delete(key);
  else records.set(key, { uid: uidOf(job), record: plan.record });
  if (made.error !== undefined) throw made.error;
  return plan.requeueAfterMs;
}
