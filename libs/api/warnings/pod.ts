// What somebody who writes a pod, or a template of pods, should know (pkg/api/pod/warnings.go).
import { appArmorAnnotation, seccompContainerAnnotation, seccompPodAnnotation } from '../confinement-annotations.ts';
import type { Container, NodeSelectorTerm, ObjectMeta, PodSpec } from '../generated/types.ts';
import { tryParseQuantity } from '../quantity.ts';
import { volumeWarnings } from './volume.ts';

/** Labels of nodes that have new names: since when, and which. */
const labels: ReadonlyMap<string, readonly [since: string, instead: string]> = new Map([
  ['beta.kubernetes.io/arch', ['v1.14', 'kubernetes.io/arch']],
  ['beta.kubernetes.io/os', ['v1.14', 'kubernetes.io/os']],
  ['failure-domain.beta.kubernetes.io/region', ['v1.17', 'topology.kubernetes.io/region']],
  ['failure-domain.beta.kubernetes.io/zone', ['v1.17', 'topology.kubernetes.io/zone']],
  ['beta.kubernetes.io/instance-type', ['v1.17', 'node.kubernetes.io/instance-type']],
]);

/** `deprecated since v1.14; use "kubernetes.io/arch" instead`; undefined for other labels. */
export function labelDeprecation(key: string): string | undefined {
  const known = labels.get(key);
  return known === undefined ? undefined : `deprecated since ${known[0]}; use "${known[1]}" instead`;
}

export function nodeSelectorWarnings(
  selector: Readonly<Record<string, string>> | undefined,
  at: (key: string) => string,
): string[] {
  return Object.keys(selector ?? {}).flatMap((key) => {
    const text = labelDeprecation(key);
    return text === undefined ? [] : [`${at(key)}: ${text}`];
  });
}

export function nodeTermWarnings(terms: readonly NodeSelectorTerm[], path: string): string[] {
  return terms.flatMap((term, index) =>
    (term.matchExpressions ?? []).flatMap(({ key }, i) => {
      const text = labelDeprecation(key);
      return text === undefined ? [] : [`${path}[${index}].matchExpressions[${i}].key: ${key} is ${text}`];
    }),
  );
}

/** A quantity of bytes is whole. */
export function fractionalWarnings(
  list: Readonly<Record<string, string>> | undefined,
  names: readonly string[],
  path: string,
): string[] {
  return names.flatMap((name) => {
    const text = list?.[name];
    const quantity = text === undefined ? undefined : tryParseQuantity(text);
    if (quantity === undefined || quantity.milliValue() % 1000n === 0n) return [];
    return [`${path}[${name}]: fractional byte value "${text}" is invalid, must be an integer`];
  });
}

/** @param prefix where the pod's metadata and spec are: empty, or `spec.template.`. */
export function podWarnings(metadata: ObjectMeta | undefined, spec: PodSpec | undefined, prefix: string): string[] {
  if (spec === undefined) return [];
  const path = `${prefix}spec`;
  return [
    ...nodeSelectorWarnings(spec.nodeSelector, (key) => `${path}.nodeSelector[${key}]`),
    ...affinityWarnings(spec, `${path}.affinity`),
    ...spreadWarnings(spec, `${path}.topologySpreadConstraints`),
    ...aliasWarnings(spec, path),
    ...volumeWarnings(spec.volumes ?? [], `${path}.volumes`),
    ...annotationWarnings(metadata, spec, `${prefix}metadata.annotations`),
    ...(['containers', 'initContainers'] as const).flatMap((field) =>
      (spec[field] ?? []).flatMap((container, index) => containerWarnings(container, `${path}.${field}[${index}]`)),
    ),
  ];
}

function affinityWarnings({ affinity }: PodSpec, path: string): string[] {
  const node = affinity?.nodeAffinity;
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const preferred = 'preferredDuringSchedulingIgnoredDuringExecution';
  const warnings = nodeTermWarnings(
    node?.[required]?.nodeSelectorTerms ?? [],
    `${path}.nodeAffinity.${required}.nodeSelectorTerms`,
  );
  (node?.[preferred] ?? []).forEach(({ preference }, index) => {
    const at = `${path}.nodeAffinity.${preferred}[${index}].preference`;
    warnings.push(...nodeTermWarnings([preference], at).map((text) => text.replace('preference[0]', 'preference')));
  });
  for (const field of ['podAffinity', 'podAntiAffinity'] as const) {
    (affinity?.[field]?.[required] ?? []).forEach((term, index) => {
      if (term.labelSelector === undefined)
        warnings.push(`${path}.${field}.${required}[${index}].labelSelector: ${nullSelector}`);
    });
    (affinity?.[field]?.[preferred] ?? []).forEach(({ podAffinityTerm }, index) => {
      if (podAffinityTerm.labelSelector === undefined)
        warnings.push(`${path}.${field}.${preferred}[${index}].podAffinityTerm.labelSelector: ${nullSelector}`);
    });
  }
  return warnings;
}

const nullSelector = 'a null labelSelector results in matching no pod';

function spreadWarnings(spec: PodSpec, path: string): string[] {
  return (spec.topologySpreadConstraints ?? []).flatMap((constraint, index) => {
    const text = labelDeprecation(constraint.topologyKey);
    return [
      ...(text === undefined ? [] : [`${path}[${index}].topologyKey: ${constraint.topologyKey} is ${text}`]),
      ...(constraint.labelSelector === undefined ? [`${path}[${index}].labelSelector: ${nullSelector}`] : []),
    ];
  });
}

function aliasWarnings(spec: PodSpec, path: string): string[] {
  const warnings: string[] = [];
  const ips = new Set<string>();
  (spec.hostAliases ?? []).forEach(({ ip }, index) => {
    if (ips.has(ip)) warnings.push(`${path}.hostAliases[${index}].ip: duplicate ip "${ip}"`);
    ips.add(ip);
  });
  const names = new Set<string>();
  (spec.imagePullSecrets ?? []).forEach(({ name = '' }, index) => {
    if (name === '') warnings.push(`${path}.imagePullSecrets[${index}].name: invalid empty name ""`);
    else if (names.has(name)) warnings.push(`${path}.imagePullSecrets[${index}].name: duplicate name "${name}"`);
    names.add(name);
  });
  return warnings;
}

function annotationWarnings(metadata: ObjectMeta | undefined, spec: PodSpec, path: string): string[] {
  return Object.keys(metadata?.annotations ?? {}).flatMap((key) => {
    if (
      (key === seccompPodAnnotation && spec.securityContext?.seccompProfile === undefined) ||
      key.startsWith(seccompContainerAnnotation)
    )
      return [`${path}[${key}]: non-functional in v1.27+; use the "seccompProfile" field instead`];
    if (key.startsWith(appArmorAnnotation))
      return [`${path}[${key}]: deprecated since v1.30; use the "appArmorProfile" field instead`];
    return [];
  });
}

function containerWarnings(container: Container, path: string): string[] {
  const warnings: string[] = [];
  for (const kind of ['limits', 'requests'] as const) {
    const list = container.resources?.[kind];
    warnings.push(...fractionalWarnings(list, ['memory', 'ephemeral-storage'], `${path}.resources.${kind}`));
  }
  const values = new Map<string, string | undefined>();
  (container.env ?? []).forEach(({ name, value }, index) => {
    // A value that refers to the name itself goes on from the previous one.
    if (values.has(name) && !value?.includes(`$(${name})`))
      warnings.push(`${path}.env[${index}]: hides previous definition of "${name}", which may be dropped when using apply`);
    values.set(name, value);
  });
  const ports = new Map<string, number>();
  (container.ports ?? []).forEach(({ protocol = 'TCP', containerPort, hostPort = 0, hostIP = '' }, index) => {
    const key = `${protocol}/${containerPort}/${hostPort}/${hostIP}`;
    const first = ports.get(key);
    if (first === undefined) ports.set(key, index);
    else warnings.push(`${path}.ports[${index}]: duplicate port definition with ${path}.ports[${first}]`);
  });
  return warnings;
}
