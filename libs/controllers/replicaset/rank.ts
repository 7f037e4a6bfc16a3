// Which pods go first when a ReplicaSet shrinks (upstream's controller.ActivePodsWithRanks).
import type { Pod } from '@drydock/api/generated/types.ts';
import { creationMs, uidOf } from '../common/object-meta.ts';
import { isPodActive, isPodReady, readySinceMs } from '../common/pod.ts';

const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';

/**
 * The `count` pods to delete. `related` are the active pods of all ReplicaSets of the same owner: a pod that shares its node
 * with many of them goes before one that is alone.
 */
export function choosePodsToDelete(pods: readonly Pod[], related: readonly Pod[], count: number, nowMs: number): Pod[] {
  if (count >= pods.length) return [...pods];
  const perNode = new Map<string, number>();
  for (const pod of related) {
    const node = pod.spec?.nodeName ?? '';
    if (isPodActive(pod) && node !== '') perNode.set(node, (perNode.get(node) ?? 0) + 1);
  }
  const rank = (pod: Pod) => perNode.get(pod.spec?.nodeName ?? '') ?? 0;
  return [...pods].sort((a, b) => compare(a, b, rank, nowMs)).slice(0, count);
}

/** Negative where `a` is to be deleted before `b`. */
function compare(a: Pod, b: Pod, rank: (pod: Pod) => number, nowMs: number): number {
  const byState =
    assigned(a) - assigned(b) ||
    phaseRank(a) - phaseRank(b) ||
    Number(isPodReady(a)) - Number(isPodReady(b)) ||
    deletionCost(a) - deletionCost(b) ||
    rank(b) - rank(a);
  if (byState !== 0) return byState;
  if (isPodReady(a) && isPodReady(b) && readySinceMs(a) !== readySinceMs(b)) {
    return byAge(readySinceMs(a), readySinceMs(b), nowMs) || byUid(a, b);
  }
  if (restarts(a) !== restarts(b)) return restarts(b) - restarts(a);
  if (creationMs(a) !== creationMs(b)) return byAge(creationMs(a), creationMs(b), nowMs) || byUid(a, b);
  return byUid(a, b);
}

function assigned(pod: Pod): number {
  return (pod.spec?.nodeName ?? '') === '' ? 0 : 1;
}

function phaseRank(pod: Pod): number {
  return pod.status?.phase === 'Running' ? 2 : pod.status?.phase === 'Unknown' ? 1 : 0;
}

function deletionCost(pod: Pod): number {
  const text = pod.metadata?.annotations?.[deletionCostAnnotation] ?? '';
  return /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : 0;
}

function restarts(pod: Pod): number {
  return Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount));
}

/**
 * The younger first, where the ages differ by more than a factor of two: among pods of about the same age the choice is left
 * to the uid, which spreads it (upstream's LogarithmicScaleDown).
 */
function byAge(aMs: number, bMs: number, nowMs: number): number {
  return logAge(aMs, nowMs) - logAge(bMs, nowMs);
}

function logAge(sinceMs: number, nowMs: number): number {
  const age = nowMs - sinceMs;
  return age > 0 ? Math.floor(Math.log2(age * 1e6)) : -1;
}

function byUid(a: Pod, b: Pod): number {
  return uidOf(a) < uidOf(b) ? -1 : uidOf(a) > uidOf(b) ? 1 : 0;
}
