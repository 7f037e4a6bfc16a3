// etcdserverpb.Auth of a cluster without users: authentication is off, and there is nobody to turn it on for.
import { EtcdError, type EtcdErrorCode } from '../errors.ts';
import type { EtcdServer } from '../server/server.ts';
import { AuthNamesResponse, AuthRequest, AuthStatusResponse, HeaderOnly } from './messages.ts';
import { type Method, type Service, service, unary } from './service.ts';

/** Revision of an authentication store that was never changed. */
const authRevision = 1;

export function authService(server: EtcdServer): Service {
  const refuse = (code: EtcdErrorCode): Method =>
    unary({}, HeaderOnly, async () => {
      throw new EtcdError(code);
    });
  const names = unary({}, AuthNamesResponse, async () => ({ header: server.header(), names: [] }));
  return service('etcdserverpb.Auth', {
    AuthStatus: unary({}, AuthStatusResponse, async () => ({ header: server.header(), enabled: false, authRevision })),
    AuthEnable: refuse('rootUserMissing'),
    AuthDisable: unary({}, HeaderOnly, async () => ({ header: server.header() })),
    Authenticate: unary(AuthRequest, HeaderOnly, async () => {
      throw new EtcdError('authNotEnabled');
    }),
    UserList: names,
    RoleList: names,
    UserGet: refuse('userNotFound'),
    UserDelete: refuse('userNotFound'),
    UserChangePassword: refuse('userNotFound'),
    UserGrantRole: refuse('userNotFound'),
    UserRevokeRole: refuse('userNotFound'),
    RoleGet: refuse('roleNotFound'),
    RoleDelete: refuse('roleNotFound'),
    RoleGrantPermission: refuse('roleNotFound'),
    RoleRevokePermission: refuse('roleNotFound'),
    UserAdd: refuse('unimplemented'),
    RoleAdd: refuse('unimplemented'),
  });
}
