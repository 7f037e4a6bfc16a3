// When a pod has to leave a node that has NoExecute taints. Pure; follows upstream's pkg/controller/tainteviction.
import type { Node, Pod, Taint } from '@drydock/api/generated/types.ts';
import { pods as podResource } from '@drydock/api/resource.ts';
import { toleratesTaint } from '@drydock/api/selectors/taints.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { type Action, eventAbout } from '../common/action.ts';
import { isBeingDeleted, nameOf, namespaceOf, uidOf } from '../common/object-meta.ts';

export function noExecuteTaints(node: Node): Taint[] {
  return (node.spec?.taints ?? []).filter((taint) => taint.effect === 'NoExecute');
}

/**
 * How long the pod may stay under these taints, in milliseconds: 0 where one is not tolerated, undefined for ever. Of several
 * limits the shortest counts.
 */
export function toleratedMs(pod: Pod, taints: readonly Taint[]): number | undefined {
  let shortest: number | undefined;
  for (const taint of taints) {
    const matching = (pod.spec?.tolerations ?? []).filter((toleration) => toleratesTaint(toleration, taint));
    if (matching.length === 0) return 0;
    for (const { tolerationSeconds } of matching) {
      if (tolerationSeconds === undefined) continue;
      const ms = Math.max(0, tolerationSeconds * 1000);
      if (shortest === undefined || ms < shortest) shortest = ms;
    }
  }
  return shortest;
}

/** A pod's stay that has begun to run out: which taints it is about, and since when, in monotonic milliseconds. */
export interface Stay {
  readonly sinceMs: number;
}

export interface EvictionPlan {
  readonly actions: readonly Action[];
  /** Remembered while the pod's time runs; undefined where it does not. */
  readonly stay: Stay | undefined;
  /** When to look again. */
  readonly requeueAfterMs?: number | undefined;
}

/** @param nowMs monotonic. @param wallMs for the condition's timestamp. */
export function planEviction(
  pod: Pod,
  node: Node | undefined,
  stay: Stay | undefined,
  nowMs: number,
  wallMs: number,
): EvictionPlan {
  const taints = node === undefined ? [] : noExecuteTaints(node);
  const tolerated = isBeingDeleted(pod) || taints.length === 0 ? undefined : toleratedMs(pod, taints);
  if (tolerated === undefined) {
    if (stay === undefined || isBeingDeleted(pod)) return { actions: [], stay: undefined };
    const message = `Cancelling deletion of Pod ${namespaceOf(pod)}/${nameOf(pod)}`;
    return { actions: [eventAbout(podResource, pod, 'Normal', 'TaintManagerEviction', message)], stay: undefined };
  }
  const since = stay?.sinceMs ?? nowMs;
  const left = since + tolerated - nowMs;
  if (left > 0) return { actions: [], stay: { sinceMs: since }, requeueAfterMs: left };
  return { actions: evict(pod, wallMs), stay: { sinceMs: since } };
}

function evict(pod: Pod, wallMs: number): Action[] {
  const key = { namespace: namespaceOf(pod), name: nameOf(pod) };
  const condition = {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'DeletionByTaintManager',
    message: 'Taint manager: deleting due to NoExecute taint',
    lastTransitionTime: formatTime(wallMs),
  };
  const body = { metadata: { uid: uidOf(pod) }, status: { conditions: [condition] } };
  const message = `Marking for deletion Pod ${namespaceOf(pod)}/${nameOf(pod)}`;
  return [
    eventAbout(podResource, pod, 'Normal', 'TaintManagerEviction', message),
    { verb: 'patch', resource: podResource, key, patch: { type: 'strategic', body }, subresource: 'status' },
    { verb: 'delete', resource: podResource, key, preconditions: { uid: uidOf(pod) } },
  ];
}
