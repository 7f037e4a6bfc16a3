// What a learner answers: its own status, serializable reads and snapshots. Everything else is refused, for it may be far behind.
// As etcd's interceptors (server/etcdserver/api/v3rpc/interceptor.go).
import { EtcdError } from '../errors.ts';
import type { EtcdServer } from '../server/server.ts';
import { RangeRequest } from './messages.ts';
import { decode } from './protobuf.ts';
import type { Method, Service } from './service.ts';

const always: ReadonlySet<string> = new Set(['/etcdserverpb.Maintenance/Status', '/etcdserverpb.Maintenance/Snapshot']);
const range = '/etcdserverpb.KV/Range';

/** The same service, refusing what a learner does not do. */
export function guardLearner(server: Pick<EtcdServer, 'isLearner'>, service: Service): Service {
  const methods = [...service.methods].map(([path, method]): [string, Method] => {
    return [path, always.has(path) ? method : guarded(server, path, method)];
  });
  return { methods: new Map(methods) };
}

function guarded(server: Pick<EtcdServer, 'isLearner'>, path: string, method: Method): Method {
  if (method.kind === 'stream') {
    const open: typeof method.open = (call) => {
      if (server.isLearner) throw new EtcdError('notForLearner');
      return method.open(call);
    };
    return { kind: 'stream', open };
  }
  const handle: typeof method.handle = async (request, call) => {
    if (server.isLearner && !(path === range && serializable(request))) throw new EtcdError('notForLearner');
    return method.handle(request, call);
  };
  return { kind: 'unary', handle };
}

function serializable(request: Buffer): boolean {
  try {
    return decode(RangeRequest, request).serializable;
  } catch {
    // The handler says what is wrong with it.
    return true;
  }
}
