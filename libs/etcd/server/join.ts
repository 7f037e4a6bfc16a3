// How a member finds its place in a cluster that runs: it is the one whose peer URLs are in the cluster's list. After etcd's
// ValidateClusterAndAssignIDs (server/etcdserver/api/membership/cluster.go).
import type { Member } from '../rpc/messages.ts';
import { type ClusterDescription, describeCluster } from './cluster-description.ts';
import { hexId } from './members.ts';

/** The cluster and the flags do not fit together; the message is etcd's. */
export class JoinError extends Error {
  override readonly name = 'JoinError';
}

export interface DescribedMember {
  readonly name: string;
  readonly peerUrls: readonly string[];
}

/** URLs with names of hosts replaced by addresses, so that the same place has the same text. */
export type ResolvedUrls = ReadonlyMap<string, string>;

/**
 * The member of `cluster` that is called `name` in `described` (`--initial-cluster`). All others must be in both lists too, each
 * with the same peer URLs: a member that knows only half of a cluster was not meant for it. Throws JoinError.
 */
export function findOwnEntry(
  name: string,
  described: readonly DescribedMember[],
  cluster: ClusterDescription,
  resolved: ResolvedUrls = new Map(),
): Member {
  const refuse = (reason: string): JoinError =>
    new JoinError(`error validating peerURLs ${describeCluster(cluster)}: ${reason}`);
  const placeOf = (urls: readonly string[]): string =>
    urls
      .map((url) => resolved.get(url) ?? url)
      .sort()
      .join();
  if (cluster.members.length !== described.length) throw refuse('member count is unequal');
  let own: Member | undefined;
  for (const member of cluster.members) {
    const match = described.find(({ peerUrls }) => placeOf(peerUrls) === placeOf(member.peerURLs));
    if (match === undefined) {
      const last =
        described
          .map(({ peerUrls }) => placeOf(peerUrls))
          .sort()
          .at(-1) ?? '';
      throw refuse(
        `PeerURLs: no match found for existing member (${hexId(member.ID)}, [${member.peerURLs.join(' ')}]), ` +
          `last resolver error (resolved urls: "${placeOf(member.peerURLs)}" != "${last}")`,
      );
    }
    if (match.name === name) own = member;
  }
  if (own === undefined) throw new JoinError(`couldn't find local name "${name}" in the initial cluster configuration`);
  return own;
}

/** Whether a member of a cluster that is to begin has served in it before: then its data was lost, and it must not vote again. */
export function hasServed(id: bigint, clusters: readonly ClusterDescription[]): boolean {
  return clusters.some(({ members }) => members.some(({ ID, clientURLs }) => ID === id && clientURLs.length > 0));
}
