// Defaults of HorizontalPodAutoscaler in both versions.
import type { HorizontalPodAutoscaler, V2HorizontalPodAutoscaler, V2HPAScalingRules } from '../generated/types.ts';
import { defaulter } from './define.ts';

const targetCpuUtilization = 80;

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
    if (spec.behavior === undefined) return;
    spec.behavior.scaleUp = withDefaults(spec.behavior.scaleUp, {
      stabilizationWindowSeconds: 0,
      selectPolicy: 'Max',
      policies: [
        { type: 'Pods', value: 4, periodSeconds: 15 },
        { type: 'Percent', value: 100, periodSeconds: 15 },
      ],
    });
    spec.behavior.scaleDown = withDefaults(spec.behavior.scaleDown, {
      selectPolicy: 'Max',
      policies: [{ type: 'Percent', value: 100, periodSeconds: 15 }],
    });
  }),
];

function withDefaults(rules: V2HPAScalingRules | undefined, defaults: V2HPAScalingRules): V2HPAScalingRules {
  const policies = (rules?.policies ?? []).length > 0 ? rules?.policies : defaults.policies;
  return { ...defaults, ...rules, policies };
}
