// The checks of the level `baseline`: what lets a pod out of its confinement in ways that are known
// (https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline).
import { appArmorAnnotation, seccompContainerAnnotation, seccompPodAnnotation } from '@drydock/api/confinement-annotations.ts';
import type { ObjectMeta, PodSpec, SELinuxOptions } from '@drydock/api/generated/types.ts';
import type { Check } from './check.ts';
import { type AnyContainer, containersOf, counted, distinct, namesOf, plural, quoted, setters } from './violation.ts';

const defaultCapabilities = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
]);

/** Whether a profile, of AppArmor or seccomp, is one that confines nothing; none at all is as the runtime has it. */
function isUnconfining(type: string | undefined): boolean {
  return type !== undefined && type !== 'RuntimeDefault' && type !== 'Localhost';
}

/** From which minor version on they are held to be safe. */
const safeSysctls: Readonly<Record<string, number>> = {
  'kernel.shm_rmid_forced': 0,
  'net.ipv4.ip_local_port_range': 0,
  'net.ipv4.tcp_syncookies': 0,
  'net.ipv4.ping_group_range': 0,
  'net.ipv4.ip_unprivileged_port_start': 0,
  'net.ipv4.ip_local_reserved_ports': 27,
  'net.ipv4.tcp_keepalive_time': 29,
  'net.ipv4.tcp_fin_timeout': 29,
  'net.ipv4.tcp_keepalive_intvl': 29,
  'net.ipv4.tcp_keepalive_probes': 29,
  'net.ipv4.tcp_rmem': 32,
  'net.ipv4.tcp_wmem': 32,
};

const appArmorProfile: Check = (spec, metadata) => {
  const podType = spec.securityContext?.appArmorProfile?.type;
  const bad = containersOf(spec).filter(({ securityContext }) => isUnconfining(securityContext?.appArmorProfile?.type));
  const types = [podType, ...bad.map(({ securityContext }) => securityContext?.appArmorProfile?.type)].filter(isUnconfining);
  const annotations = Object.entries(metadata.annotations ?? {})
    .filter(([key, value]) => key.startsWith(appArmorAnnotation) && !/^(runtime\/default|localhost\/.*)?$/s.test(value))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .sort();
  const who = [
    setters(isUnconfining(podType), bad),
    annotations.length > 0 ? plural('annotation', annotations.length) : undefined,
  ];
  const values = [...distinct(types.map(String)), ...annotations];
  if (values.length === 0) return undefined;
  return {
    reason: plural('forbidden AppArmor profile', values.length),
    detail: `${who.filter((each) => each !== undefined).join(' and ')} must not set AppArmor profile type to ${quoted(values)}`,
  };
};

const capabilities: Check = (spec) => {
  const forbidden = (added: readonly string[] = []) => added.filter((name) => !defaultCapabilities.has(name));
  const bad = containersOf(spec).filter(({ securityContext }) => forbidden(securityContext?.capabilities?.add).length > 0);
  if (bad.length === 0) return undefined;
  const names = distinct(bad.flatMap(({ securityContext }) => forbidden(securityContext?.capabilities?.add)));
  return {
    reason: 'non-default capabilities',
    detail: `${counted('container', namesOf(bad))} must not include ${quoted(names)} in securityContext.capabilities.add`,
  };
};

const hostNamespaces: Check = (spec) => {
  const shared = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((name) => spec[name] === true);
  if (shared.length === 0) return undefined;
  return { reason: 'host namespaces', detail: shared.map((name) => `${name}=true`).join(', ') };
};

const hostPathVolumes: Check = (spec) => {
  const bad = (spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => name);
  return bad.length === 0 ? undefined : { reason: 'hostPath volumes', detail: counted('volume', bad) };
};

/** What containers use of the host, and which of them do: `container "a" uses`. */
function uses(
  spec: PodSpec,
  valuesOf: (container: AnyContainer) => readonly string[],
): { readonly who: string; readonly values: string[] } | undefined {
  const users = containersOf(spec).filter((container) => valuesOf(container).length > 0);
  if (users.length === 0) return undefined;
  const who = `${counted('container', namesOf(users))} ${users.length === 1 ? 'uses' : 'use'}`;
  return { who, values: distinct(users.flatMap(valuesOf)) };
}

const hostPorts: Check = (spec) => {
  const found = uses(spec, ({ ports = [] }) => ports.flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : [])));
  if (found === undefined) return undefined;
  const { who, values } = found;
  return { reason: 'hostPort', detail: `${who} ${plural('hostPort', values.length)} ${values.join(', ')}` };
};

/** Since 1.34: a probe or hook that names a host lets a pod have the node ask others for it. */
const hostProbes: Check = (spec, _metadata, version) => {
  if (version < 34) return undefined;
  const found = uses(spec, ({ livenessProbe, readinessProbe, startupProbe, lifecycle }) =>
    [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap((handler) =>
      [handler?.httpGet?.host ?? '', handler?.tcpSocket?.host ?? ''].filter((host) => host !== ''),
    ),
  );
  if (found === undefined) return undefined;
  const { who, values } = found;
  const what = 'probe or lifecycle host';
  return { reason: what, detail: `${who} ${plural(what, values.length)} ${quoted(values)}` };
};

const privileged: Check = (spec) => {
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.privileged === true);
  if (bad.length === 0) return undefined;
  return {
    reason: 'privileged',
    detail: `${counted('container', namesOf(bad))} must not set securityContext.privileged=true`,
  };
};

/** @param relaxedFrom the minor version from which on pods in a user namespace of their own may have it, if there is one. */
export function procMount(relaxedFrom?: number): Check {
  return (spec, _metadata, version) => {
    if (relaxedFrom !== undefined && version >= relaxedFrom && spec.hostUsers === false) return undefined;
    const mountOf = (container: ReturnType<typeof containersOf>[number]) => container.securityContext?.procMount ?? 'Default';
    const bad = containersOf(spec).filter((container) => mountOf(container) !== 'Default');
    if (bad.length === 0) return undefined;
    return {
      reason: 'procMount',
      detail: `${counted('container', namesOf(bad))} must not set securityContext.procMount to ${quoted(distinct(bad.map(mountOf)))}`,
    };
  };
}

const seLinuxOptions: Check = (spec, _metadata, version) => {
  const types = ['', 'container_t', 'container_init_t', 'container_kvm_t', ...(version < 31 ? [] : ['container_engine_t'])];
  const isBad = ({ type = '', user, role }: SELinuxOptions = {}) => !types.includes(type) || Boolean(user) || Boolean(role);
  const podOptions = spec.securityContext?.seLinuxOptions;
  const bad = containersOf(spec).filter(({ securityContext }) => isBad(securityContext?.seLinuxOptions));
  const all = [podOptions, ...bad.map(({ securityContext }) => securityContext?.seLinuxOptions)].filter((each) => isBad(each));
  const who = setters(isBad(podOptions), bad);
  if (who === undefined) return undefined;
  const badTypes = distinct(all.flatMap((each) => (types.includes(each?.type ?? '') ? [] : [each?.type ?? ''])));
  const what = [
    ...(badTypes.length > 0 ? [`${plural('type', badTypes.length)} ${quoted(badTypes)}`] : []),
    ...(all.some((each) => each?.user) ? ['user may not be set'] : []),
    ...(all.some((each) => each?.role) ? ['role may not be set'] : []),
  ];
  return { reason: 'seLinuxOptions', detail: `${who} set forbidden securityContext.seLinuxOptions: ${what.join('; ')}` };
};

/** Up to 1.18 annotations say it, later fields do. */
const seccompProfile: Check = (spec, metadata, version) =>
  version < 19 ? seccompAnnotations(spec, metadata) : seccompFields(spec);

function seccompAnnotations(spec: PodSpec, { annotations = {} }: ObjectMeta): ReturnType<Check> {
  const keys = [seccompPodAnnotation, ...containersOf(spec).map(({ name }) => seccompContainerAnnotation + name)];
  const bad = distinct(
    keys
      .filter((key) => !/^(runtime\/default|docker\/default|localhost\/.*)$/s.test(annotations[key] ?? 'runtime/default'))
      .map((key) => `${key}=${JSON.stringify(annotations[key])}`),
  );
  if (bad.length === 0) return undefined;
  return { reason: 'seccompProfile', detail: `forbidden ${plural('annotation', bad.length)} ${bad.join(', ')}` };
}

/** Who names a profile that is none; for `restricted` as well. */
export function seccompFields(spec: PodSpec): ReturnType<Check> {
  const podType = spec.securityContext?.seccompProfile?.type;
  const bad = containersOf(spec).filter(({ securityContext }) => isUnconfining(securityContext?.seccompProfile?.type));
  const who = setters(isUnconfining(podType), bad);
  if (who === undefined) return undefined;
  const types = [podType, ...bad.map(({ securityContext }) => securityContext?.seccompProfile?.type)].filter(isUnconfining);
  return {
    reason: 'seccompProfile',
    detail: `${who} must not set securityContext.seccompProfile.type to ${quoted(distinct(types.map(String)))}`,
  };
}

const sysctls: Check = (spec, _metadata, version) => {
  const isSafe = (name: string) => Object.hasOwn(safeSysctls, name) && version >= (safeSysctls[name] ?? 0);
  const bad = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !isSafe(name));
  return bad.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: bad.join(', ') };
};

const windowsHostProcess: Check = (spec) => {
  const bad = containersOf(spec).filter(({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true);
  const who = setters(spec.securityContext?.windowsOptions?.hostProcess === true, bad);
  if (who === undefined) return undefined;
  return { reason: 'hostProcess', detail: `${who} must not set securityContext.windowsOptions.hostProcess=true` };
};

/** In the order in which they are told. */
export const baselineChecks = {
  appArmorProfile,
  capabilities,
  hostNamespaces,
  hostPathVolumes,
  hostPorts,
  hostProbes,
  privileged,
  procMount: procMount(35),
  seLinuxOptions,
  seccompProfile,
  sysctls,
  windowsHostProcess,
} as const satisfies Record<string, Check>;
