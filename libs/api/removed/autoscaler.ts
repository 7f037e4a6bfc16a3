// HorizontalPodAutoscaler of autoscaling/v2beta1: each kind of metric said its name, selector and target in fields of its own.
import type { JsonObject } from '../json.ts';
import { objectAt, objectsAt } from './fields.ts';

export function autoscalerOfV2beta1(object: JsonObject): void {
  const spec = objectAt(object, 'spec');
  if (spec.metrics !== undefined) spec.metrics = objectsAt(spec, 'metrics').map(metric);
  // What was seen is written anew by the controller.
  delete object.status;
}

function metric(old: JsonObject): JsonObject {
  switch (old.type) {
    case 'Resource':
      return { type: old.type, resource: resource(objectAt(old, 'resource')) };
    case 'ContainerResource': {
      const of = objectAt(old, 'containerResource');
      return { type: old.type, containerResource: { container: of.container, ...resource(of) } };
    }
    case 'Pods': {
      const { metricName, selector, targetAverageValue } = objectAt(old, 'pods');
      return { type: old.type, pods: { metric: named(metricName, selector), target: average(targetAverageValue) } };
    }
    case 'Object': {
      const { target, metricName, selector, targetValue, averageValue } = objectAt(old, 'object');
      return {
        type: old.type,
        object: {
          describedObject: target,
          metric: named(metricName, selector),
          target: averageValue === undefined ? value(targetValue) : average(averageValue),
        },
      };
    }
    case 'External': {
      const { metricName, metricSelector, targetValue, targetAverageValue } = objectAt(old, 'external');
      return {
        type: old.type,
        external: {
          metric: named(metricName, metricSelector),
          target: targetAverageValue === undefined ? value(targetValue) : average(targetAverageValue),
        },
      };
    }
    default:
      return old;
  }
}

function resource({ name, targetAverageUtilization, targetAverageValue }: JsonObject): JsonObject {
  const target =
    targetAverageUtilization === undefined
      ? average(targetAverageValue)
      : { type: 'Utilization', averageUtilization: targetAverageUtilization };
  return { name, target };
}

function named(name: unknown, selector: unknown): JsonObject {
  return selector === undefined ? { name } : { name, selector };
}

const value = (quantity: unknown): JsonObject => ({ type: 'Value', value: quantity });
const average = (quantity: unknown): JsonObject => ({ type: 'AverageValue', averageValue: quantity });
