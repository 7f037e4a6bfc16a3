// What the machine must have, as a value: program (or file) to the Debian package that brings it.
import type { LabConfig } from './config.ts';

export interface Requirement {
  /** A program in the path, or an absolute file. */
  readonly program: string;
  readonly debianPackage: string;
  /** A daemon of the package's own, which nobody asked for: it is not started, nor at the next boot. */
  readonly service?: string;
}

const netnsTools: readonly Requirement[] = [
  { program: 'ip', debianPackage: 'iproute2' },
  { program: 'nft', debianPackage: 'nftables' },
  { program: 'nsenter', debianPackage: 'util-linux' },
  { program: 'unshare', debianPackage: 'util-linux' },
  { program: 'hostname', debianPackage: 'hostname' },
  { program: 'conntrack', debianPackage: 'conntrack' },
  // The portmap plugin of the pod network still speaks iptables.
  { program: 'iptables', debianPackage: 'iptables' },
];

const containerTools: readonly Requirement[] = [
  { program: 'containerd', debianPackage: 'containerd' },
  { program: 'runc', debianPackage: 'runc' },
  { program: '/usr/lib/cni/bridge', debianPackage: 'containernetworking-plugins' },
  { program: 'busybox', debianPackage: 'busybox-static' },
];

const ingressTools: readonly Requirement[] = [
  { program: 'nginx', debianPackage: 'nginx', service: 'nginx' },
  { program: '/usr/lib/nginx/modules/ngx_http_lua_module.so', debianPackage: 'libnginx-mod-http-lua' },
];

/** Everything that a lab of this kind calls. */
export function requirementsOf(config: LabConfig): Requirement[] {
  return [
    ...(config.network === 'netns' ? netnsTools : []),
    ...(config.engine === 'containerd' && config.workers > 0 ? containerTools : []),
    ...(config.ingress > 0 ? ingressTools : []),
  ];
}

/** Tools that only the verbs of the same name need. */
export const optionalTools: Readonly<Record<string, Requirement>> = {
  kubectl: { program: 'kubectl', debianPackage: 'kubernetes-client' },
  etcdctl: { program: 'etcdctl', debianPackage: 'etcd-client' },
};

/** What every verb on every kind of lab needs, for suites that use them all. */
export const allRequirements: readonly Requirement[] = [
  ...netnsTools,
  ...containerTools,
  ...ingressTools,
  ...Object.values(optionalTools),
];
