// The configuration of a pod's sandbox (pkg/kubelet/kuberuntime/kuberuntime_sandbox.go, pkg/kubelet/network/dns).
import type { Pod } from '@drydock/api/generated/types.ts';
import { labels as labelNames, type NamespaceOptions, type SandboxConfig } from '../engine/engine.ts';
import { containersOf, podKey, uidOf } from '../pod/observation.ts';
import { isStatic, sourceAnnotation } from '../static/static-pod.ts';
import { groupsPolicyOf, selinuxOf } from './confinement.ts';
import { sandboxResources } from './resources.ts';

export interface SandboxSettings {
  readonly clusterDomain: string;
  readonly clusterDns: readonly string[];
  /** The node's own resolv.conf, parsed. */
  readonly hostDns: DnsSettings;
  readonly podLogsDir: string;
  /** Empty where the kubelet makes no cgroups. */
  readonly cgroupParent: string;
}

export interface DnsSettings {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

export function parseResolvConf(text: string): DnsSettings {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  const of = (keyword: string) => lines.filter(([first]) => first === keyword).map(([, ...rest]) => rest);
  return {
    servers: of('nameserver').map(([server]) => server ?? ''),
    searches: of('search').at(-1) ?? [],
    options: of('options').flat(),
  };
}

/** Names, search path and options by dnsPolicy and dnsConfig. */
export function dnsOf(pod: Pod, settings: SandboxSettings): DnsSettings {
  const { clusterDns, clusterDomain, hostDns } = settings;
  const policy = pod.spec?.dnsPolicy ?? 'ClusterFirst';
  const cluster =
    clusterDns.length > 0 &&
    (policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && pod.spec?.hostNetwork !== true));
  const { namespace } = podKey(pod);
  const base: DnsSettings =
    policy === 'None'
      ? { servers: [], searches: [], options: [] }
      : cluster
        ? {
            servers: clusterDns,
            searches:
              clusterDomain === ''
                ? hostDns.searches
                : [`${namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain, ...hostDns.searches],
            options: ['ndots:5'],
          }
        : hostDns.servers.length > 0
          ? hostDns
          : { ...hostDns, servers: ['127.0.0.1'], searches: ['.'] };
  const own = pod.spec?.dnsConfig;
  if (own === undefined) return base;
  const options = new Map(base.options.map((option) => [option.split(':')[0] ?? '', option]));
  for (const { name = '', value } of own.options ?? [])
    options.set(name, value === undefined || value === '' ? name : `${name}:${value}`);
  return {
    servers: [...new Set([...base.servers, ...(own.nameservers ?? [])])],
    searches: [...new Set([...base.searches, ...(own.searches ?? [])])],
    options: [...options.values()],
  };
}

export function hostnameOf(pod: Pod): string {
  const name = pod.spec?.hostname ?? podKey(pod).name;
  return pod.spec?.hostnameOverride ?? name.slice(0, 63).replace(/[-.]+$/, '');
}

/** `NS_NAME_UID`, the folder of a pod's logs. */
export function logFolder(pod: Pod, podLogsDir: string): string {
  const { namespace, name } = podKey(pod);
  return `${podLogsDir}/${namespace}_${name}_${uidOf(pod)}`;
}

export function namespacesOf(pod: Pod): NamespaceOptions {
  const { hostNetwork, hostPID, hostIPC, shareProcessNamespace } = pod.spec ?? {};
  return {
    network: hostNetwork === true ? 'NODE' : 'POD',
    pid: hostPID === true ? 'NODE' : shareProcessNamespace === true ? 'POD' : 'CONTAINER',
    ipc: hostIPC === true ? 'NODE' : 'POD',
  };
}

export function sandboxConfig(pod: Pod, attempt: number, settings: SandboxSettings): SandboxConfig {
  const { namespace, name } = podKey(pod);
  const uid = uidOf(pod);
  const dns = dnsOf(pod, settings);
  const security = pod.spec?.securityContext;
  const hostNetwork = pod.spec?.hostNetwork === true;
  const privileged = [...containersOf(pod), ...(pod.spec?.initContainers ?? [])].some(
    (each) => each.securityContext?.privileged === true,
  );
  return {
    metadata: { name, namespace, uid, attempt },
    hostname: hostNetwork ? '' : hostnameOf(pod),
    log_directory: logFolder(pod, settings.podLogsDir),
    dns_config: { servers: [...dns.servers], searches: [...dns.searches], options: [...dns.options] },
    port_mappings: hostNetwork
      ? []
      : [...containersOf(pod), ...(pod.spec?.initContainers ?? [])]
          .flatMap(({ ports }) => ports ?? [])
          .filter(({ hostPort }) => (hostPort ?? 0) > 0)
          .map((port) => ({
            protocol: port.protocol ?? 'TCP',
            container_port: port.containerPort,
            host_port: port.hostPort ?? 0,
            host_ip: port.hostIP ?? '',
          })),
    labels: {
      ...pod.metadata?.labels,
      [labelNames.podName]: name,
      [labelNames.podNamespace]: namespace,
      [labelNames.podUid]: uid,
    },
    annotations: { ...pod.metadata?.annotations, ...(isStatic(pod) ? {} : { [sourceAnnotation]: 'api' }) },
    linux: {
      cgroup_parent: settings.cgroupParent,
      ...sandboxResources(pod),
      sysctls: Object.fromEntries((security?.sysctls ?? []).map((each) => [each.name, each.value])),
      security_context: {
        namespace_options: namespacesOf(pod),
        ...selinuxOf(security?.seLinuxOptions),
        ...groupsPolicyOf(security),
        ...(security?.runAsUser === undefined ? {} : { run_as_user: { value: Number(security.runAsUser) } }),
        ...(security?.runAsGroup === undefined || security.runAsUser === undefined
          ? {}
          : { run_as_group: { value: Number(security.runAsGroup) } }),
        supplemental_groups: [
          ...(security?.fsGroup === undefined ? [] : [Number(security.fsGroup)]),
          ...(security?.supplementalGroups ?? []).map(Number),
        ],
        privileged,
        seccomp: { profile_type: 'RuntimeDefault' },
      },
    },
  };
}
