// The /etc/hosts of a pod: pure (pkg/kubelet/kubelet_pods.go, ensureHostsFile).
import type { Pod } from '@drydock/api/generated/types.ts';
import { hostnameOf } from './sandbox-config.ts';

const own = [
  '# Kubernetes-managed hosts file.',
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::0\tip6-localnet',
  'fe00::0\tip6-mcastprefix',
  'fe00::1\tip6-allnodes',
  'fe00::2\tip6-allrouters',
];

/** `hostHosts`: the text of the node's own file, which a pod on the node's network gets. */
export function hostsFile(pod: Pod, podIps: readonly string[], clusterDomain: string, hostHosts: string): string {
  const base =
    pod.spec?.hostNetwork === true
      ? `# Kubernetes-managed hosts file (host network).\n${hostHosts}`
      : `${[...own, ...entries(pod, podIps, clusterDomain)].join('\n')}\n`;
  const aliases = (pod.spec?.hostAliases ?? []).map(({ ip, hostnames }) => `${ip}\t${(hostnames ?? []).join('\t')}`);
  return aliases.length === 0 ? base : `${base}\n# Entries added by HostAliases.\n${aliases.join('\n')}\n`;
}

function entries(pod: Pod, podIps: readonly string[], clusterDomain: string): string[] {
  const name = hostnameOf(pod);
  const { hostnameOverride, subdomain } = pod.spec ?? {};
  const qualified = hostnameOverride === undefined && subdomain !== undefined && subdomain !== '' && clusterDomain !== '';
  const full = qualified ? `${name}.${subdomain}.${pod.metadata?.namespace}.svc.${clusterDomain}\t` : '';
  return podIps.map((ip) => `${ip}\t${full}${name}`);
}
