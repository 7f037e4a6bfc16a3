// Rules of HorizontalPodAutoscalers in the version they are stored in (pkg/apis/autoscaling/validation).
import type {
  V2ContainerResourceMetricSource,
  V2CrossVersionObjectReference,
  V2ExternalMetricSource,
  V2HorizontalPodAutoscaler,
  V2HPAScalingPolicy,
  V2HPAScalingRules,
  V2MetricIdentifier,
  V2MetricSpec,
  V2MetricTarget,
  V2ObjectMetricSource,
  V2PodsMetricSource,
  V2ResourceMetricSource,
} from '../generated/types.ts';
import { dns1123LabelErrors, pathSegmentErrors } from '../names.ts';
import { tryParseQuantity } from '../quantity.ts';
import { rules } from './define.ts';
import { type FieldError, forbidden, invalid, notSupported, required } from './field-error.ts';
import type { GateEnabled } from './gates.ts';
import { validateContainerResourceName } from './pod-resources.ts';
import { autoscalerStatus } from './replica-status.ts';

/** The longest period of a scaling policy, in seconds. */
const policyPeriodSecondsMax = 1800;
/** The longest time that may be looked back at before a change, in seconds. */
const stabilizationWindowSecondsMax = 3600;

const metricTypes = ['ContainerResource', 'External', 'Object', 'Pods', 'Resource'];
const targetTypes = ['Utilization', 'Value', 'AverageValue'];
const policyTypes = ['Percent', 'Pods'];
const selections = ['Disabled', 'Max', 'Min'];

export const autoscalerRules = [
  rules<V2HorizontalPodAutoscaler>('autoscaling/HorizontalPodAutoscaler', {
    create: (object, gateEnabled) => validateSpec(object, undefined, gateEnabled),
    update: validateSpec,
    subresources: { status: autoscalerStatus },
  }),
];

/** How strictly the apiVersion of a reference is looked at: not at all, for its form, or that it names a group too. */
type VersionCheck = 'none' | 'form' | 'group';

function validateSpec(
  { spec }: V2HorizontalPodAutoscaler,
  old: V2HorizontalPodAutoscaler | undefined,
  gateEnabled: GateEnabled,
): FieldError[] {
  const lowest = gateEnabled('HPAScaleToZero') || old?.spec?.minReplicas === 0 ? 0 : 1;
  const { minReplicas: min, maxReplicas: max = 0, metrics = [] } = spec ?? {};
  const errors: FieldError[] = [];
  if (min !== undefined && min < lowest)
    errors.push(invalid('spec.minReplicas', min, `must be greater than or equal to ${lowest}`));
  if (max === 0) errors.push(required('spec.maxReplicas', 'must be set and greater than 0'));
  else if (max < 0) errors.push(invalid('spec.maxReplicas', max, 'must be greater than or equal to 1'));
  if (min !== undefined && max < min)
    errors.push(invalid('spec.maxReplicas', max, 'must be greater than or equal to `minReplicas`'));
  const target = spec?.scaleTargetRef ?? { kind: '', name: '' };
  errors.push(...validateReference(target, 'spec.scaleTargetRef', targetCheck(target, old?.spec?.scaleTargetRef)));
  const check = describedCheck(old?.spec?.metrics ?? []);
  metrics.forEach((metric, index) => {
    errors.push(...validateMetric(metric, `spec.metrics[${index}]`, check));
  });
  if (min === 0 && !metrics.some(({ type }) => type === 'Object' || type === 'External')) {
    const why = 'must specify at least one Object or External metric to support scaling to zero replicas';
    errors.push(forbidden('spec.metrics', why));
  }
  return errors.concat(
    validateRules(spec?.behavior?.scaleUp, 'spec.behavior.scaleUp'),
    validateRules(spec?.behavior?.scaleDown, 'spec.behavior.scaleDown'),
  );
}

/** A target that was stored with its version may keep it; ReplicationControllers are of a group without a name. */
function targetCheck(target: V2CrossVersionObjectReference, old: V2CrossVersionObjectReference | undefined): VersionCheck {
  if (old !== undefined && old.apiVersion === target.apiVersion && old.kind === target.kind) return 'none';
  return target.kind === 'ReplicationController' ? 'form' : 'group';
}

/** Where one of the old metrics had a malformed version, none is looked at. */
function describedCheck(old: readonly V2MetricSpec[]): VersionCheck {
  const malformed = ({ type, object }: V2MetricSpec) =>
    type === 'Object' && object !== undefined && versionErrors(object.describedObject, '', 'form').length > 0;
  return old.some(malformed) ? 'none' : 'form';
}

function validateReference(reference: V2CrossVersionObjectReference, path: string, check: VersionCheck): FieldError[] {
  return [
    ...segment(reference.kind, `${path}.kind`),
    ...segment(reference.name, `${path}.name`),
    ...versionErrors(reference, path, check),
  ];
}

/** A name that is needed and can stand in a path. */
function segment(value: string | undefined, path: string, needed = ''): FieldError[] {
  if (!value) return [required(path, needed)];
  return pathSegmentErrors(value).map((text) => invalid(path, value, text));
}

function versionErrors({ apiVersion = '' }: V2CrossVersionObjectReference, path: string, check: VersionCheck): FieldError[] {
  if (check === 'none') return [];
  const parts = apiVersion.split('/');
  if (parts.length > 2) return [invalid(`${path}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`)];
  const group = parts.length === 2 ? parts[0] : '';
  if (check === 'form' || group !== '') return [];
  return [invalid(`${path}.apiVersion`, apiVersion, 'apiVersion must specify API group')];
}

/** The sources of a metric in the order in which they are looked at, by the type that names each. */
const sources = [
  { type: 'Object', field: 'object' },
  { type: 'External', field: 'external' },
  { type: 'Pods', field: 'pods' },
  { type: 'Resource', field: 'resource' },
  { type: 'ContainerResource', field: 'containerResource' },
] as const;

function validateMetric(metric: V2MetricSpec, path: string, check: VersionCheck): FieldError[] {
  const errors: FieldError[] = [];
  const unknown = (): FieldError => notSupported(`${path}.type`, metric.type ?? '', metricTypes);
  const known = metricTypes.includes(metric.type);
  if (!metric.type) errors.push(required(`${path}.type`, 'must specify a metric source type'));
  if (!known) errors.push(unknown());
  const present = sources.filter(({ field }) => metric[field] !== undefined);
  const first = present[0];
  if (first !== undefined) errors.push(...validateSource(metric, first.field, `${path}.${first.field}`, check));
  const expected = sources.find(({ type }) => type === metric.type)?.field;
  if (expected === undefined) errors.push(unknown());
  else if (metric[expected] === undefined)
    errors.push(required(`${path}.${expected}`, 'must populate information for the given metric source'));
  if (present.length === 1) return errors;
  for (const { field } of present)
    if (field !== expected) errors.push(forbidden(`${path}.${field}`, 'must populate the given metric source only'));
  return errors;
}

type SourceField = (typeof sources)[number]['field'];

function validateSource(metric: V2MetricSpec, field: SourceField, path: string, check: VersionCheck): FieldError[] {
  const { object, external, pods, resource, containerResource } = metric;
  if (field === 'object' && object !== undefined) return validateObject(object, path, check);
  if (field === 'external' && external !== undefined) return validateExternal(external, path);
  if (field === 'pods' && pods !== undefined) return validatePods(pods, path);
  if (field === 'resource' && resource !== undefined) return validateResource(resource, path);
  return containerResource === undefined ? [] : validateContainerResource(containerResource, path);
}

function validateObject(source: V2ObjectMetricSource, path: string, check: VersionCheck): FieldError[] {
  const { value, averageValue } = source.target ?? {};
  const errors = [
    ...validateReference(source.describedObject ?? { kind: '', name: '' }, `${path}.describedObject`, check),
    ...validateIdentifier(source.metric, `${path}.metric`),
    ...validateTarget(source.target, `${path}.target`),
  ];
  if (value === undefined && averageValue === undefined)
    errors.push(required(`${path}.target.averageValue`, 'must set either a target value or averageValue'));
  return errors;
}

function validateExternal(source: V2ExternalMetricSource, path: string): FieldError[] {
  const { value, averageValue } = source.target ?? {};
  const errors = [...validateIdentifier(source.metric, `${path}.metric`), ...validateTarget(source.target, `${path}.target`)];
  if (value === undefined && averageValue === undefined)
    errors.push(required(`${path}.target.averageValue`, 'must set either a target value for metric or a per-pod target'));
  if (value !== undefined && averageValue !== undefined)
    errors.push(forbidden(`${path}.target.value`, 'may not set both a target value for metric and a per-pod target'));
  return errors;
}

function validatePods(source: V2PodsMetricSource, path: string): FieldError[] {
  const errors = [...validateIdentifier(source.metric, `${path}.metric`), ...validateTarget(source.target, `${path}.target`)];
  if (source.target?.averageValue === undefined)
    errors.push(required(`${path}.target.averageValue`, 'must specify a positive target averageValue'));
  return errors;
}

function validateResource(source: V2ResourceMetricSource, path: string): FieldError[] {
  const named = source.name ? [] : [required(`${path}.name`, 'must specify a resource name')];
  return [...named, ...validateUsage(source.target, `${path}.target`)];
}

function validateContainerResource(source: V2ContainerResourceMetricSource, path: string): FieldError[] {
  const { name, container } = source;
  return [
    ...(name
      ? validateContainerResourceName(name, `${path}.name`)
      : [required(`${path}.name`, 'must specify a resource name')]),
    ...(container
      ? dns1123LabelErrors(container).map((text) => invalid(`${path}.container`, container, text))
      : [required(`${path}.container`, 'must specify a container')]),
    ...validateUsage(source.target, `${path}.target`),
  ];
}

/** The target of a resource: an average, as an amount or as a part of what is requested. */
function validateUsage(target: V2MetricTarget | undefined, path: string): FieldError[] {
  const { averageValue, averageUtilization } = target ?? {};
  const errors = validateTarget(target, path);
  if (averageUtilization === undefined && averageValue === undefined)
    errors.push(required(`${path}.averageUtilization`, 'must set either a target raw value or a target utilization'));
  if (averageUtilization !== undefined && averageValue !== undefined)
    errors.push(forbidden(`${path}.averageValue`, 'may not set both a target raw value and a target utilization'));
  return errors;
}

function validateTarget(target: V2MetricTarget | undefined, path: string): FieldError[] {
  const { type = '', value, averageValue, averageUtilization } = target ?? {};
  const errors: FieldError[] = [];
  if (type === '') errors.push(required(`${path}.type`, 'must specify a metric target type'));
  if (!targetTypes.includes(type))
    errors.push(invalid(`${path}.type`, type, 'must be either Utilization, Value, or AverageValue'));
  errors.push(...positive(value, `${path}.value`), ...positive(averageValue, `${path}.averageValue`));
  if (averageUtilization !== undefined && averageUtilization < 1)
    errors.push(invalid(`${path}.averageUtilization`, averageUtilization, 'must be greater than 0'));
  return errors;
}

function positive(text: string | undefined, path: string): FieldError[] {
  const quantity = text === undefined ? undefined : tryParseQuantity(text);
  return quantity === undefined || quantity.unscaled > 0n ? [] : [invalid(path, text, 'must be positive')];
}

function validateIdentifier(metric: V2MetricIdentifier | undefined, path: string): FieldError[] {
  return segment(metric?.name, `${path}.name`, 'must specify a metric name');
}

function validateRules(scaling: V2HPAScalingRules | undefined, path: string): FieldError[] {
  if (scaling === undefined) return [];
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [], tolerance } = scaling;
  const errors: FieldError[] = [];
  const at = `${path}.stabilizationWindowSeconds`;
  if (window !== undefined && window < 0) errors.push(invalid(at, window, 'must be greater than or equal to zero'));
  if (window !== undefined && window > stabilizationWindowSecondsMax)
    errors.push(invalid(at, window, `must be less than or equal to ${stabilizationWindowSecondsMax}`));
  if (selectPolicy !== undefined && !selections.includes(selectPolicy))
    errors.push(notSupported(`${path}.selectPolicy`, selectPolicy, selections));
  if (policies.length === 0) errors.push(required(`${path}.policies`, 'must specify at least one Policy'));
  policies.forEach((policy, index) => {
    errors.push(...validatePolicy(policy, `${path}.policies[${index}]`));
  });
  const tolerated = tolerance === undefined ? undefined : tryParseQuantity(tolerance);
  if (tolerated !== undefined && tolerated.unscaled < 0n)
    errors.push(invalid(`${path}.tolerance`, tolerance, 'must be greater than or equal to 0'));
  return errors;
}

function validatePolicy({ type = '', value = 0, periodSeconds: period = 0 }: V2HPAScalingPolicy, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!policyTypes.includes(type)) errors.push(notSupported(`${path}.type`, type, policyTypes));
  if (value <= 0) errors.push(invalid(`${path}.value`, value, 'must be greater than zero'));
  if (period <= 0) errors.push(invalid(`${path}.periodSeconds`, period, 'must be greater than zero'));
  if (period > policyPeriodSecondsMax)
    errors.push(invalid(`${path}.periodSeconds`, period, `must be less than or equal to ${policyPeriodSecondsMax}`));
  return errors;
}
