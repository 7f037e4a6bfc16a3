// What a learner answers: its own status, serializable reads and snapshots. Everything else is refused, for it may be far behind.
// As etcd's interceptors (server/etcdserver/api/v3rpc/interceptor.go).
import type { handleUnaryCall, MethodDefinition } from '@grpc/grpc-js';
import { EtcdError } from '../errors.ts';
import type { EtcdServer } from '../server/server.ts';
import { RangeRequest } from './messages.ts';
import { decode } from './protobuf.ts';
import { type Service, toStatus } from './service.ts';

const always: ReadonlySet<string> = new Set(['/etcdserverpb.Maintenance/Status', '/etcdserverpb.Maintenance/Snapshot']);
const range = '/etcdserverpb.KV/Range';

/** The same service, refusing what a learner does not do. */
export function guardLearner(server: EtcdServer, service: Service): Service {
  const handlers: Service['handlers'] = {};
  for (const [name, handler] of Object.entries(service.handlers)) {
    const method = service.definition[name];
    if (method === undefined || always.has(method.path)) handlers[name] = handler;
    else handlers[name] = guarded(server, method, handler as Handler);
  }
  return { definition: service.definition, handlers };
}

/** All kinds of handlers: the call comes first. */
type Handler = (call: Call, ...rest: unknown[]) => unknown;

interface Call {
  readonly request: Buffer;
  emit(event: 'error', error: object): void;
}

function guarded(server: EtcdServer, method: MethodDefinition<Buffer, Buffer>, handler: Handler): Handler {
  return (call, ...rest) => {
    if (!server.isLearner || (method.path === range && serializable(call.request))) return handler(call, ...rest);
    const error = toStatus(new EtcdError('notForLearner'));
    if (method.requestStream || method.responseStream) return call.emit('error', error);
    const [callback] = rest as Parameters<handleUnaryCall<Buffer, Buffer>>[1][];
    return callback?.(error);
  };
}

function serializable(request: Buffer): boolean {
  try {
    return decode(RangeRequest, request).serializable;
  } catch {
    // The handler says what is wrong with it.
    return true;
  }
}
