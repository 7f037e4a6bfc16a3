// Adapter: makes and removes the fabric with iproute2 and nftables.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { LabError } from '../errors.ts';
import { type Cidr, overlaps, parseCidr } from '../net/cidr.ts';
import { fabricBatches, hostRules, hostTable, namespaceSettings, namespacesOf } from '../net/fabric-script.ts';
import { type Partition, partitionRules } from '../net/partition.ts';
import { namePrefix, type Topology } from '../topology.ts';
import { netnsFile, succeeds, tool } from './spawn.ts';

const forwardFile = '/proc/sys/net/ipv4/ip_forward';

/** Whether all of the lab's namespaces and its host link are there. */
export function networkIsUp(topology: Topology): boolean {
  return (
    existsSync(`/sys/class/net/${topology.fabric.hostLink}`) &&
    namespacesOf(topology).every((netns) => existsSync(netnsFile(netns)))
  );
}

/** Makes the fabric from nothing: what an interrupted attempt left is removed first. */
export async function createNetwork(topology: Topology): Promise<void> {
  await removeNetwork(topology.config.name);
  const namespaces = namespacesOf(topology);
  await Promise.all(namespaces.map((netns) => tool(['ip', 'netns', 'add', netns])));
  const settings = Promise.all(namespaces.map((netns) => applySettings(topology, netns)));
  const [fabric, host, hostPort, ...members] = fabricBatches(topology);
  for (const batch of [fabric, host, hostPort]) if (batch !== undefined) await ip(batch.netns, batch.lines);
  await Promise.all(members.map((batch) => ip(batch.netns, batch.lines)));
  await settings;
  writeFileSync(forwardFile, '1');
  await tool(['nft', '-f', '-'], hostRules(topology));
}

/** The host's forwarding setting, to be restored by `down`. */
export function hostForwarding(): string {
  return readFileSync(forwardFile, 'utf8').trim();
}

export function restoreHostForwarding(value: string): void {
  writeFileSync(forwardFile, value);
}

/** Removes whatever carries the lab's name: namespaces (with the links into them), host link, host rules. */
export async function removeNetwork(lab: string): Promise<void> {
  const table = hostTable(lab);
  await Promise.all(namespacesNamed(lab).map((netns) => succeeds(['ip', 'netns', 'del', netns])));
  if (existsSync(`/sys/class/net/dd-${lab}`)) await succeeds(['ip', 'link', 'del', `dd-${lab}`]);
  if (await succeeds(['nft', 'list', 'table', 'ip', table])) await tool(['nft', 'delete', 'table', 'ip', table]);
}

/** What of the lab's network still exists. */
export async function networkRemains(lab: string): Promise<string[]> {
  const left = namespacesNamed(lab).map((netns) => `namespace ${netns}`);
  if (existsSync(`/sys/class/net/dd-${lab}`)) left.push(`link dd-${lab}`);
  if (await succeeds(['nft', 'list', 'table', 'ip', hostTable(lab)])) left.push(`nftables table ip ${hostTable(lab)}`);
  return left;
}

function namespacesNamed(lab: string): string[] {
  try {
    return readdirSync('/var/run/netns').filter((name) => name.startsWith(namePrefix(lab)));
  } catch {
    return [];
  }
}

/** Makes exactly these partitions hold. */
export async function applyPartitions(topology: Topology, partitions: readonly Partition[]): Promise<void> {
  const rules = partitionRules(topology, partitions);
  await tool(['nsenter', `--net=${netnsFile(topology.fabric.netns)}`, '--', 'nft', '-f', '-'], rules);
}

/** Puts a worker's namespace back to how it was made, as a reboot would: pod bridge, pod links and rules are gone. */
export async function rebootNamespace(netns: string): Promise<void> {
  await succeeds(['nsenter', `--net=${netnsFile(netns)}`, '--', 'nft', 'flush', 'ruleset']);
  const links = JSON.parse((await tool(['ip', '-n', netns, '-j', 'link', 'show'])) || '[]') as { ifname: string }[];
  // A pod's link may go by itself with the namespace at its other end.
  for (const { ifname } of links)
    if (ifname !== 'lo' && ifname !== 'eth0') await succeeds(['ip', '-n', netns, 'link', 'del', ifname]);
}

/** Throws LabError, naming the flag, where a range of the lab is in use on this machine already. */
export async function checkRanges(topology: Topology): Promise<void> {
  const { config, fabric } = topology;
  const wanted = [
    ['--fabric-cidr', config.fabricCidr],
    ['--service-cluster-ip-range', config.serviceCidr],
    ['--cluster-cidr', config.clusterCidr],
  ] as const;
  const routes = JSON.parse((await tool(['ip', '-j', '-4', 'route', 'show'])) || '[]') as { dst: string; dev?: string }[];
  for (const route of routes) {
    const range = routeRange(route.dst);
    if (range === undefined || route.dev === fabric.hostLink) continue;
    for (const [flag, text] of wanted) {
      const own = parseCidr(text);
      if (own !== undefined && overlaps(own, range)) {
        throw new LabError(
          'conflict',
          `${text} is in use here (route to ${route.dst} by ${route.dev ?? 'an unknown link'}): choose another range with ${flag}`,
        );
      }
    }
  }
}

function routeRange(destination: string): Cidr | undefined {
  if (destination === 'default') return undefined;
  return parseCidr(destination.includes('/') ? destination : `${destination}/32`);
}

async function applySettings(topology: Topology, netns: string): Promise<void> {
  const settings = Object.entries(namespaceSettings(topology, netns));
  if (settings.length === 0) return;
  const script = settings
    .map(([path, value]) => `if [ -e /proc/sys/${path} ]; then echo ${value} > /proc/sys/${path}; fi`)
    .join('; ');
  await tool(['nsenter', `--net=${netnsFile(netns)}`, '--', 'sh', '-c', script]);
}

async function ip(netns: string | undefined, lines: readonly string[]): Promise<void> {
  await tool(['ip', ...(netns === undefined ? [] : ['-n', netns]), '-batch', '-'], `${lines.join('\n')}\n`);
}
