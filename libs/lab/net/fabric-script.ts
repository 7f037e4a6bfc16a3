// The fabric of a lab as `ip -batch` texts: one bridge in a namespace of its own, a namespace per member, a link to the host.
// The bridge is not on the host because Docker's FORWARD DROP with bridge-nf-call-iptables silently drops workers' traffic.
import { isNode, loadBalancersOf, type Member, routedRanges, type Topology } from '../topology.ts';
import { hostTable } from './host-names.ts';

/** What one `ip` process is told; `netns` undefined means the host's namespace. */
export interface IpBatch {
  readonly netns: string | undefined;
  readonly lines: readonly string[];
}

export const bridgeName = 'br0';
/** The fabric's end of the link to the host. */
export const hostPort = 'host';

/** Everything to be told to `ip` once the namespaces of `namespacesOf` exist, in order. */
export function fabricBatches(topology: Topology): IpBatch[] {
  const { fabric, members } = topology;
  const cabled = members.filter((member) => member.netns !== undefined);
  const podRoutes = (self: Member | undefined) =>
    members.flatMap((member) =>
      member.podCidr === undefined || member === self ? [] : [`route replace ${member.podCidr} via ${member.address}`],
    );
  return [
    {
      netns: fabric.netns,
      lines: [
        `link add ${bridgeName} type bridge mcast_snooping 0 forward_delay 0`,
        `link set ${bridgeName} up`,
        'link set lo up',
        ...cabled.flatMap((member) => [
          `link add ${member.link} type veth peer name eth0 netns ${member.netns}`,
          `link set ${member.link} master ${bridgeName}`,
          `link set ${member.link} up`,
        ]),
      ],
    },
    {
      netns: undefined,
      lines: [
        `link add ${fabric.hostLink} type veth peer name ${hostPort} netns ${fabric.netns}`,
        `addr add ${fabric.hostAddress}/${fabric.prefixBits} dev ${fabric.hostLink}`,
        `link set ${fabric.hostLink} up`,
        ...[...podRoutes(undefined), ...balancedRoutes(topology, undefined)].map((line) => `${line} dev ${fabric.hostLink}`),
      ],
    },
    { netns: fabric.netns, lines: [`link set ${hostPort} master ${bridgeName}`, `link set ${hostPort} up`] },
    ...cabled.map((member) => ({
      netns: member.netns,
      lines: [
        'link set lo up',
        `addr add ${member.address}/${fabric.prefixBits} dev eth0`,
        'link set eth0 up',
        `route replace default via ${fabric.hostAddress}`,
        ...podRoutes(member),
        ...balancedRoutes(topology, member),
      ],
    })),
  ];
}

/**
 * The way to the addresses of load balancers, for a member or the host (undefined). The lab's balancer has a route to each that leads
 * somewhere, made by the cloud-controller-manager.
 */
function balancedRoutes(topology: Topology, self: Member | undefined): string[] {
  const balanced = loadBalancersOf(topology);
  if (balanced === undefined) return [];
  const { cidr, router } = balanced;
  if (self === router) return [`route replace unreachable ${cidr}`];
  return [`route replace ${cidr} via ${router.address}`];
}

/**
 * nft text for the namespace of a node, or undefined. A node sends nothing on to the balancer that came from it and that the rules of its proxy
 * neither took nor refused (they come first): it would come back. It says nothing, for its proxy may be about to make these rules,
 * and a client that hears nothing tries again.
 */
export function nodeRules(topology: Topology): string | undefined {
  const balanced = loadBalancersOf(topology);
  if (balanced === undefined) return undefined;
  return `table ip drydock
delete table ip drydock
table ip drydock {
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "eth0" ip daddr ${balanced.cidr} drop
  }
}
`;
}

/** The namespaces of a lab: the fabric's first. */
export function namespacesOf(topology: Topology): string[] {
  return [topology.fabric.netns, ...topology.members.flatMap((member) => member.netns ?? [])];
}

/** Kernel settings of a namespace: path under /proc/sys to value. Nodes route for their pods. */
export function namespaceSettings(topology: Topology, netns: string): Readonly<Record<string, string>> {
  const member = topology.members.find((candidate) => candidate.netns === netns);
  if (member !== undefined && isNode(member))
    return {
      'net/ipv4/ip_forward': '1',
      'net/ipv4/conf/all/route_localnet': '1',
      // Of several that listen at one port one may end: connections that it has not taken yet go to the others.
      ...(topology.config.ingress > 0 ? { 'net/ipv4/tcp_migrate_req': '1' } : {}),
    };
  if (member !== undefined && member === loadBalancersOf(topology)?.router)
    return {
      'net/ipv4/ip_forward': '1',
      // What comes by its one link leaves by it, and whoever sent it is not to be told a shorter way.
      'net/ipv4/conf/all/send_redirects': '0',
      'net/ipv4/conf/default/send_redirects': '0',
      'net/ipv4/conf/eth0/send_redirects': '0',
    };
  // The bridge only forwards frames: no rules of ours look at them above that level.
  if (netns === topology.fabric.netns) return { 'net/bridge/bridge-nf-call-iptables': '0' };
  return {};
}

/** nft text that makes (or remakes) the host's table. */
export function hostRules(topology: Topology): string {
  const { config, fabric } = topology;
  const table = `table ip ${hostTable(config.name)}`;
  const inside = `{ ${routedRanges(topology).join(', ')} }`;
  return `${table}
delete ${table}
${table} {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    iifname "${fabric.hostLink}" ip saddr ${inside} ip daddr != ${inside} masquerade
  }
}
`;
}
