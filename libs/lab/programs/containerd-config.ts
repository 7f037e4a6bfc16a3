// Files of one worker's containerd: its own root, state, socket and pod network.

/** Debian's containernetworking-plugins. */
const cniBinDir = '/usr/lib/cni';
/** The image of the process that holds a pod's namespaces; upstream's name and version. */
export const sandboxImage = 'registry.k8s.io/pause:3.10.2';

/**
 * The configuration file (version 2). Pods' network namespaces are mounted under the state folder, so that a killed
 * containerd leaves none in /var/run/netns. `mayRaiseLimits`: whether this process has CAP_SYS_RESOURCE.
 */
export function containerdConfig(
  folders: { root: string; state: string; socket: string; cni: string; registries?: string },
  mayRaiseLimits: boolean,
): string {
  return `version = 2
root = ${JSON.stringify(folders.root)}
state = ${JSON.stringify(`${folders.state}/containerd`)}
oom_score = 0
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
[grpc]
  address = ${JSON.stringify(folders.socket)}
[debug]
  level = "warn"
[plugins."io.containerd.internal.v1.opt"]
  path = ${JSON.stringify(`${folders.root}/opt`)}
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = ${JSON.stringify(sandboxImage)}
  restrict_oom_score_adj = ${!mayRaiseLimits}
  netns_mounts_under_state_dir = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = ${JSON.stringify(folders.registries ?? '')}
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = ${JSON.stringify(cniBinDir)}
    conf_dir = ${JSON.stringify(folders.cni)}
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
`;
}

/**
 * `_default/hosts.toml`: whichever registry an image's name says, this one is asked first. What it does not have is asked of that
 * registry; where this one does not answer, too.
 */
export function registryHosts(server: string): string {
  return `[host.${JSON.stringify(server)}]\n  capabilities = ["pull", "resolve"]\n`;
}

/** The pod network of one worker: a bridge with the worker's range; the fabric routes between workers. */
export function cniConfig(stateFolder: string, podCidr: string): string {
  const config = {
    cniVersion: '0.4.0',
    name: 'drydock',
    plugins: [
      {
        type: 'bridge',
        bridge: 'cni0',
        isGateway: true,
        ipMasq: false,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          dataDir: `${stateFolder}/ipam`,
          ranges: [[{ subnet: podCidr }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
