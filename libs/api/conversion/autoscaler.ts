// autoscaling/v1 keeps what it has no fields for in annotations; autoscaling/v2 has the fields.
import type { HorizontalPodAutoscaler, V2HorizontalPodAutoscaler, V2MetricSpec, V2MetricStatus } from '../generated/types.ts';
import { isObject, type JsonObject } from '../json.ts';
import type { KubeObject } from '../resource.ts';

const metricsAnnotation = 'autoscaling.alpha.kubernetes.io/metrics';
const statusAnnotation = 'autoscaling.alpha.kubernetes.io/current-metrics';
const conditionsAnnotation = 'autoscaling.alpha.kubernetes.io/conditions';
const behaviorAnnotation = 'autoscaling.alpha.kubernetes.io/behavior';
const annotations = [metricsAnnotation, statusAnnotation, conditionsAnnotation, behaviorAnnotation];

/** The autoscaler in group version `to`. */
export function convertAutoscaler(object: KubeObject, to: string): KubeObject {
  return to === 'autoscaling/v1' ? toV1(object as V2HorizontalPodAutoscaler) : toV2(object as HorizontalPodAutoscaler);
}

function toV1(object: V2HorizontalPodAutoscaler): KubeObject {
  const { metrics = [], behavior, ...spec } = object.spec ?? {};
  const { currentMetrics = [], conditions = [], ...status } = object.status ?? {};
  const kept: Record<string, string> = {};
  const cpu = metrics.find(isCpuUtilization);
  const others = metrics.filter((metric) => metric !== cpu);
  if (others.length > 0) kept[metricsAnnotation] = JSON.stringify(others.map(oldMetric));
  if (currentMetrics.length > 0) kept[statusAnnotation] = JSON.stringify(currentMetrics.map(oldStatus));
  if (conditions.length > 0) kept[conditionsAnnotation] = JSON.stringify(conditions);
  if (behavior !== undefined) kept[behaviorAnnotation] = JSON.stringify(goBehavior(behavior));
  const target = cpu?.resource?.target.averageUtilization;
  const current = currentMetrics.find((metric) => metric.resource?.name === 'cpu')?.resource?.current.averageUtilization;
  return {
    ...object,
    apiVersion: 'autoscaling/v1',
    metadata: withAnnotations(object.metadata, kept),
    spec: { ...spec, ...(target === undefined ? {} : { targetCPUUtilizationPercentage: target }) },
    status: { ...status, ...(current === undefined ? {} : { currentCPUUtilizationPercentage: current }) },
  } as KubeObject;
}

function toV2(object: HorizontalPodAutoscaler): KubeObject {
  const { targetCPUUtilizationPercentage: target, ...spec } = object.spec ?? {};
  const { currentCPUUtilizationPercentage: current, ...status } = object.status ?? {};
  const kept = object.metadata?.annotations ?? {};
  const metrics = (parsed(kept[metricsAnnotation]) ?? []) as JsonObject[];
  const statuses = (parsed(kept[statusAnnotation]) ?? []) as JsonObject[];
  const cpu = target === undefined ? [] : [cpuMetric(target)];
  const cpuNow = current === undefined || statuses.length > 0 ? [] : [cpuStatus(current)];
  const behavior = parsed(kept[behaviorAnnotation]);
  const conditions = parsed(kept[conditionsAnnotation]);
  const all = [...metrics.map(newMetric), ...cpu];
  return {
    ...object,
    apiVersion: 'autoscaling/v2',
    metadata: withAnnotations(object.metadata, {}),
    spec: {
      ...spec,
      ...(all.length === 0 ? {} : { metrics: all }),
      ...(isObject(behavior) ? { behavior: jsonBehavior(behavior) } : {}),
    },
    status: {
      ...status,
      ...(statuses.length + cpuNow.length === 0 ? {} : { currentMetrics: [...statuses.map(newStatus), ...cpuNow] }),
      ...(Array.isArray(conditions) ? { conditions } : {}),
    },
  } as KubeObject;
}

function isCpuUtilization(metric: V2MetricSpec): boolean {
  return metric.resource?.name === 'cpu' && metric.resource.target.averageUtilization !== undefined;
}

function cpuMetric(averageUtilization: number): V2MetricSpec {
  return { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } };
}

function cpuStatus(averageUtilization: number): V2MetricStatus {
  return { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization } } };
}

/** v1's annotations spell targets flat: targetAverageUtilization, targetAverageValue, targetValue. */
function oldMetric(metric: V2MetricSpec): JsonObject {
  return mapSources(metric as unknown as JsonObject, (source) => {
    const { target, metric: named, describedObject, ...rest } = source;
    const flat = isObject(target) ? prefixed(target, 'target') : {};
    return { ...rest, ...identity(named), ...(describedObject === undefined ? {} : { target: describedObject }), ...flat };
  });
}

function oldStatus(status: V2MetricStatus): JsonObject {
  return mapSources(status as unknown as JsonObject, (source) => {
    const { current, metric: named, describedObject, ...rest } = source;
    const flat = isObject(current) ? prefixed(current, 'current') : {};
    return { ...rest, ...identity(named), ...(describedObject === undefined ? {} : { target: describedObject }), ...flat };
  });
}

function newMetric(metric: JsonObject): JsonObject {
  return mapSources(metric, (source) => unflattened(source, 'target'));
}

function newStatus(status: JsonObject): JsonObject {
  return mapSources(status, (source) => unflattened(source, 'current'));
}

function mapSources(metric: JsonObject, convertSource: (source: JsonObject) => JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(metric).map(([key, value]) => [key, isObject(value) ? convertSource(value) : value]),
  );
}

const amounts = ['averageUtilization', 'averageValue', 'value'];

function prefixed(amount: JsonObject, prefix: string): JsonObject {
  const entries = amounts
    .filter((key) => amount[key] !== undefined)
    .map((key) => [prefix + key.charAt(0).toUpperCase() + key.slice(1), amount[key]]);
  return Object.fromEntries(entries) as JsonObject;
}

function identity(metric: unknown): JsonObject {
  if (!isObject(metric)) return {};
  return { metricName: metric.name, ...(metric.selector === undefined ? {} : { metricSelector: metric.selector }) };
}

function unflattened(source: JsonObject, prefix: 'target' | 'current'): JsonObject {
  const { metricName, metricSelector, target: described, ...rest } = source;
  const amount: JsonObject = {};
  for (const key of amounts) {
    const flat = prefix + key.charAt(0).toUpperCase() + key.slice(1);
    if (rest[flat] !== undefined) amount[key] = rest[flat];
    delete rest[flat];
  }
  if (prefix === 'target')
    amount.type =
      amount.averageUtilization !== undefined ? 'Utilization' : amount.averageValue !== undefined ? 'AverageValue' : 'Value';
  return {
    ...rest,
    ...(metricName === undefined
      ? {}
      : { metric: { name: metricName, ...(metricSelector === undefined ? {} : { selector: metricSelector }) } }),
    ...(described === undefined ? {} : { describedObject: described }),
    [prefix]: amount,
  };
}

/** Upstream writes behavior with the field names of its Go type. */
function goBehavior(behavior: object): JsonObject {
  return renameKeys(behavior as JsonObject, (key) => key.charAt(0).toUpperCase() + key.slice(1));
}

function jsonBehavior(behavior: JsonObject): JsonObject {
  return renameKeys(behavior, (key) => key.charAt(0).toLowerCase() + key.slice(1));
}

function renameKeys(value: JsonObject, rename: (key: string) => string): JsonObject {
  const walk = (item: unknown): unknown => {
    if (Array.isArray(item)) return item.map(walk);
    return isObject(item) ? renameKeys(item, rename) : item;
  };
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [rename(key), walk(item)]));
}

function parsed(text: string | undefined): unknown {
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
