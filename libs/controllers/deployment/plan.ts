// What a Deployment needs now: one step towards its template and size. Pure; follows upstream's pkg/controller/deployment.
import type { Deployment, Pod, ReplicaSet } from '@drydock/api/generated/types.ts';
import { deployments, replicaSets } from '@drydock/api/resource.ts';
import { isEmptySelector, matchesSelector } from '@drydock/api/selectors/label-selector.ts';
import { eventAbout, type Plan } from '../common/action.ts';
import { planClaims } from '../common/claim.ts';
import { controllerOf, isBeingDeleted, uidOf } from '../common/object-meta.ts';
import { isPodTerminal } from '../common/pod.ts';
import { byRevision } from './annotations.ts';
import { condition, findCondition, withCondition } from './conditions.ts';
import { active, Draft, sameStatus, sizeOf } from './draft.ts';
import { isRollingUpdate, progressDeadlineMs } from './limits.ts';
import { createNew, findNewReplicaSet, syncExisting } from './new-replica-set.ts';
import { scaleNew, scaleOld } from './rolling.ts';
import { isScalingEvent, scale } from './scale.ts';
import { isComplete, setCounts, setRolloutStatus } from './status.ts';

export interface DeploymentObserved {
  readonly deployment: Deployment;
  /** The ReplicaSets of the namespace. */
  readonly replicaSets: readonly ReplicaSet[];
  /** The pods of the namespace; only read for the Recreate strategy. */
  readonly pods: readonly Pod[];
}

/** Plans one step. `nowMs` is wall time: conditions carry timestamps, and the progress deadline counts from them. */
export function planDeployment(observed: DeploymentObserved, nowMs: number): Plan {
  const { deployment } = observed;
  if (isEmptySelector(deployment.spec?.selector)) return refuseEmptySelector(deployment);

  const claim = planClaims(deployments, deployment, replicaSets, observed.replicaSets, (rs) =>
    matchesSelector(deployment.spec?.selector, rs.metadata?.labels),
  );
  // Adoption changes versions: what follows is planned when the informer shows the result.
  if (claim.actions.length > 0) return { actions: claim.actions };

  const newRs = findNewReplicaSet(deployment, claim.claimed);
  const oldRs = claim.claimed.filter((rs) => rs !== newRs);
  const draft = new Draft(deployment, newRs, oldRs, nowMs);
  const requeueAfterMs = step(draft, observed);
  return { actions: draft.actions(), requeueAfterMs };
}

function refuseEmptySelector(deployment: Deployment): Plan {
  const generation = deployment.metadata?.generation ?? 0;
  if ((deployment.status?.observedGeneration ?? 0) >= generation) return { actions: [] };
  const message = 'This deployment is selecting all pods. A non-empty selector is required.';
  return {
    actions: [
      eventAbout(deployments, deployment, 'Warning', 'SelectingAll', message),
      {
        verb: 'update',
        resource: deployments,
        object: { ...deployment, status: { ...deployment.status, observedGeneration: generation } } as Deployment,
        subresource: 'status',
      },
    ],
  };
}

function step(draft: Draft, observed: DeploymentObserved): number | undefined {
  if (isBeingDeleted(draft.deployment)) {
    setCounts(draft);
    return undefined;
  }
  notePause(draft);
  const paused = draft.deployment.spec?.paused === true;
  if (paused || isScalingEvent(draft)) {
    if (draft.newRs !== undefined && syncExisting(draft, draft.newRs)) return undefined;
    scale(draft);
    if (paused) cleanUpHistory(draft);
    setCounts(draft);
    return undefined;
  }
  return isRollingUpdate(draft.deployment) ? stepRolling(draft) : stepRecreate(draft, observed.pods);
}

/** Pausing and resuming are noted as conditions, so that the progress deadline does not count a pause. */
function notePause(draft: Draft): void {
  if (progressDeadlineMs(draft.deployment) === undefined) return;
  const reason = findCondition(draft.status, 'Progressing')?.reason;
  if (reason === 'ProgressDeadlineExceeded') return;
  const paused = draft.deployment.spec?.paused === true;
  if (paused && reason !== 'DeploymentPaused') {
    const next = condition('Progressing', 'Unknown', 'DeploymentPaused', 'Deployment is paused', draft.nowMs);
    draft.status = withCondition(draft.status, next);
  } else if (!paused && reason === 'DeploymentPaused') {
    const next = condition('Progressing', 'Unknown', 'DeploymentResumed', 'Deployment is resumed', draft.nowMs);
    draft.status = withCondition(draft.status, next);
  }
}

function stepRolling(draft: Draft): number | undefined {
  if (draft.newRs === undefined) createNew(draft);
  else syncExisting(draft, draft.newRs);
  if (!scaleNew(draft) && !scaleOld(draft) && isComplete(draft, draft.deployment.status)) cleanUpHistory(draft);
  return setRolloutStatus(draft);
}

function stepRecreate(draft: Draft, pods: readonly Pod[]): number | undefined {
  if (draft.newRs !== undefined) syncExisting(draft, draft.newRs);
  let scaledDown = false;
  for (const rs of active(draft.oldRs)) scaledDown = draft.scale(rs, 0) || scaledDown;
  if (!scaledDown && !oldPodsRun(draft, pods)) {
    if (draft.newRs === undefined) createNew(draft);
    else if (sizeOf(draft.newRs) !== draft.wanted) draft.scale(draft.newRs, draft.wanted);
    if (isComplete(draft, draft.deployment.status)) cleanUpHistory(draft);
  }
  return setRolloutStatus(draft);
}

/** Whether a pod of an old template is still there, terminating ones included: Recreate waits for the last. */
function oldPodsRun(draft: Draft, pods: readonly Pod[]): boolean {
  if (draft.oldRs.some((rs) => (rs.status?.replicas ?? 0) > 0)) return true;
  const old = new Set(draft.oldRs.map(uidOf));
  return pods.some((pod) => old.has(controllerOf(pod)?.uid ?? '') && !isPodTerminal(pod));
}

/** Deletes the oldest ReplicaSets that have no pods, above revisionHistoryLimit. */
function cleanUpHistory(draft: Draft): void {
  const limit = draft.deployment.spec?.revisionHistoryLimit;
  if (limit === undefined || limit === 2 ** 31 - 1) return;
  const candidates = draft.oldRs.filter((rs) => !isBeingDeleted(rs)).sort(byRevision);
  for (const rs of candidates.slice(0, Math.max(0, candidates.length - limit))) {
    const settled = (rs.metadata?.generation ?? 0) <= (rs.status?.observedGeneration ?? 0);
    if (settled && sizeOf(rs) === 0 && (rs.status?.replicas ?? 0) === 0) draft.remove(rs);
  }
}

/** After `existing` was found under the name of the ReplicaSet to be made: which status makes the next round choose another name. */
export function planCollision(deployment: Deployment, existing: ReplicaSet): Plan {
  const template = deployment.spec?.template;
  const own = controllerOf(existing)?.uid === uidOf(deployment);
  if (own && template !== undefined && findNewReplicaSet(deployment, [existing]) !== undefined) return { actions: [] };
  const status = { ...deployment.status, collisionCount: (deployment.status?.collisionCount ?? 0) + 1 };
  if (sameStatus(status, deployment.status ?? {})) return { actions: [] };
  return {
    actions: [
      { verb: 'update', resource: deployments, object: { ...deployment, status } as Deployment, subresource: 'status' },
    ],
  };
}

/** After the ReplicaSet could not be made for another reason: say so, and count it against the progress deadline. */
export function planCreateFailure(deployment: Deployment, name: string, error: string, nowMs: number): Plan {
  const message = `Failed to create new replica set "${name}": ${error}`;
  const event = eventAbout(deployments, deployment, 'Warning', 'ReplicaSetCreateError', message);
  if (progressDeadlineMs(deployment) === undefined) return { actions: [event] };
  const before = deployment.status ?? {};
  const status = withCondition(before, condition('Progressing', 'False', 'ReplicaSetCreateError', message, nowMs));
  if (status === before) return { actions: [event] };
  return {
    actions: [
      event,
      { verb: 'update', resource: deployments, object: { ...deployment, status } as Deployment, subresource: 'status' },
    ],
  };
}
