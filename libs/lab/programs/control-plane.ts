// Command lines of the control plane: etcd, kube-apiserver, kube-scheduler, kube-controller-manager, and the balancer in front.
import { addressIn, parseCidr } from '../net/cidr.ts';
import { timingFlags } from '../timings.ts';
import { type Member, membersOf, portOf, processName, type Topology } from '../topology.ts';
import {
  commandLine,
  componentFlags,
  configFile,
  isOurs,
  nodeCommand,
  type ProcessSpec,
  type ProgramContext,
  pkiFile,
  toFlags,
} from './process-spec.ts';
import { etcdEndpoints, serverFor } from './servers.ts';

const plain = { env: {}, files: [], kubeconfigs: [], folders: [] } as const;

/** One member of the store. */
export function etcd(context: ProgramContext, member: Member): ProcessSpec {
  const { topology } = context;
  const name = processName('etcd', member);
  const { paths, config } = topology;
  const url = (of: Member, purpose: 'etcd-client' | 'etcd-peer') => `https://${of.address}:${portOf(topology, of, purpose)}`;
  const metrics = `http://${member.address}:${portOf(topology, member, 'etcd-metrics')}`;
  const pki = (name: string) => pkiFile(paths, name);
  const dataDir = `${paths.dir}/data/${member.name}`;
  const flags = toFlags({
    name: member.name,
    'data-dir': dataDir,
    'listen-client-urls': url(member, 'etcd-client'),
    'advertise-client-urls': url(member, 'etcd-client'),
    'listen-peer-urls': url(member, 'etcd-peer'),
    'initial-advertise-peer-urls': url(member, 'etcd-peer'),
    'initial-cluster': membersOf(topology, 'etcd')
      .map((peer) => `${peer.name}=${url(peer, 'etcd-peer')}`)
      .join(','),
    'initial-cluster-token': `drydock-${config.name}`,
    'initial-cluster-state': 'new',
    'listen-metrics-urls': metrics,
    'cert-file': pki(`etcd/${member.name}/server.crt`),
    'key-file': pki(`etcd/${member.name}/server.key`),
    'trusted-ca-file': pki('etcd/ca.crt'),
    'client-cert-auth': true,
    'peer-cert-file': pki(`etcd/${member.name}/peer.crt`),
    'peer-key-file': pki(`etcd/${member.name}/peer.key`),
    'peer-trusted-ca-file': pki('etcd/peer-ca.crt'),
    'peer-client-cert-auth': true,
  });
  return {
    ...plain,
    name,
    program: 'etcd',
    member,
    argv: commandLine(context, name, 'etcd', [...flags, ...timingFlags('etcd', config.timings)]),
    folders: [dataDir],
    ports: [
      portOf(topology, member, 'etcd-client'),
      portOf(topology, member, 'etcd-peer'),
      portOf(topology, member, 'etcd-metrics'),
    ],
    probe: { kind: 'http', url: `${metrics}/health` },
    address: `${member.address}:${portOf(topology, member, 'etcd-client')}`,
  };
}

/** The address of the `kubernetes` Service: the first of the range. */
export function kubernetesServiceAddress(topology: Topology): string {
  return serviceAddress(topology, 1);
}

/** The address of the `kube-dns` Service: the tenth of the range, as everybody has it. */
export function dnsServiceAddress(topology: Topology): string {
  return serviceAddress(topology, 10);
}

function serviceAddress(topology: Topology, offset: number): string {
  const range = parseCidr(topology.config.serviceCidr);
  if (range === undefined) throw new RangeError('a checked configuration is expected');
  return addressIn(range, offset);
}

export function apiserver(context: ProgramContext, member: Member): ProcessSpec {
  const { topology } = context;
  const name = processName('apiserver', member);
  const { paths, config } = topology;
  const pki = (name: string) => pkiFile(paths, name);
  const port = portOf(topology, member, 'apiserver-https');
  const ours = isOurs(topology, name, 'kube-apiserver');
  const flags = toFlags({
    'etcd-servers': etcdEndpoints(topology).join(','),
    'etcd-cafile': pki('etcd/ca.crt'),
    'etcd-certfile': pki('apiserver-etcd-client.crt'),
    'etcd-keyfile': pki('apiserver-etcd-client.key'),
    'bind-address': member.address,
    'advertise-address': member.address,
    'secure-port': port,
    'grpc-port': ours ? portOf(topology, member, 'apiserver-grpc') : undefined,
    // Endpoints of the kubernetes Service cannot be loopback addresses, and nothing on loopback would use them.
    'endpoint-reconciler-type': config.network === 'netns' ? 'lease' : 'none',
    'service-cluster-ip-range': config.serviceCidr,
    'tls-cert-file': pki('apiserver.crt'),
    'tls-private-key-file': pki('apiserver.key'),
    'client-ca-file': pki('ca.crt'),
    'kubelet-certificate-authority': pki('ca.crt'),
    'kubelet-client-certificate': pki('apiserver-kubelet-client.crt'),
    'kubelet-client-key': pki('apiserver-kubelet-client.key'),
    'kubelet-preferred-address-types': 'InternalIP',
    'requestheader-client-ca-file': pki('front-proxy-ca.crt'),
    'requestheader-allowed-names': 'front-proxy-client',
    'requestheader-username-headers': 'X-Remote-User',
    'requestheader-group-headers': 'X-Remote-Group',
    'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
    'proxy-client-cert-file': pki('front-proxy-client.crt'),
    'proxy-client-key-file': pki('front-proxy-client.key'),
    'enable-aggregator-routing': true,
    'service-account-key-file': pki('sa.pub'),
    'service-account-signing-key-file': pki('sa.key'),
    'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
    'authorization-mode': 'Node,RBAC',
    'enable-admission-plugins': 'NodeRestriction',
    'allow-privileged': true,
  });
  return {
    ...plain,
    name,
    program: 'kube-apiserver',
    member,
    argv: commandLine(context, name, 'kube-apiserver', [...flags, ...timingFlags('kube-apiserver', config.timings)]),
    ports: [port, ...(ours ? [portOf(topology, member, 'apiserver-grpc')] : [])],
    probe: { kind: 'http', url: `https://${member.address}:${port}/readyz` },
    address: `${member.address}:${port}`,
  };
}

export function scheduler(context: ProgramContext, member: Member): ProcessSpec {
  const { topology } = context;
  const name = processName('scheduler', member);
  const kubeconfig = configFile(topology.paths, `${name}.kubeconfig`);
  const port = portOf(topology, member, 'scheduler');
  const flags = toFlags({
    ...componentFlags(kubeconfig, member.address, port),
    'leader-elect': true,
  });
  return {
    ...plain,
    name,
    program: 'kube-scheduler',
    member,
    argv: commandLine(context, name, 'kube-scheduler', [...flags, ...timingFlags('kube-scheduler', topology.config.timings)]),
    kubeconfigs: [{ path: kubeconfig, certificate: 'kube-scheduler', server: serverFor(topology, name, 'kube-scheduler') }],
    ports: [port],
    probe: { kind: 'http', url: `https://${member.address}:${port}/healthz` },
    address: `${member.address}:${port}`,
  };
}

export function controllerManager(context: ProgramContext, member: Member): ProcessSpec {
  const { topology } = context;
  const name = processName('controller-manager', member);
  const { paths, config } = topology;
  const kubeconfig = configFile(paths, `${name}.kubeconfig`);
  const pki = (name: string) => pkiFile(paths, name);
  const port = portOf(topology, member, 'controller-manager');
  const flags = toFlags({
    ...componentFlags(kubeconfig, member.address, port),
    'leader-elect': true,
    'allocate-node-cidrs': true,
    'cluster-cidr': config.clusterCidr,
    'service-cluster-ip-range': config.serviceCidr,
    'service-account-private-key-file': pki('sa.key'),
    'root-ca-file': pki('ca.crt'),
    'use-service-account-credentials': true,
    'cluster-signing-cert-file': pki('ca.crt'),
    'cluster-signing-key-file': pki('ca.key'),
    'flex-volume-plugin-dir': isOurs(topology, name, 'kube-controller-manager') ? undefined : `${paths.dir}/flex`,
  });
  return {
    ...plain,
    name,
    program: 'kube-controller-manager',
    member,
    argv: commandLine(context, name, 'kube-controller-manager', [
      ...flags,
      ...timingFlags('kube-controller-manager', config.timings),
    ]),
    kubeconfigs: [
      {
        path: kubeconfig,
        certificate: 'kube-controller-manager',
        server: serverFor(topology, name, 'kube-controller-manager'),
      },
    ],
    ports: [port],
    probe: { kind: 'http', url: `https://${member.address}:${port}/healthz` },
    address: `${member.address}:${port}`,
  };
}

/** The TCP balancer that kubectl, the host and replaced components reach the apiservers through. */
export function balancer(context: ProgramContext, member: Member): ProcessSpec {
  const { topology, machine } = context;
  const pki = (name: string) => pkiFile(topology.paths, name);
  const port = portOf(topology, member, 'apiserver-https');
  const backends = membersOf(topology, 'apiserver').map((to) => `${to.address}:${portOf(topology, to, 'apiserver-https')}`);
  return {
    ...plain,
    name: member.name,
    program: 'apiserver-lb',
    member,
    argv: [
      ...nodeCommand(machine, 'apiserver-lb'),
      `${topology.paths.repo}/apps/drydock/apiserver-lb.ts`,
      ...toFlags({
        listen: `${member.address}:${port}`,
        backends: backends.join(','),
        'certificate-authority': pki('ca.crt'),
        'client-certificate': pki('admin.crt'),
        'client-key': pki('admin.key'),
      }),
    ],
    ports: [port],
    // Whether it takes connections: that nothing answers behind it is said of the apiservers themselves.
    probe: { kind: 'tcp', host: member.address, port },
    address: `${member.address}:${port}`,
  };
}
