// One step of a differential run: plain data, so that a sequence can be shortened, printed and played again.
import { api } from '@drydock/etcd/rpc/api.ts';
import { LeaseKeepAliveRequest, type WatchCreateRequest } from '@drydock/etcd/rpc/messages.ts';
import { encode, type MessageOf, type Schema } from '@drydock/etcd/rpc/protobuf.ts';

export type MethodName = keyof typeof api;

export type Operation =
  | { readonly kind: 'unary'; readonly method: MethodName; readonly request: Buffer }
  | { readonly kind: 'keepAlive'; readonly request: Buffer }
  /** Grants and at once revokes a lease whose id or time the store chooses. */
  | { readonly kind: 'shortLease'; readonly ttl: number }
  | { readonly kind: 'watch'; readonly stream: number; readonly create: Partial<WatchCreateRequest> }
  | { readonly kind: 'cancel'; readonly stream: number; readonly id: number }
  /** Waits until every watcher has what there is, then compares what the watchers were sent. */
  | { readonly kind: 'compareWatchers' };

export function unary<M extends MethodName>(method: M, request: Partial<MessageOf<(typeof api)[M]['request']>>): Operation {
  return { kind: 'unary', method, request: encode(api[method].request as Schema, request as object) };
}

export const keepAlive = (ID: bigint): Operation => ({ kind: 'keepAlive', request: encode(LeaseKeepAliveRequest, { ID }) });
