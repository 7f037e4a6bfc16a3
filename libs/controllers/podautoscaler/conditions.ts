// The conditions of an autoscaler.
import type { V2HorizontalPodAutoscalerCondition } from '@drydock/api/generated/types.ts';
import { formatTime } from '@drydock/foundation/clock.ts';

export type ConditionType = 'AbleToScale' | 'ScalingActive' | 'ScalingLimited' | 'ScaledToZero';

export interface Said {
  readonly type: ConditionType;
  readonly isTrue: boolean;
  readonly reason: string;
  readonly message: string;
}

/** The list with what is said now, each in the place of what was said of it. A time is that of the last change of the status. */
export function withConditions(
  before: readonly V2HorizontalPodAutoscalerCondition[],
  said: readonly Said[],
  nowMs: number,
): V2HorizontalPodAutoscalerCondition[] {
  const list = [...before];
  for (const { type, isTrue, reason, message } of said) {
    const status = isTrue ? 'True' : 'False';
    const at = list.findIndex((each) => each.type === type);
    const old = list[at];
    const lastTransitionTime = old?.status === status ? old.lastTransitionTime : formatTime(nowMs);
    const condition = { type, status, lastTransitionTime, reason, message };
    if (at < 0) list.push(condition);
    else list[at] = condition;
  }
  return list;
}
