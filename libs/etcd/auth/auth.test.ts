// Users, roles and permissions on a state machine of its own: requests are applied as the log would.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from '@drydock/foundation/virtual-clock.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EtcdError } from '../errors.ts';
import { openLmdbBackend } from '../mvcc/lmdb-backend.ts';
import {
  InternalAuthenticateRequest,
  permissionType,
  RoleAddRequest,
  RoleGrantPermissionRequest,
  RoleRequest,
  RoleRevokePermissionRequest,
  UserAddRequest,
  UserChangePasswordRequest,
  UserGrantRoleRequest,
  UserRequest,
  UserRevokeRoleRequest,
} from '../rpc/auth-messages.ts';
import { DeleteRangeRequest, LeaseGrantRequest, LeaseRevokeRequest, PutRequest, TxnRequest } from '../rpc/messages.ts';
import { encode, type MessageOf, type Schema } from '../rpc/protobuf.ts';
import { encodeProposal, type ProposalKind } from '../server/proposal.ts';
import { EtcdStateMachine, type Outcome } from '../server/state-machine.ts';

let folder: string;
let machine: EtcdStateMachine;

async function open(): Promise<EtcdStateMachine> {
  const fatal = (error: unknown) => {
    throw error;
  };
  const opened = new EtcdStateMachine({ backend: openLmdbBackend(folder), clock: new VirtualClock(), fatal });
  await opened.open();
  return opened;
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'etcd-auth-'));
  machine = await open();
});

afterEach(async () => {
  await machine.close();
  rmSync(folder, { recursive: true });
});

/** What becomes of a request: 'ok' or the code it is refused with. `revision` 0 stands for the current one. */
function apply(kind: ProposalKind, payload: Buffer, user?: string, revision = 0): string {
  let result = '';
  machine.onOutcome = (_proposer, _sequence, outcome: Outcome) => {
    result = outcome instanceof EtcdError ? outcome.code : 'ok';
  };
  const identity = user === undefined ? undefined : { user, revision: revision || machine.auth.revision };
  const data = encodeProposal(kind, 1n, 1n, payload, identity);
  machine.apply([{ index: machine.appliedIndex() + 1, term: 1, type: 'normal', data }]);
  return result;
}

function as<S extends Schema>(user: string | undefined, kind: ProposalKind, schema: S, message: Partial<MessageOf<S>>): string {
  return apply(kind, encode(schema, message), user);
}

const root = <S extends Schema>(kind: ProposalKind, schema: S, message: Partial<MessageOf<S>>) =>
  as('root', kind, schema, message);

const hashOf = (password: string) => Buffer.from(password).toString('base64');

/** root, and a user `u` with the role `r`; authentication is on. */
function enable(): void {
  for (const name of ['root', 'u']) expect(root('userAdd', UserAddRequest, { name, hashedPassword: hashOf(name) })).toBe('ok');
  for (const name of ['root', 'r']) expect(root('roleAdd', RoleAddRequest, { name })).toBe('ok');
  expect(root('userGrantRole', UserGrantRoleRequest, { user: 'root', role: 'root' })).toBe('ok');
  expect(root('userGrantRole', UserGrantRoleRequest, { user: 'u', role: 'r' })).toBe('ok');
  expect(root('authEnable', {}, {})).toBe('ok');
}

function grant(permType: number, key: string, range_end = ''): void {
  expect(root('roleGrantPermission', RoleGrantPermissionRequest, { name: 'r', perm: { permType, key, range_end } })).toBe('ok');
}

describe('users and roles', () => {
  test('need a root with the role root to be turned on', () => {
    expect(root('authEnable', {}, {})).toBe('rootUserMissing');
    root('userAdd', UserAddRequest, { name: 'root' });
    expect(root('authEnable', {}, {})).toBe('rootRoleMissing');
    // The role root need not be there as a record.
    root('userGrantRole', UserGrantRoleRequest, { user: 'root', role: 'root' });
    expect(root('authEnable', {}, {})).toBe('ok');
    expect(root('authEnable', {}, {})).toBe('ok');
  });

  test('are refused what does not fit', () => {
    enable();
    const { revision } = machine.auth;
    expect(root('userAdd', UserAddRequest, { name: '' })).toBe('userEmpty');
    expect(root('userAdd', UserAddRequest, { name: 'u' })).toBe('userExists');
    expect(root('userAdd', UserAddRequest, { name: 'x'.repeat(2000) })).toBe('requestTooLarge');
    expect(root('userDelete', UserRequest, { name: 'root' })).toBe('invalidAuthManagement');
    expect(root('userDelete', UserRequest, { name: 'nobody' })).toBe('userNotFound');
    expect(root('userChangePassword', UserChangePasswordRequest, { name: 'nobody' })).toBe('userNotFound');
    expect(root('userGrantRole', UserGrantRoleRequest, { user: 'nobody', role: 'r' })).toBe('userNotFound');
    expect(root('userGrantRole', UserGrantRoleRequest, { user: 'u', role: 'none' })).toBe('roleNotFound');
    expect(root('userRevokeRole', UserRevokeRoleRequest, { name: 'u', role: 'none' })).toBe('roleNotGranted');
    expect(root('userRevokeRole', UserRevokeRoleRequest, { name: 'root', role: 'root' })).toBe('invalidAuthManagement');
    expect(root('roleAdd', RoleAddRequest, { name: '' })).toBe('roleEmpty');
    expect(root('roleAdd', RoleAddRequest, { name: 'r' })).toBe('roleExists');
    expect(root('roleDelete', RoleRequest, { role: 'root' })).toBe('invalidAuthManagement');
    expect(root('roleDelete', RoleRequest, { role: 'none' })).toBe('roleNotFound');
    expect(root('roleGrantPermission', RoleGrantPermissionRequest, { name: 'r' })).toBe('permissionNotGiven');
    const perm = { permType: 0, key: 'b', range_end: 'a' };
    expect(root('roleGrantPermission', RoleGrantPermissionRequest, { name: 'r', perm })).toBe('invalidAuthManagement');
    expect(root('roleRevokePermission', RoleRevokePermissionRequest, { role: 'r', key: 'a' })).toBe('permissionNotGranted');
    expect(machine.auth.revision).toBe(revision);
  });

  test('are changed by root only', () => {
    enable();
    expect(as('u', 'userAdd', UserAddRequest, { name: 'v' })).toBe('permissionDenied');
    expect(as(undefined, 'userAdd', UserAddRequest, { name: 'v' })).toBe('userEmpty');
    expect(as('nobody', 'userAdd', UserAddRequest, { name: 'v' })).toBe('permissionDenied');
    expect(as('u', 'authDisable', {}, {})).toBe('permissionDenied');
    expect(as('root', 'authDisable', {}, {})).toBe('ok');
    expect(as(undefined, 'userAdd', UserAddRequest, { name: 'v' })).toBe('ok');
  });

  test('a granted range is changed in its place, others are in the order of their keys', () => {
    enable();
    for (const key of ['b', 'a', 'c']) grant(permissionType.read, key);
    grant(permissionType.read, 'b', 'z');
    grant(permissionType.readWrite, 'b');
    const perms = machine.auth.role('r')?.keyPermission.map(({ key, range_end, permType }) => `${key}${range_end}${permType}`);
    expect(perms).toEqual(['a0', 'b2', 'bz0', 'c0']);
    // The original looks at the first range of a key only: what is granted again beside it is added, and all go at once.
    grant(permissionType.write, 'b', 'z');
    expect(machine.auth.role('r')?.keyPermission.filter(({ range_end }) => range_end === 'z')).toHaveLength(2);
    root('roleRevokePermission', RoleRevokePermissionRequest, { role: 'r', key: 'b', range_end: 'z' });
    expect(machine.auth.role('r')?.keyPermission.map(({ key, permType }) => `${key}${permType}`)).toEqual(['a0', 'b2', 'c0']);
  });

  test('a role that goes is taken from its users', () => {
    enable();
    expect(root('roleDelete', RoleRequest, { role: 'r' })).toBe('ok');
    expect(machine.auth.user('u')?.roles).toEqual([]);
  });

  test('survive a restart and go into a snapshot', async () => {
    enable();
    grant(permissionType.write, 'k', '\0');
    const { auth } = machine;
    const before = { users: auth.users(), roles: auth.roles(), revision: auth.revision };
    await machine.close();
    machine = await open();
    expect({ users: machine.auth.users(), roles: machine.auth.roles(), revision: machine.auth.revision }).toEqual(before);
    expect(machine.auth.enabled).toBe(true);

    const { content, index } = machine.snapshot();
    expect(root('authDisable', {}, {})).toBe('ok');
    expect(root('userDelete', UserRequest, { name: 'u' })).toBe('ok');
    const conf = { voters: [1n], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
    await machine.restore({ index, term: 1, conf }, content);
    expect({ users: machine.auth.users(), roles: machine.auth.roles(), revision: machine.auth.revision }).toEqual(before);
    expect(machine.auth.enabled).toBe(true);
  });
});

describe('permissions', () => {
  beforeEach(enable);

  const put = (fields: Partial<MessageOf<typeof PutRequest>>, user: string | undefined = 'u') =>
    as(user, 'put', PutRequest, { value: Buffer.from('v'), ...fields });

  test('of a put', () => {
    grant(permissionType.write, 'w');
    grant(permissionType.readWrite, 'rw');
    expect(put({ key: 'w' })).toBe('ok');
    expect(put({ key: 'x' })).toBe('permissionDenied');
    expect(put({ key: 'w', prev_kv: true })).toBe('permissionDenied');
    expect(put({ key: 'rw', prev_kv: true })).toBe('ok');
    expect(put({ key: 'x' }, 'root')).toBe('ok');
    expect(put({ key: 'x' }, 'nobody')).toBe('permissionDenied');
    expect(apply('put', encode(PutRequest, { key: 'w' }))).toBe('userEmpty');
  });

  test('of a deletion', () => {
    grant(permissionType.write, 'a', 'c');
    grant(permissionType.readWrite, 'c', 'e');
    const remove = (key: string, range_end: string, prev_kv = false) =>
      as('u', 'deleteRange', DeleteRangeRequest, { key, range_end, prev_kv });
    expect(remove('a', 'e')).toBe('ok');
    expect(remove('a', 'f')).toBe('permissionDenied');
    expect(remove('a', '\0')).toBe('permissionDenied');
    expect(remove('c', 'e', true)).toBe('ok');
    expect(remove('a', 'e', true)).toBe('permissionDenied');
  });

  test('of a transaction: compares, both branches, nested ones', () => {
    grant(permissionType.write, 'w');
    grant(permissionType.read, 'r');
    const request_put = {
      key: 'w',
      value: Buffer.alloc(0),
      lease: 0n,
      prev_kv: false,
      ignore_value: false,
      ignore_lease: false,
    };
    const op = { request_put, request_range: undefined, request_delete_range: undefined, request_txn: undefined };
    const badPut = { ...op, request_put: { ...request_put, key: 'r' } };
    const compare = (key: string) => ({
      ...{ result: 0, target: 0, version: 0, create_revision: 0, mod_revision: 0, value: Buffer.alloc(0), lease: 0n },
      ...{ key, range_end: '' },
    });
    const nested = (request: Partial<MessageOf<typeof TxnRequest>>) => ({
      ...op,
      request_put: undefined,
      request_txn: encode(TxnRequest, request),
    });
    const txn = (request: Partial<MessageOf<typeof TxnRequest>>) => as('u', 'txn', TxnRequest, request);
    expect(txn({ compare: [compare('r')], success: [op], failure: [op] })).toBe('ok');
    expect(txn({ compare: [compare('w')], success: [op] })).toBe('permissionDenied');
    expect(txn({ compare: [compare('r')], success: [op], failure: [badPut] })).toBe('permissionDenied');
    expect(txn({ success: [nested({ success: [op] })] })).toBe('ok');
    expect(txn({ success: [nested({ failure: [badPut] })] })).toBe('permissionDenied');
    expect(txn({ success: [{ ...op, request_put: { ...request_put, prev_kv: true } }] })).toBe('permissionDenied');
  });

  test('of a lease: its keys decide', () => {
    grant(permissionType.write, 'w');
    for (const ID of [1n, 2n]) expect(as('u', 'leaseGrant', LeaseGrantRequest, { ID, TTL: 100 })).toBe('ok');
    expect(put({ key: 'x', lease: 1n }, 'root')).toBe('ok');
    expect(put({ key: 'w', lease: 1n })).toBe('permissionDenied');
    expect(put({ key: 'w', lease: 2n })).toBe('ok');
    expect(as('u', 'leaseRevoke', LeaseRevokeRequest, { ID: 1n })).toBe('permissionDenied');
    expect(as('u', 'leaseRevoke', LeaseRevokeRequest, { ID: 2n })).toBe('ok');
    expect(as(undefined, 'leaseRevoke', LeaseRevokeRequest, { ID: 1n })).toBe('userEmpty');
    expect(as('root', 'leaseRevoke', LeaseRevokeRequest, { ID: 1n })).toBe('ok');
    expect(as(undefined, 'leaseGrant', LeaseGrantRequest, { ID: 3n, TTL: 100 })).toBe('userEmpty');
  });

  test('a request from before a change of the users is refused, whatever the change', () => {
    grant(permissionType.write, 'w');
    const { revision } = machine.auth;
    const request = encode(PutRequest, { key: 'w', value: Buffer.from('v') });
    expect(apply('put', request, 'u', revision)).toBe('ok');
    expect(root('userAdd', UserAddRequest, { name: 'other' })).toBe('ok');
    expect(apply('put', request, 'u', revision)).toBe('authOldRevision');
    expect(apply('put', request, 'u')).toBe('ok');
  });

  test('end with what granted them', () => {
    grant(permissionType.write, 'w');
    expect(root('roleRevokePermission', RoleRevokePermissionRequest, { role: 'r', key: 'w' })).toBe('ok');
    expect(put({ key: 'w' })).toBe('permissionDenied');
    grant(permissionType.write, 'w');
    expect(put({ key: 'w' })).toBe('ok');
    expect(root('userRevokeRole', UserRevokeRoleRequest, { name: 'u', role: 'r' })).toBe('ok');
    expect(put({ key: 'w' })).toBe('permissionDenied');
  });
});

describe('a token', () => {
  const tokens: string[] = [];
  const authenticate = (name: string) =>
    as(undefined, 'authenticate', InternalAuthenticateRequest, { name, simple_token: 'abc' });

  beforeEach(() => {
    tokens.length = 0;
    machine.onAuthenticated = (token, user) => tokens.push(`${user} ${token}`);
  });

  test('is named after its entry in the log', () => {
    expect(authenticate('u')).toBe('authNotEnabled');
    enable();
    expect(authenticate('u')).toBe('ok');
    expect(authenticate('nobody')).toBe('authFailed');
    expect(root('userAdd', UserAddRequest, { name: 'n', options: { no_password: true } })).toBe('ok');
    expect(authenticate('n')).toBe('authFailed');
    expect(tokens).toEqual([`u abc.${machine.appliedIndex() - 3}`]);
  });

  test('is withdrawn with its user, its password, and when authentication ends', () => {
    enable();
    const withdrawn: (string | undefined)[] = [];
    machine.auth.onInvalidate = (user) => withdrawn.push(user);
    root('userChangePassword', UserChangePasswordRequest, { name: 'root', hashedPassword: hashOf('x') });
    root('userDelete', UserRequest, { name: 'u' });
    root('authDisable', {}, {});
    expect(withdrawn).toEqual(['root', 'u', undefined]);
  });
});
