// What is done to pods through subresources: binding to a node, eviction within the limits of disruption budgets.
import type { Binding, DeleteOptions, Eviction, Pod, PodDisruptionBudget } from '@drydock/api/generated/types.ts';
import { type KubeObject, podDisruptionBudgets, pods } from '@drydock/api/resource.ts';
import { matchesLabelSelector } from '@drydock/api/selectors/label.ts';
import { apiError, hasReason } from '@drydock/api/status.ts';
import { validateDeleteOptions } from '@drydock/api/validate/delete-options.ts';
import { notSupported, required } from '@drydock/api/validate/field-error.ts';
import { aggregateText, invalidError } from '@drydock/api/validate/invalid-error.ts';
import { type Clock, formatTime } from '@drydock/foundation/clock.ts';
import { type Call, isDry } from '../call.ts';
import type { Caches } from '../registry/caches.ts';
import { conflict, forbiddenObject, notFound, serverError } from '../registry/errors.ts';
import { objectKey } from '../storage/keys.ts';
import { type Change, dryRun, type ObjectStore } from '../storage/object-store.ts';

export interface PodSources {
  readonly objects: ObjectStore;
  readonly caches: Caches;
  readonly clock: Clock;
  /** Deletes the pod with the rules of DELETE. */
  deletePod(call: Call, name: string, options: DeleteOptions): Promise<void>;
}

const success = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 } as KubeObject;

/** Binds a pod to the node that the Binding names: once, and only while it is not bound. */
export async function bindPod(call: Call, asked: KubeObject, { objects, clock }: PodSources): Promise<KubeObject> {
  const binding = asked as Binding;
  const { namespace } = call.request.target;
  const name = call.subresource === undefined ? (binding.metadata?.name ?? '') : call.request.target.name;
  if (call.subresource !== undefined && binding.metadata?.name !== name) {
    throw apiError('BadRequest', 'name in URL does not match name in Binding object');
  }
  const node = binding.target?.name ?? '';
  const { kind } = binding.target ?? {};
  const problems = [
    ...(kind === undefined || kind === '' || kind === 'Node' ? [] : [notSupported('target.kind', kind, ['Node', '<empty>'])]),
    ...(node === '' ? [required('target.name')] : []),
  ];
  if (problems.length > 0) throw serverError(aggregateText(problems));
  const key = objectKey(pods, namespace, name);
  const change = (current: { object: KubeObject } | undefined): Change => {
    if (current === undefined) throw notFound(pods, name);
    const pod = current.object as Pod;
    const fail = (why: string) => conflict({ group: '', resource: 'pods/binding' }, name, why);
    const { uid, resourceVersion } = binding.metadata ?? {};
    if (uid && uid !== pod.metadata?.uid) {
      throw conflict(
        pods,
        name,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata?.uid ?? ''}`,
      );
    }
    if (resourceVersion && resourceVersion !== pod.metadata?.resourceVersion) throw fail('the object has been modified');
    if (pod.metadata?.deletionTimestamp !== undefined) throw fail(`pod ${name} is being deleted, cannot be assigned to a host`);
    if ((pod.spec?.nodeName ?? '') !== '')
      throw fail(`pod ${name} is already assigned to node ${JSON.stringify(pod.spec?.nodeName)}`);
    if ((pod.spec?.schedulingGates ?? []).length > 0) throw fail(`pod ${name} has non-empty .spec.schedulingGates`);
    return { put: bound(pod, node, binding, clock) };
  };
  if (call.request.options.dryRun) await dryRun(await objects.read(key), async (current) => change(current));
  else await objects.update(key, undefined, change);
  return success;
}

function bound(pod: Pod, nodeName: string, binding: Binding, clock: Clock): KubeObject {
  const conditions = (pod.status?.conditions ?? []).filter((condition) => condition.type !== 'PodScheduled');
  const scheduled = {
    type: 'PodScheduled',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: formatTime(clock.wallMs()),
  };
  const { annotations, labels } = binding.metadata ?? {};
  // It has its node now: what was kept for it elsewhere is kept no longer (ClearingNominatedNodeNameAfterBinding).
  const { nominatedNodeName: _, ...status } = pod.status ?? {};
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      ...(annotations === undefined ? {} : { annotations: { ...pod.metadata?.annotations, ...annotations } }),
      ...(labels === undefined ? {} : { labels: { ...pod.metadata?.labels, ...labels } }),
    },
    spec: { ...pod.spec, nodeName },
    status: { ...status, conditions: [...conditions, scheduled] },
  } as KubeObject;
}

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
    await sources.deletePod(call, name, asSeen);
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
    await sources.deletePod(call, name, free ? seenAs(pod, options) : options);
  } catch (error) {
    if (!free || !hasReason(error, 'Conflict') || options.preconditions?.resourceVersion !== undefined) throw error;
    throw tooMany(`The disruption budget ${budget.metadata?.name} is still being processed by the server.`, 10);
  }
  return success;
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
    return { put: { ...found, status } as KubeObject };
  };
  if (dry) await dryRun(await objects.read(key), async (current) => change(current));
  else await objects.update(key, undefined, change);
}
