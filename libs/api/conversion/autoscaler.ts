// autoscaling/v1 keeps what it has no fields for in annotations; autoscaling/v2 has the fields (pkg/apis/autoscaling/v1/conversion.go).
import { DecodeError, decodeModel } from '../decode-value.ts';
import { targetCpuUtilization } from '../defaults/autoscaling.ts';
import type {
  HorizontalPodAutoscaler,
  V2HorizontalPodAutoscaler,
  V2HorizontalPodAutoscalerCondition,
  V2MetricSpec,
  V2MetricStatus,
} from '../generated/types.ts';
import { isObject, type JsonObject } from '../json.ts';
import type { KubeObject } from '../resource.ts';
import { behaviorOf, goBehavior } from './autoscaler-behavior.ts';
import { flatMetric, flatStatus, nestedMetric, nestedStatus } from './autoscaler-metrics.ts';

const prefix = 'autoscaling.alpha.kubernetes.io';
const metricsAnnotation = `${prefix}/metrics`;
const statusAnnotation = `${prefix}/current-metrics`;
const conditionsAnnotation = `${prefix}/conditions`;
const behaviorAnnotation = `${prefix}/behavior`;
const annotations = [metricsAnnotation, statusAnnotation, conditionsAnnotation, behaviorAnnotation];

const noStatus: NonNullable<HorizontalPodAutoscaler['status']> & NonNullable<V2HorizontalPodAutoscaler['status']> = {
  currentReplicas: 0,
  desiredReplicas: 0,
};

/** The autoscaler in group version `to`. */
export function convertAutoscaler(object: KubeObject, to: string): KubeObject {
  return to === 'autoscaling/v1' ? toV1(object as V2HorizontalPodAutoscaler) : toV2(object as HorizontalPodAutoscaler);
}

function toV1(object: V2HorizontalPodAutoscaler): KubeObject {
  const { metrics = [], behavior, ...spec } = object.spec ?? {};
  const { currentMetrics, conditions, ...status } = object.status ?? noStatus;
  const kept: Record<string, string> = {};
  const others = metrics.filter((metric) => !isCpuUtilization(metric));
  if (others.length > 0) kept[metricsAnnotation] = JSON.stringify(others.map(flatMetric));
  if (currentMetrics && currentMetrics.length > 0) kept[statusAnnotation] = JSON.stringify(currentMetrics.map(flatStatus));
  if (behavior !== undefined) kept[behaviorAnnotation] = JSON.stringify(goBehavior(behavior));
  if (conditions && conditions.length > 0) kept[conditionsAnnotation] = JSON.stringify(conditions.map(goCondition));
  // The first metric of the processor counts, whatever is aimed at of it.
  const target = metrics.find(isCpu)?.resource?.target.averageUtilization;
  const current = currentMetrics?.find(isCpu)?.resource?.current.averageUtilization;
  return {
    ...object,
    apiVersion: 'autoscaling/v1',
    metadata: withAnnotations(object.metadata, kept),
    spec: { ...spec, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
    status: {
      ...status,
      currentReplicas: status.currentReplicas ?? 0,
      ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }),
    },
  } as KubeObject;
}

function toV2(object: HorizontalPodAutoscaler): KubeObject {
  const { targetCPUUtilizationPercentage: target, ...spec } = object.spec ?? {};
  const { currentCPUUtilizationPercentage: current, currentReplicas, ...status } = object.status ?? noStatus;
  const said = object.metadata?.annotations ?? {};
  const annotated = parsed('V2MetricSpec', said[metricsAnnotation], nestedMetric);
  const metrics = [...annotated, ...(target === undefined ? [] : [cpuMetric(target)])];
  const given = behaviorOf(json(said[behaviorAnnotation]));
  const behavior = given === undefined ? undefined : modelled('V2HorizontalPodAutoscalerBehavior', given);
  const statuses = parsed('V2MetricStatus', said[statusAnnotation], nestedStatus);
  const cpuNow = current === undefined || statuses.length > 0 ? [] : [cpuStatus(current)];
  const currentMetrics = [...statuses, ...cpuNow];
  const conditions = parsed(
    'V2HorizontalPodAutoscalerCondition',
    said[conditionsAnnotation],
    ({ lastTransitionTime, ...rest }) =>
      lastTransitionTime === null ? rest : { ...rest, ...(lastTransitionTime === undefined ? {} : { lastTransitionTime }) },
  );
  return {
    ...object,
    apiVersion: 'autoscaling/v2',
    metadata: withAnnotations(object.metadata, {}),
    spec: {
      ...spec,
      // Here, as only here everything is known that an object of the older version says.
      metrics: metrics.length === 0 ? [cpuMetric(targetCpuUtilization)] : metrics,
      ...(behavior === undefined ? {} : { behavior }),
    },
    status: {
      ...status,
      ...(currentReplicas ? { currentReplicas } : {}),
      ...(currentMetrics.length === 0 ? {} : { currentMetrics }),
      ...(conditions.length === 0 ? {} : { conditions }),
    },
  } as KubeObject;
}

function isCpu({ type, resource }: V2MetricSpec | V2MetricStatus): boolean {
  return type === 'Resource' && resource?.name === 'cpu';
}

function isCpuUtilization(metric: V2MetricSpec): boolean {
  return isCpu(metric) && metric.resource?.target.averageUtilization !== undefined;
}

function cpuMetric(averageUtilization: number): V2MetricSpec {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } };
}

function cpuStatus(averageUtilization: number): V2MetricStatus {
  return { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization } } };
}

/** Go writes a time that is not given as null. */
function goCondition({ type, status, lastTransitionTime, reason, message }: V2HorizontalPodAutoscalerCondition): JsonObject {
  const said = { ...(reason ? { reason } : {}), ...(message ? { message } : {}) };
  return { type, status, lastTransitionTime: lastTransitionTime ?? null, ...said };
}

/** The list in an annotation as values of `model`; where it is not one, there is none, as upstream has it. */
function parsed(model: string, text: string | undefined, convert: (item: JsonObject) => JsonObject): JsonObject[] {
  const list = json(text);
  if (!Array.isArray(list)) return [];
  const values = list.map((item) => (isObject(item) ? modelled(model, convert(item)) : undefined));
  return values.every((value) => value !== undefined) ? values : [];
}

/** `value`, decoded in place; undefined where it is no such thing. */
function modelled(model: string, value: JsonObject): JsonObject | undefined {
  try {
    decodeModel(model, value, { unknown: [], keys: 0 });
    return value;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function json(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function withAnnotations(metadata: KubeObject['metadata'], kept: Readonly<Record<string, string>>): KubeObject['metadata'] {
  const rest = Object.entries(metadata?.annotations ?? {}).filter(([key]) => !annotations.includes(key));
  const all = Object.fromEntries([...rest, ...Object.entries(kept)]);
  const { annotations: _dropped, ...others } = metadata ?? {};
  return Object.keys(all).length === 0 ? others : { ...others, annotations: all };
}
