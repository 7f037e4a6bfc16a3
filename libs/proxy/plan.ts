// Service ports -> nftables rules. The layout is upstream's nftables mode: verdict maps lead from an address to the chain of
// a service, which picks the chain of an endpoint, which rewrites the destination.
import { createHash } from 'node:crypto';
import type { LocalMatch } from './local-traffic.ts';
import { contains } from './node-addresses.ts';
import type { Chain, Lookup, RuleSet } from './rule-set.ts';
import { clusterEndpoints, type Endpoint, localEndpoints, type ServicePort } from './service-port.ts';

export const tableName = 'kube-proxy';

export interface PlanOptions {
  /** For telling traffic from outside; undefined where it cannot be told. */
  readonly local: LocalMatch | undefined;
  /** The addresses of this node at which node ports answer. */
  readonly nodePortIPs: readonly string[];
  /** The primary address of this node, where it is known. */
  readonly nodeIP: string | undefined;
  readonly masqueradeAll: boolean;
  /** Bit of the packet mark that asks for masquerading (default 14). */
  readonly masqueradeBit: number;
}

const addressMap = 'type ipv4_addr . inet_proto . inet_service : verdict';
const affinitySet = 'type ipv4_addr ; flags dynamic,timeout';
const portMap = 'type inet_proto . inet_service : verdict';

/** The whole table for these services. Pure: the same services give the same rules. */
export function planRules(ports: readonly ServicePort[], options: PlanOptions): RuleSet {
  const builder = new Builder(options);
  for (const port of ports) builder.addPort(port);
  return builder.ruleSet();
}

class Builder {
  readonly #options: PlanOptions;
  readonly #mark: string;
  readonly #serviceIPs = new Map<string, string>();
  readonly #serviceNodePorts = new Map<string, string>();
  readonly #noEndpointIPs = new Map<string, string>();
  readonly #noEndpointNodePorts = new Map<string, string>();
  readonly #firewallIPs = new Map<string, string>();
  readonly #clusterIPs = new Map<string, string>();
  readonly #chains = new Map<string, Chain>();
  readonly #affinity = new Map<string, Lookup>();

  constructor(options: PlanOptions) {
    this.#options = options;
    this.#mark = `0x${(2 ** options.masqueradeBit).toString(16)}`;
  }

  addPort(port: ServicePort): void {
    const cluster = clusterEndpoints(port);
    const local = localEndpoints(port);
    const name = chainName(port);
    const all = new Map(
      [...cluster, ...(port.internalLocal || port.externalLocal ? local : [])].map((e) => [`${e.ip}:${e.port}`, e]),
    );
    for (const endpoint of all.values()) this.#addEndpoint(port, endpoint);
    const clusterChain = cluster.length === 0 ? undefined : `service-${name}`;
    if (clusterChain !== undefined) this.#chains.set(clusterChain, { hook: '', rules: this.#serviceRules(port, cluster) });
    const localChain = local.length === 0 || !(port.internalLocal || port.externalLocal) ? undefined : `local-${name}`;
    if (localChain !== undefined) this.#chains.set(localChain, { hook: '', rules: this.#pick(port, local) });

    const internal = port.internalLocal ? localChain : clusterChain;
    this.#clusterIPs.set(port.clusterIP, '');
    const key = (ip: string) => `${ip} . ${port.protocol} . ${port.port}`;
    const none = cluster.length === 0 ? 'goto reject-chain' : 'drop';
    if (internal === undefined) this.#noEndpointIPs.set(key(port.clusterIP), none);
    else this.#serviceIPs.set(key(port.clusterIP), `goto ${internal}`);

    const outside = [...port.externalIPs, ...port.loadBalancerIPs];
    if (outside.length === 0 && port.nodePort === 0) return;
    const external = this.#addExternal(port, clusterChain, localChain);
    for (const ip of outside) {
      if (external !== undefined) this.#serviceIPs.set(key(ip), `goto ${external}`);
      if (external === undefined || (port.externalLocal && local.length === 0)) this.#noEndpointIPs.set(key(ip), none);
    }
    if (port.nodePort !== 0) {
      const nodeKey = `${port.protocol} . ${port.nodePort}`;
      if (external !== undefined) this.#serviceNodePorts.set(nodeKey, `goto ${external}`);
      if (external === undefined || (port.externalLocal && local.length === 0)) this.#noEndpointNodePorts.set(nodeKey, none);
    }
    this.#addFirewall(port, key);
  }

  ruleSet(): RuleSet {
    const map = (declaration: string, elements: ReadonlyMap<string, string>): Lookup => ({
      kind: 'map',
      declaration,
      elements,
    });
    const nodeIPs = new Map(this.#options.nodePortIPs.map((ip) => [ip, '']));
    return {
      lookups: new Map<string, Lookup>([
        ['service-ips', map(addressMap, this.#serviceIPs)],
        ['service-nodeports', map(portMap, this.#serviceNodePorts)],
        ['no-endpoint-services', map(addressMap, this.#noEndpointIPs)],
        ['no-endpoint-nodeports', map(portMap, this.#noEndpointNodePorts)],
        ['firewall-ips', map(addressMap, this.#firewallIPs)],
        ['nodeport-ips', { kind: 'set', declaration: 'type ipv4_addr', elements: nodeIPs }],
        ['cluster-ips', { kind: 'set', declaration: 'type ipv4_addr', elements: this.#clusterIPs }],
        ...this.#affinity,
      ]),
      chains: new Map([...baseChains(this.#mark), ...this.#chains]),
    };
  }

  #addEndpoint(port: ServicePort, endpoint: Endpoint): void {
    const name = endpointName(port, endpoint);
    const rules = [`ip saddr ${endpoint.ip} jump mark-for-masquerade`];
    if (port.affinitySeconds > 0) {
      this.#affinity.set(`affinity-${name}`, { kind: 'set', declaration: affinitySet, elements: undefined });
      // The time is the rule's, not the set's: a set cannot be changed, and who is in it should stay in it.
      rules.push(`update @affinity-${name} { ip saddr timeout ${port.affinitySeconds}s }`);
    }
    rules.push(`meta l4proto ${port.protocol} dnat to ${endpoint.ip}:${endpoint.port}`);
    this.#chains.set(`endpoint-${name}`, { hook: '', rules });
  }

  #serviceRules(port: ServicePort, endpoints: readonly Endpoint[]): string[] {
    const { masqueradeAll, local } = this.#options;
    const rules: string[] = [];
    const toClusterIP = `ip daddr ${port.clusterIP} ${port.protocol} dport ${port.port}`;
    if (masqueradeAll) rules.push(`${toClusterIP} jump mark-for-masquerade`);
    else if (local !== undefined) rules.push(`${toClusterIP} ${local.isNot} jump mark-for-masquerade`);
    return [...rules, ...this.#pick(port, endpoints)];
  }

  #pick(port: ServicePort, endpoints: readonly Endpoint[]): string[] {
    const names = endpoints.map((endpoint) => endpointName(port, endpoint));
    const affinity = port.affinitySeconds > 0 ? names.map((name) => `ip saddr @affinity-${name} goto endpoint-${name}`) : [];
    const verdicts = names.map((name, index) => `${index} : goto endpoint-${name}`);
    return [...affinity, `numgen random mod ${names.length} vmap { ${verdicts.join(', ')} }`];
  }

  /** The chain for traffic that comes to an external address or a node port; undefined where no endpoint could take it. */
  #addExternal(port: ServicePort, clusterChain: string | undefined, localChain: string | undefined): string | undefined {
    if (clusterChain === undefined) return undefined;
    const rules: string[] = [];
    if (port.externalLocal) {
      const { local } = this.#options;
      if (local !== undefined) rules.push(`${local.is} goto ${clusterChain}`);
      rules.push('fib saddr type local jump mark-for-masquerade', `fib saddr type local goto ${clusterChain}`);
      if (localChain !== undefined) rules.push(`goto ${localChain}`);
    } else {
      rules.push('jump mark-for-masquerade', `goto ${clusterChain}`);
    }
    const name = `external-${chainName(port)}`;
    this.#chains.set(name, { hook: '', rules });
    return name;
  }

  #addFirewall(port: ServicePort, key: (ip: string) => string): void {
    if (port.sourceRanges.length === 0 || port.loadBalancerIPs.length === 0) return;
    const name = `firewall-${chainName(port)}`;
    const { nodeIP } = this.#options;
    // A node that has the balancer's address as its own speaks by that to itself: where the node is let through, this is it too.
    const node = port.sourceRanges.some((range) => nodeIP !== undefined && contains(range, nodeIP));
    const sources = [...port.sourceRanges, ...(node ? port.loadBalancerIPs : [])];
    this.#chains.set(name, { hook: '', rules: [`ip saddr != { ${sources.join(', ')} } drop`] });
    for (const ip of port.loadBalancerIPs) this.#firewallIPs.set(key(ip), `goto ${name}`);
  }
}

function baseChains(mark: string): [string, Chain][] {
  const byAddress = (map: string) => `ip daddr . meta l4proto . th dport vmap @${map}`;
  const byNodePort = (map: string) => `ip daddr @nodeport-ips meta l4proto . th dport vmap @${map}`;
  const base = (hook: string, ...rules: string[]): Chain => ({ hook, rules });
  const filter = (hook: string, priority: number) => `type filter hook ${hook} priority ${priority}`;
  const nat = (hook: string, priority: number) => `type nat hook ${hook} priority ${priority}`;
  const checkServices = 'ct state new jump service-endpoints-check';
  const checkClusterIPs = 'ct state new jump cluster-ips-check';
  return [
    ['mark-for-masquerade', base('', `mark set mark or ${mark}`)],
    ['masquerading', base('', `mark and ${mark} == 0 return`, `mark set mark xor ${mark}`, 'masquerade fully-random')],
    ['reject-chain', base('', 'reject')],
    ['services', base('', byAddress('service-ips'), byNodePort('service-nodeports'))],
    ['service-endpoints-check', base('', byAddress('no-endpoint-services'))],
    ['nodeport-endpoints-check', base('', byNodePort('no-endpoint-nodeports'))],
    ['firewall-check', base('', byAddress('firewall-ips'))],
    // Behind the translation: what still goes to a cluster IP goes to a port that no service has there.
    ['cluster-ips-check', base('', 'ip daddr @cluster-ips reject')],
    ['filter-prerouting', base(filter('prerouting', -110), 'ct state new jump firewall-check')],
    ['filter-input', base(filter('input', -110), 'ct state new jump nodeport-endpoints-check', checkServices)],
    ['filter-forward', base(filter('forward', -110), checkServices, checkClusterIPs)],
    ['filter-output', base(filter('output', -110), checkServices, 'ct state new jump firewall-check')],
    ['filter-output-post-dnat', base(filter('output', -90), checkClusterIPs)],
    ['nat-prerouting', base(nat('prerouting', -100), 'jump services')],
    ['nat-output', base(nat('output', -100), 'jump services')],
    ['nat-postrouting', base(nat('postrouting', 100), 'jump masquerading')],
  ];
}

/** nft's limit is 127 characters, of which the longest prefix here takes 9. */
const nameCharsMax = 118;

/** Names that were made: all of them are asked for again at every sync, and a digest costs more than the rest of a rule. */
const known = new Map<string, string>();
const knownMax = 65_536;

function hashed(text: string): string {
  const before = known.get(text);
  if (before !== undefined) return before;
  const digest = createHash('sha256').update(text).digest();
  let hash = '';
  for (let index = 0; index < 8; index++) hash += 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[(digest[index] ?? 0) & 31];
  const name = `${hash}-${text}`.slice(0, nameCharsMax);
  if (known.size >= knownMax) known.clear();
  known.set(text, name);
  return name;
}

/** `HASH-namespace/name/protocol/port`. */
function chainName(port: ServicePort): string {
  return hashed(`${port.namespace}/${port.name}/${port.protocol}/${port.portName}`);
}

function endpointName(port: ServicePort, endpoint: Endpoint): string {
  return hashed(`${port.namespace}/${port.name}/${port.protocol}/${port.portName}__${endpoint.ip}/${endpoint.port}`);
}
