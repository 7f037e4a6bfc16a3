// How far a rolling update may deviate from the wanted number of pods.
import type { Deployment } from '@drydock/api/generated/types.ts';
import { scaledValue } from '../common/int-or-percent.ts';

export function wantedReplicas(deployment: Deployment): number {
  return deployment.spec?.replicas ?? 1;
}

export function isRollingUpdate(deployment: Deployment): boolean {
  return deployment.spec?.strategy?.type !== 'Recreate';
}

/**
 * maxSurge rounds up and maxUnavailable down; where both come to 0, one pod may be unavailable, or nothing would ever move
 * (upstream's ResolveFenceposts).
 */
function resolve(deployment: Deployment): { surge: number; unavailable: number } {
  const total = wantedReplicas(deployment);
  const rolling = deployment.spec?.strategy?.rollingUpdate;
  const surge = scaledValue(rolling?.maxSurge ?? '25%', total, 'up');
  const unavailable = scaledValue(rolling?.maxUnavailable ?? '25%', total, 'down');
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

/** Pods above the wanted number during a rollout. */
export function maxSurge(deployment: Deployment): number {
  return isRollingUpdate(deployment) ? resolve(deployment).surge : 0;
}

/** Pods below the wanted number during a rollout. */
export function maxUnavailable(deployment: Deployment): number {
  const total = wantedReplicas(deployment);
  if (!isRollingUpdate(deployment) || total === 0) return 0;
  return Math.min(resolve(deployment).unavailable, total);
}

/** The progress deadline in milliseconds; upstream's way to say "none" is the largest 32-bit number. */
export function progressDeadlineMs(deployment: Deployment): number | undefined {
  const seconds = deployment.spec?.progressDeadlineSeconds;
  return seconds === undefined || seconds === 2 ** 31 - 1 ? undefined : seconds * 1000;
}
