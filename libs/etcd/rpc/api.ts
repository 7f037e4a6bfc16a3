// The unary methods of etcdserverpb as a client calls them: which request and which response belong to a path.
import {
  AuthenticateRequest,
  AuthenticateResponse,
  AuthStatusResponse,
  NamesResponse,
  RoleAddRequest,
  RoleGetResponse,
  RoleGrantPermissionRequest,
  RoleRequest,
  RoleRevokePermissionRequest,
  UserAddRequest,
  UserChangePasswordRequest,
  UserGetResponse,
  UserGrantRoleRequest,
  UserRequest,
  UserRevokeRoleRequest,
} from './auth-messages.ts';
import {
  AlarmRequest,
  AlarmResponse,
  CompactionRequest,
  DeleteRangeRequest,
  DeleteRangeResponse,
  DowngradeRequest,
  DowngradeResponse,
  HashKVRequest,
  HashKVResponse,
  HashResponse,
  HeaderOnly,
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseLeasesResponse,
  LeaseRevokeRequest,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
  MemberAddRequest,
  MemberAddResponse,
  MemberIdRequest,
  MemberListRequest,
  MembersResponse,
  MemberUpdateRequest,
  MoveLeaderRequest,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  StatusResponse,
  TxnRequest,
  TxnResponse,
} from './messages.ts';
import type { Schema } from './protobuf.ts';

export interface ApiMethod<I extends Schema, O extends Schema> {
  /** `/etcdserverpb.KV/Put` */
  readonly path: string;
  readonly request: I;
  readonly response: O;
}

const method = <I extends Schema, O extends Schema>(path: string, request: I, response: O): ApiMethod<I, O> => ({
  path: `/etcdserverpb.${path}`,
  request,
  response,
});

export const api = {
  range: method('KV/Range', RangeRequest, RangeResponse),
  put: method('KV/Put', PutRequest, PutResponse),
  deleteRange: method('KV/DeleteRange', DeleteRangeRequest, DeleteRangeResponse),
  txn: method('KV/Txn', TxnRequest, TxnResponse),
  compact: method('KV/Compact', CompactionRequest, HeaderOnly),

  leaseGrant: method('Lease/LeaseGrant', LeaseGrantRequest, LeaseGrantResponse),
  leaseRevoke: method('Lease/LeaseRevoke', LeaseRevokeRequest, HeaderOnly),
  leaseTimeToLive: method('Lease/LeaseTimeToLive', LeaseTimeToLiveRequest, LeaseTimeToLiveResponse),
  leaseLeases: method('Lease/LeaseLeases', {}, LeaseLeasesResponse),

  memberAdd: method('Cluster/MemberAdd', MemberAddRequest, MemberAddResponse),
  memberRemove: method('Cluster/MemberRemove', MemberIdRequest, MembersResponse),
  memberUpdate: method('Cluster/MemberUpdate', MemberUpdateRequest, MembersResponse),
  memberList: method('Cluster/MemberList', MemberListRequest, MembersResponse),
  memberPromote: method('Cluster/MemberPromote', MemberIdRequest, MembersResponse),

  alarm: method('Maintenance/Alarm', AlarmRequest, AlarmResponse),
  status: method('Maintenance/Status', {}, StatusResponse),
  defragment: method('Maintenance/Defragment', {}, HeaderOnly),
  hash: method('Maintenance/Hash', {}, HashResponse),
  hashKv: method('Maintenance/HashKV', HashKVRequest, HashKVResponse),
  moveLeader: method('Maintenance/MoveLeader', MoveLeaderRequest, HeaderOnly),
  downgrade: method('Maintenance/Downgrade', DowngradeRequest, DowngradeResponse),

  authEnable: method('Auth/AuthEnable', {}, HeaderOnly),
  authDisable: method('Auth/AuthDisable', {}, HeaderOnly),
  authStatus: method('Auth/AuthStatus', {}, AuthStatusResponse),
  authenticate: method('Auth/Authenticate', AuthenticateRequest, AuthenticateResponse),
  userAdd: method('Auth/UserAdd', UserAddRequest, HeaderOnly),
  userGet: method('Auth/UserGet', UserRequest, UserGetResponse),
  userList: method('Auth/UserList', {}, NamesResponse),
  userDelete: method('Auth/UserDelete', UserRequest, HeaderOnly),
  userChangePassword: method('Auth/UserChangePassword', UserChangePasswordRequest, HeaderOnly),
  userGrantRole: method('Auth/UserGrantRole', UserGrantRoleRequest, HeaderOnly),
  userRevokeRole: method('Auth/UserRevokeRole', UserRevokeRoleRequest, HeaderOnly),
  roleAdd: method('Auth/RoleAdd', RoleAddRequest, HeaderOnly),
  roleGet: method('Auth/RoleGet', RoleRequest, RoleGetResponse),
  roleList: method('Auth/RoleList', {}, NamesResponse),
  roleDelete: method('Auth/RoleDelete', RoleRequest, HeaderOnly),
  roleGrantPermission: method('Auth/RoleGrantPermission', RoleGrantPermissionRequest, HeaderOnly),
  roleRevokePermission: method('Auth/RoleRevokePermission', RoleRevokePermissionRequest, HeaderOnly),
} as const;
