// Rules of pods and pod specs, and what an update of a pod may change (pkg/apis/core/validation).
import type { Pod, PodSpec, PodTemplateSpec, Toleration } from '../generated/types.ts';
import { cloneJson, semanticEqual } from '../json.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors, labelValueErrors, qualifiedNameErrors } from '../names.ts';
import { oneOf } from './common.ts';
import { confiningAnnotations, podConfinement } from './confinement.ts';
import { type PodContext, validateContainers, validateInitContainers } from './container.ts';
import { rules } from './define.ts';
import { type FieldError, forbidden, invalid, notSupported, required } from './field-error.ts';
import { validateAnnotations, validateLabels } from './meta.ts';
import { changedAnnotations, mirrorOfNode } from './pod-annotations.ts';
import { validateDnsConfig, validateHostAliases } from './pod-network.ts';
import { validateOverhead } from './pod-resources.ts';
import { validateAffinity, validateSpread } from './pod-scheduling.ts';
import { validateEphemeralContainers, validatePodStatus, validateResize } from './pod-subresources.ts';
import { validateVolumes } from './volume.ts';

const restartPolicies = ['Always', 'OnFailure', 'Never'];
const dnsPolicies = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
const maxDeadlineSeconds = 2147483647;

export const podRules = [
  rules<Pod>('/Pod', {
    create: (pod) => [
      ...validatePodSpec(pod.spec, 'spec'),
      ...notYet(pod),
      ...imageSpaces(pod),
      ...mirrorOfNode(pod),
      ...confiningAnnotations(pod),
    ],
    update: (pod, old) => [...changedAnnotations(pod, old), ...validatePodUpdate(pod, old)],
    subresources: {
      status: (pod, old) => [...changedAnnotations(pod, old), ...validatePodStatus(pod, old)],
      ephemeralcontainers: (pod, old) => [...changedAnnotations(pod, old), ...validateEphemeralContainers(pod, old)],
      resize: (pod, old) => [
        ...validatePodSpec(pod.spec, 'spec'),
        ...changedAnnotations(pod, old),
        ...validateResize(pod, old),
      ],
    },
  }),
];

/** Ephemeral containers come by their subresource, to a pod that is there. */
function notYet({ spec }: Pod): FieldError[] {
  const isFree = (spec?.ephemeralContainers ?? []).length === 0;
  return isFree ? [] : [forbidden('spec.ephemeralContainers', 'cannot be set on create')];
}

/** A template in a workload at `path`. */
export function validatePodTemplate(template: PodTemplateSpec | undefined, path: string): FieldError[] {
  return [
    ...validateLabels(template?.metadata?.labels, `${path}.labels`),
    ...validateAnnotations(template?.metadata?.annotations, `${path}.annotations`),
    ...validatePodSpec(template?.spec, `${path}.spec`),
  ];
}

export function validatePodSpec(spec: PodSpec | undefined, path: string): FieldError[] {
  if (spec === undefined) return [required(`${path}.containers`)];
  const errors = validateVolumes(spec.volumes ?? [], `${path}.volumes`);
  const context: PodContext = {
    volumes: new Map((spec.volumes ?? []).map((volume) => [volume.name, volume])),
    hostNetwork: spec.hostNetwork === true,
    hostUsers: spec.hostUsers !== false,
  };
  errors.push(
    ...validateContainers(spec.containers ?? [], `${path}.containers`, context),
    ...validateInitContainers(spec.initContainers ?? [], spec.containers ?? [], `${path}.initContainers`, context),
    ...oneOf(spec.restartPolicy, restartPolicies, `${path}.restartPolicy`, true),
    ...oneOf(spec.dnsPolicy, dnsPolicies, `${path}.dnsPolicy`, true),
    ...validateLabels(spec.nodeSelector, `${path}.nodeSelector`),
    ...podConfinement(spec, path),
    ...validateAffinity(spec.affinity, `${path}.affinity`),
    ...validateDnsConfig(spec, `${path}.dnsConfig`),
    ...validateHostAliases(spec, `${path}.hostAliases`),
  );
  if (spec.serviceAccountName)
    errors.push(...named(dns1123SubdomainErrors, spec.serviceAccountName, `${path}.serviceAccountName`));
  if (spec.nodeName) errors.push(...named(dns1123SubdomainErrors, spec.nodeName, `${path}.nodeName`));
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > maxDeadlineSeconds)) {
    errors.push(invalid(`${path}.activeDeadlineSeconds`, deadline, `must be between 1 and ${maxDeadlineSeconds}, inclusive`));
  }
  if (spec.hostname) errors.push(...named(dns1123LabelErrors, spec.hostname, `${path}.hostname`));
  if (spec.subdomain) errors.push(...named(dns1123LabelErrors, spec.subdomain, `${path}.subdomain`));
  errors.push(...validateTolerations(spec.tolerations ?? [], `${path}.tolerations`));
  errors.push(...validateSpread(spec.topologySpreadConstraints ?? [], `${path}.topologySpreadConstraints`));
  if (spec.priorityClassName)
    errors.push(...named(dns1123SubdomainErrors, spec.priorityClassName, `${path}.priorityClassName`));
  if (spec.runtimeClassName) errors.push(...named(dns1123SubdomainErrors, spec.runtimeClassName, `${path}.runtimeClassName`));
  return errors.concat(validateOverhead(spec.overhead, `${path}.overhead`));
}

function named(check: (value: string) => string[], value: string, path: string): FieldError[] {
  return check(value).map((text) => invalid(path, value, text));
}

/** Images with space around them are refused in pods, not in templates. */
function imageSpaces(pod: Pod): FieldError[] {
  return (['containers', 'initContainers'] as const).flatMap((field) =>
    (pod.spec?.[field] ?? []).flatMap((container, index) => {
      const image = container.image ?? '';
      if (image === image.trim()) return [];
      return [invalid(`spec.${field}[${index}].image`, image, 'must not have leading or trailing whitespace')];
    }),
  );
}

export function validateTolerations(tolerations: readonly Toleration[], path: string): FieldError[] {
  const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
  return tolerations.flatMap((toleration, index) => {
    const at = `${path}[${index}]`;
    const { key, operator, value = '', effect, tolerationSeconds } = toleration;
    const errors: FieldError[] = key ? named(qualifiedNameErrors, key, `${at}.key`) : [];
    if (!key && operator !== 'Exists') {
      errors.push(
        invalid(
          `${at}.operator`,
          operator ?? '',
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    }
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') {
      errors.push(invalid(`${at}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    switch (operator ?? '') {
      case '':
      case 'Equal':
        for (const text of labelValueErrors(value)) errors.push(invalid(`${at}.operator`, value, text));
        break;
      case 'Exists':
        if (value !== '') errors.push(invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'"));
        break;
      default:
        errors.push(notSupported(`${at}.operator`, operator, ['Equal', 'Exists']));
    }
    if (effect && !effects.includes(effect)) errors.push(notSupported(`${at}.effect`, effect, effects));
    return errors;
  });
}

const mutableFields =
  '`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const spec = pod.spec;
  const before = old.spec;
  if (spec === undefined || before === undefined) return validatePodSpec(spec, 'spec');
  if ((spec.containers ?? []).length !== (before.containers ?? []).length) {
    return [forbidden('spec.containers', 'pod updates may not add or remove containers')];
  }
  if ((spec.initContainers ?? []).length !== (before.initContainers ?? []).length) {
    return [forbidden('spec.initContainers', 'pod updates may not add or remove containers')];
  }
  const deadline = spec.activeDeadlineSeconds;
  const deadlineBefore = before.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 0 || deadline > maxDeadlineSeconds)) {
    errors.push(invalid('spec.activeDeadlineSeconds', deadline, `must be between 0 and ${maxDeadlineSeconds}, inclusive`));
  } else if (deadline !== undefined && deadlineBefore !== undefined && deadlineBefore < deadline) {
    errors.push(invalid('spec.activeDeadlineSeconds', deadline, 'must be less than or equal to previous value'));
  } else if (deadline === undefined && deadlineBefore !== undefined) {
    errors.push(invalid('spec.activeDeadlineSeconds', deadline, 'must not update from a positive integer to nil value'));
  }
  errors.push(...addedTolerations(spec.tolerations ?? [], before.tolerations ?? []), ...imageSpaces(pod));
  if (!semanticEqual(comparable(spec, before), before)) {
    errors.push(forbidden('spec', `pod updates may not change fields other than ${mutableFields}`));
  }
  return errors;
}

/** The new spec with what may change taken from the old one. */
function comparable(spec: PodSpec, before: PodSpec): PodSpec {
  const copy = cloneJson(spec);
  for (const field of ['containers', 'initContainers'] as const) {
    copy[field]?.forEach((container, index) => {
      container.image = before[field]?.[index]?.image;
    });
  }
  copy.activeDeadlineSeconds = before.activeDeadlineSeconds;
  copy.tolerations = before.tolerations;
  if ((before.schedulingGates ?? []).length > 0) {
    copy.schedulingGates = before.schedulingGates;
    copy.nodeSelector = before.nodeSelector;
    copy.affinity = before.affinity;
  }
  if ((before.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) {
    copy.terminationGracePeriodSeconds = before.terminationGracePeriodSeconds;
  }
  return copy;
}

/** The same for tolerations that are equal, a field that is left out being an empty one. */
export function tolerationText({ key = '', operator = '', value = '', effect = '', tolerationSeconds }: Toleration): string {
  return JSON.stringify([key, operator, value, effect, tolerationSeconds]);
}

function addedTolerations(tolerations: readonly Toleration[], before: readonly Toleration[]): FieldError[] {
  const timeless = ({ tolerationSeconds: _seconds, ...rest }: Toleration) => tolerationText(rest);
  const now = new Set(tolerations.map(timeless));
  if (!before.every((old) => now.has(timeless(old))))
    return [forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds')];
  return validateTolerations(tolerations, 'spec.tolerations');
}
