// Command lines and files of a node: containerd, kubelet, kube-proxy; and cluster-dns.
import { type Member, portOf, type Topology } from '../topology.ts';
import { cniConfig, containerdConfig, registryHosts } from './containerd-config.ts';
import { dnsServiceAddress } from './control-plane.ts';
import { imageRegistryServer } from './image-registry.ts';
import { controlPlaneTaint, kubeletConfig } from './kubelet-config.ts';
import { commandLine, configFile, isOurs, type ProcessSpec, type ProgramContext, pkiFile, toFlags } from './process-spec.ts';
import { serverFor } from './servers.ts';

/** `w1`, `cp1`: what the names of a node's processes end in. */
function shortName({ kind, index }: Member): string {
  return `${kind === 'control-plane' ? 'cp' : 'w'}${index}`;
}

/** Folders of one node. `state` holds sockets and what a reboot would wipe. */
export function workerFolders(topology: Topology, member: Member) {
  const dir = `${topology.paths.dir}/workers/${member.name}`;
  const state = `${topology.paths.run}/${shortName(member)}`;
  return {
    dir,
    state,
    socket: `${state}/containerd.sock`,
    cni: `${dir}/cni`,
    registries: `${dir}/registries`,
    root: `${dir}/containerd`,
    kubelet: `${dir}/kubelet`,
    /** What others have as /etc/kubernetes/manifests: its pods are the kubelet's own. */
    manifests: `${dir}/manifests`,
  };
}

/** The cgroup under which a kubelet puts its pods, relative to the root of each hierarchy. */
export function podCgroup(topology: Topology, member: Member): string {
  return `/drydock/${topology.config.name}/${member.name}/pods`;
}

/** The cgroup of the lab's own processes of a member. */
export function systemCgroup(topology: Topology, member: Member): string {
  return `/drydock/${topology.config.name}/${member.name}/system`;
}

export function containerd(context: ProgramContext, member: Member): ProcessSpec {
  const { topology, machine } = context;
  const folders = workerFolders(topology, member);
  const name = `containerd-${shortName(member)}`;
  const file = configFile(topology.paths, `${name}.toml`);
  const command = topology.config.programs[name] ?? topology.config.programs.containerd ?? ['containerd'];
  return {
    name,
    program: 'containerd',
    member,
    argv: [...command, '--config', file],
    env: {},
    files: [
      { path: file, text: containerdConfig(folders, machine.mayRaiseLimits) },
      { path: `${folders.registries}/_default/hosts.toml`, text: registryHosts(imageRegistryServer(topology)) },
      { path: `${folders.cni}/10-drydock.conflist`, text: cniConfig(folders.state, member.podCidr ?? '') },
    ],
    kubeconfigs: [],
    folders: [folders.cni, folders.root, folders.state],
    ports: [],
    probe: { kind: 'unix', path: folders.socket },
    address: folders.socket,
  };
}

export function kubelet(context: ProgramContext, member: Member): ProcessSpec {
  const { topology } = context;
  const { paths, config } = topology;
  const name = `kubelet-${shortName(member)}`;
  const ours = isOurs(topology, name, 'kubelet');
  const folders = workerFolders(topology, member);
  const kubeconfig = configFile(paths, `${name}.kubeconfig`);
  const file = configFile(paths, `${name}.yaml`);
  const hollow = config.engine === 'hollow';
  const endpoint = hollow ? 'hollow://' : `unix://${folders.socket}`;
  const flags = toFlags({
    config: file,
    kubeconfig,
    'hostname-override': member.name,
    'node-ip': member.address,
    'root-dir': folders.kubelet,
    'cert-dir': `${folders.dir}/certs`,
    'node-agent-port': ours ? portOf(topology, member, 'kubelet-agent') : undefined,
  });
  return {
    name,
    program: 'kubelet',
    member,
    argv: commandLine(context, name, 'kubelet', flags),
    env: {},
    files: [
      {
        path: file,
        text: kubeletConfig({
          address: member.address,
          port: portOf(topology, member, 'kubelet'),
          healthzPort: portOf(topology, member, 'kubelet-healthz'),
          authorityFile: pkiFile(paths, 'ca.crt'),
          certificateFile: pkiFile(paths, `${member.name}/kubelet.crt`),
          keyFile: pkiFile(paths, `${member.name}/kubelet.key`),
          cgroupRoot: podCgroup(topology, member),
          clusterDns: dnsServiceAddress(topology),
          endpoint,
          podLogsDir: `${folders.dir}/pods`,
          manifests: folders.manifests,
          taints: member.kind === 'control-plane' ? [controlPlaneTaint] : undefined,
          volumePluginDir: ours ? undefined : `${folders.dir}/volumeplugins`,
          timings: config.timings,
        }),
      },
    ],
    kubeconfigs: [
      { path: kubeconfig, certificate: `${member.name}/kubelet-client`, server: serverFor(topology, name, 'kubelet') },
    ],
    folders: [folders.kubelet, folders.manifests, `${folders.dir}/pods`, `${folders.dir}/certs`],
    ports: [
      portOf(topology, member, 'kubelet'),
      portOf(topology, member, 'kubelet-healthz'),
      ...(ours ? [portOf(topology, member, 'kubelet-agent')] : []),
    ],
    probe: { kind: 'http', url: `http://${member.address}:${portOf(topology, member, 'kubelet-healthz')}/healthz` },
    address: `${member.address}:${portOf(topology, member, 'kubelet')}`,
  };
}

export function kubeProxy(context: ProgramContext, member: Member): ProcessSpec {
  const { topology } = context;
  const name = `kube-proxy-${shortName(member)}`;
  const ours = isOurs(topology, name, 'kube-proxy');
  const kubeconfig = configFile(topology.paths, `${name}.kubeconfig`);
  const flags = toFlags({
    kubeconfig,
    'hostname-override': member.name,
    'proxy-mode': 'nftables',
    'cluster-cidr': topology.config.clusterCidr,
    'nodeport-addresses': `${member.address}/32`,
    'conntrack-max-per-core': ours ? undefined : 0,
    'healthz-bind-address': `${member.address}:${portOf(topology, member, 'proxy-healthz')}`,
    'metrics-bind-address': `${member.address}:${portOf(topology, member, 'proxy-metrics')}`,
  });
  return {
    name,
    program: 'kube-proxy',
    member,
    argv: commandLine(context, name, 'kube-proxy', flags),
    env: {},
    files: [],
    kubeconfigs: [{ path: kubeconfig, certificate: 'kube-proxy', server: serverFor(topology, name, 'kube-proxy') }],
    folders: [],
    ports: [portOf(topology, member, 'proxy-healthz'), portOf(topology, member, 'proxy-metrics')],
    probe: { kind: 'http', url: `http://${member.address}:${portOf(topology, member, 'proxy-healthz')}/healthz` },
    address: `${member.address}:${portOf(topology, member, 'proxy-healthz')}`,
  };
}

export function clusterDns(context: ProgramContext, member: Member): ProcessSpec {
  const { topology, machine } = context;
  const kubeconfig = configFile(topology.paths, `${member.name}.kubeconfig`);
  const resolvConf = configFile(topology.paths, `${member.name}.resolv.conf`);
  const port = portOf(topology, member, 'dns');
  const metrics = `${member.address}:${portOf(topology, member, 'dns-metrics')}`;
  return {
    name: member.name,
    program: 'cluster-dns',
    member,
    argv: commandLine(context, member.name, 'cluster-dns', [
      ...toFlags({
        kubeconfig,
        'bind-address': member.address,
        port,
        domain: 'cluster.local',
        'resolv-conf': resolvConf,
        'metrics-bind-address': metrics,
      }),
    ]),
    env: {},
    files: [{ path: resolvConf, text: machine.nameservers.map((server) => `nameserver ${server}\n`).join('') }],
    kubeconfigs: [{ path: kubeconfig, certificate: 'cluster-dns', server: serverFor(topology, member.name, 'cluster-dns') }],
    folders: [],
    ports: [port, portOf(topology, member, 'dns-metrics')],
    probe: { kind: 'http', url: `http://${metrics}/ready` },
    address: `${member.address}:${port}`,
  };
}
