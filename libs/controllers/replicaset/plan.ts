// What a ReplicaSet (or ReplicationController) needs now. Pure; follows upstream's pkg/controller/replicaset.
import type { LabelSelector, Pod, PodTemplateSpec, ReplicaSet, ReplicaSetStatus } from '@drydock/api/generated/types.ts';
import { pods as podResource, type Resource } from '@drydock/api/resource.ts';
import { matchesLabels, matchesSelector } from '@drydock/api/selectors/label-selector.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { type Action, controllerReference } from '../common/action.ts';
import { planClaims } from '../common/claim.ts';
import { semanticEqual } from '../common/equality.ts';
import { isBeingDeleted, isControlledBy, nameOf, namespaceOf, uidOf } from '../common/object-meta.ts';
import { isPodActive, isPodAvailable, isPodReady, isPodTerminating, nextAvailabilityMs } from '../common/pod.ts';
import { choosePodsToDelete } from './rank.ts';

/** Pods created or deleted in one round at most, as upstream's BurstReplicas. */
export const burstPodsMax = 500;

/** The parts that ReplicaSet and ReplicationController have in common. */
export interface PodSet {
  readonly resource: Resource;
  /** The object itself; its status is written back in place. */
  readonly object: ReplicaSet;
  readonly selector: LabelSelector | undefined;
  readonly template: PodTemplateSpec;
  readonly replicas: number;
  readonly minReadySeconds: number;
}

export interface PodSetObserved {
  readonly set: PodSet;
  /** Pods of the namespace that the set controls or that nobody controls. */
  readonly pods: readonly Pod[];
  /** Pods of all sets of the same owner, this one's included. */
  readonly related: readonly Pod[];
}

export interface PodSetPlan {
  /** Adoption and release; when there are any, everything else waits for their result. */
  readonly claims: readonly Action[];
  /** How many pods to create from `template`. */
  readonly create: number;
  readonly template: Pod;
  readonly remove: readonly Pod[];
  readonly active: readonly Pod[];
  readonly terminating: readonly Pod[];
}

/** Which pods to make and which to remove. */
export function planPods(observed: PodSetObserved, nowMs: number): PodSetPlan {
  const { set } = observed;
  const matches = (pod: Pod) => matchesSelector(set.selector, pod.metadata?.labels);
  const candidates = observed.pods.filter(isPodActive);
  const claim = planClaims(set.resource, set.object, podResource, candidates, matches);
  const active = claim.claimed;
  const terminating = observed.pods.filter(
    (pod) => isPodTerminating(pod) && isControlledBy(pod, uidOf(set.object)) && matches(pod),
  );
  const nothing = { claims: claim.actions, create: 0, template: podOf(set), remove: [], active, terminating };
  if (isBeingDeleted(set.object)) return nothing;
  const diff = active.length - set.replicas;
  if (diff < 0) return { ...nothing, create: Math.min(-diff, burstPodsMax) };
  const count = Math.min(diff, burstPodsMax);
  return { ...nothing, remove: count === 0 ? [] : choosePodsToDelete(active, observed.related, count, nowMs) };
}

/** The pod that the set's template describes. The apiserver completes the name. */
function podOf(set: PodSet): Pod {
  const { labels, annotations, finalizers } = set.template.metadata ?? {};
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      generateName: `${nameOf(set.object)}-`,
      namespace: namespaceOf(set.object),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [controllerReference(set.resource, set.object)],
    },
    spec: set.template.spec,
  };
}

/** How the round went: the first error, and which way it was going. */
export interface RoundFailure {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly message: string;
}

export interface StatusPlan {
  readonly actions: readonly Action[];
  /** When the next pod becomes available by waiting. */
  readonly requeueAfterMs?: number | undefined;
}

/** The status after a round over `plan`, counted on what was observed before it. */
export function planStatus(set: PodSet, plan: PodSetPlan, failure: RoundFailure | undefined, nowMs: number): StatusPlan {
  const { active, terminating } = plan;
  const labels = set.template.metadata?.labels ?? {};
  const status: ReplicaSetStatus = {
    ...set.object.status,
    replicas: active.length,
    fullyLabeledReplicas: active.filter((pod) => matchesLabels(labels, pod.metadata?.labels)).length,
    readyReplicas: active.filter(isPodReady).length,
    availableReplicas: active.filter((pod) => isPodAvailable(pod, set.minReadySeconds, nowMs)).length,
    observedGeneration: set.object.metadata?.generation,
    ...(set.resource.kind === 'ReplicaSet' ? { terminatingReplicas: terminating.length } : {}),
    conditions: failureConditions(set, failure, nowMs),
  };
  const requeueAfterMs = nextAvailabilityMs(active, set.minReadySeconds, nowMs);
  if (semanticEqual(countsOf(status), countsOf(set.object.status))) return { actions: [], requeueAfterMs };
  const object = { ...set.object, status };
  return { actions: [{ verb: 'update', resource: set.resource, object, subresource: 'status' }], requeueAfterMs };
}

function failureConditions(set: PodSet, failure: RoundFailure | undefined, nowMs: number) {
  const conditions = set.object.status?.conditions ?? [];
  const current = conditions.find((condition) => condition.type === 'ReplicaFailure');
  if (failure === undefined) return conditions.filter((condition) => condition !== current);
  if (current !== undefined) return conditions;
  return [...conditions, { type: 'ReplicaFailure', status: 'True', lastTransitionTime: formatTime(nowMs), ...failure }];
}

/** Absent and zero are the same on the wire. */
function countsOf(status: ReplicaSetStatus | undefined): object {
  return {
    replicas: status?.replicas ?? 0,
    labeled: status?.fullyLabeledReplicas ?? 0,
    ready: status?.readyReplicas ?? 0,
    available: status?.availableReplicas ?? 0,
    terminating: status?.terminatingReplicas ?? 0,
    generation: status?.observedGeneration ?? 0,
    conditions: status?.conditions ?? [],
  };
}
