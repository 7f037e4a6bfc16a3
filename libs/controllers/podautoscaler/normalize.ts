// From what the metrics propose to what is done: stabilization, rates of change and bounds (pkg/controller/podautoscaler/horizontal.go).
import { behaviorDefaults } from '@drydock/api/defaults/autoscaling.ts';
import type { V2HorizontalPodAutoscalerSpec, V2HPAScalingRules } from '@drydock/api/generated/types.ts';
import { type History, recommendedWithin, replicasBefore, withRecommendation } from './history.ts';
import type { AutoscalerSettings } from './settings.ts';

export interface Normalized {
  readonly replicas: number;
  /** Of the condition AbleToScale, which is True. */
  readonly able: Words;
  /** Of the condition ScalingLimited. */
  readonly limit: Words & { readonly limited: boolean };
  readonly history: History;
}

interface Words {
  readonly reason: string;
  readonly message: string;
}

export interface NormalizeInput {
  readonly spec: V2HorizontalPodAutoscalerSpec;
  /** What the target is scaled to. */
  readonly current: number;
  /** What the metrics ask for. */
  readonly desired: number;
  readonly min: number;
  readonly history: History;
  readonly settings: Pick<AutoscalerSettings, 'downscaleStabilizationMs'>;
  /** Monotonic. */
  readonly nowMs: number;
}

/** Without a behavior of its own an autoscaler at most doubles the pods at once, or goes to this many. */
const scaleUpMinimum = 4;
const scaleUpFactor = 2;

const higher: Words = {
  reason: 'ScaleDownStabilized',
  message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
};
const lower: Words = {
  reason: 'ScaleUpStabilized',
  message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
};
const ready: Words = { reason: 'ReadyForNewScale', message: 'recommended size matches current size' };
const withinRange: Words = { reason: 'DesiredWithinRange', message: 'the desired count is within the acceptable range' };
const upLimit: Words = {
  reason: 'ScaleUpLimit',
  message: 'the desired replica count is increasing faster than the maximum scale rate',
};
const downLimit: Words = {
  reason: 'ScaleDownLimit',
  message: 'the desired replica count is decreasing faster than the maximum scale rate',
};
const tooMany: Words = {
  reason: 'TooManyReplicas',
  message: 'the desired replica count is more than the maximum replica count',
};
const tooFew: Words = {
  reason: 'TooFewReplicas',
  message: 'the desired replica count is less than the minimum replica count',
};

export function normalize(input: NormalizeInput): Normalized {
  return input.spec.behavior === undefined ? plain(input) : withBehavior(input);
}

function plain({ spec, current, desired, min, history, settings, nowMs }: NormalizeInput): Normalized {
  const stable = Math.max(desired, ...recommendedWithin(history, settings.downscaleStabilizationMs, nowMs));
  const fastest = Math.max(scaleUpFactor * current, scaleUpMinimum);
  const max = Math.min(spec.maxReplicas, fastest);
  const above = spec.maxReplicas > fastest ? upLimit : tooMany;
  const [replicas, words] = bound(stable, min, max, tooFew, above);
  return {
    replicas,
    able: stable === desired ? ready : higher,
    limit: { ...words, limited: replicas !== stable },
    history: withRecommendation(history, desired, nowMs),
  };
}

function withBehavior({ spec, current, desired, min, history, settings, nowMs }: NormalizeInput): Normalized {
  const { scaleUp, scaleDown } = behaviorDefaults(spec.behavior ?? {});
  const windowMs = (rules: V2HPAScalingRules, otherwise: number) =>
    rules.stabilizationWindowSeconds === undefined ? otherwise : rules.stabilizationWindowSeconds * 1000;
  const lowest = Math.min(desired, ...recommendedWithin(history, windowMs(scaleUp, 0), nowMs));
  const downMs = windowMs(scaleDown, settings.downscaleStabilizationMs);
  const highest = Math.max(desired, ...recommendedWithin(history, downMs, nowMs));
  const stable = Math.min(Math.max(current, lowest), highest);
  let [replicas, words]: [number, Words] = [stable, withinRange];
  if (stable > current) {
    const fastest = Math.max(current, rateLimit(current, scaleUp, 'up', history, nowMs));
    const above = spec.maxReplicas > fastest ? upLimit : tooMany;
    [replicas, words] = bound(stable, 0, Math.min(spec.maxReplicas, fastest), tooFew, above);
  } else if (stable < current) {
    const fastest = Math.min(current, rateLimit(current, scaleDown, 'down', history, nowMs));
    const below = min < fastest ? downLimit : tooFew;
    [replicas, words] = bound(stable, Math.max(min, fastest), Number.POSITIVE_INFINITY, below, tooMany);
  }
  return {
    replicas,
    able: stable === desired ? ready : desired >= current ? lower : higher,
    limit: { ...words, limited: replicas !== stable },
    history: withRecommendation(history, desired, nowMs),
  };
}

function bound(desired: number, min: number, max: number, below: Words, above: Words): [number, Words] {
  if (desired < min) return [min, below];
  return desired > max ? [max, above] : [desired, withinRange];
}

/** How far the policies let the target go now, in that direction. */
function rateLimit(
  current: number,
  { selectPolicy, policies = [] }: V2HPAScalingRules,
  direction: 'up' | 'down',
  history: History,
  nowMs: number,
): number {
  if (selectPolicy === 'Disabled') return current;
  const proposals = policies.map(({ type, value, periodSeconds }) => {
    const start = replicasBefore(history, current, periodSeconds * 1000, nowMs);
    const sign = direction === 'up' ? 1 : -1;
    if (type === 'Pods') return start + sign * value;
    const scaled = start * (1 + (sign * value) / 100);
    return direction === 'up' ? Math.ceil(scaled) : Math.trunc(scaled);
  });
  // The policy of the smallest change is the nearest number, that of the largest the farthest.
  const nearest = selectPolicy === 'Min';
  return (direction === 'up') === nearest ? Math.min(...proposals) : Math.max(...proposals);
}
