// The members of a lab and where they are: names, addresses, namespaces, folders. Pure: the same choices give the same lab.
import type { LabConfig, ProgramName } from './config.ts';
import { addressIn, parseCidr, subrange } from './net/cidr.ts';
import { hostLinkOf, namePrefix } from './net/host-names.ts';

/** What runs on a member of its own, or with others of these on a control-plane node. */
export type ControlPlaneKind = 'etcd' | 'apiserver' | 'scheduler' | 'controller-manager';
export type MemberKind =
  | ControlPlaneKind
  | 'control-plane'
  | 'dns'
  | 'ingress'
  | 'cloud-controller-manager'
  | 'metrics'
  | 'worker'
  | 'balancer';

/** One machine of the lab: a network namespace (or a set of ports on loopback) and what runs in it. */
export interface Member {
  readonly name: string;
  readonly kind: MemberKind;
  /** 1, 2, ...: the number in the name. */
  readonly index: number;
  readonly address: string;
  /** Full name of the network namespace; undefined on loopback. */
  readonly netns: string | undefined;
  /** Name of its port at the fabric's bridge. */
  readonly link: string;
  /** Nodes: the range of its pods. */
  readonly podCidr: string | undefined;
}

/** Folders and files of a lab. */
export interface LabPaths {
  /** The repository, where apps/ is. */
  readonly repo: string;
  /** Everything durable. */
  readonly dir: string;
  /** Sockets and containerd's state: paths short enough for unix sockets. */
  readonly run: string;
}

export interface Topology {
  readonly config: LabConfig;
  readonly paths: LabPaths;
  readonly members: readonly Member[];
  readonly fabric: {
    readonly netns: string;
    readonly hostLink: string;
    readonly hostAddress: string;
    readonly prefixBits: number;
  };
}

/** Where each kind starts in the fabric's range. */
const offsets: Readonly<Record<MemberKind, number>> = {
  balancer: 2,
  etcd: 10,
  apiserver: 20,
  scheduler: 30,
  'controller-manager': 40,
  dns: 50,
  ingress: 60,
  'cloud-controller-manager': 70,
  'control-plane': 80,
  metrics: 90,
  worker: 100,
};
const hostOffset = 1;
/** Room for pods on one worker: /24, upstream's --node-cidr-mask-size. */
const podCidrBits = 24;
/** Which range the first of each kind of node has. */
const firstPodRange: Readonly<Partial<Record<MemberKind, number>>> = { worker: 1, 'control-plane': 201 };

/** Lays out the lab. `config` must have passed checkConfig. */
export function layOut(config: LabConfig, paths: LabPaths): Topology {
  const fabric = parseCidr(config.fabricCidr);
  const pods = parseCidr(config.clusterCidr);
  if (fabric === undefined || pods === undefined) throw new RangeError('a checked configuration is expected');
  const prefix = namePrefix(config.name);
  const controlPlane: [MemberKind, number][] = [
    ['etcd', config.etcd],
    ['apiserver', config.apiservers],
    ['balancer', 1],
    ['scheduler', config.schedulers],
    ['controller-manager', config.controllerManagers],
  ];
  const stacked: [MemberKind, number][] = [
    ['balancer', 1],
    ['control-plane', config.apiservers],
  ];
  const kinds: [MemberKind, number][] = [
    ...(config.controlPlane === 'static-pods' ? stacked : controlPlane),
    ['dns', config.dns],
    ['worker', config.workers],
    // Last: links keep the numbers that they had before there were any.
    ['ingress', config.ingress],
    ['cloud-controller-manager', config.cloudControllerManagers],
    ['metrics', config.metrics],
  ];
  const members: Member[] = [];
  for (const [kind, count] of kinds) {
    for (let index = 1; index <= count; index++) {
      const name = kind === 'balancer' ? 'apiserver-lb' : `${kind}-${index}`;
      const firstRange = firstPodRange[kind];
      const netns = config.network === 'netns';
      members.push({
        name,
        kind,
        index,
        address: netns ? addressIn(fabric, offsets[kind] + (kind === 'balancer' ? 0 : index)) : '127.0.0.1',
        netns: netns ? `${prefix}${name}` : undefined,
        link: `p${members.length + 1}`,
        podCidr: firstRange === undefined ? undefined : subrange(pods, podCidrBits, firstRange + index - 1),
      });
    }
  }
  return {
    config,
    paths,
    members,
    fabric: {
      netns: `${prefix}fabric`,
      hostLink: hostLinkOf(config.name),
      hostAddress: config.network === 'netns' ? addressIn(fabric, hostOffset) : '127.0.0.1',
      prefixBits: fabric.bits,
    },
  };
}

/** The range of load balancers, and the member that leads into it: the lab's balancer. Undefined where nobody gives any of it out. */
export function loadBalancersOf(topology: Topology): { readonly cidr: string; readonly router: Member } | undefined {
  const [router] = membersOf(topology, 'balancer');
  if (topology.config.cloudControllerManagers === 0 || router === undefined) return undefined;
  return { cidr: topology.config.loadBalancerCidr, router };
}

/** The ranges that the host has routes to, in a lab with namespaces. */
export function routedRanges(topology: Topology): string[] {
  const { fabricCidr, clusterCidr } = topology.config;
  return [fabricCidr, clusterCidr, ...(loadBalancersOf(topology) === undefined ? [] : [topology.config.loadBalancerCidr])];
}

const onControlPlaneNodes: readonly MemberKind[] = ['etcd', 'apiserver', 'scheduler', 'controller-manager'];

/** The members of a kind; of a kind that static pods run, the control-plane nodes, which have one of each. */
export function membersOf(topology: Topology, kind: MemberKind): Member[] {
  return topology.members.filter(
    (member) => member.kind === kind || (member.kind === 'control-plane' && onControlPlaneNodes.includes(kind)),
  );
}

/** The machines that have a kubelet. */
export function nodesOf(topology: Topology): Member[] {
  return topology.members.filter(isNode);
}

export function isNode({ kind }: Member): boolean {
  return kind === 'worker' || kind === 'control-plane';
}

/** The name of what of that kind runs on the member: the member's own, or `etcd-1`, ... on a control-plane node. */
export function processName(kind: ControlPlaneKind, member: Member): string {
  return member.kind === 'control-plane' ? `${kind}-${member.index}` : member.name;
}

/** The ports of the lab: upstream's own in a namespace, a block per process on loopback. */
export function portOf(topology: Topology, member: Member, purpose: Purpose): number {
  if (topology.config.network === 'netns') return standardPorts[purpose];
  return topology.config.portBase + loopbackOffset(member, purpose);
}

const standardPorts = {
  'etcd-client': 2379,
  'etcd-peer': 2380,
  'etcd-metrics': 2381,
  'apiserver-https': 6443,
  'apiserver-grpc': 6444,
  scheduler: 10259,
  'controller-manager': 10257,
  kubelet: 10250,
  'kubelet-healthz': 10248,
  'kubelet-agent': 10251,
  'proxy-healthz': 10256,
  'proxy-metrics': 10249,
  dns: 53,
  'dns-metrics': 9153,
  'image-registry': 5000,
  'ingress-healthz': 10254,
  'cloud-controller-manager': 10258,
  // That of its manifest is the kubelets'.
  metrics: 4443,
} as const;
export type Purpose = keyof typeof standardPorts;

/** Ports of one block; ten per member. */
const blockOffsets: Readonly<Record<Purpose, number>> = {
  'etcd-client': 0,
  'etcd-peer': 1,
  'etcd-metrics': 2,
  'apiserver-https': 0,
  'apiserver-grpc': 1,
  scheduler: 0,
  'controller-manager': 0,
  kubelet: 0,
  'kubelet-healthz': 1,
  'kubelet-agent': 2,
  'proxy-healthz': 3,
  'proxy-metrics': 4,
  dns: 0,
  'dns-metrics': 1,
  'image-registry': 1,
  'ingress-healthz': 0,
  'cloud-controller-manager': 0,
  metrics: 0,
};
/** What may be on loopback: a node with containers may not. */
type LoopbackKind = Exclude<MemberKind, 'control-plane'>;
const kindBlocks: Readonly<Record<LoopbackKind, number>> = {
  balancer: 0,
  dns: 2,
  metrics: 4,
  'cloud-controller-manager': 5,
  ingress: 90,
  etcd: 10,
  apiserver: 40,
  scheduler: 70,
  'controller-manager': 80,
  worker: 100,
};
const portsPerMember: Readonly<Record<LoopbackKind, number>> = {
  balancer: 2,
  dns: 2,
  'cloud-controller-manager': 1,
  ingress: 1,
  etcd: 3,
  apiserver: 2,
  scheduler: 1,
  'controller-manager': 1,
  worker: 4,
  metrics: 1,
};

function loopbackOffset({ kind, index, name }: Member, purpose: Purpose): number {
  if (kind === 'control-plane') throw new RangeError(`${name} on loopback: a checked configuration is expected`);
  return kindBlocks[kind] + (index - 1) * portsPerMember[kind] + blockOffsets[purpose];
}

/** Which program a process name stands for, by its name. */
export const programOfKind: Readonly<Partial<Record<MemberKind, ProgramName>>> = {
  etcd: 'etcd',
  apiserver: 'kube-apiserver',
  scheduler: 'kube-scheduler',
  'controller-manager': 'kube-controller-manager',
  dns: 'cluster-dns',
  ingress: 'ingress-controller',
  'cloud-controller-manager': 'cloud-controller-manager',
  metrics: 'metrics-server',
};
