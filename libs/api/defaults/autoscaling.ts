// Defaults of HorizontalPodAutoscaler in both versions.
import type {
  HorizontalPodAutoscaler,
  V2HorizontalPodAutoscaler,
  V2HorizontalPodAutoscalerBehavior,
  V2HPAScalingRules,
} from '../generated/types.ts';
import { defaulter } from './define.ts';

/** What is aimed at where nothing is said, in percent of what the pods ask for. */
export const targetCpuUtilization = 80;

export const autoscalingDefaulters = [
  defaulter<HorizontalPodAutoscaler>('autoscaling/v1/HorizontalPodAutoscaler', ({ spec }) => {
    if (spec !== undefined) spec.minReplicas ??= 1;
  }),
  defaulter<V2HorizontalPodAutoscaler>('autoscaling/v2/HorizontalPodAutoscaler', ({ spec }) => {
    if (spec === undefined) return;
    spec.minReplicas ??= 1;
    if ((spec.metrics ?? []).length === 0) {
      const target = { type: 'Utilization', averageUtilization: targetCpuUtilization };
      spec.metrics = [{ type: 'Resource', resource: { name: 'cpu', target } }];
    }
    if (spec.behavior !== undefined) spec.behavior = behaviorDefaults(spec.behavior);
  }),
];

const scaleUpDefaults: V2HPAScalingRules = {
  stabilizationWindowSeconds: 0,
  selectPolicy: 'Max',
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
};

const scaleDownDefaults: V2HPAScalingRules = {
  selectPolicy: 'Max',
  policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
};

/** A behavior that says something of both directions: what is left out is filled in. */
export function behaviorDefaults({ scaleUp, scaleDown }: V2HorizontalPodAutoscalerBehavior): {
  scaleUp: V2HPAScalingRules;
  scaleDown: V2HPAScalingRules;
} {
  return { scaleUp: withDefaults(scaleUp, scaleUpDefaults), scaleDown: withDefaults(scaleDown, scaleDownDefaults) };
}

function withDefaults(rules: V2HPAScalingRules | undefined, defaults: V2HPAScalingRules): V2HPAScalingRules {
  const policies = (rules?.policies ?? []).length > 0 ? rules?.policies : defaults.policies;
  return { ...defaults, ...rules, policies };
}
