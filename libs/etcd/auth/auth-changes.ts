// What the requests of etcdserverpb.Auth change, once they are committed. All checks come before the first change.
import { EtcdError } from '../errors.ts';
import { limits } from '../limits.ts';
import {
  RoleAddRequest,
  RoleGrantPermissionRequest,
  RoleRequest,
  RoleRevokePermissionRequest,
  type User,
  UserAddRequest,
  UserChangePasswordRequest,
  UserGrantRoleRequest,
  UserRequest,
  UserRevokeRoleRequest,
} from '../rpc/auth-messages.ts';
import { decodeLogged, type Schema } from '../rpc/protobuf.ts';
import { type AuthStore, rootRole, rootUser } from './auth-store.ts';

export const authKinds = [
  'authEnable',
  'authDisable',
  'userAdd',
  'userDelete',
  'userChangePassword',
  'userGrantRole',
  'userRevokeRole',
  'roleAdd',
  'roleDelete',
  'roleGrantPermission',
  'roleRevokePermission',
] as const;
export type AuthKind = (typeof authKinds)[number];

/** Each throws EtcdError where it is refused. */
const changes: Readonly<Record<AuthKind, (store: AuthStore, payload: Buffer) => void>> = {
  authEnable: enable,
  authDisable: disable,
  userAdd: addUser,
  userDelete: deleteUser,
  userChangePassword: changePassword,
  userGrantRole: grantRole,
  userRevokeRole: revokeRole,
  roleAdd: addRole,
  roleDelete: deleteRole,
  roleGrantPermission: grantPermission,
  roleRevokePermission: revokePermission,
};

/** The request of each: what cannot be read as one must not get into the log, for nobody could apply it. */
export const authRequests: Readonly<Record<AuthKind, Schema>> = {
  authEnable: {},
  authDisable: {},
  userAdd: UserAddRequest,
  userDelete: UserRequest,
  userChangePassword: UserChangePasswordRequest,
  userGrantRole: UserGrantRoleRequest,
  userRevokeRole: UserRevokeRoleRequest,
  roleAdd: RoleAddRequest,
  roleDelete: RoleRequest,
  roleGrantPermission: RoleGrantPermissionRequest,
  roleRevokePermission: RoleRevokePermissionRequest,
};

export function isAuthKind(kind: string): kind is AuthKind {
  return Object.hasOwn(changes, kind);
}

/** The caller has checked that the requester is an administrator. */
export function applyAuthChange(store: AuthStore, kind: AuthKind, payload: Buffer): void {
  changes[kind](store, payload);
}

function enable(store: AuthStore): void {
  if (store.enabled) return;
  const root = store.user(rootUser);
  if (root === undefined) throw new EtcdError('rootUserMissing');
  if (!root.roles.includes(rootRole)) throw new EtcdError('rootRoleMissing');
  store.setEnabled(true);
}

function disable(store: AuthStore): void {
  if (!store.enabled) return;
  store.setEnabled(false);
  store.changed();
  store.onInvalidate(undefined);
}

function addUser(store: AuthStore, payload: Buffer): void {
  const { name, options, hashedPassword } = decodeLogged(UserAddRequest, payload);
  if (name === '') throw new EtcdError('userEmpty');
  checkLength(name);
  if (store.user(name) !== undefined) throw new EtcdError('userExists');
  const password = options?.no_password === true ? '' : fromBase64(hashedPassword);
  store.putUser({ name, password, roles: [], options: options ?? { no_password: false } });
  store.changed();
}

function deleteUser(store: AuthStore, payload: Buffer): void {
  const { name } = decodeLogged(UserRequest, payload);
  if (store.enabled && name === rootUser) throw new EtcdError('invalidAuthManagement');
  knownUser(store, name);
  store.deleteUser(name);
  store.changed();
  store.onInvalidate(name);
}

function changePassword(store: AuthStore, payload: Buffer): void {
  const { name, hashedPassword } = decodeLogged(UserChangePasswordRequest, payload);
  const user = knownUser(store, name);
  store.putUser({ ...user, password: user.options?.no_password === true ? '' : fromBase64(hashedPassword) });
  store.changed();
  store.onInvalidate(name);
}

function grantRole(store: AuthStore, payload: Buffer): void {
  const { user: name, role } = decodeLogged(UserGrantRoleRequest, payload);
  const user = knownUser(store, name);
  if (role !== rootRole && store.role(role) === undefined) throw new EtcdError('roleNotFound');
  if (user.roles.includes(role)) return;
  const roles = [...user.roles, role].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  store.putUser({ ...user, roles });
  store.changed();
}

function revokeRole(store: AuthStore, payload: Buffer): void {
  const { name, role } = decodeLogged(UserRevokeRoleRequest, payload);
  if (store.enabled && name === rootUser && role === rootRole) throw new EtcdError('invalidAuthManagement');
  const user = knownUser(store, name);
  if (!user.roles.includes(role)) throw new EtcdError('roleNotGranted');
  store.putUser(withoutRole(user, role));
  store.changed();
}

function addRole(store: AuthStore, payload: Buffer): void {
  const { name } = decodeLogged(RoleAddRequest, payload);
  if (name === '') throw new EtcdError('roleEmpty');
  checkLength(name);
  if (store.role(name) !== undefined) throw new EtcdError('roleExists');
  store.putRole({ name, keyPermission: [] });
  store.changed();
}

function deleteRole(store: AuthStore, payload: Buffer): void {
  const { role } = decodeLogged(RoleRequest, payload);
  if (store.enabled && role === rootRole) throw new EtcdError('invalidAuthManagement');
  if (store.role(role) === undefined) throw new EtcdError('roleNotFound');
  store.deleteRole(role);
  for (const user of store.users()) if (user.roles.includes(role)) store.putUser(withoutRole(user, role));
  store.changed();
}

function grantPermission(store: AuthStore, payload: Buffer): void {
  const { name, perm } = decodeLogged(RoleGrantPermissionRequest, payload);
  if (perm === undefined) throw new EtcdError('permissionNotGiven');
  if (!isPermissionRange(perm.key, perm.range_end)) throw new EtcdError('invalidAuthManagement');
  const role = store.role(name);
  if (role === undefined) throw new EtcdError('roleNotFound');
  const { keyPermission } = role;
  // Only the first range that begins with the key is changed in its place, as in the original; others come again.
  const [first, after] = [
    keyPermission.findIndex(({ key }) => key >= perm.key),
    keyPermission.findIndex(({ key }) => key > perm.key),
  ];
  const there = keyPermission[first];
  const same = there?.key === perm.key && there.range_end === perm.range_end;
  const at = after < 0 ? keyPermission.length : after;
  store.putRole({ name, keyPermission: same ? keyPermission.with(first, perm) : keyPermission.toSpliced(at, 0, perm) });
  store.changed();
}

function revokePermission(store: AuthStore, payload: Buffer): void {
  const { role: name, key, range_end } = decodeLogged(RoleRevokePermissionRequest, payload);
  const role = store.role(name);
  if (role === undefined) throw new EtcdError('roleNotFound');
  const kept = role.keyPermission.filter((perm) => perm.key !== key || perm.range_end !== range_end);
  if (kept.length === role.keyPermission.length) throw new EtcdError('permissionNotGranted');
  store.putRole({ name, keyPermission: kept });
  store.changed();
}

function knownUser(store: AuthStore, name: string): User {
  const user = store.user(name);
  if (user === undefined) throw new EtcdError('userNotFound');
  return user;
}

function withoutRole(user: User, role: string): User {
  return { ...user, roles: user.roles.filter((other) => other !== role) };
}

function isPermissionRange(key: string, rangeEnd: string): boolean {
  return key !== '' && (rangeEnd === '' || rangeEnd === '\0' || key < rangeEnd);
}

/** Names are keys of the backend. */
function checkLength(name: string): void {
  if (Buffer.byteLength(name) > limits.authNameBytes) throw new EtcdError('requestTooLarge');
}

function fromBase64(text: string): string {
  return Buffer.from(text, 'base64').toString('latin1');
}
