// One operation on a real member, and what became of it, in the terms of a history.
import {
  CompactionRequest,
  DeleteRangeRequest,
  DeleteRangeResponse,
  HeaderOnly,
  LeaseGrantRequest,
  LeaseGrantResponse,
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseRevokeRequest,
  LeaseTimeToLiveRequest,
  LeaseTimeToLiveResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  type ResponseHeader,
  TxnRequest,
  TxnResponse,
} from '@drydock/etcd/rpc/messages.ts';
import { decode, encode } from '@drydock/etcd/rpc/protobuf.ts';
import type { Outcome, Request, Response } from '@drydock/sim/history/operation.ts';
import * as wire from '@drydock/sim/workload/wire.ts';
import { type Client, type ServiceError, status } from '@grpc/grpc-js';
import { unaryCall } from '../integration/store/client.ts';

/** How long a client waits. Less than etcd's own 7 s, so that many outcomes are unknown. */
export const callMs = 3000;

/** InvalidArgument, NotFound, FailedPrecondition, OutOfRange: the store looked at the request and did nothing. */
const refusals: readonly number[] = [
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
];
/** The request was never sent, or was turned away before it became a proposal. */
const notReached = /ECONNREFUSED|No connection established|too many requests/;

export async function perform(client: Client, request: Request): Promise<Outcome> {
  try {
    return { kind: 'ok', response: await ask(client, request) };
  } catch (error) {
    const { code, details } = error as ServiceError;
    if (typeof code !== 'number') throw error;
    const refused = refusals.includes(code) || notReached.test(details);
    return { kind: refused ? 'failed' : 'unknown', error: details };
  }
}

const revisionOf = (answer: { readonly header: ResponseHeader | undefined }): number => answer.header?.revision ?? 0;

async function ask(client: Client, request: Request): Promise<Response> {
  switch (request.kind) {
    case 'range': {
      const answer = await unaryCall(client, 'KV/Range', [RangeRequest, RangeResponse], wire.rangeMessage(request), callMs);
      return wire.rangeAnswer(answer, revisionOf(answer));
    }
    case 'put': {
      const answer = await unaryCall(client, 'KV/Put', [PutRequest, PutResponse], wire.putMessage(request), callMs);
      return wire.putAnswer(answer, revisionOf(answer));
    }
    case 'delete': {
      const types = [DeleteRangeRequest, DeleteRangeResponse] as const;
      const answer = await unaryCall(client, 'KV/DeleteRange', types, wire.deleteMessage(request), callMs);
      return wire.deleteAnswer(answer, revisionOf(answer));
    }
    case 'txn': {
      const message = {
        compare: request.compare.map(wire.compareMessage),
        success: request.success.map(wire.opMessage),
        failure: request.failure.map(wire.opMessage),
      };
      const answer = await unaryCall(client, 'KV/Txn', [TxnRequest, TxnResponse], message, callMs);
      return wire.txnAnswer(answer, revisionOf(answer));
    }
    case 'compact': {
      const { revision, physical = false } = request;
      const answer = await unaryCall(client, 'KV/Compact', [CompactionRequest, HeaderOnly], { revision, physical }, callMs);
      return { kind: 'compact', revision: revisionOf(answer) };
    }
    default:
      return askLease(client, request);
  }
}

type LeaseRequest = Extract<Request, { readonly lease: string; readonly kind: `lease${string}` }>;

async function askLease(client: Client, request: LeaseRequest): Promise<Response> {
  const { kind, lease } = request;
  const ID = BigInt(lease);
  switch (kind) {
    case 'leaseGrant': {
      const message = { ID, TTL: request.ttlSeconds };
      const answer = await unaryCall(client, 'Lease/LeaseGrant', [LeaseGrantRequest, LeaseGrantResponse], message, callMs);
      return { kind, revision: revisionOf(answer), lease: String(answer.ID), ttlSeconds: answer.TTL };
    }
    case 'leaseRevoke': {
      const answer = await unaryCall(client, 'Lease/LeaseRevoke', [LeaseRevokeRequest, HeaderOnly], { ID }, callMs);
      return { kind, revision: revisionOf(answer), lease, ttlSeconds: 0 };
    }
    case 'leaseTimeToLive': {
      const types = [LeaseTimeToLiveRequest, LeaseTimeToLiveResponse] as const;
      const answer = await unaryCall(client, 'Lease/LeaseTimeToLive', types, { ID, keys: false }, callMs);
      return { kind, revision: revisionOf(answer), lease, ttlSeconds: answer.TTL };
    }
    case 'leaseKeepAlive':
      return keepAlive(client, lease);
  }
}

/** One request and one answer on a stream of its own. */
function keepAlive(client: Client, lease: string): Promise<Response> {
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + callMs };
    const asIs = (bytes: Buffer): Buffer => bytes;
    const call = client.makeBidiStreamRequest<Buffer, Buffer>('/etcdserverpb.Lease/LeaseKeepAlive', asIs, asIs, options);
    call.on('data', (bytes: Buffer) => {
      const answer = decode(LeaseKeepAliveResponse, bytes);
      resolve({ kind: 'leaseKeepAlive', revision: revisionOf(answer), lease, ttlSeconds: answer.TTL });
      call.cancel();
    });
    call.on('error', reject);
    call.on('end', () => reject(Object.assign(new Error('no answer'), { code: status.UNKNOWN, details: 'no answer' })));
    call.write(encode(LeaseKeepAliveRequest, { ID: BigInt(lease) }));
  });
}
