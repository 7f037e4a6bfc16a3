// Rules of what status, ephemeralcontainers and resize write of a pod (pkg/apis/core/validation).
import ipaddr from 'ipaddr.js';
import type { Container, EphemeralContainer, Pod, PodSpec, ResourceRequirements } from '../generated/types.ts';
import { semanticEqual } from '../json.ts';
import { dns1123LabelErrors, dns1123SubdomainErrors } from '../names.ts';
import { qosClassOf } from '../pod-qos.ts';
import { duplicate, type FieldError, forbidden, invalid, notFound, required } from './field-error.ts';
import { mirrorAnnotation } from './pod-annotations.ts';

const ipText = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

export function validatePodStatus(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const status = pod.status ?? {};
  if (pod.spec?.nodeName !== old.spec?.nodeName) errors.push(forbidden('status.nodeName', 'may not be changed directly'));
  const nominated = status.nominatedNodeName;
  if (nominated) {
    for (const text of dns1123SubdomainErrors(nominated)) errors.push(invalid('status.nominatedNodeName', nominated, text));
    if (old.spec?.nodeName && nominated !== old.status?.nominatedNodeName)
      errors.push(forbidden('status.nominatedNodeName', 'may not be set on pods that are already bound to a node'));
  }
  errors.push(...addresses(pod, old));
  if (old.status?.qosClass && status.qosClass !== old.status.qosClass)
    errors.push(invalid('status.qosClass', status.qosClass ?? '', 'field is immutable'));
  const claims = new Set((pod.spec?.resourceClaims ?? []).map(({ name }) => name));
  (status.resourceClaimStatuses ?? []).forEach(({ name }, index) => {
    if (claims.has(name)) return;
    const text = 'must match the name of an entry in `spec.resourceClaims`';
    errors.push(invalid(`status.resourceClaimStatuses[${index}].name`, name, text));
  });
  const containers = new Set([...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map(({ name }) => name));
  (status.extendedResourceClaimStatus?.requestMappings ?? []).forEach(({ containerName }, index) => {
    if (containers.has(containerName)) return;
    const text = 'must match the name of an entry in spec.initContainers.name or spec.containers.name';
    const at = `status.extendedResourceClaimStatus.requestMappings[${index}].containerName`;
    errors.push(invalid(at, containerName, text));
  });
  return errors;
}

function addresses(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  const { hostIP, hostIPs = [], podIPs = [] } = pod.status ?? {};
  if (!semanticEqual(podIPs, old.status?.podIPs)) {
    podIPs.forEach(({ ip }, index) => {
      if (!ipaddr.isValid(ip)) errors.push(invalid(`status.podIPs[${index}]`, ip, ipText));
    });
  }
  if (semanticEqual(hostIPs, old.status?.hostIPs)) return errors;
  if (hostIPs.length > 0 && hostIPs[0]?.ip !== (hostIP ?? ''))
    errors.push(invalid('status.hostIPs[0].ip', hostIPs[0]?.ip, 'must be equal to `hostIP`'));
  hostIPs.forEach(({ ip }, index) => {
    if (!ipaddr.isValid(ip)) errors.push(invalid(`status.hostIPs[${index}]`, ip, ipText));
  });
  return errors;
}

/** What a debugging container may not have. */
const forbiddenOfEphemeral = [
  'ports',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
] as const;

export function validateEphemeralContainers(pod: Pod, old: Pod): FieldError[] {
  const path = 'spec.ephemeralContainers';
  const errors = ephemeralRules(pod.spec, path);
  if (old.metadata?.annotations?.[mirrorAnnotation] !== undefined) {
    return [...errors, forbidden('', 'static pods do not support ephemeral containers')];
  }
  const now = new Map((pod.spec?.ephemeralContainers ?? []).map((each) => [each.name, each]));
  for (const before of old.spec?.ephemeralContainers ?? []) {
    const after = now.get(before.name);
    const named = `existing ephemeral containers ${JSON.stringify(before.name)} may not be`;
    if (after === undefined) errors.push(forbidden(path, `${named} removed`));
    else if (!semanticEqual(after, before)) errors.push(forbidden(path, `${named} changed`));
  }
  return errors;
}

function ephemeralRules(spec: PodSpec | undefined, path: string): FieldError[] {
  const others = new Set([...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map(({ name }) => name));
  const seen = new Set(others);
  return (spec?.ephemeralContainers ?? []).flatMap((container, index) => {
    const at = `${path}[${index}]`;
    const errors: FieldError[] = [];
    if (!container.name) errors.push(required(`${at}.name`));
    else for (const text of dns1123LabelErrors(container.name)) errors.push(invalid(`${at}.name`, container.name, text));
    if (!container.image) errors.push(required(`${at}.image`));
    if (seen.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    seen.add(container.name);
    const target = container.targetContainerName;
    if (target && !others.has(target)) errors.push(notFound(`${at}.targetContainerName`, target));
    return errors.concat(notForEphemeral(container, at));
  });
}

function notForEphemeral(container: EphemeralContainer, at: string): FieldError[] {
  const text = 'cannot be set for an Ephemeral Container';
  const errors = forbiddenOfEphemeral
    .filter((field) => !semanticEqual((container as unknown as Record<string, unknown>)[field], undefined))
    .map((field) => forbidden(`${at}.${field}`, text));
  (container.volumeMounts ?? []).forEach((mount, index) => {
    for (const field of ['subPath', 'subPathExpr'] as const) {
      if (mount[field]) errors.push(forbidden(`${at}.volumeMounts[${index}].${field}`, text));
    }
  });
  return errors;
}

export function validateResize(pod: Pod, old: Pod): FieldError[] {
  if (old.metadata?.annotations?.[mirrorAnnotation] !== undefined) return [forbidden('', 'static pods cannot be resized')];
  if (old.spec?.os?.name === 'windows') return [forbidden('', 'windows pods cannot be resized')];
  const errors: FieldError[] = [];
  const qos = old.status?.qosClass ?? qosClassOf(old);
  if (qos !== qosClassOf(pod)) {
    errors.push(invalid('spec', qos, 'Pod QOS Class may not change as a result of resizing'));
  }
  const lists = ['containers', 'initContainers'] as const;
  const misplaced = lists.flatMap((field) => ordering(pod.spec?.[field] ?? [], old.spec?.[field] ?? [], field));
  if (misplaced.length > 0) return [...errors, ...misplaced];
  for (const field of lists) {
    (old.spec?.[field] ?? []).forEach((before, index) => {
      errors.push(...removed(before, pod.spec?.[field]?.[index], `spec.${field}[${index}].resources`));
    });
  }
  if (!semanticEqual(withoutCpuAndMemory(pod.spec), withoutCpuAndMemory(old.spec)))
    errors.push(forbidden('spec', 'only cpu and memory resources are mutable'));
  return errors;
}

function ordering(now: readonly Container[], before: readonly Container[], field: string): FieldError[] {
  if (now.length !== before.length) return [forbidden(`spec.${field}`, `${field} may not be added or removed on resize`)];
  return now.flatMap(({ name }, index) =>
    name === before[index]?.name
      ? []
      : [forbidden(`spec.${field}[${index}].name`, `${field} may not be renamed or reordered on resize`)],
  );
}

function removed(before: Container, now: Container | undefined, at: string): FieldError[] {
  return (['requests', 'limits'] as const).flatMap((kind) => {
    const left = now?.resources?.[kind] ?? {};
    const gone = ['cpu', 'memory'].some((name) => before.resources?.[kind]?.[name] !== undefined && left[name] === undefined);
    return gone ? [forbidden(`${at}.${kind}`, `resource ${kind} cannot be removed`)] : [];
  });
}

function withoutCpuAndMemory(spec: PodSpec | undefined): unknown {
  const others = (list: Readonly<Record<string, string>> | undefined): unknown =>
    Object.fromEntries(Object.entries(list ?? {}).filter(([name]) => name !== 'cpu' && name !== 'memory'));
  const rest = ({ requests, limits, ...more }: ResourceRequirements = {}): unknown => ({
    ...more,
    requests: others(requests),
    limits: others(limits),
  });
  const strip = ({ resizePolicy: _policy, ...container }: Container): unknown => ({
    ...container,
    resources: rest(container.resources),
  });
  return {
    ...spec,
    resources: rest(spec?.resources),
    containers: spec?.containers?.map(strip),
    initContainers: spec?.initContainers?.map(strip),
  };
}
