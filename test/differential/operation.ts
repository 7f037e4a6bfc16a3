// One step of a differential run: plain data, so that a sequence can be shortened, printed and played again.
import {
  CompactionRequest,
  DeleteRangeRequest,
  DeleteRangeResponse,
  HashKVRequest,
  HashKVResponse,
  HeaderOnly,
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseKeepAliveRequest,
  LeaseLeasesResponse,
  LeaseRevokeRequest,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
  type WatchCreateRequest,
} from '@drydock/etcd/rpc/messages.ts';
import { encode, type MessageOf, type Schema } from '@drydock/etcd/rpc/protobuf.ts';

export const methods = {
  'KV/Range': [RangeRequest, RangeResponse],
  'KV/Put': [PutRequest, PutResponse],
  'KV/DeleteRange': [DeleteRangeRequest, DeleteRangeResponse],
  'KV/Txn': [TxnRequest, TxnResponse],
  'KV/Compact': [CompactionRequest, HeaderOnly],
  'Lease/LeaseGrant': [LeaseGrantRequest, LeaseGrantResponse],
  'Lease/LeaseRevoke': [LeaseRevokeRequest, HeaderOnly],
  'Lease/LeaseTimeToLive': [LeaseTimeToLiveRequest, LeaseTimeToLiveResponse],
  'Lease/LeaseLeases': [{}, LeaseLeasesResponse],
  'Maintenance/HashKV': [HashKVRequest, HashKVResponse],
} as const satisfies Readonly<Record<string, readonly [Schema, Schema]>>;

export type MethodName = keyof typeof methods;

export type Operation =
  | { readonly kind: 'unary'; readonly method: MethodName; readonly request: Buffer }
  | { readonly kind: 'keepAlive'; readonly request: Buffer }
  /** Grants and at once revokes a lease whose id or time the store chooses. */
  | { readonly kind: 'shortLease'; readonly ttl: number }
  | { readonly kind: 'watch'; readonly stream: number; readonly create: Partial<WatchCreateRequest> }
  | { readonly kind: 'cancel'; readonly stream: number; readonly id: number }
  /** Waits until every watcher has what there is, then compares what the watchers were sent. */
  | { readonly kind: 'compareWatchers' };

export function unary<M extends MethodName>(method: M, request: Partial<MessageOf<(typeof methods)[M][0]>>): Operation {
  return { kind: 'unary', method, request: encode(methods[method][0] as Schema, request as object) };
}

export const keepAlive = (ID: bigint): Operation => ({ kind: 'keepAlive', request: encode(LeaseKeepAliveRequest, { ID }) });
