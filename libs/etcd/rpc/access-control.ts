// Calls that are not judged when they are applied, for they do not go through the log or concern more than keys: who may make them.
import { isAlarmQuery } from '../server/apply.ts';
import type { EtcdServer } from '../server/server.ts';
import { AlarmRequest } from './messages.ts';
import { decode } from './protobuf.ts';
import type { Call, Method, Service, StreamCall, StreamHandler } from './service.ts';

/** `user`: anybody who is known. */
type Need = 'user' | 'admin';

const alarm = '/etcdserverpb.Maintenance/Alarm';

const needs: ReadonlyMap<string, Need> = new Map<string, Need>([
  ['/etcdserverpb.Cluster/MemberList', 'user'],
  ['/etcdserverpb.Cluster/MemberAdd', 'admin'],
  ['/etcdserverpb.Cluster/MemberRemove', 'admin'],
  ['/etcdserverpb.Cluster/MemberUpdate', 'admin'],
  ['/etcdserverpb.Cluster/MemberPromote', 'admin'],
  // Whoever is known may look at alarms (`isAlarmQuery`).
  [alarm, 'admin'],
  ['/etcdserverpb.Maintenance/Status', 'admin'],
  ['/etcdserverpb.Maintenance/Defragment', 'admin'],
  ['/etcdserverpb.Maintenance/Hash', 'admin'],
  ['/etcdserverpb.Maintenance/HashKV', 'admin'],
  ['/etcdserverpb.Maintenance/Snapshot', 'admin'],
  ['/etcdserverpb.Maintenance/MoveLeader', 'admin'],
  ['/etcdserverpb.Maintenance/Downgrade', 'admin'],
]);

/** The service, with its methods for those only who may call them. */
export function accessControlled(server: EtcdServer, service: Service): Service {
  const controlled = (path: string, method: Method): Method => {
    const need = needs.get(path);
    if (need === undefined) return method;
    const check = async (call: Call, request: Buffer | undefined): Promise<void> => {
      const identity = await server.access.identify(call);
      const looksOnly = path === alarm && request !== undefined && isAlarmQuery(decode(AlarmRequest, request));
      if (need === 'admin' && !looksOnly) server.machine.guard.admin(identity);
      else server.machine.guard.user(identity);
    };
    if (method.kind === 'unary') {
      return {
        kind: 'unary',
        handle: async (request, call) => {
          if (server.access.enabled) await check(call, request);
          return method.handle(request, call);
        },
      };
    }
    return {
      kind: 'stream',
      open: (call) => (server.access.enabled ? openAfter(check(call, undefined), method.open, call) : method.open(call)),
    };
  };
  return { methods: new Map([...service.methods].map(([path, method]) => [path, controlled(path, method)])) };
}

/** A stream that is opened when `checked` resolves; what the client sends before waits for that. */
function openAfter(checked: Promise<void>, open: (call: StreamCall) => StreamHandler, call: StreamCall): StreamHandler {
  let closed = false;
  let inner: StreamHandler | undefined;
  const opened = checked.then(() => {
    if (!closed) inner = open(call);
  });
  opened.catch((error) => call.end(error));
  return {
    message: async (raw) => {
      await opened.catch(() => {});
      await inner?.message(raw);
    },
    end: () => void opened.then(() => inner?.end?.()).catch(() => {}),
    closed: () => {
      closed = true;
      inner?.closed();
    },
    drained: () => inner?.drained?.(),
  };
}
