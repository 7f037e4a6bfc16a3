// Eviction of pods within the limits of disruption budgets (pkg/registry/core/pod/storage/eviction.go).
import type {
  DeleteOptions,
  Eviction,
  Pod,
  PodDisruptionBudget,
  PodDisruptionBudgetStatus,
} from '@drydock/api/generated/types.ts';
import { type KubeObject, podDisruptionBudgets, pods } from '@drydock/api/resource.ts';
import { matchesLabelSelector } from '@drydock/api/selectors/label.ts';
import { apiError, hasReason } from '@drydock/api/status.ts';
import { validateDeleteOptions } from '@drydock/api/validate/delete-options.ts';
import { invalidError } from '@drydock/api/validate/invalid-error.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { type Call, isDry } from '../call.ts';
import { conflict, forbiddenObject, notFound, serverError } from '../registry/errors.ts';
import { objectKey } from '../storage/keys.ts';
import { type Change, dryRun } from '../storage/object-store.ts';
import { type PodSources, success } from './pods.ts';

/** Deletes a pod unless a disruption budget forbids it now (429). Dry where the request or the eviction's own options say so. */
export async function evictPod(call: Call, asked: KubeObject, sources: PodSources): Promise<KubeObject> {
  const { objects, caches } = sources;
  const eviction = asked as Eviction;
  const { namespace, name } = call.request.target;
  if (eviction.metadata?.name !== name) throw apiError('BadRequest', 'name in URL does not match name in Eviction object');
  const options = { ...eviction.deleteOptions, ...(call.request.options.dryRun === true ? { dryRun: ['All'] } : {}) };
  const errors = validateDeleteOptions(options);
  if (errors.length > 0) throw invalidError({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors);
  const pod = (await objects.read(objectKey(pods, namespace, name)))?.object as Pod | undefined;
  if (pod === undefined) throw notFound(pods, name);
  if (evictsFreely(pod)) {
    // A pod that became ready meanwhile counts for its budget: it is deleted only as it was seen here.
    const asSeen = isOver(pod) ? options : seenAs(pod, options);
    await deleteAsTarget(call, name, asSeen, sources);
    return success;
  }
  await caches.of(podDisruptionBudgets).start();
  const budgets = [...caches.list<PodDisruptionBudget>(podDisruptionBudgets, namespace)].filter((budget) =>
    covers(budget, pod),
  );
  if (budgets.length > 1)
    throw serverError('This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.');
  const [budget] = budgets;
  const free = budget !== undefined && isUnready(pod) && mayEvictUnready(budget);
  if (budget !== undefined && !free) await takeDisruption(budget, name, sources, isDry(options));
  try {
    await deleteAsTarget(call, name, free ? seenAs(pod, options) : options, sources);
  } catch (error) {
    if (!free || !hasReason(error, 'Conflict') || options.preconditions?.resourceVersion !== undefined) throw error;
    throw tooMany(`The disruption budget ${budget.metadata?.name} is still being processed by the server.`, 10);
  }
  return success;
}

/** Says in the pod's status that it is evicted, for those who ask why it ends, and deletes it. */
async function deleteAsTarget(call: Call, name: string, options: DeleteOptions, sources: PodSources): Promise<void> {
  if (isDry(options)) return sources.deletePod(call, name, options);
  const { uid, resourceVersion } = options.preconditions ?? {};
  const change = (current: { object: KubeObject } | undefined): Change => {
    if (current === undefined) throw notFound(pods, name);
    const pod = current.object as Pod;
    const { uid: ownUid = '', resourceVersion: ownVersion = '' } = pod.metadata ?? {};
    const differs = (what: string, given: string, own: string, happened: string) =>
      conflict(
        { group: '', resource: 'Pod' },
        name,
        `the ${what} in the precondition (${given}) does not match the ${what} in record (${own}). The object might have been ${happened}`,
      );
    if (uid && uid !== ownUid) throw differs('UID', uid, ownUid, 'deleted and then recreated');
    if (resourceVersion && resourceVersion !== ownVersion)
      throw differs('ResourceVersion', resourceVersion, ownVersion, 'modified');
    return { put: asTarget(pod, sources.clock.wallMs()) };
  };
  const outcome = await sources.objects.update(objectKey(pods, call.request.target.namespace, name), undefined, change);
  // It is the version that this wrote now.
  const written = resourceVersion ? { resourceVersion: outcome?.object.metadata?.resourceVersion } : {};
  await sources.deletePod(call, name, { ...options, preconditions: { ...options.preconditions, ...written } });
}

function asTarget(pod: Pod, nowMs: number): KubeObject {
  const conditions = pod.status?.conditions ?? [];
  const old = conditions.find(({ type }) => type === 'DisruptionTarget');
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'EvictionByEvictionAPI',
    message: 'Eviction API: evicting',
    lastTransitionTime: old?.status === 'True' ? old.lastTransitionTime : formatTime(nowMs),
  };
  const rest = conditions.filter((each) => each !== old);
  return { ...pod, status: { ...pod.status, conditions: [...rest, condition] } } as KubeObject;
}

function seenAs(pod: Pod, options: DeleteOptions): DeleteOptions {
  const resourceVersion = options.preconditions?.resourceVersion ?? pod.metadata?.resourceVersion;
  return { ...options, preconditions: { ...options.preconditions, resourceVersion } };
}

function isOver(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return phase === 'Succeeded' || phase === 'Failed' || pod.metadata?.deletionTimestamp !== undefined;
}

function evictsFreely(pod: Pod): boolean {
  return isOver(pod) || pod.status?.phase === 'Pending';
}

/** A budget without a selector is for no pod, one with an empty selector for every pod. */
function covers({ spec }: PodDisruptionBudget, pod: Pod): boolean {
  return spec?.selector !== undefined && matchesLabelSelector(spec.selector, pod.metadata?.labels);
}

function isUnready(pod: Pod): boolean {
  return !(pod.status?.conditions ?? []).some((condition) => condition.type === 'Ready' && condition.status === 'True');
}

function mayEvictUnready(budget: PodDisruptionBudget): boolean {
  if (budget.spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {};
  return currentHealthy >= desiredHealthy && desiredHealthy > 0;
}

function tooMany(message: string, retryAfterSeconds?: number) {
  return apiError('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: 'DisruptionBudget', message }],
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** Budgets whose controller lags this far behind allow nothing more. */
const disruptedPodsMax = 2000;

async function takeDisruption(
  budget: PodDisruptionBudget,
  podName: string,
  { objects, clock }: PodSources,
  dry: boolean,
): Promise<void> {
  const { name = '', namespace = '' } = budget.metadata ?? {};
  const key = objectKey(podDisruptionBudgets, namespace, name);
  const change = (current: { object: KubeObject } | undefined): Change => {
    if (current === undefined) return { keep: true };
    const found = current.object as PodDisruptionBudget;
    const {
      observedGeneration = 0,
      disruptionsAllowed = 0,
      disruptedPods = {},
      desiredHealthy = 0,
      currentHealthy = 0,
    } = found.status ?? {};
    if (observedGeneration < (found.metadata?.generation ?? 0)) {
      throw tooMany(`The disruption budget ${name} is still being processed by the server.`, 10);
    }
    const negative = 'pdb disruptions allowed is negative';
    if (disruptionsAllowed < 0) throw forbiddenObject({ group: 'policy', resource: 'poddisruptionbudget' }, name, negative);
    if (Object.keys(disruptedPods).length > disruptedPodsMax) {
      const why = 'DisruptedPods map too big - too many evictions not confirmed by PDB controller';
      throw forbiddenObject({ group: 'policy', resource: 'poddisruptionbudget' }, name, why);
    }
    if (disruptionsAllowed === 0) {
      throw tooMany(`The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`);
    }
    const status = {
      ...found.status,
      disruptionsAllowed: disruptionsAllowed - 1,
      disruptedPods: { ...disruptedPods, [podName]: formatTime(clock.wallMs()) },
    };
    return { put: (disruptionsAllowed === 1 ? usedUp(found, status, clock.wallMs()) : { ...found, status }) as KubeObject };
  };
  if (dry) await dryRun(await objects.read(key), async (current) => change(current));
  else await objects.update(key, undefined, change);
}

/** The last one is taken: the budget's condition says so at once. */
function usedUp(budget: PodDisruptionBudget, status: PodDisruptionBudgetStatus, nowMs: number): PodDisruptionBudget {
  const { conditions = [] } = status;
  const old = conditions.find(({ type }) => type === 'DisruptionAllowed');
  const condition = {
    type: 'DisruptionAllowed',
    status: 'False',
    observedGeneration: status.observedGeneration,
    lastTransitionTime: old?.status === 'False' ? old.lastTransitionTime : formatTime(nowMs),
    reason: 'InsufficientPods',
    message: '',
  };
  const next = old === undefined ? [...conditions, condition] : conditions.map((each) => (each === old ? condition : each));
  return { ...budget, status: { ...status, conditions: next } };
}
