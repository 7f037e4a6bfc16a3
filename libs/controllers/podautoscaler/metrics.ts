// What an autoscaler reads of its metrics: a port, and what a reading looks like to those who decide.
import type { LabelSelector, V2CrossVersionObjectReference, V2MetricSpec } from '@drydock/api/generated/types.ts';

/** One measurement of a pod. */
export interface PodMetric {
  /** In thousandths of the unit. */
  readonly value: number;
  readonly timestampMs: number;
  /** How long it was measured for, until the timestamp. */
  readonly windowMs: number;
}

/** By the pod's name. */
export type PodMetrics = ReadonlyMap<string, PodMetric>;

/** Where metrics come from. Every method throws an Error whose message says why there is none, in upstream's words. */
export interface MetricsReader {
  /** Of each pod that `selector` selects: of the whole pod, or of `container` where that is not empty. */
  resource(namespace: string, resource: string, selector: string, container: string): Promise<PodMetrics>;
  pods(namespace: string, metric: string, selector: string, metricSelector: LabelSelector | undefined): Promise<PodMetrics>;
  /** In thousandths. */
  object(
    namespace: string,
    metric: string,
    object: V2CrossVersionObjectReference,
    metricSelector: LabelSelector | undefined,
  ): Promise<number>;
  /** Everything that matches, added up, in thousandths. */
  external(namespace: string, metric: string, metricSelector: LabelSelector | undefined): Promise<number>;
}

export type Reading =
  | { readonly kind: 'pods'; readonly metrics: PodMetrics }
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'failed'; readonly why: string };

const nothing: PodMetrics = new Map();

/** Reads what one metric of an autoscaler is about; `selector` selects the pods of its target. Never fails. */
export async function readMetric(
  reader: MetricsReader,
  namespace: string,
  selector: string,
  spec: V2MetricSpec,
): Promise<Reading> {
  try {
    const { resource, containerResource, pods, object, external } = spec;
    if (spec.type === 'Resource' && resource !== undefined)
      return { kind: 'pods', metrics: await reader.resource(namespace, resource.name, selector, '') };
    if (spec.type === 'ContainerResource' && containerResource !== undefined) {
      const { name, container } = containerResource;
      return { kind: 'pods', metrics: await reader.resource(namespace, name, selector, container) };
    }
    if (spec.type === 'Pods' && pods !== undefined)
      return { kind: 'pods', metrics: await reader.pods(namespace, pods.metric.name, selector, pods.metric.selector) };
    if (spec.type === 'Object' && object !== undefined) {
      const { metric, describedObject } = object;
      return { kind: 'value', value: await reader.object(namespace, metric.name, describedObject, metric.selector) };
    }
    if (spec.type === 'External' && external !== undefined)
      return { kind: 'value', value: await reader.external(namespace, external.metric.name, external.metric.selector) };
    return { kind: 'pods', metrics: nothing };
  } catch (error) {
    return { kind: 'failed', why: (error as Error).message };
  }
}
