// What a member tells about its cluster to those that want to join: the message MembersResponse of the peer wire.
import { Member } from '../rpc/messages.ts';
import { decode, encode, type MessageOf, many, message, uint64 } from '../rpc/protobuf.ts';
import { hexId } from './members.ts';

const MembersResponse = { cluster_id: uint64(1), members: many(message(2, Member)), removed: many(uint64(3)) };

export interface ClusterDescription {
  readonly clusterId: bigint;
  /** By id. */
  readonly members: readonly Member[];
  readonly removed: readonly bigint[];
}

export function encodeDescription({ clusterId, members, removed }: ClusterDescription): Buffer {
  const response: MessageOf<typeof MembersResponse> = { cluster_id: clusterId, members: [...members], removed: [...removed] };
  return encode(MembersResponse, response);
}

/** Throws CodecError. */
export function decodeDescription(bytes: Buffer): ClusterDescription {
  const { cluster_id, members, removed } = decode(MembersResponse, bytes);
  return { clusterId: cluster_id, members, removed };
}

/** As etcd prints a cluster in its errors. */
export function describeCluster({ clusterId, members, removed }: ClusterDescription): string {
  const texts = members.map(
    ({ ID, peerURLs, isLearner, name, clientURLs }) =>
      `&{ID:${hexId(ID)} RaftAttributes:{PeerURLs:[${peerURLs.join(' ')}] IsLearner:${isLearner}} ` +
      `Attributes:{Name:${name} ClientURLs:[${clientURLs.join(' ')}]}}`,
  );
  return `{ClusterID:${hexId(clusterId)} Members:[${texts.join(' ')}] RemovedMemberIDs:[${removed.map(hexId).join(' ')}]}`;
}
