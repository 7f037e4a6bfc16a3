// Rules of what confines a pod and its containers: profiles of AppArmor and seccomp, users, sysctls, namespaces of the host, and
// what pods of another operating system cannot have (pkg/apis/core/validation).

import { appArmorFromAnnotation } from '../app-armor.ts';
import { appArmorAnnotation, seccompContainerAnnotation, seccompPodAnnotation } from '../confinement-annotations.ts';
import type {
  AppArmorProfile,
  Container,
  Pod,
  PodSecurityContext,
  PodSpec,
  SeccompProfile,
  SecurityContext,
} from '../generated/types.ts';
import { idRange, localPath, oneOf } from './common.ts';

import { duplicate, type FieldError, forbidden, invalid, notSupported, required, tooLong } from './field-error.ts';

const profileTypes = ['Localhost', 'RuntimeDefault', 'Unconfined'];
const appArmorNameBytesMax = 4095;
const sysctlPattern = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const sysctlRule =
  'must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';
const ipcSysctls = /^(kernel\.shm|kernel\.msg|kernel\.sem$|fs\.mqueue\.)/;

/** What the pod as a whole says. */
export function podConfinement(spec: PodSpec, path: string): FieldError[] {
  const context = spec.securityContext ?? {};
  const at = `${path}.securityContext`;
  return [
    ...idRange(context.runAsUser, `${at}.runAsUser`),
    ...idRange(context.runAsGroup, `${at}.runAsGroup`),
    ...idRange(context.fsGroup, `${at}.fsGroup`),
    ...(context.supplementalGroups ?? []).flatMap((id, index) => idRange(id, `${at}.supplementalGroups[${index}]`)),
    ...oneOf(context.supplementalGroupsPolicy, ['Merge', 'Strict'], `${at}.supplementalGroupsPolicy`),
    ...oneOf(context.fsGroupChangePolicy, ['Always', 'OnRootMismatch'], `${at}.fsGroupChangePolicy`),
    ...oneOf(context.seLinuxChangePolicy, ['Recursive'], `${at}.seLinuxChangePolicy`),
    ...seccomp(context.seccompProfile, `${at}.seccompProfile`),
    ...appArmor(context.appArmorProfile, `${at}.appArmorProfile`),
    ...sysctls(spec, `${at}.sysctls`),
    ...namespaces(spec, path),
    ...ofSystem(spec, path),
  ];
}

/** What one container says. */
export function containerConfinement(context: SecurityContext | undefined, path: string, hostUsers: boolean): FieldError[] {
  if (context === undefined) return [];
  const { privileged, allowPrivilegeEscalation, capabilities, procMount } = context;
  const escalates = (what: string) => [
    invalid(path, inGo(context), `cannot set \`allowPrivilegeEscalation\` to false and ${what}`),
  ];
  return [
    ...idRange(context.runAsUser, `${path}.runAsUser`),
    ...idRange(context.runAsGroup, `${path}.runAsGroup`),
    ...oneOf(procMount, ['Default', 'Unmasked'], `${path}.procMount`),
    ...(procMount === 'Unmasked' && hostUsers
      ? [invalid(`${path}.procMount`, procMount, '`hostUsers` must be false to use `Unmasked`')]
      : []),
    ...seccomp(context.seccompProfile, `${path}.seccompProfile`),
    ...appArmor(context.appArmorProfile, `${path}.appArmorProfile`),
    ...(allowPrivilegeEscalation === false && privileged === true ? escalates('`privileged` to true') : []),
    ...(allowPrivilegeEscalation === false && capabilities?.add?.includes('CAP_SYS_ADMIN')
      ? escalates('`capabilities.Add` CAP_SYS_ADMIN')
      : []),
  ];
}

/** The annotations that came before the fields, of pods and not of templates. */
export function confiningAnnotations(pod: Pod): FieldError[] {
  const containers = (['initContainers', 'containers'] as const).flatMap((field) =>
    (pod.spec?.[field] ?? []).map((container: Container, index) => ({ container, at: `spec.${field}[${index}]` })),
  );
  // The first of a name.
  const byName = new Map(containers.toReversed().map((each) => [each.container.name, each]));
  return Object.entries(pod.metadata?.annotations ?? {}).flatMap(([key, value]) => {
    const at = `metadata.annotations[${key}]`;
    if (key === seccompPodAnnotation || key.startsWith(seccompContainerAnnotation)) return seccompAnnotation(key, value);
    if (!key.startsWith(appArmorAnnotation)) return [];
    const name = key.slice(appArmorAnnotation.length);
    const found = byName.get(name);
    if (found === undefined) return [invalid(at, name, 'container not found')];
    if (!/^(|unconfined|runtime\/default|localhost\/.*)$/s.test(value))
      return [invalid(at, value, `invalid AppArmor profile name: ${JSON.stringify(value)}`)];
    return disagreement(found.container, `${found.at}.securityContext.appArmorProfile`, value, pod);
  });
}

function disagreement(container: Container, at: string, value: string, pod: Pod): FieldError[] {
  const field = container.securityContext?.appArmorProfile;
  const annotated = appArmorFromAnnotation(value);
  if (field === undefined || annotated === undefined || pod.spec?.os?.name === 'windows') return [];
  if (field.type !== annotated.type) return [forbidden(`${at}.type`, 'apparmor type in annotation and field must match')];
  return (field.localhostProfile ?? '') === (annotated.localhostProfile ?? '')
    ? []
    : [forbidden(`${at}.localhostProfile`, 'apparmor profile in annotation and field must match')];
}

function seccompAnnotation(key: string, value: string): FieldError[] {
  const at = `metadata.annotations.${key}`;
  if (['runtime/default', 'docker/default', 'unconfined'].includes(value)) return [];
  if (value.startsWith('localhost/')) return localPath(value.slice('localhost/'.length), at);
  return [invalid(at, value, 'must be a valid seccomp profile')];
}

function seccomp(profile: SeccompProfile | undefined, path: string): FieldError[] {
  if (profile === undefined) return [];
  const { type, localhostProfile } = profile;
  const at = `${path}.localhostProfile`;
  if (!type) return [required(`${path}.type`, 'type is required when seccompProfile is set')];
  if (type === 'Localhost') {
    if (localhostProfile === undefined) return [required(at, 'must be set when seccomp type is Localhost')];
    return localPath(localhostProfile, at);
  }
  const named = { Type: type, LocalhostProfile: localhostProfile };
  const extra = localhostProfile === undefined ? [] : [invalid(at, named, 'can only be set when seccomp type is Localhost')];
  return [...oneOf(type, profileTypes, `${path}.type`), ...extra];
}

function appArmor(profile: AppArmorProfile | undefined, path: string): FieldError[] {
  if (profile === undefined) return [];
  const { type, localhostProfile } = profile;
  const at = `${path}.localhostProfile`;
  if (!type) return [required(`${path}.type`, 'type is required when appArmorProfile is set')];
  if (type === 'Localhost') return appArmorName(localhostProfile ?? '', at);
  const text = 'can only be set when AppArmor type is Localhost';
  const extra = localhostProfile === undefined ? [] : [invalid(at, localhostProfile, text)];
  return [...oneOf(type, profileTypes, `${path}.type`), ...extra];
}

function appArmorName(name: string, at: string): FieldError[] {
  if (name.trim() === '') return [required(at, 'must be set when AppArmor type is Localhost')];
  if (name !== name.trim()) return [invalid(at, name, 'must not be padded with whitespace')];
  return Buffer.byteLength(name) > appArmorNameBytesMax ? [tooLong(at, appArmorNameBytesMax)] : [];
}

function sysctls(spec: PodSpec, path: string): FieldError[] {
  const names = new Set<string>();
  return (spec.securityContext?.sysctls ?? []).flatMap(({ name = '' }, index) => {
    const at = `${path}[${index}].name`;
    if (name === '') return [required(at)];
    if (name.length > 253 || !sysctlPattern.test(name)) return [invalid(at, name, sysctlRule)];
    if (names.has(name)) return [duplicate(at, name)];
    names.add(name);
    const dotted = withDots(name);
    if (spec.hostIPC === true && ipcSysctls.test(dotted))
      return [invalid(at, name, "may not be specified when 'hostIPC' is true")];
    return spec.hostNetwork === true && dotted.startsWith('net.')
      ? [invalid(at, name, "may not be specified when 'hostNetwork' is true")]
      : [];
  });
}

/** Names may be written with slashes for the dots that separate; then dots are part of names. */
function withDots(name: string): string {
  return /^[^.]*\//.test(name) ? name.replace(/[./]/g, (separator) => (separator === '/' ? '.' : '/')) : name;
}

function namespaces(spec: PodSpec, path: string): FieldError[] {
  const own = spec.hostUsers === false;
  const why = 'when `hostUsers` is false';
  return [
    ...(spec.hostPID === true && spec.shareProcessNamespace === true
      ? [
          invalid(
            `${path}.securityContext.shareProcessNamespace`,
            true,
            'ShareProcessNamespace and HostPID cannot both be enabled',
          ),
        ]
      : []),
    ...(own && spec.hostNetwork === true ? [forbidden(`${path}.hostNetwork`, why)] : []),
    ...(own && spec.hostPID === true ? [forbidden(`${path}.HostPID`, why)] : []),
    ...(own && spec.hostIPC === true ? [forbidden(`${path}.HostIPC`, why)] : []),
  ];
}

const notOnWindows = 'cannot be set for a windows pod';
const notOnLinux = 'windows options cannot be set for a linux pod';
const podFieldsOfLinux = ['hostUsers', 'hostPID', 'hostIPC', 'shareProcessNamespace'] as const;
const contextFieldsOfLinux = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'fsGroup',
  'fsGroupChangePolicy',
  'sysctls',
  'runAsUser',
  'runAsGroup',
  'supplementalGroups',
  'supplementalGroupsPolicy',
] as const satisfies readonly (keyof PodSecurityContext)[];
const containerFieldsOfLinux = [
  'appArmorProfile',
  'seLinuxOptions',
  'seccompProfile',
  'capabilities',
  'readOnlyRootFilesystem',
  'privileged',
  'allowPrivilegeEscalation',
  'procMount',
  'runAsUser',
  'runAsGroup',
] as const satisfies readonly (keyof SecurityContext)[];

/** Fields that the operating system of the pod does not have. */
function ofSystem(spec: PodSpec, path: string): FieldError[] {
  const { os, securityContext } = spec;
  if (os === undefined) return [];
  if (!os.name) return [required(`${path}.os.name`)];
  const containers = (['containers', 'initContainers'] as const).flatMap((field) =>
    (spec[field] ?? []).map((container, index) => ({ context: container.securityContext, at: `${path}.${field}[${index}]` })),
  );
  if (os.name === 'linux') {
    return [{ context: securityContext, at: path }, ...containers].flatMap(({ context, at }) =>
      context?.windowsOptions === undefined ? [] : [forbidden(`${at}.securityContext.windowsOptions`, notOnLinux)],
    );
  }
  if (os.name !== 'windows') return [notSupported(`${path}.os`, os.name, ['linux', 'windows'])];
  return [
    ...given(securityContext, contextFieldsOfLinux, `${path}.securityContext`),
    ...given(spec, podFieldsOfLinux, path),
    ...containers.flatMap(({ context, at }) => given(context, containerFieldsOfLinux, `${at}.securityContext`)),
  ];
}

function given<T extends object>(object: T | undefined, fields: readonly (keyof T & string)[], path: string): FieldError[] {
  return fields.flatMap((field) => {
    const value = object?.[field];
    return value === undefined || (Array.isArray(value) && value.length === 0)
      ? []
      : [forbidden(`${path}.${field}`, notOnWindows)];
  });
}

/** A security context as upstream writes it into an error: every field of the type, by its name there. */
function inGo(context: SecurityContext): object {
  const { capabilities } = context;
  return {
    Capabilities: capabilities === undefined ? null : { Add: capabilities.add ?? null, Drop: capabilities.drop ?? null },
    Privileged: context.privileged ?? null,
    SELinuxOptions: context.seLinuxOptions ?? null,
    WindowsOptions: context.windowsOptions ?? null,
    RunAsUser: context.runAsUser ?? null,
    RunAsGroup: context.runAsGroup ?? null,
    RunAsNonRoot: context.runAsNonRoot ?? null,
    ReadOnlyRootFilesystem: context.readOnlyRootFilesystem ?? null,
    AllowPrivilegeEscalation: context.allowPrivilegeEscalation ?? null,
    ProcMount: context.procMount ?? null,
    SeccompProfile: context.seccompProfile ?? null,
    AppArmorProfile: context.appArmorProfile ?? null,
  };
}
