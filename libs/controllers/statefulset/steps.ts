// The changes that a StatefulSet needs now, one after the other: ordered sets stop at the first that has to be waited for.
import type { PersistentVolumeClaim, Pod, PodTemplateSpec, StatefulSet } from '@drydock/api/generated/types.ts';
import { persistentVolumeClaims, pods as podResource } from '@drydock/api/resource.ts';
import type { WriteAction } from '../common/action.ts';
import { scaledValue } from '../common/int-or-percent.ts';
import { isBeingDeleted, nameOf, namespaceOf, uidOf } from '../common/object-meta.ts';
import { isPodAvailable, isPodReady } from '../common/pod.ts';
import {
  claimNames,
  claimOf,
  correctedOwners,
  hasIdentity,
  isStale,
  ordinalsOf,
  podOf,
  revisionOf,
  withIdentity,
} from './identity.ts';

/** How a done step changes the counts of the status. */
export interface Delta {
  readonly replicas: number;
  readonly current: number;
  readonly updated: number;
}

export interface Step {
  readonly action: WriteAction;
  /** `Create Pod web-0 in StatefulSet web`: the events say how it went. */
  readonly what: string;
  readonly verb: 'Create' | 'Update' | 'Delete';
  readonly delta?: Delta;
}

export interface Fleet {
  readonly set: StatefulSet;
  /** Names of revisions, and their templates. */
  readonly current: string;
  readonly update: string;
  readonly templates: ReadonlyMap<string, PodTemplateSpec>;
  /** By ordinal. */
  readonly pods: ReadonlyMap<number, Pod>;
  claim(name: string): PersistentVolumeClaim | undefined;
  readonly nowMs: number;
  /** The feature gate MaxUnavailableStatefulSet. */
  readonly severalUnavailable: boolean;
}

const isCreated = (pod: Pod) => (pod.status?.phase ?? '') !== '';
const isRunningAndReady = (pod: Pod) => pod.status?.phase === 'Running' && isPodReady(pod);
const isHealthy = (pod: Pod) => isRunningAndReady(pod) && !isBeingDeleted(pod);

/** Counts by revision of what a change of this pod means. */
function deltaOf(fleet: Fleet, revision: string, by: 1 | -1): Delta {
  return { replicas: by, current: revision === fleet.current ? by : 0, updated: revision === fleet.update ? by : 0 };
}

export function countsAs(fleet: Fleet, pod: Pod): Delta {
  const none = { replicas: isCreated(pod) ? 1 : 0, current: 0, updated: 0 };
  return isCreated(pod) && !isBeingDeleted(pod) ? deltaOf(fleet, revisionOf(pod), 1) : none;
}

/** Whether the set's pods come and go one at a time. */
function isOrdered(set: StatefulSet): boolean {
  return set.spec?.podManagementPolicy !== 'Parallel';
}

export function planSteps(fleet: Fleet): Step[] {
  const { set, pods } = fleet;
  const { start, end } = ordinalsOf(set);
  const ordered = isOrdered(set);
  const steps: Step[] = [];
  const condemned = [...pods].filter(([ordinal]) => ordinal < start || ordinal >= end).sort(([a], [b]) => b - a);
  for (let ordinal = start; ordinal < end; ordinal++) {
    // Pods that come at once do not wait for each other, whatever one of them waits for.
    if (tend(fleet, ordinal, ordered, steps) && ordered) return steps;
  }
  for (const [ordinal, pod] of condemned) fixClaims(fleet, pod, ordinal, steps);
  const firstUnhealthy = firstUnhealthyOf(fleet, condemned);
  for (const [, pod] of condemned) {
    if (isBeingDeleted(pod)) {
      if (ordered) return steps;
      continue;
    }
    if (ordered && pod !== firstUnhealthy && !isServing(fleet, pod)) return steps;
    steps.push(removal(fleet, pod));
    if (ordered) return steps;
  }
  if (set.spec?.updateStrategy?.type !== 'OnDelete') roll(fleet, steps);
  return steps;
}

function isServing({ set, nowMs }: Fleet, pod: Pod): boolean {
  return isRunningAndReady(pod) && isPodAvailable(pod, set.spec?.minReadySeconds ?? 0, nowMs);
}

/** The unhealthy pod with the lowest ordinal, missing ones included (undefined): only it may be removed while ill. */
function firstUnhealthyOf(fleet: Fleet, condemned: readonly (readonly [number, Pod])[]): Pod | undefined {
  const { start, end } = ordinalsOf(fleet.set);
  for (let ordinal = start; ordinal < end; ordinal++) {
    const pod = fleet.pods.get(ordinal);
    if (pod === undefined || !isHealthy(pod)) return pod;
  }
  return condemned.findLast(([, pod]) => !isHealthy(pod))?.[1];
}

/** Sees to one ordinal; returns whether, in an ordered set, everything after it has to wait. */
function tend(fleet: Fleet, ordinal: number, ordered: boolean, steps: Step[]): boolean {
  const { set } = fleet;
  const pod = fleet.pods.get(ordinal);
  if (pod === undefined) {
    if (!makeClaims(fleet, ordinal, undefined, steps)) return true;
    const revision = revisionFor(fleet, ordinal);
    const object = podOf(set, fleet.templates.get(revision) ?? {}, revision, ordinal);
    const delta = deltaOf(fleet, revision, 1);
    const action = { verb: 'create' as const, resource: podResource, object };
    steps.push({ action, what: about(set, object), verb: 'Create', delta });
    return ordered;
  }
  if (pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded') {
    if (!isBeingDeleted(pod)) steps.push(removal(fleet, pod));
    return true;
  }
  if (pod.status?.phase === 'Pending' && !isBeingDeleted(pod)) makeClaims(fleet, ordinal, pod, steps);
  if (ordered && (isBeingDeleted(pod) || !isServing(fleet, pod))) return true;
  fixClaims(fleet, pod, ordinal, steps);
  if (!hasIdentity(set, pod, ordinal)) {
    const action = { verb: 'update' as const, resource: podResource, object: withIdentity(set, pod, ordinal) };
    steps.push({ action, what: about(set, pod), verb: 'Update' });
  }
  return false;
}

function about(set: StatefulSet, pod: Pod): string {
  return `Pod ${nameOf(pod)} in StatefulSet ${nameOf(set)}`;
}

function removal(fleet: Fleet, pod: Pod): Step {
  const key = { namespace: namespaceOf(pod), name: nameOf(pod) };
  const action = { verb: 'delete' as const, resource: podResource, key, preconditions: { uid: uidOf(pod) } };
  const delta = { ...deltaOf(fleet, revisionOf(pod), -1), replicas: 0 };
  return { action, what: about(fleet.set, pod), verb: 'Delete', delta };
}

/** Which revision a new pod of that ordinal has: below the partition the present one. */
function revisionFor({ set, current, update }: Fleet, ordinal: number): string {
  const { start } = ordinalsOf(set);
  const { type = 'RollingUpdate', rollingUpdate } = set.spec?.updateStrategy ?? {};
  if (rollingUpdate !== undefined) return ordinal < start + (rollingUpdate.partition ?? 0) ? current : update;
  return type === 'RollingUpdate' && ordinal < start + (set.status?.currentReplicas ?? 0) ? current : update;
}

/** Creates the claims that are missing; false where one has to go first. */
function makeClaims(fleet: Fleet, ordinal: number, pod: Pod | undefined, steps: Step[]): boolean {
  const { set } = fleet;
  const names = claimNames(set, ordinal);
  const podName = `${nameOf(set)}-${ordinal}`;
  const present = [...names.values()].map((name) => fleet.claim(name)).filter((claim) => claim !== undefined);
  if (present.some((claim) => isBeingDeleted(claim) || isStale(claim, podName, pod))) return false;
  for (const template of set.spec?.volumeClaimTemplates ?? []) {
    const name = names.get(nameOf(template)) ?? '';
    if (fleet.claim(name) !== undefined) continue;
    const object = claimOf(set, template, name, ordinal);
    const action = { verb: 'create' as const, resource: persistentVolumeClaims, object };
    steps.push({ action, what: `Claim ${name} Pod ${podName} in StatefulSet ${nameOf(set)}`, verb: 'Create' });
  }
  return true;
}

/** Makes the claims of a pod belong to whom the retention policy says. */
function fixClaims(fleet: Fleet, pod: Pod, ordinal: number, steps: Step[]): void {
  const { set } = fleet;
  for (const name of claimNames(set, ordinal).values()) {
    const claim = fleet.claim(name);
    const ownerReferences = claim === undefined ? undefined : correctedOwners(set, claim, pod, ordinal);
    if (claim === undefined || ownerReferences === undefined) continue;
    const object: PersistentVolumeClaim = { ...claim, metadata: { ...claim.metadata, ownerReferences } };
    const action = { verb: 'update' as const, resource: persistentVolumeClaims, object };
    steps.push({ action, what: `Claim ${name} in StatefulSet ${nameOf(set)}`, verb: 'Update' });
  }
}

/** Removes outdated pods from the highest ordinal down to the partition, as many at a time as may be unavailable. */
function roll(fleet: Fleet, steps: Step[]): void {
  const { set, pods, update, severalUnavailable } = fleet;
  const { start, end } = ordinalsOf(set);
  const { partition = 0, maxUnavailable } = set.spec?.updateStrategy?.rollingUpdate ?? {};
  let budget =
    maxUnavailable === undefined || !severalUnavailable ? 1 : Math.max(1, scaledValue(maxUnavailable, end - start, 'up'));
  for (let ordinal = end - 1; ordinal >= start + partition && budget > 0; ordinal--) {
    const pod = pods.get(ordinal);
    if (pod !== undefined && revisionOf(pod) !== update && !isBeingDeleted(pod)) {
      steps.push(removal(fleet, pod));
      budget--;
    } else if (pod === undefined || !isHealthy(pod)) budget--;
  }
}
