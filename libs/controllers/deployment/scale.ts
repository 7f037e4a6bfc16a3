// Scaling a Deployment whose size changed while a rollout may be under way (upstream's sync.go, scale).
import type { ReplicaSet } from '@drydock/api/generated/types.ts';
import { byCreation, sum } from '../common/object-meta.ts';
import { annotatedCount, desiredReplicasAnnotation, maxReplicasAnnotation } from './annotations.ts';
import { active, availableOf, type Draft, sizeOf } from './draft.ts';
import { isRollingUpdate } from './limits.ts';

/** Whether the size differs from the one the active ReplicaSets were last scaled for. */
export function isScalingEvent(draft: Draft): boolean {
  return active(draft.all()).some((rs) => {
    const desired = annotatedCount(rs, desiredReplicasAnnotation);
    return desired !== undefined && desired !== draft.wanted;
  });
}

/** Brings the ReplicaSets to the Deployment's size, each in proportion while several have pods. */
export function scale(draft: Draft): void {
  const single = activeOrLatest(draft);
  if (single !== undefined) {
    // Also where only the noted size is out of date: a scaling event that is never settled would hold up every rollout.
    if (sizeOf(single) > 0 || draft.wanted > 0) draft.scale(single, draft.wanted);
    return;
  }
  if (isSaturated(draft)) {
    for (const rs of active(draft.oldRs)) draft.scale(rs, 0);
    return;
  }
  if (isRollingUpdate(draft.deployment)) scaleInProportion(draft);
}

/** The only active ReplicaSet, or the latest where none is active; undefined where several are. */
function activeOrLatest(draft: Draft): ReplicaSet | undefined {
  const running = active(draft.all());
  if (running.length > 1) return undefined;
  if (running.length === 1) return running[0];
  return draft.newRs ?? [...draft.oldRs].sort((a, b) => byCreation(b, a))[0];
}

function isSaturated(draft: Draft): boolean {
  const rs = draft.newRs;
  return (
    rs !== undefined &&
    annotatedCount(rs, desiredReplicasAnnotation) === draft.wanted &&
    sizeOf(rs) === draft.wanted &&
    availableOf(rs) === draft.wanted
  );
}

function scaleInProportion(draft: Draft): void {
  const running = active(draft.all());
  const allowed = draft.wanted > 0 ? draft.wanted + draft.surge : 0;
  const toAdd = allowed - sum(running, sizeOf);
  // The larger first; of equals, growth goes to the newer and shrinking to the older.
  if (toAdd > 0) running.sort((a, b) => sizeOf(b) - sizeOf(a) || byCreation(b, a));
  else running.sort((a, b) => sizeOf(b) - sizeOf(a) || byCreation(a, b));

  let added = 0;
  const sizes = running.map((rs) => {
    const share = toAdd === 0 ? 0 : proportion(draft, rs, toAdd, added);
    added += share;
    return sizeOf(rs) + share;
  });
  running.forEach((rs, index) => {
    const leftover = index === 0 && toAdd !== 0 ? toAdd - added : 0;
    draft.scale(rs, Math.max(0, (sizes[index] ?? 0) + leftover));
  });
}

function proportion(draft: Draft, rs: ReplicaSet, toAdd: number, added: number): number {
  if (sizeOf(rs) === 0 || toAdd === added) return 0;
  const share = fraction(draft, rs);
  return toAdd > 0 ? Math.min(share, toAdd - added) : Math.max(share, toAdd - added);
}

/** By how much `rs` grows when it keeps its share of the Deployment. */
function fraction(draft: Draft, rs: ReplicaSet): number {
  if (draft.wanted === 0) return -sizeOf(rs);
  const before = annotatedCount(rs, maxReplicasAnnotation) || (draft.deployment.status?.replicas ?? 0);
  if (before === 0) return 0;
  return Math.round((sizeOf(rs) * (draft.wanted + draft.surge)) / before) - sizeOf(rs);
}
