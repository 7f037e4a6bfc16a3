// Pods, metrics and settings for the tests of autoscaling.
import type {
  Pod,
  V2HorizontalPodAutoscaler,
  V2HorizontalPodAutoscalerSpec,
  V2MetricSpec,
} from '@drydock/api/generated/types.ts';
import { formatTime } from '@drydock/foundation/clock.ts';
import { epochMs, meta } from '../testing/objects.ts';
import type { PodMetric } from './metrics.ts';
import type { AutoscalerSettings } from './settings.ts';

/** The defaults of the flags. */
export const settings: AutoscalerSettings = {
  concurrency: 5,
  syncPeriodMs: 15_000,
  downscaleStabilizationMs: 300_000,
  tolerance: 0.1,
  cpuInitializationMs: 300_000,
  initialReadinessMs: 30_000,
  scaleToZero: false,
  configurableTolerance: true,
};

/** Pods of tests started this long ago, unless said otherwise: what they use counts. */
const ageMs = 3_600_000;
export const nowMs = epochMs + ageMs;

export interface PodChange {
  readonly phase?: string;
  readonly ready?: 'True' | 'False';
  /** Of the pod's start. */
  readonly startedMs?: number;
  /** Of the last change of its readiness. */
  readonly readySinceMs?: number;
  readonly deleting?: boolean;
  readonly requests?: Record<string, string>;
}

export function pod(name: string, change: PodChange = {}): Pod {
  const { phase = 'Running', ready = 'True', startedMs = epochMs, readySinceMs = startedMs + 1000, deleting } = change;
  return {
    metadata: meta(name, { labels: { app: 'web' }, ...(deleting ? { deletionTimestamp: formatTime(nowMs) } : {}) }),
    spec: { containers: [{ name: 'c', image: 'i', resources: { requests: change.requests ?? { cpu: '1', memory: '100' } } }] },
    status: {
      phase,
      startTime: formatTime(startedMs),
      conditions: [{ type: 'Ready', status: ready, lastTransitionTime: formatTime(readySinceMs) }],
    },
  };
}

/** Measured now, over half a minute; values in thousandths. */
export function measured(values: Readonly<Record<string, number>>): ReadonlyMap<string, PodMetric> {
  return new Map(Object.entries(values).map(([name, value]) => [name, { value, timestampMs: nowMs, windowMs: 30_000 }]));
}

export const cpu = (averageUtilization: number): V2MetricSpec => ({
  type: 'Resource',
  resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } },
});

export const queue = (averageValue: string): V2MetricSpec => ({
  type: 'External',
  external: { metric: { name: 'queue' }, target: { type: 'AverageValue', averageValue } },
});

export function autoscaler(
  spec: Partial<V2HorizontalPodAutoscalerSpec> = {},
  extra: Partial<V2HorizontalPodAutoscaler> = {},
): V2HorizontalPodAutoscaler {
  const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' };
  return {
    metadata: meta('web'),
    spec: { scaleTargetRef, minReplicas: 1, maxReplicas: 10, metrics: [cpu(50)], ...spec },
    ...extra,
  };
}
