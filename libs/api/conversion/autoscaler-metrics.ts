// Metrics as annotations of autoscaling/v1 spell them: target and current values flat, fields in the order of Go's structures.
import type {
  LabelSelector,
  V2CrossVersionObjectReference,
  V2MetricSpec,
  V2MetricStatus,
  V2MetricTarget,
  V2MetricValueStatus,
} from '../generated/types.ts';
import { isObject, type JsonObject } from '../json.ts';

/** Without what is undefined. */
function given(fields: Readonly<Record<string, unknown>>): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as JsonObject;
}

function reference({ kind, name, apiVersion }: V2CrossVersionObjectReference): JsonObject {
  return given({ kind, name, apiVersion: apiVersion || undefined });
}

function selectorOf({ selector }: { readonly selector?: LabelSelector | undefined }): JsonObject | undefined {
  if (selector === undefined) return undefined;
  const { matchLabels, matchExpressions } = selector;
  const labels = matchLabels && Object.fromEntries(Object.entries(matchLabels).sort(([a], [b]) => (a < b ? -1 : 1)));
  const expressions = matchExpressions?.map(({ key, operator, values }) => given({ key, operator, values }));
  return given({ matchLabels: labels, matchExpressions: expressions });
}

const zero = '0';

export function flatMetric({ type, object, pods, resource, containerResource, external }: V2MetricSpec): JsonObject {
  return given({
    type: type || undefined,
    object:
      object &&
      given({
        target: reference(object.describedObject),
        metricName: object.metric.name,
        targetValue: object.target.value ?? zero,
        selector: selectorOf(object.metric),
        averageValue: object.target.averageValue,
      }),
    pods:
      pods &&
      given({
        metricName: pods.metric.name,
        targetAverageValue: pods.target.averageValue ?? zero,
        selector: selectorOf(pods.metric),
      }),
    resource: resource && given({ name: resource.name, ...flatUsage(resource.target) }),
    containerResource:
      containerResource &&
      given({
        name: containerResource.name,
        ...flatUsage(containerResource.target),
        container: containerResource.container,
      }),
    external:
      external &&
      given({
        metricName: external.metric.name,
        metricSelector: selectorOf(external.metric),
        targetValue: external.target.value,
        targetAverageValue: external.target.averageValue,
      }),
  });
}

function flatUsage({ averageUtilization, averageValue }: V2MetricTarget): JsonObject {
  return given({ targetAverageUtilization: averageUtilization, targetAverageValue: averageValue });
}

export function flatStatus({ type, object, pods, resource, containerResource, external }: V2MetricStatus): JsonObject {
  return given({
    type,
    object:
      object &&
      given({
        target: reference(object.describedObject),
        metricName: object.metric.name,
        currentValue: object.current.value ?? zero,
        selector: selectorOf(object.metric),
        averageValue: object.current.averageValue,
      }),
    pods:
      pods &&
      given({
        metricName: pods.metric.name,
        currentAverageValue: pods.current.averageValue ?? zero,
        selector: selectorOf(pods.metric),
      }),
    resource: resource && given({ name: resource.name, ...flatCurrent(resource.current) }),
    containerResource:
      containerResource &&
      given({
        name: containerResource.name,
        ...flatCurrent(containerResource.current),
        container: containerResource.container,
      }),
    external:
      external &&
      given({
        metricName: external.metric.name,
        metricSelector: selectorOf(external.metric),
        currentValue: external.current.value ?? zero,
        currentAverageValue: external.current.averageValue,
      }),
  });
}

function flatCurrent({ averageUtilization, averageValue }: V2MetricValueStatus): JsonObject {
  return given({ currentAverageUtilization: averageUtilization, currentAverageValue: averageValue ?? zero });
}

/** A metric in fields of autoscaling/v2; of what nobody knows nothing is kept. */
export function nestedMetric(flat: JsonObject): JsonObject {
  const { type, object, pods, resource, containerResource, external } = flat;
  return given({
    type: type ?? '',
    object: mapped(object, (source) => ({
      ...describedMetric(source, 'selector'),
      target: given({
        type: source.averageValue === undefined ? 'Value' : 'AverageValue',
        value: positive(source.targetValue),
        averageValue: source.averageValue,
      }),
    })),
    pods: mapped(pods, (source) => ({
      ...namedMetric(source, 'selector'),
      target: { type: 'AverageValue', averageValue: source.targetAverageValue ?? zero },
    })),
    resource: mapped(resource, (source) => given({ name: source.name, target: nestedUsage(source) })),
    containerResource: mapped(containerResource, (source) =>
      given({ name: source.name, container: source.container, target: nestedUsage(source) }),
    ),
    external: mapped(external, (source) => ({
      ...namedMetric(source, 'metricSelector'),
      target: given({
        type: source.targetValue === undefined ? 'AverageValue' : 'Value',
        value: source.targetValue,
        averageValue: source.targetAverageValue,
      }),
    })),
  });
}

export function nestedStatus(flat: JsonObject): JsonObject {
  const { type, object, pods, resource, containerResource, external } = flat;
  const usage = (source: JsonObject) =>
    given({ averageUtilization: source.currentAverageUtilization, averageValue: source.currentAverageValue ?? zero });
  return given({
    type: type ?? '',
    object: mapped(object, (source) => ({
      ...describedMetric(source, 'selector'),
      current: given({ value: source.currentValue ?? zero, averageValue: source.averageValue }),
    })),
    pods: mapped(pods, (source) => ({
      ...namedMetric(source, 'selector'),
      current: { averageValue: source.currentAverageValue ?? zero },
    })),
    resource: mapped(resource, (source) => given({ name: source.name, current: usage(source) })),
    containerResource: mapped(containerResource, (source) =>
      given({ name: source.name, container: source.container, current: usage(source) }),
    ),
    external: mapped(external, (source) => ({
      ...namedMetric(source, 'metricSelector'),
      current: given({ value: source.currentValue ?? zero, averageValue: source.currentAverageValue }),
    })),
  });
}

function mapped(source: unknown, convert: (source: JsonObject) => JsonObject): JsonObject | undefined {
  return isObject(source) ? convert(source) : undefined;
}

function namedMetric(source: JsonObject, selector: string): JsonObject {
  return { metric: given({ name: source.metricName, selector: source[selector] }) };
}

function describedMetric(source: JsonObject, selector: string): JsonObject {
  return { describedObject: source.target ?? {}, ...namedMetric(source, selector) };
}

function nestedUsage({
  targetAverageUtilization: averageUtilization,
  targetAverageValue: averageValue,
}: JsonObject): JsonObject {
  return given({
    type: averageUtilization === undefined ? 'AverageValue' : 'Utilization',
    averageUtilization,
    averageValue,
  });
}

/** The value of an object is needed there: one of nothing stands for none. */
function positive(value: unknown): unknown {
  return value === zero ? undefined : value;
}
