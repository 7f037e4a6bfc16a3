// The conditions of a Deployment.
import type { DeploymentCondition, DeploymentStatus } from '@drydock/api/generated/types.ts';
import { formatTime } from '@drydock/foundation/clock.ts';

export function condition(
  type: 'Progressing' | 'Available' | 'ReplicaFailure',
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
  nowMs: number,
): DeploymentCondition {
  const now = formatTime(nowMs);
  return { type, status, lastUpdateTime: now, lastTransitionTime: now, reason, message };
}

export function findCondition(status: DeploymentStatus | undefined, type: string): DeploymentCondition | undefined {
  return status?.conditions?.find((candidate) => candidate.type === type);
}

export function withoutCondition(status: DeploymentStatus, type: string): DeploymentStatus {
  return { ...status, conditions: (status.conditions ?? []).filter((candidate) => candidate.type !== type) };
}

/** Sets `next` unless the condition already has its status and reason; the transition time moves with the status only. */
export function withCondition(status: DeploymentStatus, next: DeploymentCondition): DeploymentStatus {
  const current = findCondition(status, next.type);
  if (current !== undefined && current.status === next.status && current.reason === next.reason) return status;
  const kept =
    current !== undefined && current.status === next.status && current.lastTransitionTime !== undefined
      ? { ...next, lastTransitionTime: current.lastTransitionTime }
      : next;
  const rest = withoutCondition(status, next.type);
  return { ...rest, conditions: [...(rest.conditions ?? []), kept] };
}
