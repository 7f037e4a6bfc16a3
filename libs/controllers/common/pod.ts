// What controllers want to know about a pod.
import type { Pod, PodCondition } from '@drydock/api/generated/types.ts';
import { parseTime } from '@drydock/foundation/clock.ts';
import { isBeingDeleted } from './object-meta.ts';

/** Finished, for good: phase Succeeded or Failed. */
export function isPodTerminal(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Neither finished nor being deleted. */
export function isPodActive(pod: Pod): boolean {
  return !isPodTerminal(pod) && !isBeingDeleted(pod);
}

/** Being deleted, and not finished yet. */
export function isPodTerminating(pod: Pod): boolean {
  return !isPodTerminal(pod) && isBeingDeleted(pod);
}

export function podCondition(pod: Pod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

export function isPodReady(pod: Pod): boolean {
  return podCondition(pod, 'Ready')?.status === 'True';
}

/** Since when the pod's Ready condition has its present status, in milliseconds since the epoch; 0 where unknown. */
export function readySinceMs(pod: Pod): number {
  return parseTime(podCondition(pod, 'Ready')?.lastTransitionTime) ?? 0;
}

/** Ready for at least `minReadySeconds` (podutil.IsPodAvailable). */
export function isPodAvailable(pod: Pod, minReadySeconds: number, nowMs: number): boolean {
  if (!isPodReady(pod)) return false;
  if (minReadySeconds === 0) return true;
  const since = readySinceMs(pod);
  return since !== 0 && since + minReadySeconds * 1000 <= nowMs;
}

/** Milliseconds until the next of `pods` becomes available by waiting alone; undefined where none will. */
export function nextAvailabilityMs(pods: readonly Pod[], minReadySeconds: number, nowMs: number): number | undefined {
  let next: number | undefined;
  for (const pod of pods) {
    const since = readySinceMs(pod);
    if (minReadySeconds === 0 || !isPodReady(pod) || since === 0) continue;
    const left = since + minReadySeconds * 1000 - nowMs;
    if (left > 0 && (next === undefined || left < next)) next = left;
  }
  return next;
}
