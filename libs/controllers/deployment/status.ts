// The status of a Deployment: counts, availability and progress (upstream's sync.go and progress.go).
import type { DeploymentCondition, DeploymentStatus, ReplicaSet } from '@drydock/api/generated/types.ts';
import { parseTime } from '@drydock/foundation/clock.ts';
import { nameOf, sum } from '../common/object-meta.ts';
import { condition, findCondition, withCondition, withoutCondition } from './conditions.ts';
import { availableOf, type Draft, sizeOf } from './draft.ts';
import { maxUnavailable, progressDeadlineMs } from './limits.ts';

/** Fills in the counts and the Available condition. */
export function setCounts(draft: Draft): void {
  const all = draft.all();
  const available = sum(all, availableOf);
  const updated = draft.newRs?.status?.replicas ?? 0;
  const terminating = terminatingOf(all);
  const { terminatingReplicas: _, ...previous } = draft.status;
  const counts: DeploymentStatus = {
    ...previous,
    observedGeneration: draft.deployment.metadata?.generation,
    replicas: sum(all, (rs) => rs.status?.replicas ?? 0),
    updatedReplicas: updated,
    readyReplicas: sum(all, (rs) => rs.status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(all, sizeOf) - available),
    ...(terminating === undefined ? {} : { terminatingReplicas: terminating }),
  };
  const enough = available >= draft.wanted - maxUnavailable(draft.deployment);
  draft.status = withCondition(
    counts,
    enough
      ? condition('Available', 'True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.', draft.nowMs)
      : condition(
          'Available',
          'False',
          'MinimumReplicasUnavailable',
          'Deployment does not have minimum availability.',
          draft.nowMs,
        ),
  );
}

/** Known only when every ReplicaSet tells. */
function terminatingOf(all: readonly ReplicaSet[]): number | undefined {
  let total = 0;
  for (const rs of all) {
    if (rs.status?.terminatingReplicas === undefined) return undefined;
    total += rs.status.terminatingReplicas;
  }
  return total;
}

/** Every pod is of the present template, available, and there is none too many. */
export function isComplete(draft: Draft, status: DeploymentStatus | undefined): boolean {
  return (
    (status?.updatedReplicas ?? 0) === draft.wanted &&
    (status?.replicas ?? 0) === draft.wanted &&
    (status?.availableReplicas ?? 0) === draft.wanted &&
    (status?.observedGeneration ?? 0) >= (draft.deployment.metadata?.generation ?? 0)
  );
}

/** Counts and progress of a rollout under way; returns after how many milliseconds the deadline must be looked at again. */
export function setRolloutStatus(draft: Draft): number | undefined {
  setCounts(draft);
  const deadlineMs = progressDeadlineMs(draft.deployment);
  if (deadlineMs === undefined) draft.status = withoutCondition(draft.status, 'Progressing');
  const current = findCondition(draft.status, 'Progressing');
  const settled =
    (draft.status.replicas ?? 0) === (draft.status.updatedReplicas ?? 0) && current?.reason === 'NewReplicaSetAvailable';
  if (deadlineMs !== undefined && !settled) setProgress(draft, current, deadlineMs);

  const failure = replicaFailure(draft);
  draft.status =
    failure === undefined ? withoutCondition(draft.status, 'ReplicaFailure') : withCondition(draft.status, failure);
  return nextDeadlineCheckMs(draft, deadlineMs);
}

function setProgress(draft: Draft, current: DeploymentCondition | undefined, deadlineMs: number): void {
  const subject =
    draft.newRs === undefined ? `Deployment "${nameOf(draft.deployment)}"` : `ReplicaSet "${nameOf(draft.newRs)}"`;
  const now = draft.nowMs;
  if (isComplete(draft, draft.status)) {
    const done = condition('Progressing', 'True', 'NewReplicaSetAvailable', `${subject} has successfully progressed.`, now);
    draft.status = withCondition(draft.status, done);
  } else if (isProgressing(draft)) {
    const moving = condition('Progressing', 'True', 'ReplicaSetUpdated', `${subject} is progressing.`, now);
    if (current?.status === 'True') moving.lastTransitionTime = current.lastTransitionTime;
    draft.status = withCondition(withoutCondition(draft.status, 'Progressing'), moving);
  } else if (isOverdue(draft, current, deadlineMs)) {
    const late = condition('Progressing', 'False', 'ProgressDeadlineExceeded', `${subject} has timed out progressing.`, now);
    draft.status = withCondition(draft.status, late);
  }
}

/** Something moved since the status was last written. */
function isProgressing(draft: Draft): boolean {
  const before = draft.deployment.status ?? {};
  const after = draft.status;
  const old = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function isOverdue(draft: Draft, current: DeploymentCondition | undefined, deadlineMs: number): boolean {
  if (current === undefined || current.reason === 'NewReplicaSetAvailable') return false;
  if (current.reason === 'ProgressDeadlineExceeded') return true;
  return (parseTime(current.lastUpdateTime) ?? 0) + deadlineMs < draft.nowMs;
}

/** What keeps pods from being made, as the ReplicaSets say: the new one's word first. */
function replicaFailure(draft: Draft): DeploymentCondition | undefined {
  const ordered = draft.newRs === undefined ? draft.oldRs : [draft.newRs, ...draft.oldRs];
  for (const rs of ordered) {
    const found = rs.status?.conditions?.find((candidate) => candidate.type === 'ReplicaFailure');
    if (found !== undefined) {
      return {
        type: 'ReplicaFailure',
        status: found.status,
        reason: found.reason,
        message: found.message,
        lastTransitionTime: found.lastTransitionTime,
        lastUpdateTime: found.lastTransitionTime,
      };
    }
  }
  return undefined;
}

/** Past the deadline by this much, so that the comparison in `isOverdue` holds for sure. */
const deadlineSlackMs = 1000;

function nextDeadlineCheckMs(draft: Draft, deadlineMs: number | undefined): number | undefined {
  const current = findCondition(draft.status, 'Progressing');
  if (deadlineMs === undefined || current === undefined) return undefined;
  if (isComplete(draft, draft.status) || current.reason === 'ProgressDeadlineExceeded') return undefined;
  const left = (parseTime(current.lastUpdateTime) ?? 0) + deadlineMs - draft.nowMs;
  return Math.max(0, left) + deadlineSlackMs;
}
