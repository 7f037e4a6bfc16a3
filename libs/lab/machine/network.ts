// Adapter: makes and removes the fabric with iproute2 and nftables.
import { existsSync } from 'node:fs';
import type { Taken } from '../net/choose.ts';
import { type Cidr, parseCidr } from '../net/cidr.ts';
import { fabricBatches, hostRules, namespaceSettings, namespacesOf, nodeRules } from '../net/fabric-script.ts';
import { type Partition, partitionRules } from '../net/partition.ts';
import type { HostThings } from '../owner.ts';
import { isNode, type Topology } from '../topology.ts';
import { endLettingThrough, forwardRemains, letThrough } from './host-forward.ts';
import { netnsFile, succeeds, tool } from './spawn.ts';

/** Whether all of the lab's namespaces and its host link are there. */
export function networkIsUp(topology: Topology): boolean {
  return (
    existsSync(`/sys/class/net/${topology.fabric.hostLink}`) &&
    namespacesOf(topology).every((netns) => existsSync(netnsFile(netns)))
  );
}

/**
 * Makes the fabric from nothing. The caller has recorded that these names are the lab's, and so what an interrupted attempt left
 * is removed first.
 */
export async function createNetwork(topology: Topology, own: HostThings): Promise<void> {
  await removeNetwork(own);
  const namespaces = namespacesOf(topology);
  await Promise.all(namespaces.map((netns) => tool(['ip', 'netns', 'add', netns])));
  const settings = Promise.all(namespaces.map((netns) => applySettings(topology, netns)));
  const [fabric, host, hostPort, ...members] = fabricBatches(topology);
  for (const batch of [fabric, host, hostPort]) if (batch !== undefined) await ip(batch.netns, batch.lines);
  await Promise.all(members.map((batch) => ip(batch.netns, batch.lines)));
  await Promise.all(topology.members.filter(isNode).map(({ netns }) => applyNodeRules(topology, netns)));
  await settings;
  await tool(['nft', '-f', '-'], hostRules(topology));
  await letThrough(own);
}

/** Removes what a lab's record says it made: namespaces (with the links into them), host link, host rules. */
export async function removeNetwork(own: HostThings): Promise<void> {
  const { namespaces, link, table } = own;
  await endLettingThrough(own);
  const existing = namespaces.filter((netns) => existsSync(netnsFile(netns)));
  await Promise.all(existing.map((netns) => succeeds(['ip', 'netns', 'del', netns])));
  if (existsSync(`/sys/class/net/${link}`)) await succeeds(['ip', 'link', 'del', link]);
  if (await succeeds(['nft', 'list', 'table', 'ip', table])) await tool(['nft', 'delete', 'table', 'ip', table]);
}

/** What of the names exists on this machine, whoever made it. */
export async function networkRemains(own: HostThings): Promise<string[]> {
  const { namespaces, link, table } = own;
  const left = namespaces.filter((netns) => existsSync(netnsFile(netns))).map((netns) => `namespace ${netns}`);
  if (existsSync(`/sys/class/net/${link}`)) left.push(`link ${link}`);
  if (await succeeds(['nft', 'list', 'table', 'ip', table])) left.push(`nftables table ip ${table}`);
  return [...left, ...(await forwardRemains(own))];
}

/** Makes exactly these partitions hold. */
export async function applyPartitions(topology: Topology, partitions: readonly Partition[]): Promise<void> {
  const rules = partitionRules(topology, partitions);
  await nft(topology.fabric.netns, rules);
}

/** Puts a worker's namespace back to how it was made, as a reboot would: pod bridge, pod links and rules are gone. */
export async function rebootNamespace(topology: Topology, netns: string): Promise<void> {
  await succeeds(['nsenter', `--net=${netnsFile(netns)}`, '--', 'nft', 'flush', 'ruleset']);
  await applyNodeRules(topology, netns);
  const links = JSON.parse((await tool(['ip', '-n', netns, '-j', 'link', 'show'])) || '[]') as { ifname: string }[];
  // A pod's link may go by itself with the namespace at its other end.
  for (const { ifname } of links)
    if (ifname !== 'lo' && ifname !== 'eth0') await succeeds(['ip', '-n', netns, 'link', 'del', ifname]);
}

/** Ranges that this machine has routes for, without those through `ownLink`. */
export async function takenRanges(ownLink?: string): Promise<Taken[]> {
  const routes = JSON.parse((await tool(['ip', '-j', '-4', 'route', 'show'])) || '[]') as { dst: string; dev?: string }[];
  return routes.flatMap((route) => {
    const range = routeRange(route.dst);
    if (range === undefined || (route.dev !== undefined && route.dev === ownLink)) return [];
    return [{ range, by: `route to ${route.dst} by ${route.dev ?? 'an unknown link'}` }];
  });
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

async function applyNodeRules(topology: Topology, netns: string | undefined): Promise<void> {
  const rules = nodeRules(topology);
  if (netns !== undefined && rules !== undefined) await nft(netns, rules);
}

async function nft(netns: string, text: string): Promise<void> {
  await tool(['nsenter', `--net=${netnsFile(netns)}`, '--', 'nft', '-f', '-'], text);
}

async function ip(netns: string | undefined, lines: readonly string[]): Promise<void> {
  await tool(['ip', ...(netns === undefined ? [] : ['-n', netns]), '-batch', '-'], `${lines.join('\n')}\n`);
}
