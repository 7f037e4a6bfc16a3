// A request of a history as a call of the API, and the answer in the history's terms; the same in the simulator and on processes.
import { type ApiMethod, api } from '@drydock/etcd/rpc/api.ts';
import {
  CampaignRequest,
  CampaignResponse,
  LockRequest,
  LockResponse,
  UnlockRequest,
} from '@drydock/etcd/rpc/coordination-messages.ts';
import type { LeaseKeepAliveResponse, ResponseHeader } from '@drydock/etcd/rpc/messages.ts';
import { HeaderOnly } from '@drydock/etcd/rpc/messages.ts';
import type { MessageOf, Schema } from '@drydock/etcd/rpc/protobuf.ts';
import { electionValue, keyOfLock, type Request, type Response } from '../history/operation.ts';
import {
  compareMessage,
  deleteAnswer,
  deleteMessage,
  opMessage,
  putAnswer,
  putMessage,
  rangeAnswer,
  rangeMessage,
  txnAnswer,
} from './wire.ts';

/** Elected, and could not see its key afterwards: its lease had ended, or nobody answered. */
export class LostLeadershipError extends Error {
  override readonly name = 'LostLeadershipError';
}

/** One member, as a client reaches it. What rejects here rejects `ask`. */
export interface Asked {
  call<I extends Schema, O extends Schema>(method: ApiMethod<I, O>, message: Partial<MessageOf<I>>): Promise<MessageOf<O>>;
  /** One request and one answer on a stream of its own. */
  keepAlive(ID: bigint): Promise<MessageOf<typeof LeaseKeepAliveResponse>>;
}

/** InvalidArgument, NotFound, FailedPrecondition, OutOfRange: the store looked at the request and did nothing. */
export const refusals: readonly number[] = [3, 5, 9, 11];

export async function ask(member: Asked, request: Request): Promise<Response> {
  switch (request.kind) {
    case 'range': {
      const answer = await member.call(api.range, rangeMessage(request));
      return rangeAnswer(answer, revisionOf(answer));
    }
    case 'put': {
      const answer = await member.call(api.put, putMessage(request));
      return putAnswer(answer, revisionOf(answer));
    }
    case 'delete': {
      const answer = await member.call(api.deleteRange, deleteMessage(request));
      return deleteAnswer(answer, revisionOf(answer));
    }
    case 'txn': {
      const message = {
        compare: request.compare.map(compareMessage),
        success: request.success.map(opMessage),
        failure: request.failure.map(opMessage),
      };
      const answer = await member.call(api.txn, message);
      return txnAnswer(answer, revisionOf(answer));
    }
    case 'compact': {
      const { revision, physical = false } = request;
      return { kind: 'compact', revision: revisionOf(await member.call(api.compact, { revision, physical })) };
    }
    case 'lock':
      return askLock(member, request);
    case 'unlock':
      return { kind: 'unlock', revision: revisionOf(await member.call(coordination.unlock, { key: request.key })) };
    default:
      return askLease(member, request);
  }
}

const coordination = {
  lock: { path: '/v3lockpb.Lock/Lock', request: LockRequest, response: LockResponse },
  unlock: { path: '/v3lockpb.Lock/Unlock', request: UnlockRequest, response: HeaderOnly },
  campaign: { path: '/v3electionpb.Election/Campaign', request: CampaignRequest, response: CampaignResponse },
} as const;

/** The holder's key was there and had its turn at some moment; a leader's is one at which it is there after its election. */
async function askLock(member: Asked, request: Extract<Request, { kind: 'lock' }>): Promise<Response> {
  const { name, lease } = request;
  if (!request.election) {
    const answer = await member.call(coordination.lock, { name, lease: BigInt(lease) });
    return { kind: 'lock', revision: revisionOf(answer), key: answer.key };
  }
  await member.call(coordination.campaign, { name, lease: BigInt(lease), value: Buffer.from(electionValue) });
  const key = keyOfLock(request);
  // Whatever becomes of this, the election was.
  const own = await member.call(api.range, rangeMessage({ kind: 'range', key })).catch(() => undefined);
  if (own === undefined || own.kvs.length === 0) throw new LostLeadershipError();
  return { kind: 'lock', revision: revisionOf(own), key };
}

type LeaseRequest = Extract<Request, { lease: string; kind: `lease${string}` }>;

async function askLease(member: Asked, request: LeaseRequest): Promise<Response> {
  const { kind, lease } = request;
  const ID = BigInt(lease);
  switch (kind) {
    case 'leaseGrant': {
      const answer = await member.call(api.leaseGrant, { ID, TTL: request.ttlSeconds });
      return { kind, revision: revisionOf(answer), lease: String(answer.ID), ttlSeconds: answer.TTL };
    }
    case 'leaseRevoke':
      return { kind, revision: revisionOf(await member.call(api.leaseRevoke, { ID })), lease, ttlSeconds: 0 };
    case 'leaseTimeToLive': {
      const answer = await member.call(api.leaseTimeToLive, { ID, keys: false });
      // Rounded down: less than a second left is not the end.
      return { kind, revision: revisionOf(answer), lease, ttlSeconds: answer.TTL === 0 ? 1 : answer.TTL };
    }
    case 'leaseKeepAlive': {
      const answer = await member.keepAlive(ID);
      return { kind, revision: revisionOf(answer), lease, ttlSeconds: answer.TTL };
    }
  }
}

function revisionOf(answer: { readonly header: ResponseHeader | undefined }): number {
  return answer.header?.revision ?? 0;
}
