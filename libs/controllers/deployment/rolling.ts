// One step of a rolling update (upstream's rolling.go).
import type { ReplicaSet } from '@drydock/api/generated/types.ts';
import { byCreation, sum } from '../common/object-meta.ts';
import { active, availableOf, type Draft, sizeOf } from './draft.ts';
import { isRollingUpdate, maxUnavailable } from './limits.ts';

/** The size the ReplicaSet of the present template may have now, given what all others still have. */
export function nextNewSize(draft: Draft, currentSize: number, totalSize: number): number {
  if (!isRollingUpdate(draft.deployment)) return draft.wanted;
  const room = draft.wanted + draft.surge - totalSize;
  if (room <= 0) return currentSize;
  return currentSize + Math.min(room, draft.wanted - currentSize);
}

/** Moves the new ReplicaSet towards the wanted size; true where it was scaled. */
export function scaleNew(draft: Draft): boolean {
  const rs = draft.newRs;
  if (rs === undefined || sizeOf(rs) === draft.wanted) return false;
  if (sizeOf(rs) > draft.wanted) return draft.scale(rs, draft.wanted);
  return draft.scale(rs, nextNewSize(draft, sizeOf(rs), draft.totalSize()));
}

/** Takes pods from the old ReplicaSets: the unhealthy first, then as many as availability allows. True where it scaled. */
export function scaleOld(draft: Draft): boolean {
  const old = active(draft.oldRs).sort(byCreation);
  if (old.length === 0) return false;
  const minAvailable = draft.wanted - maxUnavailable(draft.deployment);
  const newUnavailable = draft.newRs === undefined ? 0 : sizeOf(draft.newRs) - availableOf(draft.newRs);
  const maxScaledDown = draft.totalSize() - minAvailable - newUnavailable;
  if (maxScaledDown <= 0) return false;
  const cleaned = removeUnhealthy(draft, old, maxScaledDown);
  const removed = removeAvailable(draft, old, minAvailable);
  return cleaned + removed > 0;
}

function removeUnhealthy(draft: Draft, old: readonly ReplicaSet[], max: number): number {
  let total = 0;
  for (const rs of old) {
    if (total >= max) break;
    const unhealthy = sizeOf(rs) - availableOf(rs);
    if (sizeOf(rs) === 0 || unhealthy <= 0) continue;
    const count = Math.min(max - total, unhealthy);
    draft.scale(rs, sizeOf(rs) - count);
    total += count;
  }
  return total;
}

function removeAvailable(draft: Draft, old: readonly ReplicaSet[], minAvailable: number): number {
  const spare = sum(draft.all(), availableOf) - minAvailable;
  let total = 0;
  for (const rs of old) {
    if (total >= spare) break;
    const count = Math.min(sizeOf(rs), spare - total);
    if (count === 0) continue;
    draft.scale(rs, sizeOf(rs) - count);
    total += count;
  }
  return total;
}
