// The messages of etcdserverpb and mvccpb as tables; numbers as in proto/etcd. Key-values and events travel as bytes that
// are already encoded (`bytes` fields here): the store keeps them in this very form.
import { bool, bytes, int, int64, key, type MessageOf, many, message, oneof, oneofBytes, string, uint64 } from './protobuf.ts';

export const ResponseHeader = { cluster_id: uint64(1), member_id: uint64(2), revision: int(3), raft_term: int(4) };
export type ResponseHeader = MessageOf<typeof ResponseHeader>;

const header = message(1, ResponseHeader);

export const KeyValue = {
  key: key(1),
  create_revision: int(2),
  mod_revision: int(3),
  version: int(4),
  value: bytes(5),
  lease: int64(6),
};
export type KeyValue = MessageOf<typeof KeyValue>;

export const RangeRequest = {
  key: key(1),
  range_end: key(2),
  limit: int(3),
  revision: int(4),
  sort_order: int(5),
  sort_target: int(6),
  serializable: bool(7),
  keys_only: bool(8),
  count_only: bool(9),
  min_mod_revision: int(10),
  max_mod_revision: int(11),
  min_create_revision: int(12),
  max_create_revision: int(13),
};
export type RangeRequest = MessageOf<typeof RangeRequest>;
export const RangeResponse = { header, kvs: many(bytes(2)), more: bool(3), count: int(4) };
export type RangeResponse = MessageOf<typeof RangeResponse>;

export const PutRequest = {
  key: key(1),
  value: bytes(2),
  lease: int64(3),
  prev_kv: bool(4),
  ignore_value: bool(5),
  ignore_lease: bool(6),
};
export type PutRequest = MessageOf<typeof PutRequest>;
export const PutResponse = { header, prev_kv: bytes(2) };
export type PutResponse = MessageOf<typeof PutResponse>;

export const DeleteRangeRequest = { key: key(1), range_end: key(2), prev_kv: bool(3) };
export type DeleteRangeRequest = MessageOf<typeof DeleteRangeRequest>;
export const DeleteRangeResponse = { header, deleted: int(2), prev_kvs: many(bytes(3)) };
export type DeleteRangeResponse = MessageOf<typeof DeleteRangeResponse>;

export const Compare = {
  result: int(1),
  target: int(2),
  key: key(3),
  version: int(4),
  create_revision: int(5),
  mod_revision: int(6),
  value: bytes(7),
  lease: int64(8),
  range_end: key(64),
};
export type Compare = MessageOf<typeof Compare>;

/** The nested transaction stays encoded here and is decoded where it is met: a table cannot contain itself. */
export const RequestOp = oneof({
  request_range: message(1, RangeRequest),
  request_put: message(2, PutRequest),
  request_delete_range: message(3, DeleteRangeRequest),
  request_txn: oneofBytes(4),
});
export type RequestOp = MessageOf<typeof RequestOp>;
export const TxnRequest = {
  compare: many(message(1, Compare)),
  success: many(message(2, RequestOp)),
  failure: many(message(3, RequestOp)),
};
export type TxnRequest = MessageOf<typeof TxnRequest>;
export const ResponseOp = {
  response_range: message(1, RangeResponse),
  response_put: message(2, PutResponse),
  response_delete_range: message(3, DeleteRangeResponse),
  response_txn: oneofBytes(4),
};
export type ResponseOp = MessageOf<typeof ResponseOp>;
export const TxnResponse = { header, succeeded: bool(2), responses: many(message(3, ResponseOp)) };
export type TxnResponse = MessageOf<typeof TxnResponse>;

export const CompactionRequest = { revision: int(1), physical: bool(2) };
export const HeaderOnly = { header };
export const HashKVRequest = { revision: int(1) };
export const HashKVResponse = { header, hash: int(2), compact_revision: int(3), hash_revision: int(4) };
export const HashResponse = { header, hash: int(2) };
export const SnapshotResponse = { header, remaining_bytes: int(2), blob: bytes(3), version: string(4) };

export const WatchCreateRequest = {
  key: key(1),
  range_end: key(2),
  start_revision: int(3),
  progress_notify: bool(4),
  filters: many(int(5)),
  prev_kv: bool(6),
  watch_id: int(7),
  fragment: bool(8),
};
export type WatchCreateRequest = MessageOf<typeof WatchCreateRequest>;
export const WatchRequest = {
  create_request: message(1, WatchCreateRequest),
  cancel_request: message(2, { watch_id: int(1) }),
  progress_request: message(3, {}),
};
export const WatchResponse = {
  header,
  watch_id: int(2),
  created: bool(3),
  canceled: bool(4),
  compact_revision: int(5),
  cancel_reason: string(6),
  fragment: bool(7),
  events: many(bytes(11)),
};
export type WatchResponse = MessageOf<typeof WatchResponse>;

export const LeaseGrantRequest = { TTL: int(1), ID: int64(2) };
export const LeaseGrantResponse = { header, ID: int64(2), TTL: int(3), error: string(4) };
export const LeaseRevokeRequest = { ID: int64(1) };
export const LeaseKeepAliveRequest = { ID: int64(1) };
export const LeaseKeepAliveResponse = { header, ID: int64(2), TTL: int(3) };
export const LeaseTimeToLiveRequest = { ID: int64(1), keys: bool(2) };
export const LeaseTimeToLiveResponse = { header, ID: int64(2), TTL: int(3), grantedTTL: int(4), keys: many(key(5)) };
export const LeaseLeasesResponse = { header, leases: many(message(2, { ID: int64(1) })) };

export const Member = {
  ID: uint64(1),
  name: string(2),
  peerURLs: many(string(3)),
  clientURLs: many(string(4)),
  isLearner: bool(5),
};
export type Member = MessageOf<typeof Member>;
export const MemberAddRequest = { peerURLs: many(string(1)), isLearner: bool(2) };
export const MemberAddResponse = { header, member: message(2, Member), members: many(message(3, Member)) };
export const MemberIdRequest = { ID: uint64(1) };
export const MemberUpdateRequest = { ID: uint64(1), peerURLs: many(string(2)) };
export const MemberListRequest = { linearizable: bool(1) };
export const MembersResponse = { header, members: many(message(2, Member)) };

export const MoveLeaderRequest = { targetID: uint64(1) };
export const AlarmMember = { memberID: uint64(1), alarm: int(2) };
export type AlarmMember = MessageOf<typeof AlarmMember>;
export const AlarmRequest = { action: int(1), memberID: uint64(2), alarm: int(3) };
export type AlarmRequest = MessageOf<typeof AlarmRequest>;
export const AlarmResponse = { header, alarms: many(message(2, AlarmMember)) };
export const DowngradeRequest = { action: int(1), version: string(2) };
export const DowngradeResponse = { header, version: string(2) };
export const DowngradeInfo = { enabled: bool(1), targetVersion: string(2) };
export const downgradeAction = { validate: 0, enable: 1, cancel: 2 } as const;
export const StatusResponse = {
  header,
  version: string(2),
  dbSize: int(3),
  leader: uint64(4),
  raftIndex: int(5),
  raftTerm: int(6),
  raftAppliedIndex: int(7),
  errors: many(string(8)),
  dbSizeInUse: int(9),
  isLearner: bool(10),
  storageVersion: string(11),
  dbSizeQuota: int(12),
  downgradeInfo: message(13, DowngradeInfo),
};

export const compareResult = { equal: 0, greater: 1, less: 2, notEqual: 3 } as const;
export const compareTarget = { version: 0, create: 1, mod: 2, value: 3, lease: 4 } as const;
export const sortOrder = { none: 0, ascend: 1, descend: 2 } as const;
export const sortTarget = { key: 0, version: 1, create: 2, mod: 3, value: 4 } as const;
export const alarmType = { none: 0, noSpace: 1, corrupt: 2 } as const;
export const alarmAction = { get: 0, activate: 1, deactivate: 2 } as const;
export const noPutFilter = 0;
export const noDeleteFilter = 1;
