// The messages of v3lockpb and v3electionpb as tables; numbers of etcd's server/etcdserver/api/{v3lock,v3election}.
import { ResponseHeader } from './messages.ts';
import { bytes, int, int64, key, type MessageOf, message } from './protobuf.ts';

const header = message(1, ResponseHeader);

export const LockRequest = { name: key(1), lease: int64(2) };
export const LockResponse = { header, key: key(2) };
export const UnlockRequest = { key: key(1) };

/** How a candidate that was elected is told from others, also from one that was elected before with the same key. */
export const LeaderKey = { name: key(1), key: key(2), rev: int(3), lease: int64(4) };
export type LeaderKey = MessageOf<typeof LeaderKey>;

export const CampaignRequest = { name: key(1), lease: int64(2), value: bytes(3) };
export type CampaignRequest = MessageOf<typeof CampaignRequest>;
export const CampaignResponse = { header, leader: message(2, LeaderKey) };
export const LeaderRequest = { name: key(1) };
/** `kv`: an encoded mvccpb.KeyValue. */
export const LeaderResponse = { header, kv: bytes(2) };
export const ResignRequest = { leader: message(1, LeaderKey) };
export const ProclaimRequest = { leader: message(1, LeaderKey), value: bytes(2) };
