// What each metric of an autoscaler proposes, what is shown of it, and why it proposes nothing, in upstream's words.
import type {
  LabelSelector,
  V2MetricSpec,
  V2MetricStatus,
  V2MetricTarget,
  V2MetricValueStatus,
} from '@drydock/api/generated/types.ts';
import { milliQuantityOf, parseQuantity } from '@drydock/api/quantity.ts';
import { labelSelectorText } from '../common/go-text.ts';
import type { PodMetrics, Reading } from './metrics.ts';
import { type Basis, replicasForAverage, replicasForShare, replicasForUtilization, replicasForValue } from './replicas.ts';

export type Proposal =
  | {
      readonly kind: 'replicas';
      readonly replicas: number;
      /** As conditions and events call the metric. */
      readonly name: string;
      readonly status: V2MetricStatus;
    }
  | {
      readonly kind: 'failed';
      /** Of the condition and of the event. */
      readonly reason: string;
      /** What the event says. */
      readonly why: string;
      /** What is said where it is one of several. */
      readonly told: string;
    };

/** A failure whose account to others differs from the event's. */
class Told extends Error {
  readonly told: string;
  constructor(why: string, told: string, cause: unknown) {
    super(why, { cause });
    this.told = told;
  }
}

export function propose(spec: V2MetricSpec, reading: Reading, namespace: string, basis: Basis): Proposal {
  const kind = kinds[spec.type];
  if (kind === undefined) {
    const why = `unknown metric source type ${JSON.stringify(spec.type)}`;
    return { kind: 'failed', reason: 'InvalidMetricSourceType', why, told: why };
  }
  try {
    return kind.propose(spec, reading, namespace, basis);
  } catch (error) {
    const why = (error as Error).message;
    const told = error instanceof Told ? error.told : why;
    return { kind: 'failed', reason: kind.reason, why, told: `failed to get ${kind.what(spec)} value: ${told}` };
  }
}

interface Kind {
  readonly reason: string;
  what(spec: V2MetricSpec): string;
  propose(spec: V2MetricSpec, reading: Reading, namespace: string, basis: Basis): Proposal;
}

const kinds: Readonly<Record<string, Kind>> = {
  Resource: {
    reason: 'FailedGetResourceMetric',
    what: ({ resource }) => `${resource?.name} resource metric`,
    propose: ({ resource }, reading, _namespace, basis) => {
      const { name, target } = given(resource);
      const { replicas, current, of } = ofResource(name, '', target, reading, basis);
      return { kind: 'replicas', replicas, name: of, status: { type: 'Resource', resource: { name, current } } };
    },
  },
  ContainerResource: {
    reason: 'FailedGetContainerResourceMetric',
    what: ({ containerResource }) => `${containerResource?.container} container metric`,
    propose: ({ containerResource }, reading, _namespace, basis) => {
      const { name, container, target } = given(containerResource);
      const { replicas, current, of } = ofResource(name, container, target, reading, basis);
      const status = { type: 'ContainerResource', containerResource: { name, container, current } };
      return { kind: 'replicas', replicas, name: of, status };
    },
  },
  Pods: {
    reason: 'FailedGetPodsMetric',
    what: () => 'pods metric',
    propose: ({ pods }, reading, _namespace, basis) => {
      const { metric, target } = given(pods);
      const metrics = podsRead(reading, `unable to get metric ${metric.name}`);
      const { replicas, usage } = replicasForAverage(metrics, '', milli(target.averageValue), basis);
      const status = { type: 'Pods', pods: { metric, current: { averageValue: amount(usage) } } };
      return { kind: 'replicas', replicas, name: `pods metric ${metric.name}`, status };
    },
  },
  Object: { reason: 'FailedGetObjectMetric', what: () => 'object metric', propose: ofObject },
  External: {
    reason: 'FailedGetExternalMetric',
    what: ({ external }) => `${external?.metric.name} external metric`,
    propose: ofExternal,
  },
};

function ofResource(
  resource: string,
  container: string,
  target: V2MetricTarget,
  reading: Reading,
  basis: Basis,
): { replicas: number; current: V2MetricValueStatus; of: string } {
  const why = `unable to get metrics for resource ${resource}`;
  const { averageValue, averageUtilization } = target;
  if (averageValue !== undefined) {
    const { replicas, usage } = prefixing(`failed to get ${resource} usage`, () =>
      replicasForAverage(podsRead(reading, why), resource, milli(averageValue), basis),
    );
    return { replicas, current: { averageValue: amount(usage, resource) }, of: `${resource} resource` };
  }
  if (averageUtilization === undefined) {
    const neither = 'neither an average utilization target nor an average value (usage) target was set';
    throw new Error(`invalid resource metric source: ${neither}`);
  }
  const { replicas, usage, percent } = prefixing(`failed to get ${resource} utilization`, () =>
    replicasForUtilization(podsRead(reading, why), resource, container, averageUtilization, basis),
  );
  const of = container === '' ? 'resource' : 'container resource';
  return {
    replicas,
    current: { averageUtilization: percent, averageValue: amount(usage, resource) },
    of: `${resource} ${of} utilization (percentage of request)`,
  };
}

function ofObject({ object }: V2MetricSpec, reading: Reading, namespace: string, basis: Basis): Proposal {
  const { metric, describedObject, target } = given(object);
  const { kind, name } = describedObject;
  const read = (): number => {
    if (reading.kind === 'value') return reading.value;
    // Upstream's order of the parts.
    throw new Error(`unable to get metric ${metric.name}: ${kind} on ${namespace} ${name}/${whyOf(reading)}`);
  };
  const status = (current: V2MetricValueStatus): V2MetricStatus => ({
    type: 'Object',
    object: { metric, describedObject, current },
  });
  if (target.type === 'Value' && target.value !== undefined) {
    const { replicas, usage } = replicasForValue(read(), milli(target.value), basis);
    return { kind: 'replicas', replicas, name: `${kind} metric ${metric.name}`, status: status({ value: amount(usage) }) };
  }
  if (target.type === 'AverageValue' && target.averageValue !== undefined) {
    const average = milli(target.averageValue);
    const { replicas, usage } = telling(`failed to get ${metric.name} object metric`, () =>
      replicasForShare(read(), average, basis),
    );
    return { kind: 'replicas', replicas, name: externalName(metric), status: status({ averageValue: amount(usage) }) };
  }
  throw new Error('invalid object metric source: neither a value target nor an average value target was set');
}

function ofExternal({ external }: V2MetricSpec, reading: Reading, namespace: string, basis: Basis): Proposal {
  const { metric, target } = given(external);
  const read = (): number => {
    if (reading.kind === 'value') return reading.value;
    const of = `${namespace}/${metric.name}/${labelSelectorText(metric.selector)}`;
    throw new Error(`unable to get external metric ${of}: ${whyOf(reading)}`);
  };
  const status = (current: V2MetricValueStatus): V2MetricStatus => ({ type: 'External', external: { metric, current } });
  const { value, averageValue } = target;
  if (averageValue !== undefined) {
    const { replicas, usage } = telling(`failed to get ${metric.name} external metric`, () =>
      replicasForShare(read(), milli(averageValue), basis),
    );
    return { kind: 'replicas', replicas, name: externalName(metric), status: status({ averageValue: amount(usage) }) };
  }
  if (value !== undefined) {
    const { replicas, usage } = telling(`failed to get external metric ${metric.name}`, () =>
      replicasForValue(read(), milli(value), basis),
    );
    return { kind: 'replicas', replicas, name: externalName(metric), status: status({ value: amount(usage) }) };
  }
  throw new Error('invalid external metric source: neither a value target nor an average value target was set');
}

function externalName({ name, selector }: { name: string; selector?: LabelSelector | undefined }): string {
  return `external metric ${name}(${labelSelectorText(selector)})`;
}

function podsRead(reading: Reading, what: string): PodMetrics {
  if (reading.kind === 'pods') return reading.metrics;
  throw new Error(`${what}: ${whyOf(reading)}`);
}

function whyOf(reading: Reading): string {
  return reading.kind === 'failed' ? reading.why : 'nothing was read';
}

/** The source that the type names; validation has seen to it. */
function given<T>(source: T | undefined): T {
  if (source === undefined) throw new Error('the source that the type of the metric names is missing');
  return source;
}

function prefixing<T>(prefix: string, compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    throw new Error(`${prefix}: ${(error as Error).message}`, { cause: error });
  }
}

/** Only to others the failure is told with the prefix. */
function telling<T>(prefix: string, compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    const why = (error as Error).message;
    throw new Told(why, `${prefix}: ${why}`, error);
  }
}

function milli(text: string | undefined): number {
  return Number(parseQuantity(text ?? '0').milliValue());
}

/** `resource`: which one it is of; memory is told in powers of 1024. */
function amount(value: number, resource = ''): string {
  return milliQuantityOf(Math.trunc(value), resource === 'memory' ? 'BinarySI' : 'DecimalSI').toString();
}
