// etcdserverpb.Auth: users, roles and what they may do. Changes go through the log; passwords are hashed before, on this member.
import { type AuthKind, authRequests } from '../auth/auth-changes.ts';
import { EtcdError } from '../errors.ts';
import type { EtcdServer } from '../server/server.ts';
import {
  AuthenticateRequest,
  AuthenticateResponse,
  AuthStatusResponse,
  InternalAuthenticateRequest,
  NamesResponse,
  RoleGetResponse,
  RoleRequest,
  UserAddRequest,
  UserChangePasswordRequest,
  UserGetResponse,
  UserRequest,
} from './auth-messages.ts';
import { HeaderOnly } from './messages.ts';
import { encode, type MessageOf } from './protobuf.ts';
import { type Call, type Service, service, unary } from './service.ts';

type Headed = MessageOf<typeof HeaderOnly>;

export function authService(server: EtcdServer): Service {
  const { auth, guard } = server.machine;
  const propose = async (kind: AuthKind, payload: Buffer, call: Call): Promise<Headed> => {
    const identity = await server.access.identify(call);
    return server.fill((await server.propose(kind, payload, identity)) as Headed);
  };
  const change = (kind: AuthKind) =>
    unary(authRequests[kind], HeaderOnly, async (_request, raw, call) => propose(kind, raw, call));
  /** Who asks, at a moment when what is read here is linearizable. */
  const reader = async (call: Call) => {
    await server.readPoint();
    return server.access.identify(call);
  };

  return service('etcdserverpb.Auth', {
    AuthEnable: change('authEnable'),
    AuthDisable: change('authDisable'),
    AuthStatus: unary({}, AuthStatusResponse, async (_request, _raw, call) => {
      guard.admin(await reader(call));
      return { header: server.header(), enabled: auth.enabled, authRevision: auth.revision };
    }),
    Authenticate: unary(AuthenticateRequest, AuthenticateResponse, ({ name, password }) =>
      authenticate(server, name, password),
    ),
    UserAdd: unary(UserAddRequest, HeaderOnly, async ({ name, password, options }, _raw, call) => {
      const hashedPassword = options?.no_password === true ? '' : await server.access.hashPassword(password);
      return propose('userAdd', encode(UserAddRequest, { name, options, hashedPassword }), call);
    }),
    UserGet: unary(UserRequest, UserGetResponse, async ({ name }, _raw, call) => {
      const identity = await reader(call);
      if (auth.enabled && identity?.user !== name) guard.admin(identity);
      const user = auth.user(name);
      if (user === undefined) throw new EtcdError('userNotFound');
      return { header: server.header(), roles: user.roles };
    }),
    UserList: unary({}, NamesResponse, async (_request, _raw, call) => {
      guard.admin(await reader(call));
      return { header: server.header(), names: auth.users().map(({ name }) => name) };
    }),
    UserDelete: change('userDelete'),
    UserChangePassword: unary(UserChangePasswordRequest, HeaderOnly, async (request, raw, call) => {
      if (request.password === '') return propose('userChangePassword', raw, call);
      const hashedPassword = await server.access.hashPassword(request.password);
      const hashed = encode(UserChangePasswordRequest, { name: request.name, hashedPassword });
      return propose('userChangePassword', hashed, call);
    }),
    UserGrantRole: change('userGrantRole'),
    UserRevokeRole: change('userRevokeRole'),
    RoleAdd: change('roleAdd'),
    RoleGet: unary(RoleRequest, RoleGetResponse, async ({ role: name }, _raw, call) => {
      const identity = await reader(call);
      const own = identity !== undefined && auth.user(identity.user)?.roles.includes(name) === true;
      if (auth.enabled && !own) guard.admin(identity);
      const role = auth.role(name);
      if (role === undefined) throw new EtcdError('roleNotFound');
      return { header: server.header(), perm: role.keyPermission };
    }),
    RoleList: unary({}, NamesResponse, async (_request, _raw, call) => {
      guard.admin(await reader(call));
      return { header: server.header(), names: auth.roles().map(({ name }) => name) };
    }),
    RoleDelete: change('roleDelete'),
    RoleGrantPermission: change('roleGrantPermission'),
    RoleRevokePermission: change('roleRevokePermission'),
  });
}

/** A password that was right at an older revision of the users is checked again. */
async function authenticate(server: EtcdServer, name: string, password: string) {
  const { access, machine } = server;
  await server.readPoint();
  for (;;) {
    const checkedAt = await access.checkPassword(name, password);
    const request = encode(InternalAuthenticateRequest, { name, simple_token: access.tokenPrefix() });
    const response = (await server.propose('authenticate', request)) as MessageOf<typeof AuthenticateResponse>;
    if (checkedAt !== machine.auth.revision) continue;
    return server.fill({ ...response, token: access.tokenFor(name, response.token) });
  }
}
