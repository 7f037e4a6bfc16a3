// The messages of etcdserverpb.Auth and of authpb as tables; numbers of etcd's api/etcdserverpb/rpc.proto and api/authpb/auth.proto.
import { ResponseHeader } from './messages.ts';
import { bool, int, key, type MessageOf, many, message, string } from './protobuf.ts';

const header = message(1, ResponseHeader);

export const permissionType = { read: 0, write: 1, readWrite: 2 } as const;

/** authpb.Permission */
export const Permission = { permType: int(1), key: key(2), range_end: key(3) };
export type Permission = MessageOf<typeof Permission>;

/** authpb.Role; its name is bytes there, and text in every request. */
export const Role = { name: string(1), keyPermission: many(message(2, Permission)) };
export type Role = MessageOf<typeof Role>;

const UserAddOptions = { no_password: bool(1) };

/** authpb.User; `password` is the bcrypt hash as text. */
export const User = {
  name: string(1),
  password: string(2),
  roles: many(string(3)),
  options: message(4, UserAddOptions),
};
export type User = MessageOf<typeof User>;

/** `hashedPassword`: the bcrypt hash in base64; takes the place of `password` before the request is proposed. */
export const UserAddRequest = {
  name: string(1),
  password: string(2),
  options: message(3, UserAddOptions),
  hashedPassword: string(4),
};
export const UserChangePasswordRequest = { name: string(1), password: string(2), hashedPassword: string(3) };
export const UserRequest = { name: string(1) };
export const UserGetResponse = { header, roles: many(string(2)) };
export const UserGrantRoleRequest = { user: string(1), role: string(2) };
export const UserRevokeRoleRequest = { name: string(1), role: string(2) };
export const RoleAddRequest = { name: string(1) };
export const RoleRequest = { role: string(1) };
export const RoleGetResponse = { header, perm: many(message(2, Permission)) };
export const RoleGrantPermissionRequest = { name: string(1), perm: message(2, Permission) };
export const RoleRevokePermissionRequest = { role: string(1), key: key(2), range_end: key(3) };
/** UserList, RoleList */
export const NamesResponse = { header, names: many(string(2)) };
export const AuthStatusResponse = { header, enabled: bool(2), authRevision: int(3) };
export const AuthenticateRequest = { name: string(1), password: string(2) };
export const AuthenticateResponse = { header, token: string(2) };
/** What is replicated of Authenticate: the password was checked before, `simple_token` is the random part of the token. */
export const InternalAuthenticateRequest = { name: string(1), password: string(2), simple_token: string(3) };
