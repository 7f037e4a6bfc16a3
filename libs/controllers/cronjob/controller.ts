// Drives plan.ts: a CronJob is looked at when it or one of its Jobs changes, and when its next time has come.
import type { CronJob, Job } from '@drydock/api/generated/types.ts';
import { cronJobs, jobs as jobResource } from '@drydock/api/resource.ts';
import { hasReason } from '@drydock/api/status.ts';
import { eventAbout } from '../common/action.ts';
import { Driver, type Round } from '../common/driver.ts';
import { byController, indexByController } from '../common/indexes.ts';
import { isNamespaceEnding } from '../common/namespace-ending.ts';
import { controllerOf, isControlledBy, keyOf, nameOf, namespaceOf, splitKey, uidOf } from '../common/object-meta.ts';
import { errorText } from '../common/pod-control.ts';
import type { Cache, ControllerContext } from '../common/ports.ts';
import { planCronJob, planStatus, statusWith } from './plan.ts';

/** Starts the controller; it runs until the context's signal aborts. */
export async function startCronJobController(concurrency: number, context: ControllerContext): Promise<void> {
  const owners = context.caches.of(cronJobs);
  const jobs = context.caches.of(jobResource);
  indexByController(jobs);
  const driver = new Driver(context, {
    name: 'cronjob-controller',
    concurrency,
    caches: [owners, jobs],
    sync: (key, round) => sync(owners, jobs, key, round),
  });
  owners.subscribe(({ after }) => {
    if (after !== undefined) driver.enqueue(keyOf(after));
  });
  jobs.subscribe(({ before, after }) => {
    for (const job of [before, after]) {
      const owner = job === undefined ? undefined : controllerOf(job);
      if (job !== undefined && owner?.kind === 'CronJob') driver.enqueue(`${namespaceOf(job)}/${owner.name}`);
    }
  });
  await driver.start();
}

async function sync(owners: Cache<CronJob>, jobs: Cache<Job>, key: string, round: Round): Promise<number | undefined> {
  const cronJob = owners.get(splitKey(key));
  if (cronJob === undefined) return undefined;
  const known = [...jobs.lookup(byController, uidOf(cronJob))];
  const plan = planCronJob(cronJob, [...known, ...(await unseenJobs(cronJob, known, round))], round.wallMs());
  await round.execute(plan.first);
  let status = plan.status;
  if (plan.start !== undefined) {
    const created = await start(cronJob, plan.start.job, round);
    if (created !== undefined) status = statusWith(status, created, plan.start.atMs);
  }
  await round.execute(planStatus(cronJob, status));
  return plan.requeueAfterMs;
}

/** Active Jobs that the cache does not show: only a live read proves that one is gone. */
async function unseenJobs(cronJob: CronJob, known: readonly Job[], round: Round): Promise<Job[]> {
  const found: Job[] = [];
  for (const { name = '', uid } of cronJob.status?.active ?? []) {
    if (known.some((job) => uidOf(job) === uid)) continue;
    try {
      const job = await round.client.get(jobResource, { namespace: namespaceOf(cronJob), name });
      if (uidOf(job) === uid) found.push(job);
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
  }
  return found;
}

/** The Job, also where it was started before and the status does not tell; undefined where another has its name. */
async function start(cronJob: CronJob, job: Job, round: Round): Promise<Job | undefined> {
  const say = (type: 'Normal' | 'Warning', reason: string, message: string) =>
    round.record(eventAbout(cronJobs, cronJob, type, reason, message));
  try {
    const created = await round.create(jobResource, job);
    say('Normal', 'SuccessfulCreate', `Created job ${nameOf(created)}`);
    return created;
  } catch (error) {
    if (isNamespaceEnding(error)) throw error;
    if (!hasReason(error, 'AlreadyExists')) {
      say('Warning', 'FailedCreate', `Error creating job: ${errorText(error)}`);
      throw error;
    }
    const live = await round.client.get(jobResource, { namespace: namespaceOf(job), name: nameOf(job) });
    if (isControlledBy(live, uidOf(cronJob))) return live;
    say('Warning', 'FailedCreate', `Error creating job: ${errorText(error)}`);
    return undefined;
  }
}
