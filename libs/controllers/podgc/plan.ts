// Pods that nobody will ever finish: on nodes that are gone, never scheduled but deleted, or long finished. Pure; follows
// upstream's pkg/controller/podgc.
import type { Pod } from '@drydock/api/generated/types.ts';
import { pods as podResource } from '@drydock/api/resource.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import type { Action } from '../common/action.ts';
import { byCreation, isBeingDeleted, nameOf, namespaceOf, uidOf } from '../common/object-meta.ts';
import { isPodTerminal } from '../common/pod.ts';

export interface PodGcObserved {
  readonly pods: readonly Pod[];
  /** Nodes that a live read found absent after they had been missing for the quarantine. */
  readonly absentNodes: ReadonlySet<string>;
  /** Nodes that are not ready and carry the out-of-service taint: their pods will not come back. */
  readonly outOfServiceNodes: ReadonlySet<string>;
  /** --terminated-pod-gc-threshold; 0 or less keeps all. */
  readonly terminatedPodsMax: number;
}

/** Actions per pod, independent of each other. */
export function planPodGc(observed: PodGcObserved, nowMs: number): Action[][] {
  const plans = new Map<string, Action[]>();
  for (const pod of observed.pods) {
    const node = pod.spec?.nodeName ?? '';
    if (node === '') {
      if (isBeingDeleted(pod)) plans.set(uidOf(pod), [remove(pod)]);
    } else if (observed.absentNodes.has(node)) {
      plans.set(uidOf(pod), fail(pod, 'DeletionByPodGC', 'PodGC: node no longer exists', nowMs));
    } else if (isBeingDeleted(pod) && observed.outOfServiceNodes.has(node)) {
      const message = `PodGC: node ${node} is out of service`;
      plans.set(uidOf(pod), fail(pod, 'DeletionByPodGC', message, nowMs));
    }
  }
  const finished = observed.pods.filter((pod) => isPodTerminal(pod) && !isBeingDeleted(pod));
  const surplus = observed.terminatedPodsMax > 0 ? finished.length - observed.terminatedPodsMax : 0;
  if (surplus > 0) {
    for (const pod of finished.sort(byCreation).slice(0, surplus)) {
      if (!plans.has(uidOf(pod))) plans.set(uidOf(pod), [remove(pod)]);
    }
  }
  return [...plans.values()];
}

/** At once: there is no kubelet that would confirm the end. */
function remove(pod: Pod): Action {
  return {
    verb: 'delete',
    resource: podResource,
    key: { namespace: namespaceOf(pod), name: nameOf(pod) },
    preconditions: { uid: uidOf(pod) },
    gracePeriodSeconds: 0,
  };
}

function fail(pod: Pod, reason: string, message: string, nowMs: number): Action[] {
  if (isPodTerminal(pod)) return [remove(pod)];
  const condition = { type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime: formatTime(nowMs) };
  const body = { metadata: { uid: uidOf(pod) }, status: { phase: 'Failed', conditions: [condition] } };
  const key = { namespace: namespaceOf(pod), name: nameOf(pod) };
  return [
    { verb: 'patch', resource: podResource, key, patch: { type: 'strategic', body }, subresource: 'status' },
    remove(pod),
  ];
}
