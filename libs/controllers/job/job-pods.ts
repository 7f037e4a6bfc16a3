// The pods of a Job: which have ended and how, and how new ones are made.
import type { Job, Pod } from '@drydock/api/generated/types.ts';
import { jobs, pods as podResource } from '@drydock/api/resource.ts';
import { parseTime } from '@drydock/foundation/clock.ts';
import { type Action, controllerReference } from '../common/action.ts';
import { creationMs, isBeingDeleted, nameOf, namespaceOf, uidOf } from '../common/object-meta.ts';
import { podCondition } from '../common/pod.ts';

/** Keeps a pod until the Job has counted it. */
export const trackingFinalizer = 'batch.kubernetes.io/job-tracking';

export const completionIndexKey = 'batch.kubernetes.io/job-completion-index';
const failureCountKey = 'batch.kubernetes.io/job-index-failure-count';
const ignoredCountKey = 'batch.kubernetes.io/job-index-ignored-failure-count';

/** Longest generateName of a pod, so that the random suffix fits: names of pods have 63 characters at most here. */
const generateNameMax = 57;

export function isIndexed(job: Job): boolean {
  return job.spec?.completionMode === 'Indexed';
}

export function isTracked(pod: Pod): boolean {
  return pod.metadata?.finalizers?.includes(trackingFinalizer) === true;
}

/** Whether pods that are being deleted are only replaced once they have ended (podReplacementPolicy Failed). */
export function replacesOnlyFailed(job: Job): boolean {
  return job.spec?.podReplacementPolicy === 'Failed';
}

/** Whether the pod counts as failed: it did, or it is being deleted before it succeeded. */
export function hasFailed(job: Job, pod: Pod): boolean {
  if (pod.status?.phase === 'Failed') return true;
  if (replacesOnlyFailed(job)) return false;
  return isBeingDeleted(pod) && pod.status?.phase !== 'Succeeded';
}

/** The pod's completion index where it is one of this Job's; undefined otherwise. */
export function indexOf(job: Job, pod: Pod): number | undefined {
  const text = pod.metadata?.annotations?.[completionIndexKey] ?? '';
  const index = /^\d+$/.test(text) ? Number(text) : undefined;
  return index !== undefined && index < (job.spec?.completions ?? 0) ? index : undefined;
}

function countAt(pod: Pod, key: string): number {
  const value = Number(pod.metadata?.annotations?.[key] ?? 0);
  return Number.isInteger(value) && value >= 0 ? value : 0;
}

/** How often pods of this index had failed before this one was made. */
export function failureCountOf(pod: Pod): number {
  return countAt(pod, failureCountKey);
}

/** All failures that led to this pod, ignored ones included: they make the wait longer. */
export function allFailuresOf(pod: Pod): number {
  return countAt(pod, failureCountKey) + countAt(pod, ignoredCountKey);
}

/** When the pod ended, as well as it can be told, in milliseconds since the epoch. */
export function finishedMs(pod: Pod): number {
  const ends = (pod.status?.containerStatuses ?? []).map((one) => parseTime(one.state?.terminated?.finishedAt) ?? 0);
  const last = Math.max(0, ...ends);
  if (last > 0) return last;
  const ready = podCondition(pod, 'Ready');
  const notReadySince = ready?.status === 'False' ? parseTime(ready.lastTransitionTime) : undefined;
  return notReadySince ?? parseTime(pod.metadata?.deletionTimestamp) ?? creationMs(pod);
}

/** What an indexed pod is made after: the failed pod of the same index that it replaces, where failures are counted per index. */
export interface Predecessor {
  readonly pod: Pod;
  readonly ignored: boolean;
}

/** A pod of the Job; `index` for indexed ones. The apiserver completes the name. */
export function podOf(job: Job, index?: number, before?: Predecessor): Pod {
  const template = job.spec?.template ?? {};
  const { annotations, labels, finalizers } = template.metadata ?? {};
  const own = index === undefined ? {} : { [completionIndexKey]: String(index) };
  const spec = { containers: [], ...template.spec };
  const prefix = index === undefined ? `${nameOf(job)}-` : `${nameOf(job)}-${index}-`;
  const marks = { ...annotations, ...own, ...failureCounts(job, before) };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: prefix.length <= generateNameMax ? prefix : cutPrefix(job, index),
      namespace: namespaceOf(job),
      labels: { ...labels, ...own },
      ...(Object.keys(marks).length === 0 ? {} : { annotations: marks }),
      finalizers: [...(finalizers ?? []), trackingFinalizer],
      ownerReferences: [controllerReference(jobs, job)],
    },
    spec: index === undefined ? spec : withIndex(spec, `${nameOf(job)}-${index}`),
  };
}

function cutPrefix(job: Job, index: number | undefined): string {
  const tail = index === undefined ? '-' : `-${index}-`;
  return `${nameOf(job).slice(0, generateNameMax - tail.length)}${tail}`;
}

function failureCounts(job: Job, before: Predecessor | undefined): Record<string, string> {
  if (job.spec?.backoffLimitPerIndex === undefined) return {};
  const failures = before === undefined ? 0 : failureCountOf(before.pod) + (before.ignored ? 0 : 1);
  const ignored = before === undefined ? 0 : countAt(before.pod, ignoredCountKey) + (before.ignored ? 1 : 0);
  return { [failureCountKey]: String(failures), ...(ignored > 0 ? { [ignoredCountKey]: String(ignored) } : {}) };
}

/** The index in the environment of every container, and as the host name. */
function withIndex(spec: NonNullable<Pod['spec']>, hostname: string): NonNullable<Pod['spec']> {
  const name = 'JOB_COMPLETION_INDEX';
  const variable = { name, valueFrom: { fieldRef: { fieldPath: `metadata.labels['${completionIndexKey}']` } } };
  const complete = <C extends { env?: { name: string }[] | undefined }>(container: C): C =>
    container.env?.some((one) => one.name === name) ? container : { ...container, env: [...(container.env ?? []), variable] };
  return {
    ...spec,
    hostname,
    containers: spec.containers.map(complete),
    ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(complete) }),
  };
}

/** Lets go of a pod. */
export function untrack(pod: Pod): Action {
  return {
    verb: 'patch',
    resource: podResource,
    key: { namespace: namespaceOf(pod), name: nameOf(pod) },
    patch: {
      type: 'strategic',
      body: { metadata: { uid: uidOf(pod), '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] } },
    },
  };
}
