// Who this member is: its data say it, or the cluster that it joins, or the flags of one that begins. As etcd's bootstrap
// (server/etcdserver/bootstrap.go) decides it.
import type { InitialMember } from '@drydock/etcd/member.ts';
import { type Asked, askMembers, resolveUrls } from '@drydock/etcd/peer/ask-members.ts';
import { readIdentity } from '@drydock/etcd/raft/open-member.ts';
import { type ClusterDescription, decodeDescription } from '@drydock/etcd/server/cluster-description.ts';
import { findOwnEntry, hasServed, JoinError } from '@drydock/etcd/server/join.ts';
import { hexId } from '@drydock/etcd/server/members.ts';
import type { Clock } from '@drydock/foundation/clock.ts';
import type { Disk } from '@drydock/foundation/disk.ts';
import type { Values } from '@drydock/foundation/flags.ts';
import type { Log } from '@drydock/foundation/log.ts';
import { StartupError } from '@drydock/foundation/program.ts';
import { checkBootstrap, type EtcdConfig } from './config.ts';
import type { etcdFlags } from './flags.ts';

/** For an answer of a member of a cluster that is joined, which may be busy; as in etcd nobody is asked twice. */
const joinMs = 10_000;
/** For one to the question whether the cluster has begun without this member: usually nobody is there yet. */
const bootstrapMs = 2000;

export interface Identity {
  readonly id: bigint;
  readonly clusterId: bigint;
  /** Members as far as they are known before the data is open. */
  readonly initial: readonly InitialMember[];
  /** Whether the cluster begins with `initial`. */
  readonly bootstrap: boolean;
}

export interface IdentityPorts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
}

/** Throws StartupError where flags, data and cluster do not fit together. */
export async function findIdentity(
  config: EtcdConfig,
  flags: Values<typeof etcdFlags>,
  ports: IdentityPorts,
): Promise<Identity> {
  const { initial } = config;
  const stored = await readIdentity(ports.disk);
  if (stored !== undefined) return { ...stored, initial, bootstrap: false };
  checkBootstrap(config, flags);
  const others = initial.filter(({ name }) => name !== flags.name).flatMap(({ peerUrls }) => peerUrls);
  const deadline = (ms: number): number => ports.clock.wallMs() + ms;
  if (flags['initial-cluster-state'] === 'existing') {
    const asked = await askMembers(others, config.peerTls, deadline(joinMs), (answer) =>
      isOfMembers(decodeDescription(answer)),
    );
    const cluster = clustersOf(asked).find(isOfMembers);
    for (const { url, answer } of cluster === undefined ? asked : []) {
      if (answer instanceof Error) ports.log.warn({ address: url, error: answer.message }, 'failed to get cluster response');
    }
    return join(config, flags.name, cluster);
  }
  const id = config.initialId;
  if (others.length > 0 && hasServed(id, clustersOf(await askMembers(others, config.peerTls, deadline(bootstrapMs))))) {
    throw new StartupError(`member ${hexId(id)} has already been bootstrapped`);
  }
  return { id, clusterId: config.initialClusterId, initial, bootstrap: true };
}

function clustersOf(asked: readonly Asked[]): ClusterDescription[] {
  return asked.flatMap(({ answer }) => (answer instanceof Error ? [] : [decodeDescription(answer)]));
}

/** A member that has not caught up itself has an empty list. */
function isOfMembers({ members }: ClusterDescription): boolean {
  return members.length > 0;
}

async function join(config: EtcdConfig, name: string, cluster: ClusterDescription | undefined): Promise<Identity> {
  if (cluster === undefined) {
    throw new StartupError(
      'cannot fetch cluster info from peer urls: could not retrieve cluster information from the given URLs',
    );
  }
  const urls = [...config.initial.flatMap(({ peerUrls }) => peerUrls), ...cluster.members.flatMap(({ peerURLs }) => peerURLs)];
  try {
    const own = findOwnEntry(name, config.initial, cluster, await resolveUrls(urls));
    const initial = cluster.members.map(({ ID, name, peerURLs }) => ({ id: ID, name, peerUrls: peerURLs }));
    return { id: own.ID, clusterId: cluster.clusterId, initial, bootstrap: false };
  } catch (error) {
    throw error instanceof JoinError ? new StartupError(error.message, { cause: error }) : error;
  }
}
