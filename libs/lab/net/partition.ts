// Partitions: which members cannot reach which, as the user says it and as the bridge's rules.
import type { MemberKind, Topology } from '../topology.ts';
import { hostPort } from './fabric-script.ts';

/** Frames from any of `from` to any of `to` are dropped; unless `oneWay`, the other way too. Names of members or `host`. */
export interface Partition {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly oneWay: boolean;
}

/** A partition that cannot be; the message lists what could. */
export class PartitionError extends Error {
  override readonly name = 'PartitionError';
}

const aliases: Readonly<Record<string, readonly MemberKind[]>> = {
  'control-plane': [
    'etcd',
    'apiserver',
    'scheduler',
    'controller-manager',
    'control-plane',
    'cloud-controller-manager',
    'balancer',
  ],
  etcd: ['etcd', 'control-plane'],
  apiservers: ['apiserver', 'control-plane', 'balancer'],
  schedulers: ['scheduler', 'control-plane'],
  'controller-managers': ['controller-manager', 'control-plane'],
  'cloud-controller-managers': ['cloud-controller-manager'],
  workers: ['worker'],
};

/** Names that stand for several members. `rest` is everything that the other groups do not name. */
export const groupAliases: readonly string[] = [...Object.keys(aliases), 'rest'];

/**
 * Reads `A,B | C` (or the same as two words) against the lab's names. Several `|` cut every group from every other.
 * Throws PartitionError for unknown names, a name on both sides, or fewer than two groups.
 */
export function parsePartition(topology: Topology, words: readonly string[], oneWay: boolean): Partition[] {
  const text = words.join(' ');
  const groups = (text.includes('|') ? text.split('|') : words).map((group) =>
    group.split(/[\s,]+/).filter((name) => name !== ''),
  );
  if (groups.length < 2 || groups.some((group) => group.length === 0)) {
    throw new PartitionError("expected two groups, as in: drydock partition 'worker-3 | control-plane'");
  }
  if (oneWay && groups.length > 2) throw new PartitionError('a one-way partition has exactly two groups');
  const named = groups.map((group) => group.filter((name) => name !== 'rest').flatMap((name) => membersNamed(topology, name)));
  const taken = new Set(named.flat());
  const rest = endpointNames(topology).filter((name) => !taken.has(name) && name !== 'host');
  const full = groups.map((group, i) => [...new Set([...(named[i] ?? []), ...(group.includes('rest') ? rest : [])])]);
  const partitions: Partition[] = [];
  for (const [i, from] of full.entries()) {
    for (const to of full.slice(i + 1)) {
      const both = from.find((name) => to.includes(name));
      if (both !== undefined) throw new PartitionError(`${both} is on both sides`);
      partitions.push({ from, to, oneWay });
    }
  }
  return partitions;
}

/** Everything that has a port at the bridge. */
export function endpointNames(topology: Topology): string[] {
  return [...topology.members.map((member) => member.name), 'host'];
}

/** `worker-3 | etcd-1,etcd-2`, with `->` where only one way is cut. */
export function describePartition(partition: Partition): string {
  return `${partition.from.join(',')} ${partition.oneWay ? '->' : '|'} ${partition.to.join(',')}`;
}

/**
 * nft text, to be loaded inside the fabric's namespace, that makes exactly these partitions hold. One transaction, per
 * packet and without state: connections that are open are cut, and go on after healing if both ends still want to.
 */
export function partitionRules(topology: Topology, partitions: readonly Partition[]): string {
  const table = 'table bridge drydock';
  const port = (name: string) =>
    name === 'host' ? hostPort : (topology.members.find((member) => member.name === name)?.link ?? hostPort);
  const pairs = new Set<string>();
  for (const partition of partitions) {
    for (const from of partition.from) {
      for (const to of partition.to) {
        pairs.add(`"${port(from)}" . "${port(to)}"`);
        if (!partition.oneWay) pairs.add(`"${port(to)}" . "${port(from)}"`);
      }
    }
  }
  if (pairs.size === 0) return `${table}\ndelete ${table}\n`;
  return `${table}
delete ${table}
${table} {
  set cut {
    type ifname . ifname
    elements = { ${[...pairs].join(', ')} }
  }
  chain forward {
    type filter hook forward priority 0; policy accept;
    iifname . oifname @cut counter drop
  }
}
`;
}

function membersNamed(topology: Topology, name: string): string[] {
  const kinds = aliases[name];
  if (kinds !== undefined) return topology.members.filter((member) => kinds.includes(member.kind)).map((member) => member.name);
  const names = endpointNames(topology);
  if (names.includes(name)) return [name];
  throw new PartitionError(`unknown member: ${name} (one of: ${[...names, ...groupAliases].join(', ')})`);
}
